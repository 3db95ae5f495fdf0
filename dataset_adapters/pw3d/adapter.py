"""3DPW's sequence files: gendered SMPL in a world frame, seen by one moving camera."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.identity import image_identity, person_identity, repeat
from ehpsbench.dataset_adapters.pw3d.sequence import BETAS, Labels, pictures, read_labels
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.geometry import body_to_camera, box_around, clip_box, project
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
    columns |= _who(unit, labels, actor, bodies)
    columns |= _bodies(columns, label, labels, actor, bodies)
    columns |= _seen(columns, label)
    columns |= _validity(label)
    return Instances(columns, images)


def _images(unit: Unit, labels: Labels) -> dict[str, NDArray[Any]]:
    """Every image on disk; its pose is null where the sequence file ends earlier."""
    name = unit.files[0].stem
    frame, size = pictures(unit.release.root / "imageFiles" / name, labels)
    count, has = len(frame), frame < len(labels)
    pose = labels.camera[np.minimum(frame, len(labels) - 1)]
    return {
        **image_identity(
            unit.release.name, unit.key["split"], [name] * count, [0] * count, frame, [name] * count
        ),
        "image_path": np.array([f"imageFiles/{name}/image_{i:05d}.jpg" for i in frame], object),
        "width": size[:, 0],
        "height": size[:, 1],
        "orientation": np.ones(count, np.int8),
        "focal": np.tile(labels.intrinsics[(0, 1), (0, 1)], (count, 1)),
        "principal_point": np.tile(labels.intrinsics[:2, 2], (count, 1)),
        "world_rotation": nullable(pose[:, :3, :3].reshape(-1, 9), has),
        "world_translation": nullable(pose[:, :3, 3], has),
        "fps": np.full(count, FPS),
        "timestamp": frame / FPS,
        "source_file": repeat(unit.release.relative(unit.files[0]), count),
        "source_row": frame,
    }


def _who(unit: Unit, labels: Labels, actor: NDArray[np.int64], bodies: BodySet) -> Columns:
    """Who the person is, and of which model the parameters are."""
    name = unit.files[0].stem
    subject = np.array([f"{name}/{a}" for a in range(len(labels.gender))], object)
    hashes = np.array([bodies.model("smpl", g).hash for g in labels.gender], object)
    words = {"source_model": "smpl", "labels": "owners", "annotation": "mocap"}
    return {
        "subject": subject[actor],
        "track": subject[actor],
        "gender": labels.gender[actor],
        "subject_gender": labels.gender[actor],
        "body_hash": hashes[actor],
        **{key: repeat(word, len(actor)) for key, word in words.items()},
    }


def _bodies(
    columns: Columns, label: Columns, labels: Labels, actor: NDArray[np.int64], bodies: BodySet
) -> Columns:
    """SMPL in the camera frame; each actor turns about the pelvis of their gender and shape."""
    actors = zip(labels.gender, labels.betas, strict=True)
    pelvis = [bodies.model("smpl", g).rest_joints(b[None])[0, 0] for g, b in actors]
    pose = label["poses"]
    orient, transl = body_to_camera(
        np.ma.getdata(columns["world_rotation"]).reshape(-1, 3, 3),
        np.ma.getdata(columns["world_translation"]),
        pose[:, :3],
        label["trans"],
        np.stack(pelvis)[actor],
    )
    return {
        "betas": np.pad(labels.betas, ((0, 0), (0, 16 - BETAS)))[actor],
        "num_betas": np.full(len(actor), BETAS),
        "global_orient": orient,
        "body_pose": pose[:, 3:66],
        "smpl_hand_pose": pose[:, 66:],
        "transl": transl,
    }


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


def _validity(label: Columns) -> Columns:
    """The owners' flag: aligned with the camera; SMPL has no hands, face or shape.

    People whom no detector found (poses2d all zero) have null keypoints, and are scored: the
    test sets of others keep them too.
    """
    aligned = label["campose_valid"] > 0
    none = np.zeros(len(aligned), bool)
    return {
        "owner_valid": aligned,
        "body_valid": aligned,
        "camera_valid": aligned,
        **{f"{part}_valid": none for part in ("left_hand", "right_hand", "face", "shape")},
    }
