"""Stored people as rows of a HumanData file, as the loader of SMPLest-X means them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.card import Card
from ehpsbench.geometry import clip_box
from ehpsbench.schema import Columns, present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["BOXES", "PADDING", "Shape", "body", "boxes", "meta", "videos"]

PADDING = 1.2  # of the body's box; the loader takes it away again
BOXES = {
    "bbox_xywh": "bbox",
    "lhand_bbox_xywh": "left_hand_bbox",
    "rhand_bbox_xywh": "right_hand_bbox",
    "face_bbox_xywh": "face_bbox",
}
PLAIN = {"global_orient": 3, "jaw_pose": 3, "leye_pose": 3, "reye_pose": 3, "transl": 3}
FACE = ("jaw_pose", "expression")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """What all rows of one file have in common.

    Attributes:
        family: smplx, smplh, smpl or mano.
        betas: how many shape components.
        kids: whether somebody weighs the kid template.
        neutral: whether there are shapes on the neutral body.
        relative: whether hands are stored without the model's mean.
    """

    family: str
    betas: int
    kids: bool
    neutral: bool
    relative: bool

    @property
    def table(self) -> str:
        """The dictionary that holds the parameters: hands alone stand in SMPL-X's."""
        return "smplx" if self.family == "mano" else self.family

    def joined(self, other: Shape) -> Shape:
        """What both need."""
        return replace(
            self,
            betas=max(self.betas, other.betas),
            kids=self.kids or other.kids,
            neutral=self.neutral or other.neutral,
        )

    def rows(self) -> dict[str, tuple[int, ...]]:
        """Shape of a row of every array of the dictionary."""
        shapes: dict[str, tuple[int, ...]] = {"global_orient": (3,), "transl": (3,)}
        shapes |= {"body_pose": (23 if self.family == "smpl" else 21, 3), "betas": (self.betas,)}
        if self.family != "smpl":
            shapes |= {f"{side}_hand_pose": (15, 3) for side in ("left", "right")}
        if self.table == "smplx":
            shapes |= {"jaw_pose": (3,), "leye_pose": (3,), "reye_pose": (3,), "expression": (10,)}
        if self.kids:
            shapes["betas_extra"] = (1,)
        if self.neutral:
            shapes["betas_neutral"] = (10,)
        if self.family == "mano":
            shapes |= {"lhand_root": (3,), "rhand_root": (3,)}
        return shapes


def body(columns: Columns, shape: Shape, bodies: BodySet | None) -> dict[str, Floats]:
    """Parameters by HumanData's names.

    What is not valid is zero: the loader knows no other sign of it.
    """
    count = len(columns["instance_id"])
    values = {
        name: _values(columns, name, count, size)
        for name, size in {**PLAIN, "body_pose": 63, "expression": 10}.items()
    }
    values["body_pose"] *= _flag(columns, "body_valid", count)
    for name in FACE:
        values[name] *= _flag(columns, "face_valid", count)
    if shape.family == "smpl":
        hands = _values(columns, "smpl_hand_pose", count, 6)
        values["body_pose"] = np.concatenate([values["body_pose"], hands], 1)
    else:
        values |= _hands(columns, shape, bodies)
    values["betas"] = _betas(columns, shape.betas, count)
    values["betas_extra"] = _values(columns, "kid", count, 1)
    values["betas_neutral"] = _values(columns, "betas_neutral", count, 10)
    for side in ("left", "right"):
        values[f"{side[0]}hand_root"] = _values(columns, f"{side}_hand_orient", count, 3)
    return {name: values[name].reshape(count, *row) for name, row in shape.rows().items()}


def _values(columns: Columns, name: str, count: int, size: int) -> Floats:
    """(N, size) values, null as zero."""
    if name not in columns:
        return np.zeros((count, size))
    filled = np.ma.filled(np.ma.asarray(columns[name]), 0)
    return np.asarray(filled, np.float64).reshape(count, -1)[:, :size].copy()


def _flag(columns: Columns, name: str, count: int) -> NDArray[np.bool_]:
    return _values(columns, name, count, 1) > 0


def _betas(columns: Columns, width: int, count: int) -> Floats:
    """The shape with the components past 16 behind it, as wide as the file's widest."""
    betas = np.zeros((count, width))
    first = _values(columns, "betas", count, 16)
    betas[:, : min(width, 16)] = first[:, :width]
    more = columns.get("betas_more", np.full(count, None, object))
    for row, components in enumerate(more):
        if components is not None:
            betas[row, 16 : 16 + len(components)] = components
    return betas


def _hands(columns: Columns, shape: Shape, bodies: BodySet | None) -> dict[str, Floats]:
    """Valid hands, absolute or without the mean of the row's model; the others are zero."""
    count = len(columns["instance_id"])
    gender = np.ma.filled(np.ma.asarray(columns.get("gender", np.full(count, "neutral"))), "")
    hands = {}
    for side in ("left", "right"):
        pose = _values(columns, f"{side}_hand_pose", count, 45)
        if shape.relative and bodies is not None:
            for name in sorted(set(gender.tolist())):
                mean = bodies.model("smplx", str(name or "neutral")).hand_mean(side)
                pose[gender == name] -= mean
        hands[f"{side}_hand_pose"] = pose * _flag(columns, f"{side}_hand_valid", count)
    return hands


def boxes(columns: Columns) -> dict[str, Floats]:
    """(N, 5) x, y, w, h, confidence: the body's padded and cut to the image, parts tight."""
    count = len(columns["instance_id"])
    found = {}
    for key, name in BOXES.items():
        box = _values(columns, name, count, 4)
        here = present(columns[name]) if name in columns else np.zeros(count, bool)
        if name == "bbox" and here.any():
            box = clip_box(grown(box), columns["width"], columns["height"])
        found[key] = np.where(here[:, None], np.c_[box, np.ones(count)], 0)
    return found


def grown(box: Floats) -> Floats:
    """(N, 4) boxes padded as HumanData's are."""
    size = box[:, 2:] * PADDING
    return np.concatenate([box[:, :2] + (box[:, 2:] - size) / 2, size], 1)


def videos(columns: Columns) -> NDArray[Any]:
    """(N,) what known converters call the recording of a motion, though nobody filmed it."""
    return np.asarray([*(f"{name}.mp4" for name in columns["sequence"].tolist()), None])[:-1]


def meta(columns: Columns, card: Card) -> dict[str, NDArray[Any]]:
    """Numbers and texts of every row by the names that readers of HumanData look for.

    An unknown focal length is 0; a person whom nobody judged is valid.
    """
    count = len(columns["instance_id"])
    owner = columns.get("owner_valid", np.ones(count, bool))
    whose = "gender" if card.body.gender == "gendered" else "subject_gender"
    said = np.ma.filled(np.ma.asarray(columns.get(whose, np.full(count, None, object))), None)
    return {
        "gender": np.asarray([g or "neutral" for g in said.tolist()]),
        "height": _values(columns, "height", count, 1)[:, 0],
        "width": _values(columns, "width", count, 1)[:, 0],
        "focal_length": _values(columns, "focal", count, 2),
        "principal_point": _values(columns, "principal_point", count, 2),
        "annot_valid": np.ma.filled(np.ma.asarray(owner), True).astype(bool),
        "lefthand_valid": _flag(columns, "left_hand_valid", count)[:, 0],
        "righthand_valid": _flag(columns, "right_hand_valid", count)[:, 0],
        "face_valid": _flag(columns, "face_valid", count)[:, 0],
        "orientation": _values(columns, "orientation", count, 1)[:, 0],
        "cam_id": columns["camera"],
        "person_id": columns["person"],
        "track_id": columns.get("track", np.full(count, None, object)),
        "instance_id": columns["instance_id"],
    }
