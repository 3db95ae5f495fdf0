"""3DPW's sequence files: gendered SMPL in a world frame, seen by one moving camera."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import Labels, body_columns, split_pose, validity
from ehpsbench.dataset_adapters.pw3d.sequence import Sequence, pictures, read_labels
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.geometry import box_around, clip_box, project
from ehpsbench.schema import Columns, Instances, nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import OPENPOSE_18, SMPL_24

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

FPS = 30.0
SPLITS = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}


def units(release: Release) -> Iterator[Unit]:
    """One unit per sequence file, whether the zip nested its folder or not."""
    for path in release.find("sequenceFiles/**/*.pkl"):
        split = SPLITS.get(path.parent.name)
        if split is not None and not path.name.startswith("."):
            yield Unit(f"{split}/{path.stem}", release, (path,), {"split": split})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The labelled people of one sequence, actor by actor, in the camera frame of each image.

    Raises:
        InputError: the file is broken, lacks something, or says it in another shape.
    """
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
    """Keypoints, and a box around the owners' joints: it does not depend on the parameters."""
    rotation = np.ma.getdata(columns["world_rotation"]).reshape(-1, 3, 3)
    shift = np.ma.getdata(columns["world_translation"])[:, None]
    joints = label["jointPositions"] @ rotation.transpose(0, 2, 1) + shift
    pixels = project(joints, columns["focal"], columns["principal_point"])
    with np.errstate(invalid="ignore"):
        front = joints[..., 2] > 0
    box = box_around(np.where(front[..., None], pixels, np.nan))
    box = clip_box(box, columns["width"], columns["height"])
    scored = np.pad(joints, ((0, 0), (0, 0), (0, 1)), constant_values=1.0)
    detected = label["poses2d"].transpose(0, 2, 1)
    flat, solid = (
        keypoint_columns(2, (detected, OPENPOSE_18)),
        keypoint_columns(3, (scored, SMPL_24)),
    )
    return {
        **{name: nullable(values, detected.any((1, 2))) for name, values in flat.items()},
        **{name: nullable(values, label["campose_valid"] > 0) for name, values in solid.items()},
        "bbox": nullable(np.nan_to_num(box), front.any(1)),
    }
