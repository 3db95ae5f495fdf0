"""SPIN's SMPL fits of MPI-INF-3DHP, which have no translation, put where the labels' joints are.

The fits were listed by an unsorted search for images, so that a name may not be that of the frame
whose labels were fitted. A fit counts only where the joints that it carries are those of the frame.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.parameters import (
    BODY_ONLY,
    Labels,
    body_columns,
    split_pose,
    spread,
    validity,
)
from ehpsbench.dataset_adapters.read_once import read_once
from ehpsbench.dataset_adapters.readers.mpi_inf import MPI_INF_24
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.schema import Columns
from ehpsbench.skeleton.sources import SPIN_24

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]
LABELS = Labels("smpl", "none", "spin", "pseudo")
NAME = re.compile(r"(S\d+/Seq\d+)/.*video_(\d+)/\D*(\d+)\.\w+$")
BODY = 22  # joints of SMPL that SMPL-X has too, first in HumanData's order
LIMBS = [j for j in MPI_INF_24 if j < BODY and j in SPIN_24]  # shoulders to wrists, knees, ankles
IN_LABELS = [MPI_INF_24.index(j) for j in LIMBS]
IN_PART = [SPIN_24.index(j) for j in LIMBS]
SAME = 2.0  # px between the joints of a fit and those of its frame


def spin_columns(
    path: Path, columns: Columns, pixels: Floats, space: Floats, bodies: BodySet
) -> dict[str, NDArray[Any]]:
    """Body and validity columns of the N rows of a recording; null without a fit of its own.

    The translation is the one that brings SMPL's shoulders, elbows, wrists, knees and ankles
    nearest to the labels' (least squares).

    Args:
        path: of dataset_extras/mpi_inf_3dhp_train.npz.
        columns: of the rows, with `sequence`, `camera` and `frame`.
        pixels: (N, 24, 2) joints of the labels in `MPI_INF_24` [px].
        space: (N, 24, 3) the same in the camera frame [m].
        bodies: the body set of the labels.

    Raises:
        InputError: the file is broken; names it.
    """
    from ehpsbench.body.posed import posed_joints

    fits = _fits(path).get(str(columns["sequence"][0])) if len(pixels) else None
    if fits is None:
        return {}
    place = {key: row for row, key in enumerate(fits["key"].tolist())}
    keys = zip(columns["camera"], columns["frame"].tolist(), strict=True)
    row = np.asarray([place.get(f"{camera}/{frame}", -1) for camera, frame in keys], np.int64)
    fitted = row >= 0
    fitted[fitted] = _same(fits["part"][row[fitted]], pixels[fitted])
    if not fitted.any():
        return {}
    row = row[fitted]
    pose, betas = (np.asarray(fits[name][row], np.float64) for name in ("pose", "shape"))
    fit = split_pose(pose, "smpl") | {"betas": betas}
    body = body_columns({**fit, "transl": np.zeros((len(row), 3))}, "neutral", LABELS, bodies)
    joints, _ = posed_joints(body, bodies)
    body["transl"] = (space[fitted][:, IN_LABELS] - joints[:, LIMBS]).mean(1)
    return spread(body | validity(len(row), BODY_ONLY), fitted)


def _same(part: Floats, pixels: Floats) -> NDArray[np.bool_]:
    """(N,) whether the joints that were seen are those of the labels."""
    seen = part[:, IN_PART, 2] > 0
    distance = np.linalg.norm(part[:, IN_PART, :2] - pixels[:, IN_LABELS], axis=-1)
    return np.asarray(seen.any(1) & (np.where(seen, distance, 0.0).max(1) < SAME))


@read_once(1)
def _fits(path: Path) -> dict[str, dict[str, NDArray[Any]]]:
    """The fits of each recording by camera and row of the labels; files count from 1."""
    content = load_npz(path)
    try:
        names = [NAME.search(name) for name in np.asarray(content["imgname"]).astype(str).tolist()]
        has = np.asarray(content["has_smpl"], np.float64).reshape(len(names)) > 0
        sequence = np.asarray([n[1] if n and h else "" for n, h in zip(names, has, strict=True)])
        keys = np.asarray([f"{int(n[2])}/{int(n[3]) - 1}" if n else "" for n in names], object)
        rows = {str(r): np.flatnonzero(sequence == r) for r in np.unique(sequence) if r}
        fits: dict[str, dict[str, NDArray[Any]]] = {r: {"key": keys[at]} for r, at in rows.items()}
        for key, shape in {"pose": (72,), "shape": (10,), "part": (len(SPIN_24), 3)}.items():
            found = np.asarray(content[key])
            dtype = np.float32 if found.dtype == np.float32 else np.float64
            values = np.asarray(found, dtype).reshape(len(names), *shape)
            for recording, at in rows.items():
                fits[recording][key] = values[at]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not SPIN's file of MPI-INF-3DHP ({type(error).__name__}: {error}). "
            "Expected imgname, pose (N, 72), shape (N, 10), part (N, 24, 3) and has_smpl."
        ) from error
    return fits
