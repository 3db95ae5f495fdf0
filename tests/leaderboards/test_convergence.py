"""How learning curves end, on curves whose slope is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.errors import InputError
from ehpsbench.leaderboards.convergence import Curve, ending, read_curve
from ehpsbench.store import Store


def curve(errors: list[float] | np.ndarray) -> Curve:
    """Points that lie evenly up to a budget of 3000 samples."""
    samples = np.linspace(0, 3000, len(errors) + 1)[1:].astype(int)
    return Curve("x", "x--s0", tuple(samples.tolist()), tuple(float(e) for e in errors))


def test_a_line_that_falls_by_30_mm_over_the_budget_has_a_slope_of_3_mm_a_tenth() -> None:
    end = ending(curve(np.linspace(130 - 30 / 20, 100, 20)))
    assert end is not None
    assert end.slope_mm == pytest.approx(-3)
    assert end.slope_error_mm == pytest.approx(0, abs=1e-9)
    assert (end.error_mm, end.points, end.end) == (100, 7, "falling")


@pytest.mark.parametrize(
    ("slope", "end"), [(-1.1, "falling"), (-0.9, "converged"), (0.9, "converged"), (1.1, "rising")]
)
def test_one_per_cent_of_the_error_a_tenth_is_the_limit(slope: float, end: str) -> None:
    found = ending(curve(100 + slope * (np.arange(1, 11) - 10)))
    assert found is not None
    assert found.end == end


def test_only_the_last_third_counts() -> None:
    steep_then_flat = [500, 400, 300, 200, 100, 100, 100, 100, 100, 100, 100, 100]
    found = ending(curve(np.asarray(steep_then_flat, float)))
    assert found is not None
    assert found.slope_mm == pytest.approx(0, abs=1e-9)


def test_the_six_points_of_the_small_recipe_are_enough_and_five_are_not() -> None:
    six, five = ending(curve([9, 8, 7, 6, 5, 4.0])), ending(curve([9, 8, 7, 6, 5.0]))
    assert six is not None
    assert (six.points, five) == (3, None)


def test_slope_and_standard_error_are_those_of_a_textbook_regression() -> None:
    errors = np.random.default_rng(0).normal(100, 2, 30)
    found = ending(curve(errors))
    assert found is not None
    x = np.arange(20, 31) / 3
    fit, covariance = np.polyfit(x, errors[19:], 1, cov=True)
    assert found.slope_mm == pytest.approx(fit[0])
    assert found.slope_error_mm == pytest.approx(np.sqrt(covariance[0, 0]))


def test_the_curve_of_a_rung_ends_where_the_rung_does(tmp_path: Path) -> None:
    store = Store(tmp_path)
    lines = [{"samples_seen": s, "heldout_mpjpe_mm": e} for s, e in ((1, 9.0), (2, None), (3, 7.0))]
    write_log(store, "x--s0", lines)
    assert read_curve(store, "x", "x--s0") == Curve("x", "x--s0", (1, 3), (9.0, 7.0))
    assert read_curve(store, "x", "x--s0@2") == Curve("x", "x--s0@2", (1,), (9.0,))
    assert read_curve(store, "x", "y--s0") is None


def test_a_broken_log_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_log(store, "x--s0", [{"samples_seen": 1}])
    with pytest.raises(InputError, match=r"x--s0/log.jsonl is broken .*heldout_mpjpe_mm"):
        read_curve(store, "x", "x--s0")


def write_log(store: Store, cell: str, lines: list[dict[str, float | None]]) -> None:
    path = store.runs / cell / "log.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
