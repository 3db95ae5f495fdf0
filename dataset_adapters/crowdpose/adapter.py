"""CrowdPose: COCO-style keypoints of a split, joined with NeuralAnnot's SMPL by annotation id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.images import header_sizes, image_columns
from ehpsbench.dataset_adapters.readers.coco import box_column, keypoints_of, labelled, read_coco
from ehpsbench.dataset_adapters.readers.neural_annot import joined_columns
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.schema import Instances
from ehpsbench.skeleton.sources import CROWDPOSE_14

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SPLITS = ("train", "val", "test")
FITS = "CrowdPose_train_SMPL_NeuralAnnot.json"


def units(release: Release) -> Iterator[Unit]:
    """One unit per split."""
    for split in SPLITS:
        labels = release.find(f"**/crowdpose_{split}.json")[:1]
        fits = release.find(f"**/{FITS}")[:1] if split == "train" else []
        if labels:
            yield Unit(split, release, (*labels, *fits), {"split": split})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """Everybody with keypoints in one split; those with a fit have a body too."""
    coco = read_coco(unit.files[0])
    paths = [f"images/{name}" for name in coco.of_images("file_name")]
    images = image_columns(
        unit,
        paths,
        header_sizes(unit.release.root, paths),
        split=unit.key["split"],
        sequence=unit.key["split"],
        frame=coco.of_images("id"),
    )
    people = coco.annotations
    columns = person_identity(images, coco.image, [a["id"] for a in people])
    if len(unit.files) > 1:
        columns |= joined_columns([str(a["id"]) for a in people], unit.files[1], bodies)
    columns |= keypoints_of(people, ("keypoints", CROWDPOSE_14))
    columns["owner_valid"] = labelled(people)
    columns["bbox"] = box_column(people)
    columns["source_row"] = np.arange(len(people))
    return Instances(columns, images)
