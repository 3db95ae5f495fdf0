"""Stored people as annotations of COCO-WholeBody: boxes and 133 keypoints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.curation.export.body_points import body_pixels, body_points, labelled
from ehpsbench.curation.export.losses import Tally
from ehpsbench.geometry import box_around
from ehpsbench.schema import Columns, present
from ehpsbench.skeleton.human_data import NAMES
from ehpsbench.skeleton.sources import (
    COCO_17,
    COCO_FEET_6,
    FACE_68,
    LEFT_HAND_21,
    RIGHT_HAND_21,
)

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["CATEGORY", "KEPT", "annotated", "count_changes"]

LABELLED, PROJECTED = 2, 1  # COCO's visibility: the second says that nobody looked
PARTS = {  # key of the keypoints, its joints, key of the box, its column, key of the flag
    "foot_kpts": (COCO_FEET_6, "", "", "foot_valid"),
    "face_kpts": (FACE_68, "face_box", "face_bbox", "face_valid"),
    "lefthand_kpts": (LEFT_HAND_21, "lefthand_box", "left_hand_bbox", "lefthand_valid"),
    "righthand_kpts": (RIGHT_HAND_21, "righthand_box", "right_hand_bbox", "righthand_valid"),
}
WHOLE_BODY = (*COCO_17, *(joint for joints, *_ in PARTS.values() for joint in joints))
BONES = (  # pairs of names of the 17, as COCO draws them
    "left_ankle left_knee, left_knee left_hip, right_ankle right_knee, right_knee right_hip, "
    "left_hip right_hip, left_shoulder left_hip, right_shoulder right_hip, "
    "left_shoulder right_shoulder, left_shoulder left_elbow, right_shoulder right_elbow, "
    "left_elbow left_wrist, right_elbow right_wrist, left_eye right_eye, nose left_eye, "
    "nose right_eye, left_eye left_ear, right_eye right_ear, left_ear left_shoulder, "
    "right_ear right_shoulder"
)
NAMES_17 = [NAMES[joint] for joint in COCO_17]
CATEGORY = {
    "id": 1,
    "name": "person",
    "supercategory": "person",
    "keypoints": NAMES_17,
    "skeleton": [[NAMES_17.index(name) + 1 for name in bone.split()] for bone in BONES.split(", ")],
}
KEPT = frozenset(
    "instance_id image_id image_path height width orientation bbox left_hand_bbox right_hand_bbox "
    "face_bbox owner_valid keypoints2d keypoints2d_extra dataset split".split()
)


def annotated(columns: Columns, bodies: BodySet | None, root: Path) -> Iterator[dict[str, Any]]:
    """One person after the other; `image` is the id of the image, for the caller to number."""
    points = _points(columns, bodies, root)
    boxes = _boxes(columns, points)
    owner = np.ma.filled(np.ma.asarray(columns.get("owner_valid", points[:, 0, 0] == 0)), True)
    for row, key in enumerate(columns["instance_id"]):
        box = boxes["bbox"][row]
        person: dict[str, Any] = {
            "image": columns["image_id"][row],
            "bbox": _rounded(box),
            "area": round(float(box[2] * box[3]), 2),
            "segmentation": [],
            "iscrowd": int("owner_valid" in columns and not owner[row]),
            "keypoints": _flat(points[row, list(COCO_17)]),
            "num_keypoints": int((points[row, list(COCO_17), 2] > 0).sum()),
            "instance_id": key,
        }
        for name, (joints, box_key, column, flag) in PARTS.items():
            part = points[row, list(joints)]
            person[name] = _flat(part)
            person[flag] = bool((part[:, 2] > 0).any())
            if box_key:
                person[box_key] = _rounded(boxes[column][row])
        yield person


def _points(columns: Columns, bodies: BodySet | None, root: Path) -> NDArray[np.float64]:
    """(N, 190, 3) x, y [px], visibility: what is labelled, else the body's own joints."""
    points = labelled(columns, 2)
    points[..., 2] = np.where(points[..., 2] > 0, LABELLED, 0)
    bare = ~(points[:, list(WHOLE_BODY), 2] > 0).any(1)
    if bodies is not None and bare.any():
        few = {name: values[bare] for name, values in columns.items()}
        drawn = body_pixels(few, body_points(few, bodies, root))
        drawn[drawn[..., 2] <= 0] = 0
        drawn[..., 2] *= PROJECTED
        points[bare] = drawn
    return points


def _boxes(columns: Columns, points: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """(N, 4) boxes by column; where the release has none, around the keypoints, else zeros."""
    joints = {"bbox": WHOLE_BODY} | {column: part for part, _, column, _ in PARTS.values()}
    found = {}
    for name, which in joints.items():
        if not name:
            continue
        seen = points[:, list(which)]
        around = np.nan_to_num(box_around(np.where(seen[..., 2:] > 0, seen[..., :2], np.nan)))
        if name in columns:
            here = present(columns[name])[:, None]
            around = np.where(here, np.ma.getdata(columns[name]), around)
        found[name] = around
    return found


def _flat(points: NDArray[np.float64]) -> list[float]:
    """x, y, visibility of joint after joint; visibility whole."""
    return [
        number for x, y, seen in points.tolist() for number in (round(x, 3), round(y, 3), int(seen))
    ]


def _rounded(box: NDArray[np.float64]) -> list[float]:
    return [round(value, 3) for value in box.tolist()]


def count_changes(tally: Tally, columns: Columns, bodies: BodySet | None) -> None:
    """Values that have a place in the file but do not come back as they were."""
    points = labelled(columns, 2)
    score = points[..., 2]
    graded = ((score > 0) & (score != 1)).any(1)
    tally.add("scores of keypoints", int(graded.sum()), "visibility is 0, 1 or 2; 2 is labelled")
    others = np.setdiff1d(np.arange(points.shape[1]), WHOLE_BODY)
    why = "COCO-WholeBody has 133"
    tally.add("other keypoints", int((score[:, others] > 0).any(1).sum()), why)
    bare = ~(score[:, list(WHOLE_BODY)] > 0).any(1)
    if bodies is not None:
        why = "the body's own joints stand in, visibility 1: its hips are not COCO's"
        tally.add("people without labelled keypoints", int(bare.sum()), why)
