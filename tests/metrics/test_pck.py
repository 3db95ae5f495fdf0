"""PCK: shares counted by hand, HaMeR's arithmetic as a loop, and odd input."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ehpsbench.metrics import pck


def made(seed: int, people: int = 40, joints: int = 21) -> tuple[torch.Tensor, ...]:
    rng = np.random.default_rng(seed)
    target = rng.uniform(0, 300, (people, joints, 2))
    pred = target + rng.normal(size=target.shape) * 6
    confidence = rng.random((people, joints))
    box = rng.uniform(40, 200, (people, 2))
    return tuple(map(torch.from_numpy, (pred, target, confidence, box)))


def test_one_joint_of_two_within_a_tenth_is_a_half() -> None:
    target = torch.zeros(1, 3, 2)
    pred = torch.tensor([[[3.0, 4.0], [30.0, 40.0], [0.0, 0.0]]])
    seen = torch.tensor([[True, True, False]])
    rows = pck.score(pred, target, seen, torch.tensor([100.0]), threshold=0.1)
    assert rows.tolist() == [[1, 0, 0, 1, 1, 0]]
    found = pck.numbers(rows.sum(0))
    assert (found["pck"].item(), found["pck_pooled"].item()) == (0.5, 0.5)


def test_a_joint_exactly_at_the_threshold_counts_only_where_it_is_inclusive() -> None:
    pred, seen = torch.tensor([[[3.0, 4.0]]]), torch.tensor([[True]])
    same = (pred, torch.zeros(1, 1, 2), seen, torch.tensor([50.0]))
    assert pck.score(*same, threshold=0.1)[0, 0] == 0
    assert pck.score(*same, threshold=0.1, inclusive=True)[0, 0] == 1


def test_hint_s_number_is_that_of_a_loop_over_joints_and_hands() -> None:
    pred, target, confidence, box = made(0)
    rows = pck.score(pred, target, confidence > 0.5, box.amax(1), threshold=0.05, inclusive=True)
    shares = []
    for joint in range(21):
        right = of = 0
        for hand in range(40):
            if confidence[hand, joint] > 0.5:
                of += 1
                x, y = (pred[hand, joint] - target[hand, joint]).tolist()
                right += math.hypot(x, y) <= max(box[hand].tolist()) * 0.05
        shares.append(right / of)
    assert 0.2 < np.mean(shares) < 0.9
    assert pck.numbers(rows.sum(0))["pck"].item() == pytest.approx(np.mean(shares), rel=1e-12)


def test_sums_of_resamples_are_taken_at_once_and_parts_add_up() -> None:
    pred, target, confidence, box = made(1)
    rows = pck.score(pred, target, confidence > 0.3, box[:, 0])
    weights = torch.from_numpy(np.random.default_rng(2).integers(0, 3, (4, 5, 40))).double()
    found = pck.numbers(weights @ rows)["pck"]
    assert found.shape == (4, 5)
    again = rows.repeat_interleave(weights[2, 3].long(), 0).sum(0)
    assert found[2, 3].item() == pytest.approx(pck.numbers(again)["pck"].item(), rel=1e-12)
    halves = [
        pck.score(pred[s], target[s], confidence[s] > 0.3, box[s, 0])
        for s in (slice(0, 7), slice(7, None))
    ]
    assert torch.equal(torch.cat(halves), rows)
    single = pck.score(pred.float(), target.float(), confidence > 0.3, box[:, 0].float())
    assert torch.equal(single, rows)


def test_nobody_labelled_is_nan_and_a_person_without_size_does_not_count() -> None:
    pred = torch.zeros(2, 4, 2)
    nobody = pck.score(pred, pred, torch.zeros(2, 4, dtype=torch.bool), torch.ones(2))
    assert all(value.isnan() for value in pck.numbers(nobody.sum(0)).values())
    seen = torch.ones(2, 4, dtype=torch.bool)
    rows = pck.score(pred, pred, seen, torch.tensor([0.0, 9.0]))
    assert rows.sum(1).tolist() == [0, 8]
    assert len(pck.columns(4)) == rows.shape[1]
    assert pck.COLUMNS[16:18] == ("correct_16", "labelled_0")


def test_a_joint_labelled_nowhere_is_left_out_of_the_mean() -> None:
    sums = torch.tensor([1.0, 0, 0, 2, 4, 0])
    assert pck.numbers(sums)["pck"].item() == pytest.approx((0.5 + 0) / 2)
    assert pck.numbers(sums)["pck_pooled"].item() == pytest.approx(1 / 6)


def test_what_is_not_finite_is_refused_only_where_a_joint_is_labelled() -> None:
    pred, seen = torch.full((1, 2, 2), torch.nan), torch.tensor([[False, True]])
    pred[0, 1] = 0
    assert pck.score(pred, torch.zeros(1, 2, 2), seen, torch.ones(1)).sum() == 2
    with pytest.raises(ValueError, match="not finite"):
        pck.score(pred, torch.zeros(1, 2, 2), ~seen, torch.ones(1))
    with pytest.raises(ValueError, match="must both be"):
        pck.score(pred, torch.zeros(1, 3, 2), seen, torch.ones(1))
    with pytest.raises(ValueError, match="normaliser"):
        pck.score(pred, torch.zeros(1, 2, 2), seen, torch.ones(2))


@pytest.mark.parametrize("people", [1, 40])
@pytest.mark.parametrize("kind", [torch.int64, torch.uint8, torch.float32])
def test_cocos_visibility_2_is_labelled_and_minus_1_is_not(people: int, kind: torch.dtype) -> None:
    pred, target, confidence, box = made(4, people)
    flags = (confidence * 3).long() - (0 if kind == torch.uint8 else 1)
    assert flags.max() >= 1
    rows = pck.score(pred, target, flags.to(kind), box[:, 0])
    torch.testing.assert_close(rows, pck.score(pred, target, flags > 0, box[:, 0]))
