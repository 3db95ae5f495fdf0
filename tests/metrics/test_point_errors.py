"""PVE and MPJPE worked out by hand, and the finder."""

from __future__ import annotations

import math

import pytest
import torch

from ehpsbench.errors import UnknownName
from ehpsbench.metrics import catalogue, mpjpe, pve
from ehpsbench.metrics.hand_mean import hand_mean


def test_one_joint_of_two_10_cm_off_is_50_mm() -> None:
    true = torch.zeros(1, 2, 3)
    pred = torch.tensor([[[0.1, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    assert mpjpe.score(pred, true).item() == pytest.approx(50)


def test_a_body_two_metres_away_has_no_error_when_both_are_centred_on_their_pelvis() -> None:
    true = torch.randn(3, 14, 3, dtype=torch.float64)
    roots = {"pred_root": true[:, 0] + 2, "target_root": true[:, 0]}
    assert mpjpe.score(true + 2, true, **roots).abs().max() < 1e-9


def test_the_root_need_not_be_a_joint_that_is_scored() -> None:
    true, root = torch.zeros(1, 5, 3), torch.tensor([[0.0, 0.03, 0.04]])
    found = mpjpe.score(true, true, pred_root=root, target_root=torch.zeros(1, 3))
    assert found.item() == pytest.approx(50)


def test_nobody_annotated_is_nan_not_zero() -> None:
    true = torch.zeros(2, 4, 3)
    valid = torch.tensor([[True] * 4, [False] * 4])
    assert pve.score(true, true, valid).isnan().tolist() == [False, True]


def test_vertices_left_out_may_be_nan() -> None:
    true = torch.tensor([[[0.0, 0.0, 0.0], [math.nan] * 3]])
    pred = torch.tensor([[[0.0, 0.0, 0.2], [1.0, 1.0, 1.0]]])
    assert pve.score(pred, true, torch.tensor([[True, False]])).item() == pytest.approx(200)


def test_a_vertex_that_counts_and_is_not_finite_makes_the_person_nan() -> None:
    true = torch.zeros(2, 4, 3)
    pred = true.clone()
    pred[0, 1, 1] = math.inf
    assert pve.score(pred, true).isnan().tolist() == [True, False]


def test_float32_meshes_far_away_are_compared_in_float64() -> None:
    true = torch.full((1, 4, 3), 1000.0)
    pred = true.double() + 1e-6
    assert pve.score(pred, true).item() == pytest.approx(math.sqrt(3) * 1e-3, rel=1e-6)


def test_sets_of_different_size_are_refused() -> None:
    with pytest.raises(ValueError, match="must both be"):
        pve.score(torch.zeros(1, 4, 3), torch.zeros(1, 5, 3))
    with pytest.raises(ValueError, match="valid must be"):
        pve.score(torch.zeros(1, 4, 3), torch.zeros(1, 4, 3), torch.ones(4, dtype=torch.bool))
    with pytest.raises(ValueError, match="root must be"):
        pve.score(torch.zeros(2, 4, 3), torch.zeros(2, 4, 3), pred_root=torch.zeros(3))


def test_the_hand_that_is_there_stands_for_both() -> None:
    nan = math.nan
    left, right = torch.tensor([1.0, 1.0, nan, nan]), torch.tensor([3.0, nan, 3.0, nan])
    assert hand_mean(left, right).tolist() == pytest.approx([2.0, 1.0, 3.0, nan], nan_ok=True)


def test_every_metric_states_its_facts() -> None:
    for name in catalogue.names():
        card = catalogue.card(name)
        facts = (card.title, card.unit, card.definition, card.source, card.undefined)
        assert all(facts), name
        assert callable(catalogue.score(name))


def test_a_metric_with_a_typo_is_named() -> None:
    with pytest.raises(UnknownName, match="mean pa_mpjpe"):
        catalogue.score("pa-mpjpe")
