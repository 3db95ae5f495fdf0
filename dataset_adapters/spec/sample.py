"""A miniature SPEC: two people a still in a scene, seen aslant; where they stand is not written."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.parameters import joined_pose
from ehpsbench.dataset_adapters.readers.openpose_sample import openpose_keypoints
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.spec.adapter import SPLITS
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.geometry import axis_angle, rotate_x, rotate_y, rotation_matrix
from ehpsbench.skeleton.sources import OPENPOSE_BODY_25

Floats = NDArray[np.float64]

FILMING = Filming(actors=2, video=False, broken=("ranges", "angles"))
JOINTS = len(OPENPOSE_BODY_25)
# of the first still of the test split: one without a fit, one of whom two joints are seen
UNFITTED, HARDLY_SEEN = 0, 1


def write(order: Order) -> Truth:
    """Write a miniature release."""
    mini = Miniature(order, catalogue.card("spec"), FILMING)
    files = {split: path for path, split in SPLITS.items()}
    for clip in mini.clips([(split, split) for split in SPLITS.values()], fewest=2):
        rows = [_rows(mini, clip, actor) for actor in range(clip.actors)]
        arrays = {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}
        order_of_rows = np.argsort(arrays["imgname"], kind="stable")
        for frame in range(len(clip)):
            folder = files[clip.split].partition("/")[0]
            mini.picture(f"{folder}/{_name(clip, frame)}", clip, frame)
        arrays = {key: values[order_of_rows] for key, values in arrays.items()}
        save_npz(order.root / files[clip.split], **arrays)
    return mini.save()


def _name(clip: Clip, frame: int) -> str:
    """The fourth part is the scene; three stills of each."""
    return f"images/seq_{clip.split}_cam_{1000 + frame // 3}_{frame:05d}.png"


def _rows(mini: Miniature, clip: Clip, actor: int) -> dict[str, NDArray[Any]]:
    """One actor of all stills."""
    fit, chain = clip.fits(actor), clip.extrinsics()
    points = openpose_keypoints(clip, actor)[:, :JOINTS].copy()
    special = mini.whole and clip.split == "test"
    if special and actor == HARDLY_SEEN:
        points[0, np.flatnonzero(points[0, :, 2])[2:]] = 0
    for frame in range(len(clip)):
        bare = special and frame == 0
        key = f"{clip.split}/{1000 + frame // 3}/0/{frame}/{actor}"
        known = (points[frame], OPENPOSE_BODY_25)
        mini.note(key, clip, frame, actor, keypoints=known, body=not bare)
    box = clip.box(actor)
    cameras = [clip.camera(frame) for frame in range(len(clip))]
    fitted = np.ones(len(clip))
    fitted[0] = not (special and actor == UNFITTED)
    content = {
        "imgname": np.asarray([_name(clip, frame) for frame in range(len(clip))]),
        "center": box[:, :2] + box[:, 2:] / 2,
        "scale": box[:, 2:].max(1) * 1.2 / 200,
        "shape": fit["betas"],
        "has_smpl": fitted,
        "openpose_gt": points,
        "openpose": points + np.array([3.0, -2.0, 0.0]),  # detections
        "S": clip.points3d(tuple(range(24)), actor),
        "cam_rotmat": chain[:, :3, :3],
        "cam_trans": chain[:, :3, 3],  # of the camera in the scene
        "cam_int": np.stack([camera.intrinsics for camera in cameras]),
        "focal_length": np.stack([camera.focal[0] for camera in cameras]),
    }
    return content | _poses(clip, joined_pose(fit, "smpl"))


def _poses(clip: Clip, pose: Floats) -> dict[str, Floats]:
    """The training file has the pose twice: in a world of its own, and in that of the camera."""
    if clip.split != "train":
        return {"pose": pose}
    other = rotate_x(np.pi) @ rotate_y(0.7) @ rotation_matrix(pose[:, :3])
    return {"pose_0yaw_inverseyz": pose, "pose": np.hstack([axis_angle(other), pose[:, 3:]])}
