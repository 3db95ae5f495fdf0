"""PROX, qualitative part: a fit a frame in the camera frame of the mirrored image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.files import read_frames, read_json, read_pickle
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
from ehpsbench.dataset_adapters.release import Release, Unit, natural_order
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SIZE = (1920, 1080)  # px
FOCAL, CENTRE = (1060.53, 1060.38), (951.30, 536.77)  # px, of every fit, in the mirrored image
MIRRORED = 2  # EXIF code
FPS = 30.0
TREES = ("PROXD", "fittings")
WOMEN = frozenset({"159", "162", "3403", "3452"})
NUMBER = re.compile(r"frame_(\d+)")
TIME = re.compile(r"__(\d+)\.(\d+)\.(\d+)\.(\d{3})$")  # h, min, s, ms


def units(release: Release) -> Iterator[Unit]:
    """One unit per recording."""
    for tree in TREES:
        for folder in release.find(f"{tree}/*_*_*"):
            fits = sorted(folder.glob("results/*/000.pkl"), key=natural_order)
            found = sorted(release.root.glob(f"keypoints/{folder.name}/*_keypoints.json"))
            scene = release.root / f"cam2world/{folder.name.split('_')[0]}.json"
            files = (*fits, *([scene] if scene.is_file() else []), *found)
            if fits:
                yield Unit(folder.name, release, files)


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
    table = read_frames(paths, FIT_SIZES, _fit)
    columns |= body_columns(table, gender, Labels.of(unit.release.card), bodies)
    columns |= validity(len(image), WHOLE_BODY)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    found = {p.name.removesuffix("_keypoints.json"): p for p in unit.files if p.suffix == ".json"}
    files = [found.get(names[i]) for i in image]
    return Instances(columns | detected(files, columns, bodies, unit.release.root), images)


def _fit(path: Path) -> Any:
    """What a fit holds; some call the betas beta."""
    content = read_pickle(path)
    if isinstance(content, Mapping) and "beta" in content and "betas" not in content:
        return {**content, "betas": content["beta"]}
    return content


def _pictures(unit: Unit, fitted: Sequence[str]) -> list[str]:
    """Names of the frames: those on disk, else those of the fits."""
    folder = unit.release.root / f"recordings/{unit.name}/Color"
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
        [f"recordings/{unit.name}/Color/{name}.jpg" for name in names],
        SIZE,
        split="train",
        sequence=unit.name,
        frame=_numbers(names),
        cluster=unit.name,
        focal=FOCAL,
        principal_point=CENTRE,
        orientation=MIRRORED,
        fps=FPS,
        timestamp=clock if len(clock) == len(names) else None,
        **_room(unit),
    )


def _numbers(names: Sequence[str]) -> list[int]:
    """Frame numbers of the names; their order where the names have none, or one twice."""
    found = [NUMBER.search(name) for name in names]
    numbers = [int(match[1]) for match in found if match]
    return numbers if len({*numbers}) == len(names) else list(range(len(names)))


def _room(unit: Unit) -> dict[str, NDArray[np.float64]]:
    """Scene → camera, from the owners' camera → scene; nothing where the file is not there."""
    for path in unit.files:
        if path.parent.name == "cam2world":
            try:
                back = np.asarray(read_json(path), np.float64).reshape(4, 4)
            except (TypeError, ValueError) as error:
                raise InputError(f"{path}: expected a 4×4 matrix ({error}).") from error
            turn = back[:3, :3].T
            return {"world_rotation": turn, "world_translation": -turn @ back[:3, 3]}
    return {}
