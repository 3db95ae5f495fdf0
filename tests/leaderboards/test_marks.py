"""A row whose cells give reason to doubt is marked, ranked as before, and shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ehpsbench.cli.main import app
from ehpsbench.cli.standings import print_standings
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.evaluation.results import Result, result_rows, write_result
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.rankings import save_ranking
from ehpsbench.leaderboards.standings import standings
from ehpsbench.leaderboards.table import Standing, Standings
from ehpsbench.store import Store

ONE = Board.of("one", "One benchmark", {"ehf": "pve"})
FLAT, FALLING, RISING = (100,) * 6, (180, 160, 140, 120, 110, 100), (80, 80, 80, 80, 90, 100)


def scored(store: Store, entry: str, error: float, clusters: int = 12) -> None:
    rules = protocol("ehf")
    people = [f"person-{i}" for i in range(24)]
    names = [f"video-{i % clusters}" for i in range(24)]
    summary = {
        "entry": entry,
        "benchmark": "ehf",
        "primary": rules.primary,
        "protocol_hash": rules.hash,
        "protocol_version": rules.version,
        "body_set": "open",
        "data": "today",
        "complete": True,
        "numbers": {},
    }
    rows = result_rows(people, names, {rules.primary: np.full(24, error)})
    write_result(store, Result(rows, summary))


def ran(
    store: Store,
    cell: str,
    curve: Sequence[float] = FLAT,
    *,
    model: float = 50,
    independent: bool = True,
) -> None:
    """What a finished cell leaves of its learning; its mean pose errs by 80 mm."""
    folder = store.runs / cell
    folder.mkdir(parents=True)
    lines = [{"samples_seen": 100 * i, "heldout_mpjpe_mm": mm} for i, mm in enumerate(curve, 1)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    heldout: dict[str, Any] = {"rows": 9, "independent": independent}
    for who, mm in (("model", model), ("mean_pose", 80)):
        heldout[who] = {"pve_mm": mm, "mpjpe_mm": mm}
    (folder / "heldout.json").write_text(json.dumps(heldout))


def ranked(store: Store, names: Sequence[str], seeds: int = 2) -> Standings:
    entrants = {f"{n}--s{s}": Entrant(n) for n in names for s in range(seeds)}
    return standings(store, ONE, entrants, samples=50)


def row(tmp_path: Path, curves: Sequence[Sequence[float]] = (FLAT, FLAT), **said: Any) -> Standing:
    """The row of a set with one curve a seed, beside one without fault."""
    store = Store(tmp_path)
    for seed in range(len(curves)):
        scored(store, f"good--s{seed}", 90)
        scored(store, f"odd--s{seed}", 100)
        ran(store, f"good--s{seed}")
        ran(store, f"odd--s{seed}", curves[seed], **said)
    found = ranked(store, ("good", "odd"), len(curves))
    assert found.row("good").marks == ()
    assert [(r.name, r.mpe.rank) for r in found.rows] == [("good", 1), ("odd", 2)]
    return found.row("odd")


def test_one_seed_of_two_that_still_falls_by_10_mm_a_sixth_did_not_converge(tmp_path: Path) -> None:
    odd = row(tmp_path, (FALLING, FLAT))
    assert odd.marks == (
        "did not converge: the held-out error of 1 of 2 seeds still falls by 6.0 mm per tenth of "
        "the budget",
    )
    assert [e.end for e in odd.endings] == ["falling", "converged"]


def test_an_error_that_rises_at_the_end_is_marked_too(tmp_path: Path) -> None:
    (mark,) = row(tmp_path, (RISING, RISING)).marks
    assert "2 of 2 seeds still rises by 6.0 mm" in mark


def test_a_short_curve_is_said_to_say_nothing(tmp_path: Path) -> None:
    assert row(tmp_path, ((90, 80), FLAT)).marks == (
        "convergence not known: no curve of 1 of 2 seeds that is long enough",
    )


def test_a_set_that_does_not_beat_its_mean_pose_is_marked(tmp_path: Path) -> None:
    odd = row(tmp_path, model=80)
    assert odd.marks == (
        "does not beat its mean pose on its own held-out people (80.0 against 80.0 mm PVE)",
    )
    assert odd.own_people is not None
    assert not odd.own_people.passes


def test_held_out_people_of_recordings_that_were_trained_on_are_marked(tmp_path: Path) -> None:
    assert row(tmp_path, independent=False).marks == (
        "its held-out people are from recordings that it was trained on",
    )


def test_a_failed_cell_and_a_single_seed_left_are_marked(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for entry in ("good--s0", "good--s1", "odd--s0"):
        scored(store, entry, 100)
        ran(store, entry)
    assert ranked(store, ("good", "odd")).row("odd").marks == (
        "a cell failed: 1 of 2 seeds without all results (odd--s1)",
        "one seed only: how lucky it was is taken from the other sets",
    )


def test_what_holds_for_all_rows_marks_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in ("a", "b"):
        scored(store, f"{name}--s0", 100, clusters=9)
        ran(store, f"{name}--s0")
    found = ranked(store, ("a", "b"), seeds=1)
    assert {r.marks for r in found.rows} == {()}
    assert found.remarks == (
        "fewer than 10 clusters in ehf (9): intervals there are too narrow",
        "one seed each: the luck of training is in no interval",
    )


def test_what_is_not_known_of_a_cell_is_not_taken_for_good(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in ("a", "b"):
        scored(store, f"{name}--s0", 100)
    assert ranked(store, ("a", "b"), seeds=1).row("a").marks == (
        "convergence not known: no curve of its one seed that is long enough",
        "not known whether it beats its mean pose on its own held-out people",
    )


def test_models_from_elsewhere_have_no_runs_to_judge(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scored(store, "model", 100)
    found = standings(store, ONE, samples=50)
    assert (found.rows[0].marks, found.rows[0].endings, found.remarks) == ((), (), ())


def test_marks_are_in_the_table_for_people_and_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    for name, error in (("a", 90), ("b", 100), ("c", 110)):
        scored(store, f"{name}--s0", error)
        ran(store, f"{name}--s0", FALLING if name == "b" else FLAT)
    standings_found = ranked(store, ("a", "b", "c", "gone"), seeds=1)
    print_standings(standings_found)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[1] for line in lines if line[-1] == "!"] == ["b", "gone"]
    texts = [" ".join(line) for line in lines if line[0] == "!"]
    assert texts[0].startswith("! b: did not converge: the held-out error of its one seed still")
    assert texts[1:] == [
        "! gone: no PVE: lacks ehf",
        "! all: one seed each: the luck of training is in no interval",
    ]
    plain = json.loads(json.dumps(standings_found.as_dict(), allow_nan=False))
    assert plain["rows"][1]["marks"] == list(standings_found.rows[1].marks)
    assert plain["rows"][1]["endings"][0]["end"] == "falling"


def test_select_says_what_to_doubt_of_whom_it_chooses(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name, error in (("a", 90), ("b", 100)):
        scored(store, f"{name}--s0", error)
        ran(store, f"{name}--s0", FALLING if name == "a" else FLAT)
    save_ranking(store, ONE, {f"{n}--s0": Entrant(n) for n in "ab"})
    words = ["select", "--top", "1", "--board", "one", "--store", str(tmp_path)]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0
    assert "! a: did not converge" in told.stderr
    assert "! b" not in told.stderr
