"""Standings over numbers that are no mean of people: by hand, and by brute force."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pytest
import torch

from ehpsbench.errors import InputError
from ehpsbench.evaluation.protocol import NumberFacts
from ehpsbench.evaluation.stored import Detected, Statistics, Sums
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.drawn import MOST_RANKED, NumberRows
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.leaderboards.table import Standings
from ehpsbench.metrics import agora, keypoint_ap, normals, segmentation
from ehpsbench.metrics.agora_columns import COLUMNS
from ehpsbench.resampling import generator, resampling_weights

IMAGES, CLUSTERS, DRAWS = 24, 6, 60
CLUSTER = np.array([f"video-{i % CLUSTERS}" for i in range(IMAGES)])
IDS = np.array([f"image-{i:02d}" for i in range(IMAGES)])


def board(number: str, direction: str = "higher", **fields: object) -> Board:
    benchmark = {"id": "x", "primary": number, "direction": direction}
    return Board.model_validate({"name": "b", "title": "B", "benchmarks": [benchmark], **fields})


def ranked(number: str, direction: str, **entries: Statistics) -> Standings:
    rows = {e: {"x": NumberRows.of(IDS, CLUSTER, s, number)} for e, s in entries.items()}
    facts = {"x": NumberFacts("1", direction)}
    return rank(rows, board(number, direction), columns=facts, samples=DRAWS)


def areas(rng: np.random.Generator, right: float) -> Sums:
    """Label maps of 3 classes and 50 pixels, of which a share is right."""
    true = torch.from_numpy(rng.integers(3, size=(IMAGES, 50)))
    wrong = torch.from_numpy(rng.random((IMAGES, 50)) > right)
    rows = segmentation.score(torch.where(wrong, (true + 1) % 3, true), true, classes=3)
    return Sums(("miou", "macc"), rows.numpy().astype(float), segmentation.numbers)


def angles(rng: np.random.Generator, noise: float) -> Sums:
    true = torch.from_numpy(rng.normal(size=(IMAGES, 3, 40)))
    rows = normals.score(true + noise * torch.from_numpy(rng.normal(size=true.shape)), true)
    return Sums(("mean", "median"), rows.numpy(), normals.numbers)


def people(rng: np.random.Generator, missed: float) -> Sums:
    """AGORA's people, one an image, some of whom are missed."""
    found = torch.from_numpy(rng.random(IMAGES) > missed)
    rows = agora.score(
        torch.from_numpy(rng.uniform(50, 90, (IMAGES, 8))),
        found=found,
        looked_at=torch.ones(IMAGES, dtype=torch.bool),
        kid=torch.zeros(IMAGES, dtype=torch.bool),
        false_positives=torch.from_numpy(rng.integers(2, size=IMAGES)),
    )
    made = partial(agora.numbers, variant="matched")
    assert rows.shape[1] == len(COLUMNS)
    return Sums(("fullbody_nmve", "f1"), rows.numpy(), made)


def detections(rng: np.random.Generator, noise: float) -> Detected:
    """Four people an image and a detection near each."""
    shape = (IMAGES, 4, 4)
    similar = np.where(np.eye(4, dtype=bool), 1 - noise * rng.random(shape), 0.1)
    area = torch.full((IMAGES, 4), 5000.0)
    scores = torch.from_numpy(rng.random((IMAGES, 4)))
    rows = keypoint_ap.matches(torch.from_numpy(similar), scores, area, area)
    return Detected(("whole_ap", "whole_ar_medium"), rows, np.arange(IMAGES))


def brute(statistics: Statistics, images: Sequence[int] | np.ndarray, number: str) -> float:
    """The number of some images, which may come several times, from nothing but their rows."""
    if isinstance(statistics, Sums):
        rows = np.concatenate([statistics.rows[[i]] for i in images])
        return float(statistics.made(torch.from_numpy(rows.sum(0)))[number])
    assert isinstance(statistics, Detected)
    whole, parts = statistics.matches, []
    for i in images:
        here = whole.image == i
        fields = (whole.scores[here], whole.correct[here], whole.wrong[here])
        zero = torch.zeros(int(here.sum()), dtype=torch.int64)
        parts.append(keypoint_ap.Matches(zero, *fields, whole.people[[i]]))
    found = keypoint_ap.average_precision(keypoint_ap.Matches.joined(parts))
    return float(found[number.removeprefix("whole_")])


@pytest.mark.parametrize(
    ("make", "number", "direction"),
    [
        (areas, "miou", "higher"),
        (angles, "median", "lower"),
        (people, "fullbody_nmve", "lower"),
        (detections, "whole_ap", "higher"),
    ],
)
def test_intervals_and_pairs_are_those_of_copied_images(
    make: Callable[[np.random.Generator, float], Statistics], number: str, direction: str
) -> None:
    rng = np.random.default_rng(0)
    entries = {"a": make(rng, 0.3), "b": make(rng, 0.35), "c": make(rng, 0.6)}
    found = ranked(number, direction, **entries)
    draws = resampling_weights(CLUSTERS, DRAWS, generator(0, "clusters", "x"))
    drawn = {}
    for name, statistics in entries.items():
        often = np.tile(draws, IMAGES // CLUSTERS).astype(int)  # image i is of cluster i mod 6
        copies = [np.repeat(np.arange(IMAGES), times) for times in often]
        drawn[name] = np.array([brute(statistics, images, number) for images in copies])
        value = found.row(name).mpe
        assert value.mean == pytest.approx(brute(statistics, range(IMAGES), number), rel=1e-9)
        low, high = np.quantile(drawn[name], [0.025, 0.975])
        assert (value.low, value.high) == pytest.approx((low, high), rel=1e-9)
    order = [row.name for row in found.rows]
    way = 1 if direction == "lower" else -1
    for i, one in enumerate(order):
        for j, other in enumerate(order):
            gap = drawn[one] - drawn[other]
            better = np.mean(way * gap < -1e-12) + np.mean(abs(gap) <= 1e-12) / 2
            assert found.beats[i, j] == pytest.approx(better)
            assert found.difference_low[i, j] == pytest.approx(np.quantile(gap, 0.025), abs=1e-9)


def test_higher_is_better_orders_and_ties_the_right_way_round() -> None:
    rng = np.random.default_rng(1)
    good, bad = areas(rng, 0.9), areas(rng, 0.5)
    found = ranked("miou", "higher", bad=bad, good=good, twin=good)
    assert [row.name for row in found.rows] == ["good", "twin", "bad"]
    assert [row.mpe.rank for row in found.rows] == [1, 1, 3]
    assert [row.tie_group for row in found.rows] == [1, 1, 2]
    assert [found.shown_rank(row) for row in found.rows] == ["1=", "1=", "3"]
    assert (found.beats[0, 1], found.beats[0, 2]) == (0.5, 1)
    assert found.difference_low[0, 2] > 0
    assert (found.score.name, found.score.direction) == ("miou", "higher")
    assert "made anew from the statistics" in found.method


def test_average_precision_takes_fewer_resamples_and_says_so() -> None:
    made = detections(np.random.default_rng(0), 0.3)
    rows = {"a": {"x": NumberRows.of(IDS, CLUSTER, made, "whole_ap")}}
    found = rank(rows, board("whole_ap"), samples=2000)
    assert found.samples == MOST_RANKED
    assert f"{MOST_RANKED} resamples, since average precision" in found.method


def test_a_number_that_is_hardly_ever_defined_has_no_interval_and_is_refused() -> None:
    def made(sums: torch.Tensor) -> dict[str, torch.Tensor]:  # only if each of five came once
        return {"share": torch.where((sums == 1).all(-1), 1.0, torch.nan)}

    rare = Sums(("share",), np.eye(IMAGES)[:, :5], made)
    entry = {"a": {"x": NumberRows.of(IDS, IDS, rare, "share")}}
    with pytest.raises(InputError, match=r"share is defined in only 23 of 1,600 resamples"):
        rank(entry, board("share"), samples=400)


def test_an_entry_whose_number_is_not_defined_lacks_the_benchmark() -> None:
    nothing = Sums(("miou",), np.zeros((IMAGES, 9)), segmentation.numbers)
    found = ranked("miou", "higher", good=areas(np.random.default_rng(0), 0.9), none=nothing)
    assert found.row("none").missing == ("x",)


def test_rows_of_other_images_are_refused() -> None:
    made = areas(np.random.default_rng(0), 0.9)
    rows = {"a": {"x": NumberRows.of(IDS, CLUSTER, made, "miou")}}
    rows["b"] = {"x": NumberRows.of(IDS[::-1], CLUSTER, made, "miou")}
    with pytest.raises(InputError, match="must be the same"):
        rank(rows, board("miou"))
