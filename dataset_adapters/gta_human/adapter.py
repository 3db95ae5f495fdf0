"""GTA-Human II: SMPL-X fits, a file a person; GTA-Human: SMPL fits, a file a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.gta_human.people import BODY_ANGLES, SEEN, Person
from ehpsbench.dataset_adapters.gta_human.skeleton import JOINTS, PLACES
from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import (
    BODY_ONLY,
    Labels,
    body_columns,
    spread,
    validity,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances
from ehpsbench.skeleton.placing import keypoint_columns

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["FOCAL", "SIZE", "read", "units"]

SIZE = (1920, 1080)  # px
FOCAL = 1158.0337  # px: the game's vertical field of view of 50 degrees
SPLIT = "train"


def units(release: Release) -> Iterator[Unit]:
    """One unit per sequence: a folder with a file a person (II), or a pickle (first release)."""
    for folder in release.find("annotations/seq_*/"):
        people = release.find(f"annotations/{folder.name}/*.npz")
        if people:
            yield Unit(folder.name, release, tuple(people))
    for path in release.find("annotations/seq_*.pkl"):
        yield Unit(f"first/{path.stem}", release, (path,), needs=())


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The people of one sequence, frame by frame; they are in the camera frame already.

    Raises:
        InputError: a file is broken, lacks something, or has another number of frames.
    """
    people = [Person.of(path) for path in unit.files]
    count = len(people[0].seen["keypoints_2d"])
    odd = next((p for p in people if any(len(v) != count for v in p.all.values())), None)
    if odd is not None:
        found = {name: len(values) for name, values in odd.all.items()}
        raise InputError(
            f"{odd.path}: expected {count} frames, as keypoints_2d of {people[0].path.name} has, "
            f"found {found}. Unpack the annotations again."
        )
    images = _images(unit, count)
    frame = np.tile(np.arange(count), len(people))
    columns = person_identity(images, frame, np.repeat([p.key for p in people], count))
    columns["track"] = columns["person"]
    files = [unit.release.relative(p.path) for p in people]
    columns |= {
        "source_file": text(np.repeat(files, count)),
        "source_row": frame,
        "subject_gender": text(np.repeat([p.sex for p in people], count)),
    }
    columns |= _bodies(unit, people, np.repeat([bool(p.fit) for p in people], count), bodies)
    return Instances(columns | _seen(people), images)


def _images(unit: Unit, count: int) -> dict[str, NDArray[Any]]:
    """The labelled frames; row i is the file with the number i."""
    sequence = unit.name.rpartition("/")[2]
    return image_columns(
        unit,
        [f"images/{sequence}/{frame:08d}.jpeg" for frame in range(count)],
        SIZE,
        split=SPLIT,
        sequence=unit.name,
        frame=np.arange(count),
        cluster=unit.name,
        focal=FOCAL,
        source_row=np.arange(count),
    )


def _bodies(
    unit: Unit, people: list[Person], fitted: NDArray[np.bool_], bodies: BodySet
) -> dict[str, NDArray[Any]]:
    """Parameters and flags; nobody's where the owners call the fit of the sequence invalid."""
    smpl = unit.files[0].suffix == ".pkl"
    parts = BODY_ONLY if smpl else (*BODY_ONLY, "left_hand", "right_hand", "shape")
    known = [person.fit for person in people if person.fit]
    if not known:
        return validity(len(fitted), (), owner=fitted)
    fit = {name: np.concatenate([f[name][:, :BODY_ANGLES] for f in known]) for name in known[0]}
    labels = Labels.of(unit.release.card)
    if smpl:
        fit["smpl_hand_pose"] = np.concatenate([f["body_pose"][:, BODY_ANGLES:] for f in known])
        labels = Labels("smpl", "none", labels.source, labels.annotation)
    columns = body_columns(fit, "neutral", labels, bodies)
    return spread(columns | validity(int(fitted.sum()), parts, owner=True), fitted)


def _seen(people: list[Person]) -> dict[str, NDArray[Any]]:
    """Box, the game's joints, and which share of them something else hides."""
    pixels, points, hidden, box = (
        np.concatenate([person.seen[name] for person in people]) for name in SEEN
    )
    places = np.asarray(PLACES)
    return {
        **keypoint_columns(2, (pixels[:, places], JOINTS)),
        **keypoint_columns(3, (points[:, places], JOINTS)),
        "bbox": box,
        "occlusion": hidden.mean(1),
    }
