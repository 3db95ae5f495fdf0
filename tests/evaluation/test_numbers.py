"""Numbers of a result and their intervals, against a plain bootstrap loop."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch

from ehpsbench.evaluation.numbers import SAMPLES, Number, of_sums, of_values
from ehpsbench.resampling import generator, resampling_weights


def rows(values: np.ndarray, clusters: int, **more: np.ndarray) -> pa.Table:
    names = [f"video-{i % clusters}" for i in range(len(values))]
    return pa.table({"cluster": names, "error": values, **more})


def test_a_mean_and_its_interval_are_those_of_a_loop_over_resampled_clusters() -> None:
    values = np.random.default_rng(0).normal(50, 10, 60)
    values[::7] = np.nan
    found = of_values(rows(values, 12), ["error"])["error"]
    weights = resampling_weights(12, SAMPLES, generator(0, "numbers")).astype(int)
    order = sorted({f"video-{i}" for i in range(12)})
    members = [values[int(name.split("-")[1]) :: 12] for name in order]
    drawn = [
        np.nanmean(np.concatenate([m for m, n in zip(members, w, strict=True) for _ in range(n)]))
        for w in weights
    ]
    assert found.value == pytest.approx(np.nanmean(values))
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])))
    assert (found.count, found.clusters) == (int(np.isfinite(values).sum()), 12)


def test_a_ratio_of_sums_is_not_a_mean_of_ratios() -> None:
    hits, of = np.array([1.0, 0.0, 9.0]), np.array([1.0, 1.0, 10.0])
    table = rows(hits, 3, of=of)
    found = of_sums(table, ["error", "of"], lambda sums: {"share": sums[..., 0] / sums[..., 1]})
    assert found["share"].value == pytest.approx(10 / 12)
    assert found["share"].low < 10 / 12 < found["share"].high


@pytest.mark.parametrize("clusters", [1, 2, 4])
def test_few_clusters_are_resampled_by_rows(clusters: int) -> None:
    found = of_values(rows(np.arange(60.0), clusters), ["error"])["error"]
    half = 1.96 * np.std(np.arange(60)) / np.sqrt(59)
    assert found.clusters == clusters
    assert found.high - found.low == pytest.approx(2 * half, rel=0.1)


def test_only_rows_with_a_value_count_as_clusters() -> None:
    values = np.where(np.arange(60) % 6 == 0, np.arange(60.0), np.nan)
    found = of_values(rows(values, 6), ["error"])["error"]
    assert (found.count, found.clusters) == (10, 1)
    assert found.high - found.low > 10


def test_one_row_has_no_interval() -> None:
    found = of_values(rows(np.array([5.0]), 1), ["error"])["error"].as_dict()
    assert (found["value"], found["low"], found["high"]) == (5, None, None)


def test_an_infinite_number_is_null_in_json() -> None:
    assert Number(np.inf, 1, np.inf, 3, 1).as_dict()["value"] is None


@pytest.mark.parametrize("count", [0, 3])
def test_without_a_value_there_is_no_number(count: int) -> None:
    found = of_values(rows(np.full(count, np.nan), 2), ["error"])["error"]
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.as_dict() == {"value": None, "low": None, "high": None, "count": 0, "clusters": 0}


def test_the_statistics_reach_the_metric_as_float64() -> None:
    seen = []

    def numbers(sums: torch.Tensor) -> dict[str, torch.Tensor]:
        seen.append(sums.dtype)
        return {"sum": sums[..., 0]}

    of_sums(rows(np.ones(4), 2), ["error"], numbers)
    assert set(seen) == {torch.float64}
