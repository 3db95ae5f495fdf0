"""Shape coefficients of HBW's meshes, and who has which gender."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.meshes import read_mesh
from ehpsbench.restricted_pickle import load_npy

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.body.model import BodyModel

__all__ = ["BETAS", "Shape", "fitted", "read_genders", "read_shape", "same_subject"]

Floats = NDArray[np.float64]
BETAS = 10
LINE = re.compile(r"""\s*['"]?(\w+)['"]?\s*:\s*['"]?(female|male|neutral)['"]?\s*(#.*)?""")


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """(10,) betas of a mesh on the model of a gender, its hash, and the residual [m] (RMS)."""

    betas: Floats
    gender: str
    body_hash: str
    residual: float


def same_subject(key: str) -> str:
    """A subject's number without its zeros: YAML's readers drop them, folders do not."""
    return key.lstrip("0") or "0"


def read_genders(path: Path) -> dict[str, str]:
    """Subject (without leading zeros) → gender.

    Raises:
        InputError: a line is not `subject: gender`.
        MissingFiles: there is no such file.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise MissingFiles(f"{path} is not there; is the release complete?") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text ({error}); download it again.") from error
    genders = {}
    for line in lines:
        if not line.strip() or line.lstrip().startswith(("#", "---")):
            continue
        found = LINE.fullmatch(line)
        if found is None:
            raise InputError(f"{path}: expected `subject: gender` in a line, found {line!r}.")
        genders[same_subject(found[1])] = found[2]
    return genders


def read_shape(path: Path) -> Floats:
    """(V, 3) the body at rest [m], from .npy or .obj.

    Raises:
        InputError: it is not a table of points.
    """
    if path.suffix == ".obj":
        return read_mesh(path).vertices
    points = np.asarray(load_npy(path))
    if points.dtype.kind != "f" or points.ndim != 2 or points.shape[1] != 3:
        raise InputError(f"{path}: expected vertices (V, 3), found {points.dtype} {points.shape}.")
    return points.astype(np.float64)


def fitted(mesh: Floats, genders: tuple[str, ...], bodies: BodySet, where: Path) -> Shape:
    """The shape that fits best; of equal ones, that of the first gender.

    Args:
        mesh: (V, 3) body at rest [m], wherever it stands.
        genders: of the models to try.
        bodies: the body set of the labels.
        where: the file, for the message.

    Raises:
        InputError: the mesh has another number of vertices than SMPL-X.
    """
    tried = [_fit(mesh, bodies.model("smplx", gender), where) for gender in genders]
    return min(tried, key=lambda shape: round(shape.residual, 6))


def _fit(mesh: Floats, model: BodyModel, where: Path) -> Shape:
    """Least squares over betas and the place of the mesh."""
    if len(mesh) != model.num_vertices:
        raise InputError(
            f"{where} has {len(mesh)} vertices, {model.name} {model.num_vertices}: it is no mesh "
            "of this body model."
        )
    directions = model.shapedirs[:, :, :BETAS]
    moved = directions - directions.mean(0)  # the best place has no say in a centred mesh
    rest, target = (points - points.mean(0) for points in (model.v_template, mesh))
    matrix = moved.reshape(mesh.size, -1)
    betas = np.linalg.lstsq(matrix, (target - rest).ravel(), rcond=None)[0]
    left = (matrix @ betas).reshape(-1, 3) + rest - target
    residual = float(np.sqrt((left**2).sum(1).mean()))
    return Shape(np.pad(betas, (0, BETAS - len(betas))), model.gender, model.hash, residual)
