"""Reported numbers in a board's columns: only of the same definition, never ranked unasked."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ehpsbench.body.bodies import BodySet
from ehpsbench.cli.leaderboard import app
from ehpsbench.cli.published import print_together
from ehpsbench.errors import BodyMismatch
from ehpsbench.leaderboards.beside import NAMES, reported, together
from ehpsbench.leaderboards.board import board, names
from ehpsbench.leaderboards.table import Score, Standing, Standings, Value


def standings(name: str, value: float, **more: Any) -> Standings:
    """A board on which one model of ours stands."""
    row = Standing("ours", ("ours",), (), Value(mean=value), 1, (), {}, (), Value())
    none = np.zeros((1, 1))
    about = {"board": {"name": name}, "benchmarks": (), "rows": (row,), "beats": none}
    about |= {"difference_low": none, "difference_high": none, "samples": 1, "seed": 0}
    return Standings(**about, level=0.95, method="", **more)


def test_a_column_takes_numbers_of_its_own_protocol_only() -> None:
    found = {(one.entry, one.training): one.cells for one in reported(board("ehps-five"))}
    assert found["SMPLer-X-L32", "32 datasets"]["ehf"].printed == "62.4"
    assert "agora-val" not in found.get(("OSX", ""), {})  # 168.6 there is of another definition
    protocols = {cell.protocol for cells in found.values() for cell in cells.values()}
    assert protocols <= set(board("ehps-five").protocols)


def test_every_name_of_a_reported_number_is_one_of_some_board() -> None:
    ours = {b.primary for name in names() for b in board(name).benchmarks}
    assert set(NAMES.values()) <= ours


def test_agora_test_puts_ours_among_the_reported_ones() -> None:
    places = together(standings("agora-test", 110.0), board("agora-test"))
    order = [p.name for p in places]
    assert order.index("AiOS") < order.index("ours") < order.index("HybrIK-X")
    assert [p.reported is None for p in places].count(True) == 1
    assert [p.place for p in places] == sorted(p.place for p in places)
    assert "AiOS (Sun et al., CVPR 2024), table 1" in str(places[-1].reported)


def test_who_lacks_a_column_that_counts_has_no_place() -> None:
    assert [p.name for p in together(standings("ehps-five", 80.0), board("ehps-five"))] == ["ours"]


def test_higher_is_better_where_the_board_says_so() -> None:
    score = Score(direction="higher")
    places = together(standings("agora-test", 9999.0, score=score), board("agora-test"))
    assert places[0].name == "ours"


def test_numbers_of_the_open_body_do_not_meet_reported_ones(bodies: BodySet) -> None:
    ours = standings("agora-test", 110.0, body_set=bodies.id)
    with pytest.raises(BodyMismatch, match="they do not meet in one order"):
        together(ours, board("agora-test"))


def test_published_tables_are_shown_with_their_sources_and_slips() -> None:
    listed = CliRunner().invoke(app, ["published"])
    assert listed.exit_code == 0, listed.output
    assert "do not" in listed.output
    shown = CliRunner().invoke(app, ["published", "agora-test"]).output
    assert "erratum: its cells give 120.6" in shown
    rows = json.loads(CliRunner().invoke(app, ["published", "depth", "--json"]).stdout)
    assert len(rows) == 96
    assert {row["source"] for row in rows} == {"Sapiens (Khirodkar et al., ECCV 2024), table 5"}


def test_one_order_says_that_it_is_no_ranking(capsys: pytest.CaptureFixture[str]) -> None:
    ours = standings("agora-test", 110.0)
    print_together(ours, together(ours, board("agora-test")))
    said = capsys.readouterr().out
    assert "No ranking" in said
    assert [line.split()[0] for line in said.splitlines() if "this store" in line] == ["4"]
