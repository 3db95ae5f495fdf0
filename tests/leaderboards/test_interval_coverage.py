"""Intervals hold the truth about as often as docs/ranking.md says."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "interval_coverage.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT), run_name="interval_coverage")


@pytest.mark.parametrize("seeds", [2, 3])
def test_equal_sets_are_told_apart_about_one_time_in_twenty(
    script: dict[str, Any], seeds: int
) -> None:
    case = script["Case"](seeds=seeds, clusters=20)
    found = script["coverage"](case, 40, np.random.default_rng(1), samples=400)
    assert 0.90 < found["difference"] < 0.985
    assert found["MPE"] > 0.85


def test_one_seed_tells_equal_sets_apart_far_too_often(script: dict[str, Any]) -> None:
    found = script["coverage"](script["Case"](seeds=1), 20, np.random.default_rng(1), samples=400)
    assert found["difference"] < 0.8


def test_clusters_are_shared_so_hard_recordings_do_not_widen_differences(
    script: dict[str, Any],
) -> None:
    widths = [width(script, recordings) for recordings in (0.0, 100.0)]
    assert widths[1] == pytest.approx(widths[0], rel=0.05)


def width(script: dict[str, Any], recordings: float) -> float:
    """Mean width of the intervals of differences, where clusters differ by so many mm."""
    rows = script["table"](script["Case"](recordings=recordings, own=0.0), np.random.default_rng(2))
    entrants = {e: script["Entrant"](e.split("--")[0]) for e in rows}
    board = script["Board"].of("b", "B", {"b0": "pve", "b1": "pve"})
    found = script["rank"](rows, board, entrants=entrants, samples=500)
    pairs = np.triu_indices(7, 1)
    return float((found.difference_high - found.difference_low)[pairs].mean())


def test_resampling_two_seeds_alone_holds_the_truth_two_times_in_three(
    script: dict[str, Any],
) -> None:
    own, pooled = script["luck_alone"](2, 600, np.random.default_rng(0))
    assert own == pytest.approx(2 / 3, abs=0.06)  # of the 6 orders of 4 seeds, 2 part the pairs
    assert pooled == pytest.approx(0.90, abs=0.04)
