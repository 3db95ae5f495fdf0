"""MOYO's fits: with the yogi's own rest mesh, or, where that is not there, as AMASS has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.parameters import split_pose
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.meshes import read_mesh
from ehpsbench.restricted_pickle import load, load_npz

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["Fitted", "read_fit", "template_path"]

Floats = NDArray[np.float64]
LEFT_OVERS = ("psbody", "moshpp", "omegaconf")  # whose objects lie in the details of the fitting


class Fitted(NamedTuple):
    """A sequence: parameters (F, k) by the schema's names, in the world.

    `template` is the rest mesh, relative to the release, and `pelvis` its (3,) rest pelvis [m];
    without it `parameters` have betas.
    """

    parameters: Mapping[str, Floats]
    gender: str
    template: str | None
    pelvis: tuple[float, ...]


def read_fit(unit: Unit, bodies: BodySet) -> Fitted:
    """The fits of a sequence.

    Raises:
        InputError: the file is broken or lacks something.
        MissingFiles: there is neither the rest mesh nor a version of AMASS.
    """
    path = unit.files[0]
    content = load(path, encoding="latin1", opaque=LEFT_OVERS)
    try:
        parameters = split_pose(content["fullpose"], "smplx")
        parameters["transl"] = np.asarray(content["trans"], np.float64).reshape(-1, 3)
        wanted = str(content["v_template_fname"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no sequence of MOYO ({type(error).__name__}: {error}). Expected fullpose "
            "(F, 165), trans (F, 3) and v_template_fname."
        ) from error
    mesh = template_path(unit.release, wanted)
    if mesh is None:
        return _of_amass(unit, wanted)
    model = bodies.model("smplx", "female")
    template = read_mesh(mesh).vertices
    if template.shape != model.v_template.shape:
        raise InputError(
            f"{mesh} has {len(template)} vertices, {model.name} {model.num_vertices}. Do they "
            "belong together?"
        )
    pelvis = model.rest_joints(np.zeros((1, 0)), template=template)[0, 0]
    return Fitted(parameters, "female", unit.release.relative(mesh), tuple(pelvis.tolist()))


def template_path(release: Release, wanted: str) -> Path | None:
    """The rest mesh that a fit names by its place on the owners' machine."""
    named = PurePosixPath(wanted.replace("\\", "/"))
    for name in (f"{named.parent.name}/{named.stem}", named.stem, named.parent.name):
        for folder in ("", "v_templates/", "*/", "*/v_templates/"):
            for suffix in (".ply", ".obj"):
                found = release.find(f"{folder}{name}{suffix}") if name else []
                if found:
                    return found[0]
    return None


def _of_amass(unit: Unit, wanted: str) -> Fitted:
    """The same sequence with betas, in AMASS's format."""
    session, sequence = unit.key["session"], unit.key["sequence"]
    found = unit.release.find(f"{session}/AMASS/**/{sequence}*.npz")
    # the female version is nearer to the markers than the neutral one
    found.sort(key=lambda path: "FEMALE" not in path.as_posix().upper())
    for path in found:
        content: Any = load_npz(path)
        poses = np.asarray(content["poses"], np.float64) if "poses" in content else np.zeros((0, 0))
        if poses.shape[1:] != (165,):  # SMPL-H is there as well
            continue
        try:
            parameters = split_pose(poses, "smplx")
            parameters["transl"] = np.asarray(content["trans"], np.float64).reshape(-1, 3)
            betas = np.asarray(content["betas"], np.float64).reshape(1, -1)
            parameters["betas"] = np.repeat(betas, len(poses), 0)
            gender = str(np.asarray(content["gender"]).astype(str))  # some are bytes
            return Fitted(parameters, gender.lower(), None, ())
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path} is no SMPL-X sequence of AMASS ({type(error).__name__}: {error})."
            ) from error
    raise MissingFiles(
        f"{unit.name} was fitted to the rest mesh {wanted}, which is not below "
        f"{unit.release.root}. Put it into v_templates/ there, or unpack the SMPL-X sequences in "
        f"AMASS's format into {session}/AMASS/."
    )
