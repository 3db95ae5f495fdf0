"""MuCo-3DHP: composed stills in COCO's container, joined with SMPL by annotation id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import keypoint_boxes
from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.nested import array_of
from ehpsbench.dataset_adapters.parameters import (
    BODY_ONLY,
    Labels,
    body_columns,
    spread,
    validity,
)
from ehpsbench.dataset_adapters.readers.coco import Coco, image_sizes, read_coco
from ehpsbench.dataset_adapters.readers.mpi_inf import MUCO_21
from ehpsbench.dataset_adapters.readers.neural_annot import neural_annot_fits
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances
from ehpsbench.skeleton.placing import keypoint_columns

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

LABELS = "*/MuCo-3DHP.json"
FITS = ("*/smpl_param.json", "*/SMPLX/smpl_param.json")  # the second in hmr-benchmarks' tree
IMAGES = ("data", "muco/images")
SETS = ("unaugmented_set", "augmented_set")
MILLIMETRE = 1e-3
JOINTS = len(MUCO_21)


def units(release: Release) -> Iterator[Unit]:
    """The training split; there is no other."""
    fits = [path for pattern in FITS for path in release.find(pattern)][:1]
    for labels in release.find(LABELS)[:1]:
        yield Unit("train", release, (labels, *fits))


def read(unit: Unit, bodies: BodySet) -> Instances:
    """Everybody of every composite; who has no fit has keypoints only.

    Raises:
        InputError: a file is broken; names it.
    """
    coco = read_coco(unit.files[0])
    people = coco.annotations
    try:
        images = _images(unit, coco)
        columns = person_identity(images, coco.image, [a["id"] for a in people])
        columns |= _keypoints(people)
        columns["bbox"] = keypoint_boxes(columns)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{unit.files[0]} is not MuCo-3DHP in COCO's format ({type(error).__name__}: {error}). "
            f"Expected images with f and c, and people with {JOINTS} joints in keypoints_cam, "
            "keypoints_img and keypoints_vis."
        ) from error
    if len(unit.files) > 1:
        columns |= _bodies([str(a["id"]) for a in people], unit, bodies)
    columns["source_row"] = np.arange(len(people))
    return Instances(columns, images)


def _images(unit: Unit, coco: Coco) -> dict[str, NDArray[Any]]:
    """R and T of an image lead to the world of MPI-INF-3DHP; people are in the camera frame."""
    names = coco.of_images("file_name")
    folder = _folder(unit.release.root)
    return image_columns(
        unit,
        [f"{folder}/{name}" for name in names],
        image_sizes(coco),
        split="train",
        sequence=[PurePosixPath(name).parts[0] for name in names],
        frame=coco.of_images("id"),
        focal=array_of(coco.of_images("f")).reshape(-1, 2),
        principal_point=array_of(coco.of_images("c")).reshape(-1, 2),
    )


def _folder(root: Path) -> str:
    """Where the sets of images lie."""
    found = (f for f in IMAGES if any((root / f / name).is_dir() for name in SETS))
    return next(found, IMAGES[0])


def _keypoints(people: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Both kinds: all joints in space, those that can be seen in the image."""

    def table(key: str, width: int) -> NDArray[np.float64]:
        values = array_of([person[key] for person in people])
        return values.reshape(len(people), JOINTS, width)

    space = table("keypoints_cam", 3) * MILLIMETRE
    known = np.isfinite(space).all(-1, keepdims=True)
    seen = table("keypoints_vis", 1) > 0
    return {
        **keypoint_columns(2, (np.concatenate([table("keypoints_img", 2), seen], -1), MUCO_21)),
        **keypoint_columns(3, (np.concatenate([space, known], -1), MUCO_21)),
    }


def _bodies(keys: Sequence[str], unit: Unit, bodies: BodySet) -> dict[str, NDArray[Any]]:
    """Bodies of N people; null where a fit is missing or not finite, as some are."""
    path = unit.files[1]
    fits = read_json(path)
    try:
        fitted = np.asarray([key in fits for key in keys], bool)
        _, fit = neural_annot_fits([fits[key] for key in keys if key in fits])
    except (InputError, KeyError, TypeError) as error:
        raise InputError(f"{path} does not hold SMPL by annotation id: {error}") from error
    good = np.isfinite(np.concatenate([*fit.values()], 1)).all(1)
    if not good.any():
        return {}
    fitted[fitted] = good
    kept = {name: values[good] for name, values in fit.items()}
    body = body_columns(kept, "neutral", Labels.of(unit.release.card), bodies)
    return spread(body | validity(int(good.sum()), BODY_ONLY), fitted)
