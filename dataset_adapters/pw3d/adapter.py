"""3DPW's sequence files: gendered SMPL in a world frame, seen by one moving camera.

Where these are not there, the parsed splits with NeuralAnnot's fits are read (`pw3d.parsed`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import Labels, body_columns, split_pose, validity
from ehpsbench.dataset_adapters.pw3d.joints import joint_columns
from ehpsbench.dataset_adapters.pw3d.parsed import parsed_units, read_parsed
from ehpsbench.dataset_adapters.pw3d.sequence import Sequence, pictures, read_labels
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.schema import Columns, Instances, nullable

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

FILES = "sequenceFiles/**/*.pkl"
FPS = 30.0
SPLITS = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}


def units(release: Release) -> Iterator[Unit]:
    """One unit per sequence file, whether the zip nested its folder or not; else per split."""
    found = [path for path in release.find(FILES) if not path.name.startswith(".")]
    for path in found:
        split = SPLITS.get(path.parent.name)
        if split is not None:
            yield Unit(f"{split}/{path.stem}", release, (path,), {"split": split})
    if not found:
        yield from parsed_units(release)


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The labelled people of one sequence or split, in the camera frame of each image.

    Raises:
        InputError: the file is broken, lacks something, or says it in another shape.
    """
    if "parsed" in unit.key:
        return read_parsed(unit, bodies)
    labels = read_labels(unit.files[0])
    images = _images(unit, labels)
    labelled = np.flatnonzero(images["frame"] < len(labels))
    if not len(labelled):
        return Instances({}, images)
    image = np.tile(labelled, len(labels.gender))
    actor = np.repeat(np.arange(len(labels.gender)), len(labelled))
    label = {key: values[actor, images["frame"][image]] for key, values in labels.rows.items()}
    columns = person_identity(images, image, actor)
    subject = text(f"{unit.files[0].stem}/{a}" for a in range(len(labels.gender)))[actor]
    columns |= {"subject": subject, "track": subject, "subject_gender": labels.gender[actor]}
    fit = split_pose(label["poses"], "smpl")
    fit |= {"betas": labels.betas[actor], "transl": label["trans"]}
    card = Labels.of(unit.release.card)
    columns |= body_columns(fit, labels.gender[actor], card, bodies, world=columns)
    columns |= _seen(columns, label)
    # people whom no detector found have null keypoints, and are scored, as in others' test sets
    aligned = label["campose_valid"] > 0
    columns |= validity(len(actor), (), body=aligned, camera=aligned, owner=aligned)
    return Instances(columns, images)


def _images(unit: Unit, labels: Sequence) -> dict[str, NDArray[Any]]:
    """Every image on disk; its pose is null where the sequence file ends earlier."""
    name = unit.files[0].stem
    frame, size = pictures(unit.release.root / "imageFiles" / name, labels)
    has = frame < len(labels)
    pose = labels.camera[np.minimum(frame, len(labels) - 1)]
    return image_columns(
        unit,
        [f"imageFiles/{name}/image_{i:05d}.jpg" for i in frame],
        size,
        split=unit.key["split"],
        sequence=name,
        camera=0,
        frame=frame,
        cluster=name,
        focal=labels.intrinsics[(0, 1), (0, 1)],
        principal_point=labels.intrinsics[:2, 2],
        world_rotation=nullable(pose[:, :3, :3].reshape(-1, 9), has),
        world_translation=nullable(pose[:, :3, 3], has),
        fps=FPS,
        source_row=frame,
    )


def _seen(columns: Columns, label: Columns) -> Columns:
    """Keypoints and box of the owners' joints, brought to the camera."""
    rotation = np.ma.getdata(columns["world_rotation"]).reshape(-1, 3, 3)
    shift = np.ma.getdata(columns["world_translation"])[:, None]
    joints = label["jointPositions"] @ rotation.transpose(0, 2, 1) + shift
    detected = label["poses2d"].transpose(0, 2, 1)
    return joint_columns(joints, label["campose_valid"] > 0, detected, columns)
