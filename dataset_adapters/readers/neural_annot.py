"""NeuralAnnot's JSON: SMPL or SMPL-X of a person by a key, with a virtual camera or in the world.

An entry is `{smplx_param | smpl_param: {...}, cam_param: {focal, princpt}}`, or the parameters
themselves. SMPL-X hands leave the mean hand out; a body-only fit has none and rests at the mean.
Of several people in one image each has a camera of its own, so depth is not metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.nested import array_of
from ehpsbench.dataset_adapters.parameters import (
    Labels,
    body_columns,
    split_pose,
    spread,
    validity,
)
from ehpsbench.errors import InputError
from ehpsbench.schema import Columns

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = [
    "joined_columns",
    "lens_columns",
    "neural_annot_columns",
    "neural_annot_fits",
    "part_flags",
]

Floats = NDArray[np.float64]
Entries = Sequence[Mapping[str, Any]]
SMPLX = {  # column, name in the file; the last four only in whole-body fits
    "global_orient": "root_pose",
    "body_pose": "body_pose",
    "betas": "shape",
    "transl": "trans",
    "left_hand_pose": "lhand_pose",
    "right_hand_pose": "rhand_pose",
    "jaw_pose": "jaw_pose",
    "expression": "expr",
}
FEWEST = 4  # keys that every SMPL-X fit has
FLAGS = {"left_hand": "lhand_valid", "right_hand": "rhand_valid", "face": "face_valid"}


def joined_columns(keys: Sequence[str], path: Path, bodies: BodySet) -> dict[str, NDArray[Any]]:
    """Body, camera and validity columns of N people; null for those without a fit.

    Args:
        keys: (N,) of each person in the file.
        path: of a JSON of entries by key, each with its virtual camera.
        bodies: the body set of the labels.

    Raises:
        InputError: the file is broken; names it.
    """
    fits = read_json(path)
    try:
        fitted = np.asarray([key in fits for key in keys], bool)
        entries = [fits[key] for key in keys if key in fits]
        if not entries:
            return {}
        return spread(neural_annot_columns(entries, bodies) | lens_columns(entries), fitted)
    except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is not a file of NeuralAnnot: {error}") from error


def neural_annot_columns(
    entries: Entries, bodies: BodySet, *, source: str = "neuralannot", world: Columns | None = None
) -> dict[str, NDArray[Any]]:
    """Body and validity columns of N people; hands and face are valid where the fit has them.

    Args:
        entries: (N,) entries, all of one family.
        bodies: the body set of the labels.
        source: who made the fits.
        world: as in `body_columns`, where the fits are in the world; else the cameras are
            virtual and `camera_valid` is False.
    """
    family, fit = neural_annot_fits(entries)
    labels = Labels(family, "relative" if family == "smplx" else "none", source, "pseudo")
    parts = ("body", *(("shape",) if family == "smplx" else ()))
    flags = validity(len(entries), parts, **part_flags(entries))
    flags["camera_valid"] |= world is not None
    return body_columns(fit, "neutral", labels, bodies, world) | flags


def neural_annot_fits(entries: Entries) -> tuple[str, dict[str, Floats]]:
    """Family and parameters by the schema's names, each (N, …).

    Raises:
        InputError: an entry lacks a key, holds another number of values, or is of the other family.
    """
    fits = [_parameters(entry) for entry in entries]
    try:
        if not fits or "root_pose" in fits[0]:
            whole = bool(fits) and "lhand_pose" in fits[0]
            keys = dict(list(SMPLX.items())[: None if whole else FEWEST])
            return "smplx", {name: _table(fits, key) for name, key in keys.items()}
        pose = split_pose(_table(fits, "pose"), "smpl")
        return "smpl", pose | {"betas": _table(fits, "shape"), "transl": _table(fits, "trans")}
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"A fit of NeuralAnnot is broken ({type(error).__name__}: {error}). Expected "
            f"{', '.join(SMPLX.values())} (SMPL-X) or pose, shape, trans (SMPL) in every entry."
        ) from error


def lens_columns(entries: Entries) -> dict[str, NDArray[Any]]:
    """Focal length and principal point of each person's own virtual camera [px]."""
    cameras = [entry["cam_param"] for entry in entries]
    return {
        "focal": array_of([c["focal"] for c in cameras]).reshape(-1, 2),
        "principal_point": array_of([c["princpt"] for c in cameras]).reshape(-1, 2),
    }


def part_flags(entries: Entries) -> dict[str, NDArray[np.bool_]]:
    """(N,) whether each fit has left hand, right hand and face; its own flags count where there."""
    fits = [_parameters(entry) for entry in entries]
    return {
        part: np.asarray([bool(f.get(key, "lhand_pose" in f)) for f in fits], bool)
        for part, key in FLAGS.items()
    }


def _parameters(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = entry.get("smplx_param") or entry.get("smpl_param") or entry
    return found


def _table(fits: Entries, key: str) -> Floats:
    values = array_of([fit[key] for fit in fits])
    return values.reshape(len(fits), values.size // max(len(fits), 1))
