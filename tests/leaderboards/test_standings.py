"""From the results in a store to a filled-in board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.errors import BodyMismatch, InputError, UnknownName
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.evaluation.results import Result, result_rows, write_result
from ehpsbench.leaderboards.board import Board, board
from ehpsbench.leaderboards.entrants import NOT_KNOWN, entrants_in
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.rankings import ranking, save_ranking
from ehpsbench.leaderboards.standings import entries, standings
from ehpsbench.store import Store
from ehpsbench.training import cells

TWO = Board.of("two", "Two", {"ehf": "pve", "pw3d-test": "mpjpe"})


def scored(store: Store, entry: str, benchmark: str, error: float, **changes: Any) -> None:
    """A stored result in which everybody has the same error."""
    rules = protocol(benchmark)
    people = [f"person-{i}" for i in range(30)]
    rows = result_rows(people, [p[:8] for p in people], {rules.primary: np.full(30, error)})
    summary = {
        "entry": entry,
        "benchmark": benchmark,
        "primary": rules.primary,
        "protocol_hash": rules.hash,
        "protocol_version": rules.version,
        "body_set": "open",
        "data": "today",
        "complete": True,
        "numbers": {},
    }
    write_result(store, Result(rows, summary | changes))


def test_a_board_is_filled_from_the_results_of_a_store(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for entry, errors in {"a": (100, 60), "b": (90, 50)}.items():
        scored(store, entry, "ehf", errors[0])
        scored(store, entry, "pw3d-test", errors[1])
    found = standings(store, TWO, samples=50)
    assert entries(store) == ["a", "b"]
    assert [(r.name, r.mpe.mean) for r in found.rows] == [("b", 70), ("a", 80)]
    assert found.board["hash"] == TWO.hash
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False)) == found.as_dict()


def test_seeds_are_grouped_by_their_entrants(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for seed, error in enumerate((90, 110)):
        scored(store, f"x--s{seed}", "ehf", error)
        scored(store, f"x--s{seed}", "pw3d-test", error)
    entrants = {f"x--s{s}": Entrant("x", frozenset({"ehf"})) for s in range(2)}
    found = standings(store, TWO, entrants, samples=50).row("x")
    assert (found.mpe.mean, found.in_domain) == (100, ("ehf",))


def test_an_incomplete_result_counts_as_missing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scored(store, "a", "ehf", 100)
    scored(store, "a", "pw3d-test", 60, complete=False)
    assert standings(store, TWO, samples=50).row("a").missing == ("pw3d-test",)


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"body_set": "licensed"}, BodyMismatch, "a on ehf was scored with the body set licensed"),
        ({"protocol_hash": "0" * 64}, InputError, "today's is .* Evaluate it again"),
        ({"data": "yesterday"}, InputError, "a and b were scored on different states"),
    ],
)
def test_numbers_that_must_not_meet_are_refused(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception], reason: str
) -> None:
    store = Store(tmp_path)
    scored(store, "a", "ehf", 100, **changes)
    scored(store, "b", "ehf", 100)
    with pytest.raises(error, match=reason):
        standings(store, TWO, samples=50)


def test_two_body_sets_do_not_meet_across_benchmarks_either(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scored(store, "a", "ehf", 100)
    scored(store, "a", "pw3d-test", 60, body_set="licensed")
    with pytest.raises(BodyMismatch, match="a on pw3d-test was scored with the body set licensed"):
        standings(store, TWO, samples=50)


def test_a_result_without_bodies_may_stand_beside_any(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scored(store, "a", "ehf", 100)
    scored(store, "a", "pw3d-test", 60, body_set=None)
    assert standings(store, TWO, samples=50).row("a").mpe.mean == 80


def test_an_error_that_the_results_do_not_have_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scored(store, "a", "ehf", 100)
    with pytest.raises(UnknownName, match="number of ehf called 'pve_feet'"):
        standings(store, Board.of("b", "B", {"ehf": "pve_feet"}))


def test_a_store_without_results_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Nobody in .* has a result"):
        standings(Store(tmp_path), board("ehps-five"))


def test_a_cell_is_scored_with_its_last_weights_not_with_those_best_on_held_out_people(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    for name in ("best", "checkpoint", "at-48"):
        path = store.runs / "x--s0" / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert cells.weights_path(store, "x--s0").name == "checkpoint.safetensors"
    assert cells.weights_path(store, "x--s0@48").name == "at-48.safetensors"


def test_a_board_may_let_versions_of_the_rules_meet_and_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scored(store, "new", "ehf", 100)
    scored(store, "old", "ehf", 90, protocol_hash="0" * 64)
    loose = Board.of("one", "One", {"ehf": "pve"}, never_mix=("body_set",))
    found = standings(store, loose, samples=50)
    assert "ehf: old by another version of the rules" in found.remarks
    assert found.row("old").in_domain == ()


def test_a_board_without_body_set_in_never_mix_names_both(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scored(store, "a", "ehf", 100)
    scored(store, "b", "ehf", 90, body_set="licensed")
    loose = Board.of("one", "One", {"ehf": "pve"}, never_mix=("protocol_hash",))
    assert standings(store, loose, samples=50).body_set == "licensed, open"


def test_a_ranking_under_a_boards_former_name_is_found(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scored(store, "a", "ehf", 100)
    old = TWO.model_copy(update={"name": "mpe"})
    path = save_ranking(store, old, {"a": Entrant("a")})
    record = json.loads(path.read_text())
    for benchmark in record["board"]["benchmarks"]:  # as files were before columns had rules
        del benchmark["protocol"], benchmark["direction"], benchmark["counts"]
    for name in ("order", "never_mix", "takes"):
        del record["board"][name]
    path.write_text(json.dumps(record))
    assert ranking(store, "ehps-five").board["name"] == "ehps-five"
    path.unlink()
    with pytest.raises(UnknownName, match="mpe is now called ehps-five"):
        ranking(store, "mpe")


def test_everybody_in_a_store_is_an_entrant_whose_training_may_not_be_known(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scored(store, "model", "ehf", 100)
    assert entrants_in(store, TWO) == {"model": Entrant("model", cell=False, doubt=NOT_KNOWN)}
    assert standings(store, TWO, entrants_in(store, TWO), samples=50).rows[0].marks == (NOT_KNOWN,)
    single = TWO.model_copy(update={"takes": "single datasets"})
    assert entrants_in(store, single) == {}
