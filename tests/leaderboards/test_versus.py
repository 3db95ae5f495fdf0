"""Two entries of a store compared: what is refused, what is told, what the command prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from ehpsbench.cli.main import app
from ehpsbench.errors import BodyMismatch, InputError, UnknownName
from ehpsbench.evaluation.migrations import RESULTS_VERSION
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.evaluation.results import Result, read_result, result_rows, write_result
from ehpsbench.leaderboards.board import Board, board
from ehpsbench.leaderboards.versus import versus
from ehpsbench.metrics import freihand
from ehpsbench.store import Store

TWO = Board.of("two", "Two", {"ehf": "pve", "pw3d-test": "mpjpe"})


def scored(store: Store, entry: str, benchmark: str, error: float, **changes: Any) -> None:
    """A stored result of 40 people in 8 videos, some of whom are harder, and noise."""
    rules = protocol(benchmark)
    rng = np.random.default_rng(len(entry))
    errors = error + 10 * (np.arange(40) % 8) + rng.normal(0, 1, 40)
    people = [f"person-{i:02d}" for i in range(40)]
    columns = {rules.primary: errors}
    if rules.task == "freihand":
        columns = {n: np.ones(40) if "mp" not in n else errors for n in freihand.COLUMNS}
    rows = result_rows(people, [f"v{i % 8}" for i in range(40)], columns)
    summary = {
        "entry": entry,
        "benchmark": benchmark,
        "primary": rules.primary,
        "results_version": RESULTS_VERSION,
        "source_dataset": rules.dataset,
        "protocol_hash": rules.hash,
        "protocol_version": rules.version,
        "protocol": rules.model_dump(mode="json"),
        "body_set": "open",
        "data": "today",
        "complete": True,
        "numbers": {},
    }
    write_result(store, Result(rows, summary | changes))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path)
    for benchmark in TWO.ids:
        scored(made, "good", benchmark, 50)
        scored(made, "bad", benchmark, 70)
    return made


def test_a_mean_and_each_benchmark_are_compared_on_the_shared_people(store: Store) -> None:
    found = versus(store, TWO, "good", "bad", samples=200)
    assert [(c.id, c.better, c.found.people, c.found.clusters) for c in found.columns] == [
        ("ehf", "A", 40, 8),
        ("pw3d-test", "A", 40, 8),
    ]
    assert found.mean is not None
    assert found.mean.found.difference == pytest.approx(-20, abs=1)
    assert found.mean.found.high < 0
    assert found.columns[0].found.p == 2 / 2**8
    assert (found.missing, found.remarks) == ({}, ())
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["a"] == "good"


def test_a_benchmark_that_one_lacks_is_told_and_there_is_no_mean(store: Store) -> None:
    scored(store, "half", "ehf", 60)
    found = versus(store, TWO, "good", "half", samples=50)
    assert found.missing == {"pw3d-test": "no result of half"}
    assert found.mean is None
    scored(store, "other", "ubody-intra-test", 60)
    with pytest.raises(InputError, match="share no benchmark of the board two"):
        versus(store, TWO, "good", "other")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"protocol_hash": "f" * 64}, InputError, "by the protocol .* odd by the protocol ffff"),
        ({"body_set": "licensed"}, BodyMismatch, "good was scored with the body set open, odd"),
        ({"data": "yesterday"}, InputError, "on the data today, odd on the data yesterday"),
    ],
)
def test_numbers_that_are_not_the_same_thing_are_refused_with_the_reason(
    store: Store, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    scored(store, "odd", "ehf", 60, **change)
    with pytest.raises(error, match=words):
        versus(store, TWO, "good", "odd")


def test_two_body_sets_do_not_meet_in_a_mean_of_benchmarks(store: Store) -> None:
    for entry in ("good", "bad"):
        scored(store, entry, "pw3d-test", 60, body_set="other")
    with pytest.raises(BodyMismatch, match=r"on ehf .*set open, .* on pw3d-test with other"):
        versus(store, TWO, "good", "bad", samples=20)
    met = TWO.model_copy(update={"never_mix": ("protocol_hash",)})
    assert versus(store, met, "good", "bad", samples=20).mean is not None


def test_an_incomplete_result_is_compared_on_whom_it_has(store: Store) -> None:
    rules = protocol("ehf")
    errors = np.where(np.arange(40) < 30, 60.0, np.nan)
    rows = result_rows(
        [f"person-{i:02d}" for i in range(40)], [f"v{i % 8}" for i in range(40)], {"pve": errors}
    )
    scored(store, "part", "ehf", 60, complete=False)
    known = {"entry": "part", "benchmark": "ehf", "complete": False, "body_set": "open"}
    known |= {"data": "today", "protocol_hash": rules.hash, "results_version": RESULTS_VERSION}
    write_result(store, Result(rows, known | {"source_dataset": "ehf", "dataset": "ehf"}))
    found = versus(store, TWO, "good", "part", samples=50).columns[0].found
    assert (found.people, found.left_out) == (30, 10)


def test_numbers_of_statistics_are_compared_too_and_higher_is_better(store: Store) -> None:
    scored(store, "good", "freihand", 5)
    scored(store, "bad", "freihand", 7)
    found = versus(store, board("hands-freihand"), "good", "bad", samples=50)
    first = found.columns[0]
    assert (first.id, first.better, found.mean) == ("PA-MPJPE", "A", None)
    assert first.found.difference == pytest.approx(-2, abs=1)
    assert [c.found.p for c in found.columns if c.id.startswith("F@")] == [1, 1]


def test_images_are_not_called_people(store: Store) -> None:
    images = {"image_id": [f"i{i:02d}" for i in range(12)], "cluster": [str(i) for i in range(12)]}
    for entry, right in (("good", 8), ("bad", 4)):
        scored(store, entry, "goliath-parts", 1)
        areas = {"intersection": right, "prediction": 10, "truth": 10}
        each = {
            kind: pa.array([[float(area)] * 28] * 12, pa.list_(pa.float64(), 28))
            for kind, area in areas.items()
        }
        known = read_result(store, entry, "goliath-parts").summary
        write_result(store, Result(pa.table(images | each), known))
    words = ["leaderboard", "compare", "good", "bad", "--board", "parts", "--store"]
    told = CliRunner().invoke(app, [*words, str(store.root)]).stdout
    assert "12 images" in told
    assert "people" not in told


def test_unknown_names_and_an_entry_against_itself_are_refused(store: Store) -> None:
    with pytest.raises(UnknownName, match="Did you mean good"):
        versus(store, TWO, "goood", "bad")
    with pytest.raises(InputError, match="the same results"):
        versus(store, TWO, "good", "good")


def test_the_command_prints_a_table_or_json(store: Store) -> None:
    words = ["leaderboard", "compare", "good", "bad", "--store", str(store.root)]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0
    assert "Not compared: agora-val: no result of good, bad" in told.stdout
    assert "0.0078" in told.stdout
    found = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert [column["id"] for column in found["columns"]] == ["pw3d-test", "ehf"]
    assert isinstance(
        CliRunner().invoke(app, [*words[:3], "nobody", *words[4:]]).exception, UnknownName
    )


def test_show_and_export_take_everybody_in_the_store(store: Store, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('title = "Mine"\n[[benchmarks]]\nid = "ehf"\nprimary = "pve"\n')
    at = ["--store", str(store.root)]
    shown = CliRunner().invoke(app, ["leaderboard", "show", str(mine), *at])
    assert shown.exit_code == 0
    assert [line.split()[1] for line in shown.stdout.splitlines()[2:4]] == ["good", "bad"]
    told = json.loads(
        CliRunner().invoke(app, ["leaderboard", "show", str(mine), *at, "--json"]).stdout
    )
    assert told["score"] == {"name": "pve", "unit": "mm", "direction": "lower", "order": "mean"}
    out = tmp_path / "mine.csv"
    words = ["leaderboard", "export", str(mine), "--format", "csv", "--out", str(out), *at]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert out.read_text().count("\n") == 5
    boards = json.loads(CliRunner().invoke(app, ["leaderboard", "show", "--json"]).stdout)
    assert {"ehps-five", "pose-2d"} <= {b["name"] for b in boards}
