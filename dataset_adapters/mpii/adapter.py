"""MPII: keypoints joined with NeuralAnnot's fits by annotation id, or a list of EFT or CLIFF.

One source is read: the first of `SOURCES` that is there; the last are the owners' labels, which
have no bodies.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from ehpsbench.dataset_adapters.boxes import keypoint_boxes
from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.mpii.owners import read_owners
from ehpsbench.dataset_adapters.readers.coco import (
    image_sizes,
    keypoints_of,
    labelled,
    read_coco,
)
from ehpsbench.dataset_adapters.readers.fit_lists import (
    Place,
    cliff_list,
    eft_list,
    last_number,
    listed_people,
)
from ehpsbench.dataset_adapters.readers.neural_annot import joined_columns
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances
from ehpsbench.skeleton.sources import MPII_16

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SOURCES = {  # source → file
    "neuralannot": "annotations/MPII_train_SMPLX_NeuralAnnot.json",
    "neuralannot smpl": "annotations/MPII_train_SMPL_NeuralAnnot.json",
    "eft": "*/MPII_ver*.json",
    "cliff": "*/mpii_cliffGT.npz",
    "owners": "*/mpii_human_pose_v1_u12_*.mat",
}
NEEDS = {  # relative hands, or boxes around the joints of the fit
    "neuralannot": ("smplx/neutral",),
    "eft": ("smpl/neutral",),
    "cliff": ("smpl/neutral",),
}


def units(release: Release) -> Iterator[Unit]:
    """One unit per split; lists of fits are of the training split, the owners' file is of both."""
    found = {source: release.find(pattern) for source, pattern in SOURCES.items()}
    source, fits = next(((s, paths[-1]) for s, paths in found.items() if paths), ("", None))
    if fits is None:
        return
    if source == "owners":
        yield Unit("all", release, (fits,), {"source": source}, ())
        return
    if source in ("eft", "cliff"):
        yield Unit("train", release, (fits,), {"split": "train", "source": source}, NEEDS[source])
        return
    for split in ("train", "test"):
        for labels in release.find(f"annotations/{split}.json"):
            files = (labels, fits) if split == "train" else (labels,)
            needs = NEEDS.get(source, ()) if split == "train" else ()
            yield Unit(split, release, files, {"split": split, "source": source}, needs)


def read(unit: Unit, bodies: BodySet) -> Instances:
    """Everybody of a split; people without a fit have keypoints only."""
    source, path = unit.key["source"], unit.files[0]
    if source == "owners":
        return read_owners(unit)
    if source == "eft":
        return listed_people(unit, eft_list(path, bodies), _place, bodies)
    if source == "cliff":
        return listed_people(unit, cliff_list(path, bodies), _place, bodies)
    coco = read_coco(path)
    people = coco.annotations
    try:
        images = image_columns(
            unit,
            [_place(name).path for name in coco.of_images("file_name")],
            image_sizes(coco),
            split=unit.key["split"],
            sequence=unit.key["split"],
            frame=[last_number(name) for name in coco.of_images("file_name")],
        )
        columns = person_identity(images, coco.image, [a["id"] for a in people])
        columns |= keypoints_of(people, ("keypoints", MPII_16))
        # the boxes of the file are a fifth larger than the keypoints'
        flags = {"owner_valid": labelled(people), "bbox": keypoint_boxes(columns)}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not MPII in COCO's format ({type(error).__name__}: {error}). Expected "
            "images with file_name, width and height, and 16 keypoints of every person."
        ) from error
    if len(unit.files) > 1:
        columns |= joined_columns([str(a["id"]) for a in people], unit.files[1], bodies)
    columns |= flags | {"source_row": np.arange(len(people))}
    return Instances(columns, images)


def _place(name: str) -> Place:
    """Where an image is; the name comes with its folder or without."""
    path = PurePosixPath(name).name
    return Place(f"images/{path}", "train", last_number(path))
