"""PROX: a fit a frame, in the camera frame of the mirrored image or, with markers, in Vicon's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.files import read_frames, read_pickle
from ehpsbench.dataset_adapters.identity import person_identity, repeat, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import (
    FIT_SIZES,
    WHOLE_BODY,
    Labels,
    body_columns,
    validity,
)
from ehpsbench.dataset_adapters.prox.detections import detected
from ehpsbench.dataset_adapters.prox.places import VICON, from_vicon, room
from ehpsbench.dataset_adapters.release import Release, Unit, natural_order
from ehpsbench.schema import Columns, Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SIZE = (1920, 1080)  # px
FOCAL, CENTRE = (1060.53, 1060.38), (951.30, 536.77)  # px, of every fit, in the mirrored image
MIRRORED = 2  # EXIF code
FPS = 30.0
PARTS = ("", "qualitative/", "quantitative/")  # folders of the parts, or the part itself
TREES = {"PROXD": "train", "fittings": "train", "fittings/mosh": "test"}  # with their split
PLACED = ("global_orient", "body_pose", "betas", "transl")  # that every fit must have
PART_KEYS = {"left_hand": "left_hand_pose", "right_hand": "right_hand_pose", "face": "expression"}
WOMEN = frozenset({"159", "162", "3403", "3452"})
NUMBER = re.compile(r"frame_(\d+)")
TIME = re.compile(r"__(\d+)\.(\d+)\.(\d+)\.(\d{3})$")  # h, min, s, ms


def units(release: Release) -> Iterator[Unit]:
    """One unit per recording."""
    for part, (tree, split) in product(PARTS, TREES.items()):
        for folder in release.find(f"{part}{tree}/*_*_*"):
            base = release.root / part
            fits = sorted(folder.glob("results/*/000.pkl"), key=natural_order)
            found = sorted(base.glob(f"keypoints/{folder.name}/*_keypoints.json"))
            scene = base / f"cam2world/{folder.name.split('_')[0]}.json"
            vicon = base / VICON
            files = (*fits, *(path for path in (scene, vicon) if path.is_file()), *found)
            if fits:
                yield Unit(folder.name, release, files, {"part": part, "split": split})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The person of one recording, as in the mirrored images.

    Raises:
        InputError: a file is broken or lacks something.
    """
    fits = {path.parent.name: path for path in unit.files if path.name == "000.pkl"}
    names = _pictures(unit, sorted(fits, key=lambda name: natural_order(Path(name))))
    images = _images(unit, names)
    image = np.array([i for i, name in enumerate(names) if name in fits], np.int64)
    if not len(image):
        return Instances({}, images)
    paths = [fits[names[i]] for i in image]
    subject = unit.name.split("_")[1]
    gender = "female" if subject.lstrip("0") in WOMEN else "male"
    columns = person_identity(images, image, [subject] * len(image))
    words = {"subject": subject, "track": f"{unit.name}/{subject}", "subject_gender": gender}
    columns |= {name: repeat(word, len(image)) for name, word in words.items()}
    columns["source_file"] = text(unit.release.relative(path) for path in paths)
    columns["source_row"] = np.zeros(len(image), np.int64)
    columns |= _bodies(unit, paths, columns, bodies)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    found = {p.name.removesuffix("_keypoints.json"): p for p in unit.files if p.suffix == ".json"}
    files = [found.get(names[i]) for i in image]
    return Instances(columns | detected(files, columns, bodies, unit.release.root), images)


def _bodies(
    unit: Unit, paths: Sequence[Path], columns: Columns, bodies: BodySet
) -> dict[str, NDArray[Any]]:
    """The fits to depth in the camera frame; those to markers are in Vicon's."""
    labels, gender = Labels.of(unit.release.card), str(columns["subject_gender"][0])
    if unit.key["split"] == "train":
        table = read_frames(paths, FIT_SIZES, _fit)
        return body_columns(table, gender, labels, bodies) | validity(len(paths), WHOLE_BODY)
    first = _fit(paths[0])
    known = first if isinstance(first, Mapping) else {}
    sizes = {k: size for k, size in FIT_SIZES.items() if k in known or k in PLACED}
    table = read_frames(paths, sizes, _fit)
    chain = from_vicon(unit.files, len(paths))
    fitted = replace(labels, annotation="mocap")
    found = body_columns(table, gender, fitted, bodies, world=chain)
    flags = {part: PART_KEYS[part] in table for part in PART_KEYS}
    return found | validity(len(paths), ("body", "shape", "camera"), **flags)


def _fit(path: Path) -> Any:
    """What a fit holds; some call the betas beta."""
    content = read_pickle(path)
    if isinstance(content, Mapping) and "beta" in content and "betas" not in content:
        return {**content, "betas": content["beta"]}
    return content


def _pictures(unit: Unit, fitted: Sequence[str]) -> list[str]:
    """Names of the frames: those on disk, else those of the fits."""
    folder = unit.release.root / unit.key["part"] / f"recordings/{unit.name}/Color"
    if not folder.is_dir():
        return list(fitted)
    found = sorted(folder.glob("*.jpg"), key=natural_order)
    return [path.stem for path in found]


def _images(unit: Unit, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    times = [TIME.search(name) for name in names]
    known = [[int(part) for part in match.groups()] for match in times if match]
    clock = np.array(known).reshape(-1, 4) @ [3600, 60, 1, 1e-3]
    return image_columns(
        unit,
        [f"{unit.key['part']}recordings/{unit.name}/Color/{name}.jpg" for name in names],
        SIZE,
        split=unit.key["split"],
        sequence=unit.name,
        frame=_numbers(names),
        cluster=unit.name,
        focal=FOCAL,
        principal_point=CENTRE,
        orientation=MIRRORED,
        fps=FPS if unit.key["split"] == "train" else None,
        timestamp=clock if len(clock) == len(names) else None,
        **room(unit.files),
    )


def _numbers(names: Sequence[str]) -> list[int]:
    """Frame numbers of the names; their order where the names have none, or one twice."""
    found = [NUMBER.search(name) for name in names]
    numbers = [int(match[1]) for match in found if match]
    return numbers if len({*numbers}) == len(names) else list(range(len(names)))
