"""What SMPLer-X says of places in a crop, what labels say of them, and how far the two are apart.

Labels of hands' and faces' boxes are made here from where the joints are seen: boxes of the owners
are drawn by other rules from release to release, and most releases have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ehpsbench.training.augment import Batch
from ehpsbench.training.joints import (
    FACE,
    LEFT_HAND,
    LEFT_WRIST,
    PELVIS,
    RIGHT_HAND,
    RIGHT_WRIST,
)
from ehpsbench.training.models.heatmaps import DEPTH
from ehpsbench.training.models.prediction import Prediction
from ehpsbench.training.models.roi import CELLS
from ehpsbench.training.transfer import constant, indices

BODY_JOINTS, FINGERS = 25, 15
HANDS = ((LEFT_HAND, LEFT_WRIST), (RIGHT_HAND, RIGHT_WRIST))
BODY_DEPTH, HAND_DEPTH = 1.0, 0.15  # m from pelvis and wrist to the ends of a heatmap, as published
# What a box is drawn around, and how much longer its side is than that of their tight box: 1.2 as
# published, times what is beyond the joints. Measured on the open body: finger tips make a hand's
# box 1.19 times as long, and a face's landmarks one that is 2.2 times that of jaw and eyes.
BOXED = (
    ("left_hand_boxes", (LEFT_WRIST, *range(LEFT_HAND.start, LEFT_HAND.stop)), 1.2 * 1.19),
    ("right_hand_boxes", (RIGHT_WRIST, *range(RIGHT_HAND.start, RIGHT_HAND.stop)), 1.2 * 1.19),
    ("face_boxes", tuple(range(FACE.start, FACE.stop)), 1.2 * 2.2),
)


@dataclass(frozen=True, slots=True)
class Places(Prediction):
    """A prediction that also says where things are in the crop.

    Attributes:
        places: (B, 25, 3) joints 0 to 24: crop coordinates, and depth from the pelvis / 1 m.
        points: (B, 2, 20, 3) of left and right hand, 15 of them joints: coordinates in `rois`
            (edges at ±1), and depth from the wrist / 0.15 m.
        boxes: (B, 3, 4) of left hand, right hand and face: middles and half sizes in the crop.
        rois: (B, 2, 4) the larger boxes in which the hands were looked at; without gradient.
    """

    places: Tensor
    points: Tensor
    boxes: Tensor
    rois: Tensor

    def off(self, seen: Tensor, labelled: Tensor, known: Tensor) -> Tensor:
        """(B, 55, 2) how far projected joints are from where they are seen.

        Hands and face move to where they are labelled first, so that they teach their pose and not
        the body's place. Fingers count in their own box, as far as it shows them.
        """
        plain = seen - labelled
        out = [plain[:, : FACE.start], _moved(plain[:, FACE], known[:, FACE])]
        for side, (part, _) in enumerate(HANDS):
            roi = self.rois[:, side]
            shown = known[:, part] & _inside(_in_box(labelled[:, part], roi))
            off = _moved(plain[:, part] / roi[:, None, 2:], shown)
            out.append(torch.where(shown[..., None], off, 0))
        return torch.cat(out, 1)


def own_counts(batch: Batch) -> dict[str, Tensor]:
    """How many boxes of each kind, and coordinates of places, are labelled."""
    boxes = dict(zip((name for name, _, _ in BOXED), _boxes(batch)[1].sum(0), strict=True))
    return boxes | {"positions": _body(batch)[1].sum() + _hands(batch)[1].sum()}


def own_losses(
    prediction: Places, batch: Batch, counts: Mapping[str, Tensor], grid: tuple[int, int]
) -> dict[str, Tensor]:
    """L1 of boxes and of places in heatmaps, in cells.

    Args:
        prediction: of the network.
        batch: what it should have been.
        counts: of the whole batch, by `own_counts`.
        grid: cells of the crop down and across.

    Returns:
        `boxes`: of middle and size, the mean over what is labelled of each kind, added up;
        `positions`: the mean over body and hands. A point of a hand that its box does not show
        counts as right.
    """
    cells = constant((grid[1] / 2, grid[0] / 2, DEPTH / 2), prediction.boxes.device)
    boxes, known = _boxes(batch)
    # Twice the half size is the size.
    scale = constant((grid[1] / 2, grid[0] / 2, grid[1], grid[0]), cells.device)
    off = torch.where(known[..., None], (prediction.boxes - boxes) * scale, 0).abs()
    each = off.sum((0, 2)) / 2
    said = zip(each, (counts[name] for name, _, _ in BOXED), strict=True)
    return {
        "boxes": torch.stack([sum_ / count.clamp(min=1) for sum_, count in said]).sum(),
        "positions": _position_sum(prediction, batch, cells) / counts["positions"].clamp(min=1),
    }


def _position_sum(prediction: Places, batch: Batch, cells: Tensor) -> Tensor:
    wanted, known = _body(batch)
    body = torch.where(known, (prediction.places - wanted) * cells, 0).abs().sum()
    wanted, known = _hands(batch)
    placed = _in_box(wanted[..., :2], prediction.rois)
    shown = known & _inside(placed)[..., None]
    off = prediction.points[:, :, :FINGERS] - torch.cat([placed, wanted[..., 2:]], -1)
    half = constant((CELLS / 2, CELLS / 2, DEPTH / 2), cells.device)
    return body + torch.where(shown, off * half, 0).abs().sum()


def _body(batch: Batch) -> tuple[Tensor, Tensor]:
    """Where joints 0 to 24 should be, (B, 25, 3), and which coordinates of it are labelled."""
    return _labelled(batch, slice(0, BODY_JOINTS), PELVIS, BODY_DEPTH)


def _hands(batch: Batch) -> tuple[Tensor, Tensor]:
    """Where fingers should be in the crop, (B, 2, 15, 3), and which coordinates are labelled."""
    left, right = (_labelled(batch, part, wrist, HAND_DEPTH) for part, wrist in HANDS)
    return torch.stack([left[0], right[0]], 1), torch.stack([left[1], right[1]], 1)


def _labelled(batch: Batch, part: slice, root: int, reach: float) -> tuple[Tensor, Tensor]:
    """Places of a part with the depth from its root, and which coordinates are labelled.

    A keypoint in the picture alone labels no depth; what lies outside the crop, nothing.
    """
    pixels = batch.pixels[:, part]
    depth = (batch.joints[:, part, 2] - batch.joints[:, root : root + 1, 2]) / reach
    seen = batch.pixels_known[:, part] & _inside(pixels)
    deep = seen & batch.joints_known[:, part] & batch.joints_known[:, root : root + 1]
    known = torch.stack([seen, seen, deep & (depth.abs() < 1)], -1)
    return torch.cat([pixels, depth[..., None]], -1), known


def _boxes(batch: Batch) -> tuple[Tensor, Tensor]:
    """Boxes of left hand, right hand and face, (B, 3, 4), and (B, 3) which are labelled.

    All joints of a part must be seen, its middle inside the crop. Boxes are as wide as they are
    high, in parts of the crop, as published.
    """
    boxes, known = [], []
    for _, joints, margin in BOXED:
        chosen = indices(joints, batch.pixels.device)
        pixels = batch.pixels[:, chosen]
        low, high = pixels.amin(1), pixels.amax(1)
        half = ((high - low).amax(-1, keepdim=True) / 2 * margin).expand(-1, 2)
        middle = (low + high) / 2
        boxes.append(torch.cat([middle, half], -1))
        seen = batch.pixels_known[:, chosen].all(1)
        known.append(seen & _inside(middle) & (half[:, 0] < 1))
    return torch.stack(boxes, 1), torch.stack(known, 1)


def _inside(places: Tensor) -> Tensor:
    """(...,) whether (..., 2) are within ±1."""
    return (places.abs() < 1).all(-1)


def _in_box(places: Tensor, boxes: Tensor) -> Tensor:
    """(..., J, 2) crop coordinates → coordinates in boxes (..., 4)."""
    return (places - boxes[..., None, :2]) / boxes[..., None, 2:]


def _moved(off: Tensor, known: Tensor) -> Tensor:
    """(B, J, 2) differences less the mean of those that are known."""
    mask = known[..., None]
    mean = torch.where(mask, off, 0).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)
    return off - mean
