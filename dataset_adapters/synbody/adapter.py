"""SynBody's SMPL-X subset: a file a person and sequence, in the camera frame of one lens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.identity import person_identity, repeat, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import WHOLE_BODY, Labels, body_columns, validity
from ehpsbench.dataset_adapters.readers.hand_convention import hand_convention
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.dataset_adapters.synbody.people import PARTS, read_person
from ehpsbench.errors import InputError
from ehpsbench.schema import Columns, Instances
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import SMPLX_144

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["FOCAL", "SIZE", "read", "units"]

Floats = NDArray[np.float64]
SIZE = (1280, 720)  # px
FOCAL = 640.0  # px, the owners' viewer; SMPLer-X's 540 is not what the labels were made with
SPLIT = "train"
SAME_FRAME = 0.05  # m: 3D joints further from the bodies are not in the camera frame


def units(release: Release) -> Iterator[Unit]:
    """One unit per sequence, with the files of all its people."""
    files: dict[Path, list[Path]] = {}
    for path in release.find("*/*/*/smplx/*.npz"):
        files.setdefault(path.parent.parent, []).append(path)
    for folder, people in files.items():
        yield Unit(release.relative(folder), release, tuple(people))


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The people of one sequence who are in the picture, frame by frame.

    Raises:
        InputError: a file is broken, or labels and pictures do not belong together.
    """
    people = [read_person(path) for path in unit.files]
    counts = {path.name: person.count for path, person in zip(unit.files, people, strict=True)}
    if len(set(counts.values())) > 1:
        raise InputError(f"{unit.files[0].parent}: its people have different frames: {counts}.")
    number, row = _frames(unit, people[0].count)
    images = _images(unit, number)
    fit = {name: np.concatenate([p.fit[name][row] for p in people]) for name in PARTS}
    pixels = np.concatenate([p.pixels[row] for p in people])
    inside: NDArray[np.bool_] = np.all((pixels >= 0) & (pixels <= SIZE), -1)
    seen = inside & pixels.any(-1)
    keys = np.repeat([path.stem for path in unit.files], len(row))
    gender = np.repeat([person.gender for person in people], len(row))
    here = np.flatnonzero(seen.any(1))  # somebody out of the picture is no instance of it
    frame = np.tile(np.arange(len(row)), len(people))
    columns = person_identity(images, frame[here], keys[here])
    columns |= {"track": columns["person"], "subject_gender": text(gender[here])}
    columns["source_file"] = text(
        np.repeat([unit.release.relative(path) for path in unit.files], len(row))[here]
    )
    columns["source_row"] = row[frame[here]]
    fit = {name: values[here] for name, values in fit.items()}
    points = np.concatenate([p.points[row] for p in people])[here]
    labels = _labels(unit, fit, gender[here], points, bodies)
    columns |= body_columns(fit, gender[here], labels, bodies)
    columns |= validity(len(here), WHOLE_BODY)
    scored = np.concatenate([pixels, seen[..., None]], -1)[here]
    columns |= keypoint_columns(2, (scored, SMPLX_144)) | _points(columns, points, bodies)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    return Instances(columns, images)


def _frames(unit: Unit, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the pictures, and the row of the labels that each has.

    The first picture shows a T-pose and is left out; repaired labels have no row for it.
    """
    found = unit.release.find(f"{unit.name}/rgb/*.jpeg")
    numbers = np.asarray([int(path.stem) for path in found], np.int64)
    if not len(numbers):
        return np.arange(1, count + 1), np.arange(count)
    if count not in (len(numbers), len(numbers) - 1):
        raise InputError(
            f"{unit.files[0].parent.parent}: {len(numbers)} pictures in rgb/, but {count} rows of "
            f"labels; expected {len(numbers) - 1} (none for the first, a T-pose) or "
            f"{len(numbers)}. Unpack labels and pictures of the same version."
        )
    return numbers[1:], np.arange(count)[count - len(numbers) + 1 :]


def _images(unit: Unit, number: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    columns = image_columns(
        unit,
        [f"{unit.name}/rgb/{i:04d}.jpeg" for i in number],
        SIZE,
        split=SPLIT,
        sequence=unit.name,
        frame=number,
        cluster=unit.name,
        focal=FOCAL,
    )
    columns["source_file"] = repeat(unit.release.relative(unit.files[0]), len(number))
    return columns


def _labels(
    unit: Unit, fit: Mapping[str, Floats], gender: NDArray[Any], points: Floats, bodies: BodySet
) -> Labels:
    """The card's labels, with hands as the joints of the fingers say."""
    labels = Labels.of(unit.release.card)
    first = gender == gender[0] if len(gender) else np.zeros(0, bool)
    if not first.any():
        return labels
    model = bodies.model("smplx", str(gender[0]))
    some = {name: values[first] for name, values in fit.items()}
    hands = hand_convention(some, points[first], model, labels.hands)
    return Labels(labels.family, hands, labels.source, labels.annotation)


def _points(columns: Columns, points: Floats, bodies: BodySet) -> dict[str, NDArray[Any]]:
    """3D joints, if they are where the bodies are: in the camera frame."""
    from ehpsbench.body.posed import posed_joints

    joints, _ = posed_joints(columns, bodies)
    apart = np.linalg.norm(joints[:, 1:22] - points[:, 1:22], axis=-1)
    if not len(apart) or not np.nanmedian(apart) < SAME_FRAME:
        return {}
    known = points.any(-1, keepdims=True)
    return keypoint_columns(3, (np.concatenate([points, known], -1), SMPLX_144))
