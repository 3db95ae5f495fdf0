"""COCO: whole-body keypoints joined with NeuralAnnot's fits by annotation id, or EFT or CLIFF.

One source of bodies is read: the first of `SOURCES` that is there. EFT and CLIFF name images as
COCO 2014 does, whose files are those of 2017 under other names and in other splits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.readers.coco import (
    PART_BOXES,
    WHOLE_BODY,
    Coco,
    box_column,
    image_sizes,
    keypoints_of,
    labelled,
    part_labels,
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

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SOURCES = {  # source → file; NeuralAnnot's has everybody of its copy in OSX, and more
    "neuralannot": "annotations/MSCOCO_train_SMPLX_all_NeuralAnnot.json",
    "osx": "annotations/MSCOCO_train_SMPLX.json",
    "neuralannot smpl": "annotations/MSCOCO_train_SMPL_*.json",
    "eft": "*/COCO2014-All-ver*.json",
    "eft part": "*/COCO2014-Part-ver*.json",
    "cliff": "*/coco2014part_cliffGT.npz",
}
NEEDS = {"neuralannot": ("smplx/neutral",), "osx": ("smplx/neutral",)}  # of relative hands
LISTS = {"eft": eft_list, "eft part": eft_list, "cliff": cliff_list}
VAL_LIST = "*/COCO2014-Val-ver*.json"
LABELS = (  # of a split; the first has the hands, the face and the feet too
    "annotations/coco_wholebody_{}_v1.0.json",
    "annotations/person_keypoints_{}2017.json",
)


def units(release: Release) -> Iterator[Unit]:
    """One unit per split; the one for validation has keypoints only, unless EFT has it."""
    found = {source: release.find(pattern) for source, pattern in SOURCES.items()}
    source, fits = next(((s, paths[-1]) for s, paths in found.items() if paths), ("", None))
    if source in LISTS:
        lists = {"train": fits, "val": None if source == "cliff" else _first(release, VAL_LIST)}
        for split, path in lists.items():
            if path:
                key = {"split": split, "source": source}
                yield Unit(split, release, (path,), key, ("smpl/neutral",))
        return
    for split in ("train", "val"):
        labels = _first(release, *(pattern.format(split) for pattern in LABELS))
        if labels:
            fitted = fits if split == "train" else None
            needs = NEEDS.get(source, ()) if fitted else ()
            files = (labels, fitted) if fitted else (labels,)
            yield Unit(split, release, files, {"split": split, "source": source}, needs)


def read(unit: Unit, bodies: BodySet) -> Instances:
    """Everybody of a split; people without a fit have keypoints only.

    Raises:
        InputError: a file is broken; names it.
    """
    path, split = unit.files[0], unit.key["split"]
    root, source = unit.release.root, unit.key["source"]
    if source in LISTS:

        def place(name: str) -> Place:
            return Place(_listed(root, PurePosixPath(name).name), split, last_number(name))

        return listed_people(unit, LISTS[source](path, bodies), place, bodies)
    coco = read_coco(path)
    try:
        images = _images(unit, coco)
        people = coco.annotations
        columns = person_identity(images, coco.image, [a["id"] for a in people])
        columns |= keypoints_of(people, *WHOLE_BODY)
        columns |= {column: box_column(people, key) for column, key in PART_BOXES.items()}
        flags = {"owner_valid": labelled(people), "bbox": box_column(people)}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not COCO's or COCO-WholeBody's file ({type(error).__name__}: {error}). "
            "Expected images with file_name, width and height, and people with keypoints."
        ) from error
    if len(unit.files) > 1:
        columns |= _bodies(people, unit.files[1], bodies)
    columns |= flags | {"source_row": np.arange(len(people))}
    return Instances(columns, images)


def _images(unit: Unit, coco: Coco) -> dict[str, NDArray[Any]]:
    split = unit.key["split"]
    return image_columns(
        unit,
        [f"images/{split}2017/{PurePosixPath(n).name}" for n in coco.of_images("file_name")],
        image_sizes(coco),
        split=split,
        sequence=split,
        frame=coco.of_images("id"),
    )


def _bodies(
    people: Sequence[Mapping[str, Any]], fits: Path, bodies: BodySet
) -> dict[str, NDArray[Any]]:
    """Bodies by annotation id; hands and face count where they were labelled on the image.

    Every fit has hands; those of a person whose hand was not labelled are the fitter's guess.
    """
    columns = joined_columns([str(a["id"]) for a in people], fits, bodies)
    for part, seen in part_labels(people).items():
        if f"{part}_valid" in columns:
            columns[f"{part}_valid"] = columns[f"{part}_valid"] & seen
    return columns


def _first(release: Release, *patterns: str) -> Path | None:
    """The last version of the first file of these that is there."""
    return next((found[-1] for p in patterns if (found := release.find(p))), None)


def _listed(root: Path, name: str) -> str:
    """Where an image of COCO 2014 is, under its own name or that of 2017."""
    folder = "val2014" if "_val2014_" in name else "train2014"
    tail = name.rpartition("_")[2]
    places = [f"images/{folder}/{name}", f"{folder}/{name}"]
    places += [f"images/{split}2017/{tail}" for split in ("train", "val")]
    return next((place for place in places if (root / place).is_file()), places[0])
