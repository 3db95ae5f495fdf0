"""Human-Art: COCO-style keypoints of people in natural and artificial pictures; no bodies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.readers.coco import box_column, keypoints_of, labelled, read_coco
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances
from ehpsbench.skeleton.sources import COCO_17

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SPLITS = ("training", "validation")
LOOKED_AT = 16  # images, to learn what their names begin with


def units(release: Release) -> Iterator[Unit]:
    """One unit per split; files with COCO's images in them, or one scenario, say nothing new."""
    for split in SPLITS:
        for path in release.find(f"annotations/{split}_humanart.json"):
            yield Unit(split, release, (path,), {"split": split})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """Everybody who is annotated in one split.

    Raises:
        InputError: the file is broken, or lacks something.
    """
    coco = read_coco(unit.files[0])
    try:
        paths = _located(unit.release.root, coco.of_images("file_name"))
        sizes = np.asarray([(i["width"], i["height"]) for i in coco.images], np.int64)
        images = image_columns(
            unit,
            paths,
            sizes.reshape(-1, 2),
            split=unit.key["split"],
            sequence=[_scenario(path) for path in paths],
            frame=np.asarray(coco.of_images("id"), np.int64),
            source_row=np.arange(len(paths)),
        )
        people = [_with_17(annotation) for annotation in coco.annotations]
        columns = person_identity(images, coco.image, [a["id"] for a in people])
        columns |= keypoints_of(people, ("keypoints", COCO_17))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{unit.files[0]} is not an annotation file of Human-Art ({type(error).__name__}: "
            f"{error}). Expected images with file_name, width, height and annotations with "
            "keypoints (17) or keypoints_21."
        ) from error
    columns |= {"bbox": box_column(people), "owner_valid": labelled(people)}
    columns["source_row"] = np.arange(len(people))
    return Instances(columns, images)


def _with_17(annotation: Mapping[str, Any]) -> Mapping[str, Any]:
    """The annotation with COCO's joints, which are the first of the 21."""
    if annotation.get("keypoints"):
        return annotation
    return {**annotation, "keypoints": (annotation.get("keypoints_21") or [])[: 3 * len(COCO_17)]}


def _located(root: Path, names: Sequence[str]) -> list[str]:
    """Image files below the root: the first reading of their names that finds some, or the first.

    Names begin with the dataset's own folder, with images/, or below it.
    """
    readings: tuple[Callable[[str], str], ...] = (_without_prefix, "images/{}".format)
    for reading in readings:
        if any((root / reading(name)).is_file() for name in names[:LOOKED_AT]):
            return [reading(name) for name in names]
    return [_without_prefix(name) for name in names]


def _without_prefix(name: str) -> str:
    parts = PurePosixPath(name).parts
    return PurePosixPath(*parts[parts[0] != "images" :]).as_posix()


def _scenario(path: str) -> str:
    """images/real_human/dance/1.jpg → real_human/dance."""
    return PurePosixPath(*PurePosixPath(path).parts[1:3]).as_posix()
