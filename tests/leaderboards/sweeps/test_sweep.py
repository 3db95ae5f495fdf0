"""Sweeps over tiny sets: what is done, what fails, what halving and scaling make of them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.results import Result, read_result, write_result
from ehpsbench.executors.settings import Settings
from ehpsbench.leaderboards.rankings import ranking
from ehpsbench.leaderboards.sweeps.cost import cost
from ehpsbench.leaderboards.sweeps.halved import stopped_early
from ehpsbench.leaderboards.sweeps.halving import halve
from ehpsbench.leaderboards.sweeps.jobs import Work, taken
from ehpsbench.leaderboards.sweeps.rank_datasets import plan, rank_jobs
from ehpsbench.leaderboards.sweeps.scaling import mixes, scale
from ehpsbench.leaderboards.sweeps.showing import Status
from ehpsbench.training.recipe import Recipe

HERE = Settings(executor="here")


def test_what_is_finished_is_known_and_costs_nothing(work: Work) -> None:
    jobs = plan(work, "ab", [0])
    assert (cost(work, jobs).samples, cost(work, jobs).seconds) == (160, None)
    found = rank_jobs(work, jobs[:1], HERE)
    assert found.failures == ()
    again = plan(work, "ab", [0])
    assert [job.done for job in again] == [True, False]
    left = cost(work, again)
    assert (left.done, left.samples, left.measured) == (1, 80, 1)
    assert left.seconds is not None
    assert left.seconds > 0
    assert cost(work, again, device="cuda").seconds is None, "a CPU says nothing of it"
    weights = (work.store.runs / "a--tiny--s0" / "checkpoint.safetensors").stat().st_size
    assert left.runs_bytes == (6 + 2 * 2) * weights
    assert cost(work, jobs, at_once=1, rungs=2).runs_bytes == (6 + 4 * 2) * weights


def test_what_an_earlier_process_has_seen_is_not_told_as_done_now(work: Work) -> None:
    rank_jobs(work, plan(work, "ab", [0], until=40), HERE)
    said: list[Status] = []
    rank_jobs(work, plan(work, "ab", [0]), HERE, watch=said.append)
    assert [(one.seen, one.samples) for one in said] == [(0, 80), (40, 80)]


def test_a_cell_that_fails_is_named_and_the_others_are_ranked(work: Work) -> None:
    jobs = plan(work, "abc", [0])
    for part in work.store.parts("instances", "b"):
        part.unlink()
    found = rank_jobs(work, jobs, HERE)
    assert [failure.job.cell for failure in found.failures] == ["b--tiny--s0"]
    assert found.standings is not None
    assert {row.name for row in found.standings.rows if row.mpe.rank} == {"a", "c"}
    assert found.standings.row("b").missing == ("pw3d-test",)


def spoil(work: Work, entry: str) -> None:
    """Add half a metre to everybody's error."""
    result = read_result(work.store, entry, "pw3d-test")
    at = result.rows.column_names.index("mpjpe")
    worse = np.asarray(result.rows["mpjpe"]) + 500
    rows = result.rows.set_column(at, "mpjpe", [worse])
    write_result(work.store, Result(rows, result.summary))


def test_halving_stops_the_worst_and_the_scaling_study_takes_the_best(work: Work) -> None:
    shares = (0.1, 1.0)
    rank_jobs(work, plan(work, "abc", [0], until=8), HERE)
    spoil(work, "b--tiny--s0@8")
    found = halve(work, "abc", [0], HERE, shares=shares, top=2)
    stopped = found.places[-1]
    assert (stopped.name, stopped.samples, stopped.stopped) == ("b", 8, True)
    assert set(found.survivors) == {"a", "c"}
    assert (found.samples, found.full_samples) == (3 * 8 + 2 * 72, 240)
    assert found.comparison is None, "the full sweep is not there"
    assert not (work.store.runs / "b--tiny--s0" / "cell.json").exists()
    kept = ranking(work.store, "one")
    assert stopped_early(work.store, kept) == {"b": 8}
    with pytest.raises(InputError, match="Halving left others out: b at 8 samples"):
        mixes(kept, [3], stopped=stopped_early(work.store, kept))
    rank_jobs(work, plan(work, "abc", [0]), HERE)
    spoil(work, "b--tiny--s0")
    assert stopped_early(work.store, ranking(work.store, "one")) == {}
    again = halve(work, "abc", [0], HERE, shares=shares, top=2)
    assert again.comparison is not None
    assert again.comparison.ways[0].of_top == 2
    assert again.places == found.places
    best = mixes(ranking(work.store, "one"), [1, 2])
    first = work.store.runs / f"{best[1].parts[0]}--tiny--s0"
    made = {path: path.stat().st_mtime_ns for path in sorted(first.glob("c*"))}
    scaled = scale(work, best, [0], HERE)
    assert set(scaled.parts) == {"a", "c"}
    assert [(p.recipe, p.top, np.isfinite(p.mpe.mean)) for p in scaled.points] == [
        ("tiny", 1, True),
        ("tiny", 2, True),
    ]
    assert scaled.points[0].entries == (first.name,)
    assert {path.name for path in made} == {"cell.json", "checkpoint.safetensors"}
    assert {path: path.stat().st_mtime_ns for path in made} == made, "not trained twice"


def test_halving_goes_on_without_a_dataset_whose_cell_fails_and_does_not_stop_it(
    work: Work,
) -> None:
    rank_jobs(work, plan(work, "ac", [0], until=8), HERE)
    spoil(work, "c--tiny--s0@8")
    kept = {part: part.read_bytes() for part in work.store.parts("instances", "b")}
    for part in kept:
        part.unlink()
    found = halve(work, "abc", [0], HERE, shares=(0.1, 1.0), top=1)
    assert (found.survivors, found.unjudged) == (["a"], ["b"])
    assert [(p.name, p.stopped, p.samples) for p in found.places[1:]] == [
        ("c", True, 8),
        ("b", False, 8),
    ]
    assert found.places[-1].why == "not judged: 1 of its cells failed"
    assert [failure.job.entry for failure in found.failures] == ["b--tiny--s0@8"]
    assert found.samples == 2 * 8 + 72
    for part, rows in kept.items():
        part.write_bytes(rows)
    again = halve(work, "abc", [0], HERE, shares=(0.1, 1.0), top=1)
    assert (again.unjudged, again.failures) == ([], ())
    assert [p.name for p in again.places if p.samples == 8 and p.stopped][-1] == "c"


def test_finished_cells_of_other_content_are_named_before_training_and_go_when_told(
    work: Work, tiny_recipe: dict[str, Any]
) -> None:
    rank_jobs(work, plan(work, "ab", [0])[:1], HERE)
    slower = tiny_recipe | {"optimiser": {"lr": 1e-4, "min_lr": 1e-5}}
    other = replace(work, recipes={"tiny": Recipe.model_validate(slower)})
    with pytest.raises(InputError, match=r"1 finished cells .* a--tiny--s0\. .* --replace"):
        plan(other, "ab", [0])
    record = work.store.runs / "a--tiny--s0" / "cell.json"
    before = json.loads(record.read_text())["hash"]
    told = replace(other, replace=True)
    jobs = plan(told, "ab", [0])
    assert taken(told, jobs) == ["a--tiny--s0"]
    assert rank_jobs(told, jobs, HERE).failures == ()
    assert json.loads(record.read_text())["hash"] != before
    assert [one.done for one in plan(other, "ab", [0])] == [True, True]


def test_a_missing_image_of_a_benchmark_is_found_before_training(
    work: Work, tmp_path: Path
) -> None:
    manifest = next(p for p in work.store.root.rglob("manifest.json") if p.parent.name == "pw3d")
    said = json.loads(manifest.read_text())
    release = Path(shutil.copytree(said["release_root"], tmp_path / "release"))
    manifest.write_text(json.dumps(said | {"release_root": str(release)}))
    assert len(plan(work, "ab", [0])) == 2
    gone = sorted(release.rglob("*.jpg"))[0]
    gone.unlink()
    with pytest.raises(MissingFiles, match=f"1 are missing, for example {gone}"):
        plan(work, "ab", [0])
