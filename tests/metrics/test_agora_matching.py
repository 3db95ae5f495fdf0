"""AGORA's matching against its own evaluator, and against a loop written from its description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.metrics.agora_matching import Matching, matching, overlap, spectral_norm

GOLDEN = Path(__file__).parent / "golden" / "agora_matching_and_averages.match_2d_greedy"
INPUT = json.loads(Path(f"{GOLDEN}.input.json").read_text())
RESULTS = json.loads(Path(f"{GOLDEN}.json").read_text())["results"]
CASES = {c["name"]: c for c in INPUT["cases"] if not c["name"].startswith("nan")}
EMPTY = (0, 24, 2)


def joints(values: Any) -> torch.Tensor:
    array = np.asarray(values, float)
    return torch.from_numpy(array if array.size else array.reshape(EMPTY))[None]


def matched(case: dict[str, Any]) -> Matching:
    valid = None if case["valid"] is None else torch.tensor([case["valid"]], dtype=torch.bool)
    return matching(joints(case["pred_joints2d"]), joints(case["gt_joints2d"]), valid=valid)


def loop(pred: np.ndarray, true: np.ndarray, valid: np.ndarray) -> list[tuple[int, int]]:
    """The matches of one image, as the page of protocols tells it."""
    pairs = [(i, j) for i in range(len(pred)) for j in range(len(true))]
    pairs.sort(key=lambda p: float(np.linalg.norm(pred[p[0]][:24] - true[p[1]][:24], 2)))
    matches: list[tuple[int, int]] = []
    gone: set[int] = set()
    rejected = 0
    for i, j in pairs:
        if len(gone) == len(true) or len(matches) + rejected >= len(pred):
            break
        low = np.maximum(pred[i].min(0), true[j].min(0))
        high = np.minimum(pred[i].max(0), true[j].max(0))
        shared = np.prod(np.maximum(0, high - low + 1))
        area = sum(np.prod(k.max(0) - k.min(0) + 1) for k in (pred[i], true[j]))
        if shared / (area - shared) < 0.1:
            rejected += 1
            gone |= set() if valid[j] else {j}
        elif j not in gone and i not in [m[0] for m in matches]:
            gone.add(j)
            matches += [(i, j)] if valid[j] else []
    return matches


def crowd(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Detections near some of 0-6 people, and elsewhere; one in three people is invalid."""
    rng = np.random.default_rng(seed)
    people, detections = rng.integers(0, 7, 2)
    true = rng.normal(0, 60, (people, 127, 2)) + rng.uniform(0, 500, (people, 1, 2))
    pred = rng.normal(0, 60, (detections, 24, 2)) + rng.uniform(0, 500, (detections, 1, 2))
    near = rng.permutation(min(people, detections))[: rng.integers(0, 7)]
    pred[near] = true[near, :24] + rng.normal(0, 15, (len(near), 24, 2))
    return pred * [1, 3], true * [1, 3], rng.random(people) > 1 / 3


@pytest.mark.parametrize("name", CASES)
def test_the_list_of_matches_misses_and_false_positives_is_the_official_one(name: str) -> None:
    expected = [tuple(pair) for pair in RESULTS[name]["matching"]["output"]]
    assert matched(CASES[name]).listed(0) == expected


@pytest.mark.parametrize("name", CASES)
def test_distances_and_overlaps_are_the_official_ones(name: str) -> None:
    if not np.size(RESULTS[name]["l2_pred_x_gt"]):
        assert not CASES[name]["pred_joints2d"] or not CASES[name]["gt_joints2d"]
        return
    pred, true = (joints(CASES[name][k]) for k in ("pred_joints2d", "gt_joints2d"))
    difference = pred[:, :, None, :24] - true[:, None, :, :24]
    expected = RESULTS[name]["l2_pred_x_gt"]
    np.testing.assert_allclose(spectral_norm(difference)[0], expected, rtol=1e-9)
    boxes = [torch.cat([k.amin(2), k.amax(2)], -1) for k in (pred, true)]
    expected = RESULTS[name]["iou_pred_x_gt"]
    np.testing.assert_allclose(overlap(*boxes)[0], expected, rtol=1e-9)


def test_300_crowds_are_matched_as_by_the_loop_also_all_at_once_with_padding() -> None:
    crowds = [crowd(seed) for seed in range(300)]
    pred = torch.full((300, 6, 24, 2), torch.nan, dtype=torch.float64)
    true = torch.full((300, 6, 127, 2), torch.nan, dtype=torch.float64)
    detected, there, valid = (torch.zeros((300, 6), dtype=torch.bool) for _ in range(3))
    for i, (p, g, v) in enumerate(crowds):
        pred[i, : len(p)], true[i, : len(g)] = torch.from_numpy(p), torch.from_numpy(g)
        detected[i, : len(p)], there[i, : len(g)] = True, True
        valid[i, : len(g)] = torch.from_numpy(v)
    found = matching(pred, true, detected=detected, there=there, valid=valid)
    for i, (p, g, v) in enumerate(crowds):
        expected = loop(p, g, v)
        assert [m for m in found.listed(i) if {type(k) for k in m} == {int}] == expected
        assert found.false_positives[i] == len(p) - len(expected)
        assert found.missed[i].sum() == v.sum() - len(expected)
    assert 250 < sum(len(loop(*c)) for c in crowds) < 700


def test_the_order_of_detections_and_people_and_float32_do_not_matter() -> None:
    pred, true, valid = (torch.from_numpy(x)[None] for x in crowd(8))
    turn, other = torch.randperm(pred.shape[1]), torch.randperm(true.shape[1])
    before = matching(pred, true, valid=valid)
    after = matching(pred[:, turn].float(), true[:, other].float(), valid=valid[:, other])
    assert before.missed[:, other].tolist() == after.missed.tolist()
    assert before.false_positives.tolist() == after.false_positives.tolist()
    assert (before.person_of[0, turn] >= 0).tolist() == (after.person_of[0] >= 0).tolist()
    assert (before.detection_of >= 0).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_joint_that_is_not_finite_is_refused_where_the_official_code_hangs(bad: float) -> None:
    pred, true = torch.rand((1, 2, 24, 2)), torch.rand((1, 2, 24, 2))
    pred[0, 1, 3, 0] = bad
    with pytest.raises(ValueError, match="must be finite"):
        matching(pred, true)
    only_first = torch.tensor([[True, False]])
    assert matching(pred, true, detected=only_first).person_of[0, 1] == -1


def test_fewer_than_24_joints_and_masks_of_other_sizes_are_refused() -> None:
    good = torch.rand((1, 2, 24, 2))
    with pytest.raises(ValueError, match="24 or more"):
        matching(good[:, :, :23], good)
    with pytest.raises(ValueError, match=r"\(1, 2\)"):
        matching(good, good, valid=torch.ones((1, 3), dtype=torch.bool))
    with pytest.raises(ValueError, match="boxes must be"):
        matching(good, good, boxes=torch.zeros((1, 3, 4)))


def test_no_images_at_all_are_no_matches() -> None:
    found = matching(torch.zeros((0, 3, 24, 2)), torch.zeros((0, 2, 24, 2)))
    assert found.person_of.shape == (0, 3)
    assert found.false_positives.tolist() == []
