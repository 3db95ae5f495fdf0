"""EMDB: a pickle a sequence; gendered SMPL in a world, seen by a moving phone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_pickle
from ehpsbench.dataset_adapters.identity import person_identity, repeat
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import BODY_ONLY, Labels, body_columns, validity
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.geometry import clip_box
from ehpsbench.schema import Instances, nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import SMPL_24

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

FPS = 30.0


def units(release: Release) -> Iterator[Unit]:
    """One unit per sequence."""
    for path in release.find("P*/*/*_data.pkl"):
        yield Unit(f"{path.parent.parent.name}/{path.parent.name}", release, (path,))


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The person of one sequence in the camera frame of every image.

    Raises:
        InputError: the file is broken, or lacks something.
    """
    data = read_pickle(unit.files[0])
    try:
        images = _images(unit, data)
        count = len(images["frame"])
        subject = unit.files[0].parent.parent.name
        columns = person_identity(images, np.arange(count), [subject] * count)
        columns |= {"subject": repeat(subject, count), "track": repeat(subject, count)}
        smpl, gender = data["smpl"], str(np.asarray(data["gender"]).astype(str))  # or bytes
        fit = {
            "global_orient": smpl["poses_root"],
            "body_pose": np.asarray(smpl["poses_body"])[:, :63],
            "smpl_hand_pose": np.asarray(smpl["poses_body"])[:, 63:],
            "betas": smpl["betas"],
            "transl": smpl["trans"],
        }
        labels = Labels.of(unit.release.card)
        columns |= body_columns(fit, gender, labels, bodies, world=columns)
        columns["subject_gender"] = columns["gender"]
        return Instances(columns | _seen(data, columns), images)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"{unit.files[0]} is not a sequence of EMDB ({type(error).__name__}: {error}). "
            "Expected gender, camera, smpl, kp2d, bboxes and good_frames_mask."
        ) from error


def _images(unit: Unit, data: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """A frame a row; the owners number them from 0."""
    folder, camera = unit.files[0].parent, data["camera"]
    frames = np.arange(len(camera["extrinsics"]))
    lens, pose = np.asarray(camera["intrinsics"]), np.asarray(camera["extrinsics"])
    split = "emdb1" if data["emdb1"] else "emdb2" if data["emdb2"] else "train"
    return image_columns(
        unit,
        [f"{unit.release.relative(folder)}/images/{i:05d}.jpg" for i in frames],
        (int(camera["width"]), int(camera["height"])),
        split=split,
        sequence=unit.name,
        frame=frames,
        cluster=unit.name,
        focal=lens[(0, 1), (0, 1)],
        principal_point=lens[:2, 2],
        world_rotation=pose[:, :3, :3],
        world_translation=pose[:, :3, 3],
        fps=FPS,
        source_row=frames,
    )


def _seen(data: Mapping[str, Any], columns: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Box, projected joints and flags."""
    corners = np.asarray(data["bboxes"]["bboxes"], np.float64)
    trusted = np.asarray(data["good_frames_mask"], bool)
    good = trusted.copy()
    good[np.asarray(data["bboxes"]["invalid_idxs"], np.int64)] = False
    box = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1)
    points = np.asarray(data["kp2d"], np.float64)
    score = np.broadcast_to(trusted[:, None, None], (*points.shape[:2], 1))
    scored = np.concatenate([points, score], -1)
    return {
        **validity(len(good), BODY_ONLY, body=good, owner=good),
        **keypoint_columns(2, (scored, SMPL_24)),
        "bbox": nullable(clip_box(box, columns["width"], columns["height"]), good),
        "source_row": np.arange(len(good)),
    }
