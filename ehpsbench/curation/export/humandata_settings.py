"""What a HumanData file says of all its rows, and what of the store it cannot say."""

from __future__ import annotations

from typing import Any

import numpy as np

from ehpsbench.atomic import write_text
from ehpsbench.curation.export.humandata_rows import PADDING, Shape, grown
from ehpsbench.curation.export.job import Job
from ehpsbench.curation.export.losses import Tally
from ehpsbench.dataset_adapters.release import SAMPLE_MARKER
from ehpsbench.schema import Columns, present

__all__ = ["KEPT", "OF_PICTURES", "WHY", "WHY_OF_MOTIONS", "count_changes", "misc", "write_marker"]

KEPT = frozenset(
    "instance_id person camera image_path height width orientation focal principal_point "
    "camera_valid fps bbox left_hand_bbox right_hand_bbox face_bbox source_model labels gender "
    "betas num_betas betas_more betas_neutral kid global_orient body_pose smpl_hand_pose "
    "left_hand_pose right_hand_pose jaw_pose leye_pose reye_pose expression transl "
    "left_hand_orient right_hand_orient body_valid left_hand_valid right_hand_valid face_valid "
    "owner_valid keypoints2d keypoints3d keypoints2d_extra keypoints3d_extra track "
    # said by the file's name, by the card, or made anew from the image path on reading
    "dataset split image_id sequence frame cluster annotation body_hash source_file source_row "
    "unit subject_gender shape_valid".split()
)
WHY = {
    "distortion": "HumanData knows a pinhole only; keypoints stay where they are in the image",
    "distortion_model": "HumanData knows a pinhole only",
    "world_rotation": "the loaders' viewer would move the bodies by it a second time",
    "world_translation": "the loaders' viewer would move the bodies by it a second time",
    "template_path": "the mean shape stands for the personal rest mesh",
    "expression_more": "the loaders take ten expression coefficients",
    "left_hand_betas": "hands alone stand on a body without pose",
    "right_hand_betas": "hands alone stand on a body without pose",
    "left_hand_transl": "hands alone stand on a body without pose",
    "right_hand_transl": "hands alone stand on a body without pose",
}
WHY_OF_MOTIONS = WHY | dict.fromkeys(
    ("world_rotation", "world_translation"), "misc.frame says in words how the bodies were turned"
)
OF_PICTURES = frozenset("height width focal_length principal_point orientation cam_id".split())
FRAME_OF_MOTIONS = (
    "x right, y down, z forward, nobody's camera: the owners' world, z up, turned by 90 degrees "
    "about x and not moved"
)
PARTS = {
    "left_hand_valid": ("left_hand_pose",),
    "right_hand_valid": ("right_hand_pose",),
    "body_valid": ("body_pose",),
    "face_valid": ("jaw_pose", "expression"),
}


def misc(
    job: Job, shape: Shape, labels: set[str], rates: set[float], *, metric: bool
) -> dict[str, Any]:
    """Settings of a file.

    Args:
        job: the export.
        shape: of its rows.
        labels: who made them.
        rates: their frame rates.
        metric: whether somebody's camera is measured.
    """
    own = labels <= {job.card.labels}
    settings: dict[str, Any] = {
        "kps3d_root_aligned": False,
        "flat_hand_mean": not shape.relative,
        f"{shape.table}_source": "original" if own else ",".join(sorted(labels)),
        "body_set": dict(job.manifest["body_set"]),
    }
    if job.pictured:
        settings |= {
            "bbox_source": "provide_by_dataset",
            "bbox_body_scale": PADDING,
            "bbox_facehand_scale": 1.0,
            "cam_param_type": "prespective" if metric else "predicted_camera",  # their spelling
        }
    else:
        settings["frame"] = FRAME_OF_MOTIONS
    return settings | ({"fps": rates.pop()} if len(rates) == 1 else {})


def count_changes(tally: Tally, columns: Columns, shape: Shape, *, embed: bool) -> None:
    """Values that have a place in the file but do not come back as they were."""
    count = len(columns["instance_id"])
    for flag, parts in PARTS.items():
        invalid = ~_true(columns, flag, count)
        for name in parts:
            lost = invalid & _any(columns, name, count)
            why = "a loader knows what is not valid only by its zeros"
            tally.add(f"{name} of a part that is not valid", int(lost.sum()), why)
    wrong = ~_true(columns, "shape_valid", count) & _any(columns, "betas", count)
    if shape.table == "smplx":
        why = "a loader takes any shape that is not zero for valid"
        tally.add("betas that are not valid", int(wrong.sum()), why)
    if "bbox" in columns:
        box = grown(np.ma.filled(np.ma.asarray(columns["bbox"]), 0))
        size = np.stack([columns["width"], columns["height"]], 1)
        cut = ((box[:, :2] < 0) | (box[:, :2] + box[:, 2:] > size)).any(1)
        why = "padded by 1.2 and cut at the border, as loaders expect: the tight box is near"
        tally.add("bbox near the border", int((cut & present(columns["bbox"])).sum()), why)
    turned = np.ma.filled(np.ma.asarray(columns.get("orientation", np.ones(count))), 1) != 1
    if not embed:
        why = "meta.orientation says how to turn the image, and loaders do not look; embed images"
        tally.add("orientation", int(turned.sum()), why)
    if shape.family == "mano":
        why = "the loaders know no hand without a body: hands stand on one without pose"
        tally.add("source_model mano", count, why)


def _true(columns: Columns, name: str, count: int) -> Any:
    if name not in columns:
        return np.zeros(count, bool)
    return np.ma.filled(np.ma.asarray(columns[name]), False).astype(bool)


def _any(columns: Columns, name: str, count: int) -> Any:
    """(N,) rows whose values are not all zero or null."""
    if name not in columns:
        return np.zeros(count, bool)
    return (np.ma.filled(np.ma.asarray(columns[name]), 0) != 0).any(1)


def write_marker(job: Job) -> None:
    """Say that the rows belong to the open body, so that reading takes it again."""
    from ehpsbench.atomic import canonical_json

    body = job.manifest["body_set"]
    told = {"made_by": "ehpsbench", "dataset": job.card.name, "body": body["name"]}
    write_text(job.folder / SAMPLE_MARKER, canonical_json({**told, "body_set": body["id"]}))
