"""Ranks, ties, seeds and the zero-shot reading, on errors made by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
import pytest

from ehpsbench.errors import InputError
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.resampling import generator, resampling_weights

TWO = Board.of("two", "Two benchmarks", {"one": "pve", "other": "mpjpe"})
ONE = Board.of("one", "One benchmark", {"one": "pve"})


def errors(values: np.ndarray, clusters: int = 20) -> ErrorRows:
    people = np.arange(len(values))
    return ErrorRows(
        np.array([f"person-{i:04d}" for i in people]),
        np.array([f"video-{i % clusters}" for i in people]),
        np.asarray(values, float),
    )


def on_both(one: float, other: float, people: int = 40) -> dict[str, ErrorRows]:
    return {"one": errors(np.full(people, one)), "other": errors(np.full(people, other))}


def noisy(means: Mapping[str, float], spread: float = 5.0) -> dict[str, dict[str, ErrorRows]]:
    """Entries with errors of their own on one benchmark whose videos differ by 100 mm."""
    rng = np.random.default_rng(0)
    hard = np.repeat(rng.normal(0, 100, 20)[None], 10, 0).ravel()
    return {
        name: {"one": errors(300 + hard + mean + rng.normal(0, spread, 200))}
        for name, mean in means.items()
    }


def test_what_differs_by_rounding_on_every_person_shares_a_rank() -> None:
    found = rank({"a": on_both(100, 60), "b": on_both(100 + 1e-5, 60 + 1e-5)}, TWO)
    assert [(r.mpe.rank, r.tie_group) for r in found.rows] == [(1, 1), (1, 1)]
    assert found.beats[0, 1] == 0.5
    apart = rank({"a": on_both(100, 60), "b": on_both(100.01, 60.01)}, TWO)
    assert [(r.mpe.rank, r.tie_group) for r in apart.rows] == [(1, 1), (2, 2)]


def test_the_mpe_is_the_plain_mean_of_the_primary_errors() -> None:
    found = rank({"a": on_both(100, 60), "b": on_both(90, 50)}, TWO)
    assert [(r.name, r.mpe.mean, r.mpe.rank) for r in found.rows] == [("b", 70, 1), ("a", 80, 2)]


def test_benchmarks_count_alike_however_many_people_they_have() -> None:
    rows = {"a": {"one": errors(np.full(500, 100.0)), "other": errors(np.full(30, 50.0))}}
    assert rank(rows, TWO).row("a").mpe.mean == pytest.approx(75)


def test_without_a_benchmark_there_is_no_mpe_and_the_benchmark_is_named() -> None:
    found = rank({"a": {"one": errors(np.ones(40))}, "b": on_both(90, 50)}, TWO)
    a = found.row("a")
    assert math.isnan(a.mpe.mean)
    assert (a.mpe.rank, a.tie_group, a.missing) == (None, None, ("other",))
    assert a.errors["one"].mean == 1
    assert [r.name for r in found.rows] == ["b", "a"]


def test_pairing_tells_apart_two_entries_whose_own_intervals_overlap() -> None:
    found = rank(noisy({"a": 0, "b": 10}), ONE)
    a, b = found.row("a"), found.row("b")
    assert a.mpe.high > b.mpe.low
    assert found.difference_low[1, 0] > 0
    assert (a.mpe.rank_low, a.mpe.rank_high) == (1, 1)
    assert (a.tie_group, b.tie_group) == (1, 2)
    assert found.beats[0, 1] == 1


def test_two_entries_that_differ_by_noise_are_tied() -> None:
    noise = np.random.default_rng(0).normal(0, 20, 200)
    rows = {"a": {"one": errors(np.full(200, 100.0))}, "b": {"one": errors(100 + noise)}}
    rows["b"]["one"].error[:] += 0.1 - noise.mean()
    found = rank(rows, ONE)
    assert {r.tie_group for r in found.rows} == {1}
    assert {(r.mpe.rank_low, r.mpe.rank_high) for r in found.rows} == {(1, 2)}
    assert 0.03 < found.beats[0, 1] < 0.97


def test_the_same_predictions_under_two_names_share_rank_1_and_beat_each_other_half_the_time() -> (
    None
):
    same = noisy({"a": 0})["a"]
    found = rank({"a": same, "b": same}, ONE)
    assert [r.mpe.rank for r in found.rows] == [1, 1]
    assert found.beats.tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert {r.tie_group for r in found.rows} == {1}


def test_the_interval_of_a_difference_is_that_of_a_brute_force_loop() -> None:
    rows = noisy({"a": 0, "b": 3})
    found = rank(rows, ONE, samples=500, seed=7)
    by_video = {c: rows["a"]["one"].cluster == c for c in sorted(set(rows["a"]["one"].cluster))}
    weights = resampling_weights(20, 500, generator(7, "clusters", "one")).astype(int)
    difference = rows["b"]["one"].error - rows["a"]["one"].error
    drawn = []
    for draw in weights:
        masks = [m for m, times in zip(by_video.values(), draw, strict=True) for _ in range(times)]
        drawn.append(np.concatenate([difference[m] for m in masks]).mean())
    low, high = np.percentile(drawn, [2.5, 97.5])
    assert found.difference_low[1, 0] == pytest.approx(low)
    assert found.difference_high[1, 0] == pytest.approx(high)


def test_the_interval_of_the_mpe_covers_a_normal_one() -> None:
    rng = np.random.default_rng(3)
    per_video = rng.normal(100, 20, 60)
    found = rank({"a": {"one": errors(np.tile(per_video, 3), 60)}}, ONE, samples=20_000)
    half = 1.96 * per_video.std(ddof=1) / np.sqrt(60)
    value = found.row("a").mpe
    assert value.low == pytest.approx(per_video.mean() - half, abs=0.25)
    assert value.high == pytest.approx(per_video.mean() + half, abs=0.25)


def test_seeds_are_averaged_and_their_luck_is_in_every_cells_interval() -> None:
    rows = {"x--s0": on_both(90, 90), "x--s1": on_both(110, 110), "y": on_both(100, 100)}
    entrants = {"x--s0": Entrant("x"), "x--s1": Entrant("x")}
    found = rank(rows, TWO, entrants=entrants)
    x, y = found.row("x"), found.row("y")
    assert x.entries == ("x--s0", "x--s1")
    one_seed = 10 * math.sqrt(2)  # two seeds 20 apart: a standard deviation of 14.1
    assert (x.mpe.mean, y.mpe.mean) == (100, 100)
    for value in (x.mpe, y.mpe):
        assert (value.low, value.high) == pytest.approx((100 - one_seed, 100 + one_seed))


def test_a_model_from_elsewhere_has_no_luck_of_ours() -> None:
    rows = {"x--s0": on_both(90, 90), "x--s1": on_both(110, 110), "y": on_both(100, 100)}
    entrants = {"x--s0": Entrant("x"), "x--s1": Entrant("x"), "y": Entrant("y", cell=False)}
    y = rank(rows, TWO, entrants=entrants).row("y")
    assert (y.mpe.low, y.mpe.high) == (100, 100)


def test_a_seed_is_one_model_so_its_luck_does_not_average_out_over_benchmarks() -> None:
    rows = {f"x--s{i}": on_both(v, v) for i, v in enumerate((90, 110))}
    found = rank(rows, TWO, entrants={e: Entrant("x") for e in rows})
    width = found.row("x").mpe.high - found.row("x").mpe.low
    assert width == pytest.approx(20 * math.sqrt(2))


def test_luck_that_is_good_on_one_benchmark_and_bad_on_the_other_cancels() -> None:
    rows = {"x--s0": on_both(90, 110), "x--s1": on_both(110, 90)}
    value = rank(rows, TWO, entrants={e: Entrant("x") for e in rows}).row("x").mpe
    assert (value.low, value.high) == (100, 100)


def test_sets_that_differ_by_luck_alone_are_tied_about_as_often_as_promised() -> None:
    rng = np.random.default_rng(5)
    sets = [f"set-{i}" for i in range(7)]
    entrants = {f"{name}--s{k}": Entrant(name) for name in sets for k in range(2)}
    tied = []
    for _ in range(100):
        rows = {e: {"one": errors(np.full(20, 100 + rng.normal()))} for e in entrants}
        found = rank(rows, ONE, entrants=entrants, samples=400)
        pairs = np.triu_indices(len(sets), 1)
        low, high = found.difference_low[pairs], found.difference_high[pairs]
        tied.append(np.mean((low <= 0) & (high >= 0)))
    assert 0.85 < np.mean(tied) < 0.97  # each set's own two seeds alone: 0.65


def test_a_seed_that_lacks_a_benchmark_is_left_out_and_named() -> None:
    rows = {"x--s0": on_both(90, 90), "x--s1": {"one": errors(np.full(40, 10.0))}}
    found = rank(rows, TWO, entrants={e: Entrant("x") for e in rows}).row("x")
    assert (found.mpe.mean, found.entries, found.left_out) == (90, ("x--s0",), ("x--s1",))


def test_the_zero_shot_reading_takes_off_the_median_of_the_cells_that_never_saw_the_benchmark() -> (
    None
):
    rows = {"a": on_both(50, 100), "b": on_both(90, 80), "c": on_both(110, 120)}
    entrants = {"a": Entrant("a", frozenset({"one"}))}
    found = rank(rows, TWO, entrants=entrants)
    # medians: 100 of b, c on one; 100 of a, b, c on other
    assert [f.zero_shot_median for f in found.benchmarks] == [100, 100]
    assert {r.name: r.zero_shot.mean for r in found.rows} == {"a": 0, "b": -15, "c": 15}
    assert found.row("a").in_domain == ("one",)
    assert found.row("b").zero_shot.rank == 1


def test_outside_models_are_read_against_the_cells_but_do_not_move_their_median() -> None:
    rows = {"a": on_both(100, 100), "model": on_both(20, 20)}
    found = rank(rows, TWO, entrants={"model": Entrant("model", cell=False)})
    assert found.row("model").zero_shot.mean == -80
    assert found.benchmarks[0].zero_shot_cells == 1


def test_who_was_trained_on_every_benchmark_has_no_zero_shot_reading() -> None:
    rows = {"a": on_both(100, 100), "b": on_both(90, 90)}
    found = rank(rows, TWO, entrants={"a": Entrant("a", frozenset(TWO.ids))})
    assert math.isnan(found.row("a").zero_shot.mean)


def test_fewer_than_ten_clusters_are_marked() -> None:
    rows = {"a": {"one": errors(np.ones(40), 9), "other": errors(np.ones(40), 10)}}
    assert [f.few_clusters for f in rank(rows, TWO).benchmarks] == [True, False]


def test_in_a_benchmark_of_one_recording_people_are_resampled() -> None:
    values = np.random.default_rng(0).normal(100, 10, 100)
    found = rank({"a": {"one": errors(values, 1)}}, ONE)
    facts, a = found.benchmarks[0], found.row("a").mpe
    assert (facts.clusters, facts.resampled, facts.few_clusters) == (1, "people", True)
    assert a.high - a.low == pytest.approx(2 * 1.96 * values.std() / 10, rel=0.1)


def test_people_that_nobody_has_an_error_for_do_not_count() -> None:
    values = np.array([10.0, math.nan, 30.0])
    found = rank({"a": {"one": errors(values)}}, ONE)
    assert (found.row("a").mpe.mean, found.benchmarks[0].people) == (20, 2)


def test_entries_scored_on_different_people_are_refused() -> None:
    rows = {"a": {"one": errors(np.ones(40))}, "b": {"one": errors(np.ones(41))}}
    with pytest.raises(InputError, match=r"a was scored on 40 people and b on 41.*person-0040"):
        rank(rows, ONE)


def test_a_person_with_an_error_for_one_entry_only_is_refused() -> None:
    rows = {"a": {"one": errors(np.ones(3))}, "b": {"one": errors(np.array([1, math.nan, 1]))}}
    with pytest.raises(InputError, match="person-0001"):
        rank(rows, ONE)


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = noisy({"a": 0, "b": 3})
    turned = {
        e: {"one": ErrorRows(*(getattr(r["one"], f)[::-1] for f in ErrorRows.__slots__))}
        for e, r in rows.items()
    }
    assert rank({"a": rows["a"], "b": turned["b"]}, ONE).as_dict() == rank(rows, ONE).as_dict()


def test_the_order_of_entries_and_groups_does_not_matter_to_their_luck() -> None:
    rows = noisy({"a--s0": 0, "a--s1": 2, "b--s0": 3, "b--s1": 9, "c--s0": 5, "c--s1": 6})
    turned = dict(reversed(rows.items()))
    entrants = {e: Entrant(e[0]) for e in rows}
    one, other = rank(rows, ONE, entrants=entrants), rank(turned, ONE, entrants=entrants)
    assert [row.mpe for row in one.rows] == [row.mpe for row in other.rows]
    assert np.array_equal(one.difference_low, other.difference_low, equal_nan=True)


def test_a_new_entry_changes_no_interval_of_the_others() -> None:
    rows = noisy({"a": 0, "b": 3, "c": 50})
    fewer = rank({e: rows[e] for e in "ab"}, ONE).row("b")
    assert rank(rows, ONE).row("b").mpe == fewer.mpe


def test_the_standings_are_json_without_nan_and_the_same_for_the_same_seed() -> None:
    rows = {"a": {"one": errors(np.ones(40))}, "b": on_both(90, 50)}
    found = rank(rows, TWO, seed=5).as_dict()
    assert found["rows"][1]["mpe"]["mean"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert rank(rows, TWO, seed=5).as_dict() == found
