"""What the page says of how it was made, and how to make it again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ehpsbench.evaluation.protocol import protocol
from ehpsbench.reports.build import page
from ehpsbench.reports.given import Given
from ehpsbench.reports.repeat import commands
from ehpsbench.reports.sections import record
from ehpsbench.store import Store
from ehpsbench.training.cells import budgeted
from ehpsbench.training.recipe import recipe

MICRO = recipe("micro-cpu")


def _lines(given: Given) -> list[str]:
    return [line for _, lines in commands(given) for line in lines]


def _trained(given: Given, *cells: dict[str, Any]) -> list[str]:
    """The commands that train, of a board whose cells have other facts."""
    own = given.cells[0] | {"recipe_hash": MICRO.hash}
    lines = _lines(replace(given, cells=tuple(own | cell for cell in cells)))
    return [line for line in lines if "train" in line or "rank-datasets" in line]


def test_commands_read_train_score_and_report(board: Given) -> None:
    assert _lines(board) == [
        "ehpsbench ingest agora --root RELEASE_OF_agora",
        "ehpsbench rank-datasets agora --board tiny.toml --recipe micro-cpu.toml --seeds 2",
        "ehpsbench leaderboard add far --board tiny.toml --predictions PREDICTIONS",
        "ehpsbench report --board tiny.toml",
    ]


def test_cells_of_one_recipe_and_seeds_are_one_command(board: Given) -> None:
    cells = [{"dataset": d, "parts": [d], "seed": s} for d in ("a", "b") for s in (0, 1, 2)]
    (line,) = _trained(board, *cells)
    assert line.startswith(
        "ehpsbench rank-datasets a b --board tiny.toml --recipe micro-cpu --seeds 3"
    )


def test_another_budget_is_a_flag_and_not_a_name(board: Given) -> None:
    short = budgeted(MICRO, 960)
    (line,) = _trained(board, {"recipe": short.name, "recipe_hash": short.hash, "seed": 0})
    assert "--recipe micro-cpu --budget 960 --seeds 1" in line


def test_a_weighted_mix_is_trained_with_its_shares(board: Given) -> None:
    (line,) = _trained(
        board, {"parts": ["a", "b"], "splits": [["train"]] * 2, "mix": "weighted",
                "weights": [0.25, 0.75], "seed": 4},
    )  # fmt: skip
    assert line == (
        "ehpsbench train a b --mix weighted --weight a=0.25 --weight b=0.75 "
        "--recipe micro-cpu --seed 4"
    )


def test_names_that_a_shell_would_run_are_quoted(board: Given) -> None:
    (line,) = _trained(board, {"dataset": "a; rm -r b", "seed": 0})
    assert "rank-datasets 'a; rm -r b' --board" in line


def test_the_protocol_stands_in_words_only_while_it_is_the_one_that_was_used(
    board: Given,
) -> None:
    (said,) = record.section(board).context["protocols"]
    assert said["hash"] == protocol("agora-val").hash
    assert ("averaging", "people  (mean over people of the mean over points)") in said["lines"]
    ((benchmark, found),) = board.summaries.items()
    changed_rules = {entry: s | {"protocol_hash": "0" * 64} for entry, s in found.items()}
    other = replace(board, summaries={benchmark: changed_rules})
    (changed,) = record.section(other).context["protocols"]
    assert changed["lines"] == []


def test_a_ranking_under_a_former_name_says_so_and_what_is_today(
    board: Given, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    store.reports.mkdir(parents=True)
    (store.reports / "mpe.ranking.json").touch()
    said = {**board.standings.board, "name": "ehps-five", "version": 1}
    former = replace(board, store=store, standings=replace(board.standings, board=said))
    assert record.section(former).context["board"] == (
        "ehps-five, version 1, ranked under its former name mpe; today's ehps-five is version 2 "
        "and differs"
    )
    assert record.section(board).context["board"] == "tiny, version 1"


def test_time_and_hardware_are_summed_up(board: Given) -> None:
    found = record.section(board).context
    assert found["cost"] == "1 cell, 1,000 samples seen, 1.0 device minutes, on cpu, 2 threads."
    both = replace(board, cells=(board.cells[0] | {"device": "cuda", "ranks": 4},))
    assert "4.0 device minutes, on 4 × cuda." in record.section(both).context["cost"]


def test_the_page_holds_the_hashes_in_full_or_as_16_letters(board: Given) -> None:
    text = page(board)
    assert board.standings.board["hash"] in text
    assert protocol("agora-val").hash[:16] in text
    assert board.datasets[0]["fingerprint"][:16] in text
