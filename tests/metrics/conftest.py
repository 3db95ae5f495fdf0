"""People and detections in COCO's form as arrays, and their AP."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    import torch

    from ehpsbench.metrics import keypoint_ap

Make = Callable[..., Any]
PARTS = ("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts")
THEIRS = ("AP", "AP .5", "AP .75", "AP (M)", "AP (L)", "AR", "AR .5", "AR .75", "AR (M)", "AR (L)")


def _joints(people: list[dict[str, Any]]) -> np.ndarray:
    """(N, 133, 3) keypoints of people or detections."""
    flat = [list(chain.from_iterable(p[name] for name in PARTS)) for p in people]
    return np.array(flat).reshape(-1, 133, 3)


@pytest.fixture(scope="session")
def joints() -> Make:
    """`_joints`."""
    return _joints


def _padded(rows: list[np.ndarray], *shape: int) -> torch.Tensor:
    import torch

    out = np.zeros((len(rows), max(map(len, rows)), *shape))
    for i, row in enumerate(rows):
        out[i, : len(row)] = row.reshape(-1, *shape)
    return torch.from_numpy(out)


def _arrays(truth: dict[str, Any], said: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Images padded to the most people and detections of any."""
    by_image: list[dict[int, list[dict[str, Any]]]] = [defaultdict(list), defaultdict(list)]
    for groups, entries in zip(by_image, (truth["annotations"], said), strict=True):
        for entry in entries:
            groups[entry["image_id"]].append(entry)
    ids = sorted(image["id"] for image in truth["images"])
    people, dets = ([groups[i] for i in ids] for groups in by_image)
    body = [_joints(d)[:, :17, :2] for d in dets]
    return {
        "people": _padded([_joints(p) for p in people], 133, 3),
        "box": _padded([np.array([a["bbox"] for a in p]) for p in people], 4),
        "area": _padded([np.array([a["area"] for a in p]) for p in people]),
        "crowd": _padded([np.array([a["iscrowd"] for a in p]) for p in people]).bool(),
        "is_person": _padded([np.ones(len(p)) for p in people]).bool(),
        "detections": _padded([_joints(d) for d in dets], 133, 3),
        "scores": _padded([np.array([e["score"] for e in d]) for d in dets]),
        "detection_area": _padded(
            [np.prod(b.max(1) - b.min(1), -1) if len(b) else np.zeros(0) for b in body]
        ),
        "is_detection": _padded([np.ones(len(d)) for d in dets]).bool(),
    }


@pytest.fixture(scope="session")
def arrays() -> Make:
    """`_arrays`."""
    return _arrays


def _rows_of(made: dict[str, torch.Tensor], group: str, **changed: Any) -> keypoint_ap.Matches:
    """What `keypoint_ap.matches` makes of one group of the joints."""
    from ehpsbench.metrics import keypoint_ap, oks
    from ehpsbench.metrics.oks_sigmas import GROUPS, WHOLEBODY_133

    made = made | changed
    part = GROUPS[group]
    people, said = made["people"][:, :, part], made["detections"][:, :, part]
    visible = people[..., 2] > 0
    similar = oks.score(
        said[..., :2], people[..., :2], visible, made["area"], WHOLEBODY_133[part], box=made["box"]
    )
    return keypoint_ap.matches(
        similar,
        made["scores"],
        made["detection_area"],
        made["area"],
        ignored=~visible.any(-1),
        crowd=made["crowd"],
        is_detection=made["is_detection"] & (said[..., 2] > 0).any(-1),
        is_person=made["is_person"],
    )


@pytest.fixture(scope="session")
def rows_of() -> Make:
    """`_rows_of`."""
    return _rows_of


def _equal(found: dict[str, torch.Tensor], expected: dict[str, float]) -> None:
    """The ten numbers are those of a peer, which writes −1 for NaN."""
    from ehpsbench.metrics import keypoint_ap

    for ours, theirs in zip(keypoint_ap.NUMBERS, THEIRS, strict=True):
        value = found[ours].item()
        assert (-1 if np.isnan(value) else value) == pytest.approx(expected[theirs], rel=1e-9), ours


@pytest.fixture(scope="session")
def equal() -> Make:
    """`_equal`."""
    return _equal
