"""Columns scored together, on any number of threads, are those of the metrics one by one."""

from __future__ import annotations

import pytest
import torch

from ehpsbench.evaluation.mesh.columns import Column, column_errors
from ehpsbench.evaluation.mesh.points import Figures, Pair, Picker, Weighted
from ehpsbench.evaluation.mesh.rules import ErrorColumn
from ehpsbench.metrics import pa_pve, pve

PEOPLE, VERTICES = 7, 60
SIDES = {"left": torch.arange(5, 25), "right": torch.arange(59, 39, -1)}


def bodies() -> tuple[torch.Tensor, torch.Tensor]:
    made = torch.Generator().manual_seed(0)
    true = torch.randn(PEOPLE, VERTICES, 3, generator=made) + 4
    return true + torch.randn(true.shape, generator=made) / 10, true


def columns() -> list[Column]:
    found = []
    for metric, root in (("pve", "wrist"), ("pa_pve", "none")):
        error = ErrorColumn(name=metric, metric=metric, points="hand_vertices", root=root)
        for number, (side, ids) in enumerate(SIDES.items()):
            weights = Weighted(torch.tensor([number]), torch.ones(1, 1, dtype=torch.float64))
            picker = Picker(None, ids, weights if root == "wrist" else None)
            found.append(Column(error, side, Pair(picker, picker)))
    return found


@pytest.fixture(params=[1, 40, 2**16])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Points of the people of a block, of which a person has 20."""
    monkeypatch.setattr("ehpsbench.metrics.point_pairs.BLOCK", request.param)
    return int(request.param)


@pytest.mark.usefixtures("block")
def test_both_hands_have_the_errors_of_each_hand_alone() -> None:
    pred, true = bodies()
    found = column_errors(columns(), Figures(pred), Figures(true.double()))
    for number, (side, ids) in enumerate(SIDES.items()):
        p, g = pred[:, ids].double(), true[:, ids].double()
        roots = {"pred_root": pred[:, number], "target_root": true[:, number]}
        torch.testing.assert_close(found[f"pve_{side}"], pve.score(p, g, **roots))
        torch.testing.assert_close(found[f"pa_pve_{side}"], pa_pve.score(p, g))


@pytest.mark.usefixtures("block")
def test_points_count_that_are_seen() -> None:
    pred, true = bodies()
    mask = torch.rand(PEOPLE, 20, generator=torch.Generator().manual_seed(1)) > 0.3
    seen = column_errors(columns(), Figures(pred), Figures(true), lambda _, people: mask[people])
    p, g = pred[:, SIDES["right"]], true[:, SIDES["right"]]
    torch.testing.assert_close(seen["pa_pve_right"], pa_pve.score(p, g, counted=mask))


def test_the_number_of_threads_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ehpsbench.metrics.point_pairs.BLOCK", 40)
    monkeypatch.setattr("ehpsbench.evaluation.mesh.columns.TOGETHER", 2)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(column_errors(columns(), *map(Figures, bodies())))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(values, other[name]) for name, values in found[0].items())


def test_two_alignments_of_the_same_points_are_both_those_of_the_points() -> None:
    pred, true = bodies()
    second = [
        Column(c.error.model_copy(update={"name": f"second_{c.error.name}"}), c.side, c.pair)
        for c in columns()
    ]
    found = column_errors([*columns(), *second], Figures(pred), Figures(true))
    for column in columns():
        assert torch.equal(found[f"second_{column.name}"], found[column.name])
