"""HumanData's keypoints, boxes and the owners' flags."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.readers.humandata_file import Rows, numbers
from ehpsbench.schema import nullable
from ehpsbench.skeleton import sources
from ehpsbench.skeleton.placing import keypoint_columns

__all__ = ["box_columns", "keypoints", "owner_valid"]

# labels of the dataset before projections of its body model
KEYS_2D = ("keypoints2d", "keypoints2d_original", "keypoints2d_smplx", "keypoints2d_smpl")
KEYS_3D = (
    "keypoints3d_cam",
    "keypoints3d",
    "keypoints3d_original",
    "keypoints3d_smplx",
    "keypoints3d_smpl",
)
WIDTHS = (sources.EXTRA_START, sources.ALL)  # joints of an array that needs no mask
CONVENTIONS = {
    "smplx": sources.SMPLX_144,
    "coco": sources.COCO_17,
    "openpose_25": sources.OPENPOSE_BODY_25,
}
BOXES = (  # column, key, its scale in `misc` (the first that is there), and by default
    ("bbox", "bbox_xywh", ("bbox_body_scale",), 1.2),
    ("left_hand_bbox", "lhand_bbox_xywh", ("bbox_hand_scale", "bbox_facehand_scale"), 1.0),
    ("right_hand_bbox", "rhand_bbox_xywh", ("bbox_hand_scale", "bbox_facehand_scale"), 1.0),
    ("face_bbox", "face_bbox_xywh", ("bbox_face_scale", "bbox_facehand_scale"), 1.0),
)

Columns = dict[str, NDArray[Any]]


def keypoints(rows: Rows) -> Columns:
    """Keypoint columns of N people, from the first key that can be understood.

    3D keypoints about the root (`kps3d_root_aligned`) are not in the camera frame: left out.
    """
    aligned = bool(rows.file.table("misc").get("kps3d_root_aligned", False))
    return _points(rows, 2, KEYS_2D) | ({} if aligned else _points(rows, 3, KEYS_3D))


def _points(rows: Rows, dimensions: int, keys: tuple[str, ...]) -> Columns:
    for key in keys:
        values = rows.array(key)
        if values is None or values.ndim != 3 or values.shape[2] < dimensions:
            continue
        found = _joints(rows, key, values.shape[1])
        if found is None:
            continue
        places, joints = found
        if not len(joints):  # a mask without joints: the release labels none
            return {}
        points = values[:, places].astype(np.float64)
        score = points[..., dimensions : dimensions + 1]
        if score.shape[2] == 0:
            score = np.ones((*points.shape[:2], 1))
        scored = np.concatenate([points[..., :dimensions], score], 2)
        return keypoint_columns(dimensions, (scored, tuple(joints.tolist())))
    return {}


def _joints(rows: Rows, key: str, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Which of the array's joints are labelled, and where they lie among the 190.

    A compressed array holds only the joints of its mask; the file's flag does not tell, since it
    is also set where an array is whole. None where neither mask nor convention explains the width.
    """
    convention = str(rows.file.value(f"{key}_convention") or "human_data")
    if convention != "human_data":
        known = CONVENTIONS.get(convention, ())
        return (np.arange(width), np.asarray(known)) if len(known) == width else None
    stored = rows.file.value(f"{key}_mask")
    mask = np.asarray([] if stored is None else stored).ravel() > 0
    if width < len(mask) and width == mask.sum():
        return np.arange(width), np.flatnonzero(mask)
    if width not in WIDTHS:
        return None
    places = np.flatnonzero(mask[:width]) if len(mask) >= width else np.arange(width)
    return places, places


def box_columns(rows: Rows) -> Columns:
    """Tight boxes of N people; a box without confidence, or a hand's without size, is null."""
    misc = rows.file.table("misc")
    columns: Columns = {}
    for column, key, names, usual in BOXES:
        stored = rows.array(key)
        if stored is None or stored.ndim != 2 or stored.shape[1] < 4:
            continue
        values = stored.astype(np.float64)
        scale = next((float(misc[name]) for name in names if misc.get(name)), usual)
        corner, size = values[:, :2], values[:, 2:4]
        tight = size / scale
        box = np.concatenate([corner + (size - tight) / 2, tight], 1)
        here = values[:, 4] > 0 if values.shape[1] > 4 else np.ones(len(values), bool)
        seen = here if column == "bbox" else here & (size > 0).all(1)
        columns[column] = nullable(box, seen)
    return columns


def owner_valid(rows: Rows) -> NDArray[np.bool_]:
    """(N,) False for the people whom the owners or their loaders skip."""
    valid = np.ones(len(rows), bool)
    for flag in ("annot_valid", "valid_label", "num_keypoints"):
        said = rows.entry("meta", flag)
        if said is not None:
            valid &= numbers(said)[0][:, 0] != 0
    crowd = rows.entry("meta", "iscrowd")
    return valid if crowd is None else valid & (numbers(crowd)[0][:, 0] == 0)
