"""What a miniature UBody says of one person: the COCO-style record and the SMPL-X entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.surface_joints import joints_127
from ehpsbench.geometry import box_around
from ehpsbench.skeleton.sources import (
    ALL,
    COCO_17,
    COCO_FEET_6,
    FACE_68,
    LEFT_HAND_21,
    RIGHT_HAND_21,
    SMPLX_127,
)

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.camera import Camera
    from ehpsbench.world.people import Person

__all__ = ["BROKEN", "INVALID", "Values", "crowd", "label_of"]

Values = dict[str, Any]

KINEMATIC = 55  # joints; the others lie on the skin
HANDS = {"lefthand": LEFT_HAND_21, "righthand": RIGHT_HAND_21}
HAND_BOX = 1.5  # the owners' hand boxes are larger than the hand
BROKEN: dict[str, Callable[[Values], Values]] = {
    "finite": lambda fit: fit | {"root_pose": [float("nan")] * 3},
    "ranges": lambda fit: fit | {"shape": [100.0] * 10},
    "angles": lambda fit: fit | {"body_pose": np.degrees(fit["body_pose"]).tolist()},
    "in_front_of_camera": lambda fit: fit | {"trans": [0.0, 0.0, -30.0]},
    "joints_near_box": lambda fit: fit | {"trans": _beside(fit["trans"])},
}
INVALID: dict[str, Values] = {
    "crowd": {"iscrowd": 1},
    "no_keypoints": {"num_keypoints": 0},
    "valid_label_0": {"valid_label": 0},
}


def _beside(place: list[float]) -> list[float]:
    """A place far out of the picture."""
    return [place[0] + 5 * place[2], place[1], place[2]]


def label_of(person: Person, camera: Camera, bodies: BodySet) -> tuple[Values, Values]:
    """The annotation of a person, without its ids, and the SMPL-X entry."""
    from ehpsbench.world.people import in_camera, posed, posed_joints

    values = in_camera(person, camera, bodies)
    model = bodies.model("smplx", "neutral")
    (joints,), (mesh,) = posed_joints([person], bodies), posed([person], bodies)
    points = camera.to_camera(joints_127(mesh, joints, model))
    fit = {
        "root_pose": values["global_orient"].tolist(),
        "body_pose": values["body_pose"].tolist(),
        "shape": values["betas"][:10].tolist(),
        "trans": values["transl"].tolist(),
        "lhand_pose": (values["left_hand_pose"] - model.hand_mean("left")).tolist(),
        "rhand_pose": (values["right_hand_pose"] - model.hand_mean("right")).tolist(),
        "jaw_pose": values["jaw_pose"].tolist(),
        "expr": values["expression"].tolist(),
        "lhand_valid": True,
        "rhand_valid": True,
        "face_valid": True,
    }
    lens = {"focal": camera.focal.tolist(), "princpt": camera.principal_point.tolist()}
    return _record(_seen(points, camera), camera), {"smplx_param": fit, "cam_param": lens}


def crowd(record: Values) -> Values:
    """The same place as a crowd: nobody counts its keypoints."""
    names = [name for name in record if name.endswith("kpts") or name == "keypoints"]
    empty = {name: [0.0] * len(record[name]) for name in names}
    return record | empty | {"iscrowd": 1, "num_keypoints": 0}


def _seen(points: NDArray[np.float64], camera: Camera) -> NDArray[np.float64]:
    """Camera-frame points (127, 3) [m] → x, y, score (190, 3) [px] in HumanData's order.

    Joints of the skeleton score in front of the camera, those on the skin also only in the image.
    """
    pixels = np.zeros((ALL, 3))
    places = list(SMPLX_127)
    front = points[:, 2] > 0
    at = np.where(front[:, None], camera.pixels(points), 0.0)
    inside = np.all((at >= 0) & (at <= [camera.width, camera.height]), axis=1)
    pixels[places, :2] = at
    pixels[places, 2] = front & (inside | (np.arange(len(points)) < KINEMATIC))
    return pixels


def _record(pixels: NDArray[np.float64], camera: Camera) -> Values:
    seen = np.where(pixels[:, 2:] > 0, pixels[:, :2], np.nan)
    inside = np.all((seen >= 0) & (seen <= [camera.width, camera.height]), axis=1)
    record: Values = {
        "iscrowd": 0,
        "num_keypoints": int((pixels[list(COCO_17), 2] > 0).sum()),
        "valid_label": 2,
        "bbox": box_around(np.where(inside[:, None], seen, np.nan)).tolist(),
        "keypoints": pixels[list(COCO_17)].ravel().tolist(),
        "foot_kpts": pixels[list(COCO_FEET_6)].ravel().tolist(),
        "face_kpts": pixels[list(FACE_68)].ravel().tolist(),
        "face_box": [0.0, 0.0, 0.0, 0.0],
        "face_valid": True,
    }
    for name, joints in HANDS.items():
        x, y, w, h = box_around(seen[list(joints)]).tolist()
        larger = [
            x - w * (HAND_BOX - 1) / 2,
            y - h * (HAND_BOX - 1) / 2,
            w * HAND_BOX,
            h * HAND_BOX,
        ]
        points = pixels[list(joints)].ravel().tolist()
        record |= {f"{name}_kpts": points, f"{name}_box": larger, f"{name}_valid": True}
    return record
