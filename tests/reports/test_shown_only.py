"""A board with a column that is shown beside the order and makes none of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.entrants import NOT_KNOWN
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.leaderboards.table import Standings
from ehpsbench.reports.build import page
from ehpsbench.reports.given import Given
from ehpsbench.reports.scores import score_words, unit_after
from ehpsbench.reports.sections import defence, matrix


def _ranked(*counted: str) -> Standings:
    """Two entries, `good` 20 mm better, on `beside` and on what counts."""
    board = Board.of("b", "A board", {"beside": "pve"} | dict.fromkeys(counted, "pve"))
    columns = tuple(b.model_copy(update={"counts": b.id in counted}) for b in board.benchmarks)
    people = np.array([f"p{i}" for i in range(40)])
    clusters = {"beside": people[np.arange(40) // 20]} | dict.fromkeys(counted, people)
    rng = np.random.default_rng(0)
    rows = {
        name: {b: ErrorRows(people, c, rng.normal(mean, 2, 40)) for b, c in clusters.items()}
        for name, mean in (("good", 50), ("bad", 70))
    }
    return rank(rows, board.model_copy(update={"benchmarks": columns}), samples=50)


@pytest.mark.parametrize("counted", [("one",), ("one", "two")])
def test_it_is_in_the_page_and_in_no_judgement_of_the_order(counted: tuple[str, ...]) -> None:
    given = Given(title="A board", standings=_ranked(*counted))
    assert page(given)
    heads = matrix.section(given).context["benchmarks"]
    assert [h["counts"] for h in heads] == [False, *[True] * len(counted)]
    found = defence.section(given)
    assert found is not None
    assert "at least 10 on every benchmark" in str(found.context)
    left_out = found.context["left_out"]
    assert (left_out or {}).get("benchmarks", []) == (list(counted) if counted[1:] else [])


def test_benchmarks_are_not_called_unseen_by_whom_nobody_knows_what_trained() -> None:
    ranked = _ranked("one")
    first, second = ranked.rows
    doubted = replace(ranked, rows=(replace(first, marks=(NOT_KNOWN,)), second))
    for standings, answer in ((ranked, "yes"), (doubted, "partly")):
        found = defence.section(Given(title="A board", standings=standings))
        assert found is not None
        said = {line["question"]: line for line in found.context["questions"]}
        assert said["Are the benchmarks unseen?"]["answer"] == answer
    assert "what trained good" in said["Are the benchmarks unseen?"]["words"]


def test_percentages_differ_by_points_and_lengths_by_their_unit() -> None:
    assert [unit_after(unit) for unit in ("%", "mm", "1", "")] == [" points", " mm", "", ""]


def test_the_order_is_called_after_the_one_benchmark_that_counts() -> None:
    assert " on one; " in score_words(_ranked("one"))
