"""Detections of a few images against their people → rows of statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ehpsbench.evaluation.agora.posed import Posed
from ehpsbench.metrics import agora
from ehpsbench.metrics.agora_columns import ERRORS
from ehpsbench.metrics.agora_matching import Matching, matching

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

PARTS = {"body": "agora_body", "left_hand": "left_hand", "right_hand": "right_hand", "face": "face"}


@dataclass(frozen=True, slots=True)
class Compared:
    """N people of M images, compared with the detections there.

    Attributes:
        errors: (N, 8) [mm], NaN for who is not found.
        found: (N,) who is matched.
        false_positives: (M,) detections of nobody.
    """

    errors: NDArray[np.float64]
    found: NDArray[np.bool_]
    false_positives: NDArray[np.int64]


def part_ids(bodies: BodySet) -> dict[str, Tensor]:
    """Vertex ids of AGORA's parts.

    Raises:
        MissingBody: a list of the owners is not there.
    """
    lists = {part: bodies.vertex_ids(name) for part, name in PARTS.items()}
    return {part: torch.from_numpy(np.array(ids, np.int64)) for part, ids in lists.items()}


def compared(
    said: Posed,
    true: Posed,
    matchable: NDArray[np.bool_],
    rows: range,
    ids: dict[str, Tensor],
    *,
    least_iou: float,
    device: str = "cpu",
) -> Compared:
    """Match and measure.

    Args:
        said: detections of the images `rows`.
        true: the people there.
        matchable: (N,) of the people.
        rows: consecutive images.
        ids: from `part_ids`.
        least_iou: overlap below which a pair is no match.
        device: where to compare.
    """
    slots = [_Slots.of(people.image, rows) for people in (said, true)]
    found = _matching(said, true, slots, matchable=matchable, least_iou=least_iou, device=device)
    detection = found.detection_of[slots[1].image, slots[1].place].cpu().numpy()
    here = detection >= 0
    which = slots[0].row[slots[1].image[here], detection[here]]
    errors = np.full((len(true.image), len(ERRORS)), np.nan)
    if here.any():
        points = (said.joints[which], said.vertices[which], true.joints[here], true.vertices[here])
        p, p_mesh, g, g_mesh = (torch.from_numpy(side).to(device) for side in points)
        errors[here] = agora.errors(p, p_mesh, g, g_mesh, ids).cpu().numpy()
    return Compared(errors, here, found.false_positives.cpu().numpy())


@dataclass(frozen=True, slots=True)
class _Slots:
    """Where people stand in a table of images × places.

    Attributes:
        image: (N,) from 0.
        place: (N,) from 0 in each image.
        row: (M, most) which of the N stands there; −1 for nobody.
    """

    image: NDArray[np.int64]
    place: NDArray[np.int64]
    row: NDArray[np.int64]

    @classmethod
    def of(cls, image: NDArray[np.int64], rows: range) -> _Slots:
        """Slots of people sorted by image."""
        image = image - rows.start
        place = np.arange(len(image)) - np.searchsorted(image, image)
        row = np.full((len(rows), int(place.max(initial=-1)) + 1), -1)
        row[image, place] = np.arange(len(image))
        return cls(image, place, row)

    def filled(self, values: NDArray[Any], device: str) -> Tensor:
        """(N, …) values as (M, most, …); zero where nobody stands."""
        table = np.zeros((*self.row.shape, *values.shape[1:]), values.dtype)
        table[self.image, self.place] = values
        return torch.from_numpy(table).to(device)


def _matching(
    said: Posed,
    true: Posed,
    slots: list[_Slots],
    *,
    matchable: NDArray[np.bool_],
    least_iou: float,
    device: str,
) -> Matching:
    detections, people = slots
    return matching(
        detections.filled(said.joints2d, device),
        people.filled(true.joints2d, device),
        detected=torch.from_numpy(detections.row >= 0).to(device),
        there=torch.from_numpy(people.row >= 0).to(device),
        valid=people.filled(matchable, device),
        boxes=detections.filled(said.boxes, device),
        true_boxes=people.filled(true.boxes, device),
        least_iou=least_iou,
    )
