"""SSP-3D: gendered SMPL of sportspeople, one a crop; all labels in one npz."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import Labels, body_columns, split_pose, validity
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.schema import Instances
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import COCO_17

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SIZE, FOCAL = 512, 5000.0  # px; no file says so, the owners' code does
NAME = re.compile(r"(?P<video>.+)_clip_(?P<clip>\d+)_person_(?P<person>\d+)_frame_(?P<frame>\d+)")
GENDERS = {"m": "male", "f": "female"}


def units(release: Release) -> Iterator[Unit]:
    """All of it."""
    for path in release.find("labels.npz"):
        yield Unit("test", release, (path,))


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The person of every crop.

    Raises:
        InputError: the file is broken, or lacks something.
    """
    labels = load_npz(unit.files[0])
    try:
        names = np.asarray(labels["fnames"]).astype(str).tolist()  # of text or of bytes
        images, person = _images(unit, names)
        count = len(names)
        genders = text(GENDERS[g.lower()[:1]] for g in np.asarray(labels["genders"]).astype(str))
        columns = person_identity(images, np.arange(count), person)
        columns["subject"] = columns["sequence"]  # of one clip the owners fitted one shape
        fit = split_pose(np.asarray(labels["poses"]).reshape(count, 72), "smpl")
        fit |= {
            "betas": np.asarray(labels["shapes"], np.float64).reshape(count, 10),
            "transl": np.asarray(labels["cam_trans"], np.float64).reshape(count, 3),
        }
        columns |= body_columns(fit, genders, Labels.of(unit.release.card), bodies)
        columns["subject_gender"] = columns["gender"]
        points = np.asarray(labels["joints2D"], np.float64).reshape(count, len(COCO_17), 3)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{unit.files[0]} is not the labels of SSP-3D ({type(error).__name__}: {error}). "
            "Expected fnames, poses (N, 72), shapes, cam_trans, genders m or f and joints2D "
            "(N, 17, 3)."
        ) from error
    columns |= validity(count, ("body",)) | keypoint_columns(2, (points, COCO_17))
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    columns["source_row"] = np.arange(count)
    return Instances(columns, images)


def _images(unit: Unit, names: Sequence[str]) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Columns of the crops, and the key of the person of each.

    Several people of one frame have a crop each: the person is part of the sequence. A name that
    is made otherwise is a sequence of its own.
    """
    found = [NAME.fullmatch(PurePosixPath(name).stem) for name in names]
    stems = [PurePosixPath(name).stem for name in names]
    pairs = list(zip(found, stems, strict=True))
    masks = (unit.release.root / "silhouettes").is_dir()
    images = image_columns(
        unit,
        [f"images/{name}" for name in names],
        (SIZE, SIZE),
        split="test",
        sequence=[stem.rpartition("_frame_")[0] if m else stem for m, stem in pairs],
        frame=[int(m["frame"]) if m else 0 for m in found],
        cluster=[m["video"] if m else stem for m, stem in pairs],
        focal=FOCAL,
        source_row=np.arange(len(names)),
        mask_path=[f"silhouettes/{name}" for name in names] if masks else None,
    )
    return images, [m["person"] if m else "0" for m in found]
