"""The files of one miniature EgoBody recording, in the owners' dialects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.atomic import write_text
from ehpsbench.body.model import BodyModel
from ehpsbench.dataset_adapters.egobody_egocentric.camera import OPENGL_TO_OPENCV
from ehpsbench.dataset_adapters.parameters import FIT_SIZES, hand_components
from ehpsbench.dataset_adapters.readers.openpose_joints import SAME_JOINT
from ehpsbench.geometry import rotation_matrix
from ehpsbench.skeleton.sources import OPENPOSE_BODY_25
from ehpsbench.world.camera import Camera

Floats = NDArray[np.float64]
SCORE = 0.9
COMPONENTS = 12  # of a hand


def random_transform(rng: np.random.Generator) -> Floats:
    """(4, 4) some rigid motion within a room."""
    matrix: Floats = np.eye(4)
    matrix[:3, :3] = rotation_matrix(rng.uniform(-2, 2, 3))
    matrix[:3, 3] = rng.uniform(-2, 2, 3)
    return matrix


def pv_pose(camera: Camera, kinect: Floats, holo_to_kinect: Floats) -> Floats:
    """pv2world (4, 4): undoes the chain kinect → HoloLens → OpenGL camera → OpenCV camera.

    Args:
        camera: scene → camera.
        kinect: (4, 4) scene → master Kinect.
        holo_to_kinect: (4, 4).
    """
    chain = camera.matrix @ np.linalg.inv(kinect)
    return np.asarray(np.linalg.inv(OPENGL_TO_OPENCV @ chain @ holo_to_kinect), np.float64)


def write_pv(
    path: Path, cameras: Sequence[Camera], ticks: Sequence[int], poses: Sequence[Floats]
) -> None:
    """Line 1 is what all frames share; then a line a frame."""
    first = cameras[0]
    shared = [*first.principal_point.tolist(), first.width, first.height]
    lines = [",".join(str(value) for value in shared)]
    for camera, tick, pose in zip(cameras, ticks, poses, strict=True):
        numbers = [*camera.focal.tolist(), *pose.ravel().tolist()]
        lines.append(",".join([str(tick), *(repr(n) for n in numbers)]))
    write_text(path, "\n".join(lines) + "\n")


def detections(joints: Floats, camera: Camera) -> Floats:
    """(25, 3) what OpenPose would find: those of its joints that the body model has."""
    pixels = camera.pixels(joints)
    inside = np.all((pixels >= 0) & (pixels <= [camera.width, camera.height]), axis=-1)
    found = np.zeros((len(OPENPOSE_BODY_25), 3))
    for row, place in enumerate(SAME_JOINT):
        if place < len(joints) and inside[place]:
            found[row] = [*pixels[place], SCORE]
    return found


def write_seen(
    folder: Path, pictures: Sequence[str], points: Floats, valid: ArrayLike, gender: str
) -> None:
    """valid_frame.npz has a row for every picture, keypoints.npz only for the valid ones."""
    names, keep = np.asarray(pictures, str), np.asarray(valid, bool)
    np.savez(folder / "valid_frame.npz", imgname=names, valid=keep)
    seen = points[keep]
    low = np.where(seen[..., 2:] > 0, seen[..., :2], np.inf).min(1)
    high = np.where(seen[..., 2:] > 0, seen[..., :2], -np.inf).max(1)
    np.savez(
        folder / "keypoints.npz",
        imgname=names[keep],
        center=(low + high) / 2,
        scale=1.2 * (high - low).max(1) / 200,
        keypoints=seen,
        gender=np.full(keep.sum(), gender),
    )


def as_fit(columns: dict[str, Floats], model: BodyModel) -> dict[str, Floats]:
    """What the owners say of people: hands as coefficients of the mean-relative pose."""
    fit = {key: columns[key][:, :size] for key, size in FIT_SIZES.items() if size is not None}
    for side in ("left", "right"):
        fit[f"{side}_hand_pose"] = coefficients(columns[f"{side}_hand_pose"], model, side)
    return fit


def coefficients(hands: Floats, model: BodyModel, side: str) -> Floats:
    """(N, 45) absolute hands → the 12 coefficients nearest to them."""
    space = hand_components(model, side, COMPONENTS)
    return np.asarray((hands - model.hand_mean(side)) @ np.linalg.pinv(space))
