"""What a board orders by: columns that count, mean ranks, directions, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from ehpsbench.errors import InputError, UnknownName
from ehpsbench.leaderboards.board import Board, board, names
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.leaderboards.table import Standings

COLUMN = {"id": "a", "primary": "p"}


def made(order: str, *columns: dict[str, object]) -> Board:
    whole = {"name": "b", "title": "B", "order": order, "benchmarks": list(columns)}
    return Board.model_validate(whole)


def column(name: str, **fields: object) -> dict[str, object]:
    return {"id": name, "primary": "pve", **fields}


def constant(board: Board, **numbers: tuple[float, ...]) -> Standings:
    """Everybody has one number on each column."""
    ids = np.array([f"p{i}" for i in range(12)])
    rows = {
        entry: {
            b: ErrorRows(ids, ids, np.full(12, v)) for b, v in zip(board.ids, own, strict=False)
        }
        for entry, own in numbers.items()
    }
    return rank(rows, board, samples=30)


def test_mean_ranks_are_those_of_each_column_in_its_own_direction() -> None:
    three = made("rank", column("x"), column("y", direction="higher"), column("z"))
    found = constant(three, one=(1, 9, 500), two=(2, 9, 100), three=(3, 1, 300))
    # ranks: x 1 2 3, y 1 1 3 (equal ones share), z 3 1 2
    assert [(r.name, r.mpe.mean) for r in found.rows] == [
        ("two", pytest.approx(4 / 3)),
        ("one", pytest.approx(5 / 3)),
        ("three", pytest.approx(8 / 3)),
    ]
    assert (found.score.name, found.score.unit, found.score.direction) == ("mean rank", "", "lower")
    assert found.row("one").rank_without == {"x": 2, "y": 2, "z": 1}
    assert np.isnan(found.row("one").zero_shot.mean)


def test_the_mean_of_scores_that_are_better_higher_is_ordered_downwards() -> None:
    both = made("mean", column("x", direction="higher"), column("y", direction="higher"))
    found = constant(both, low=(1, 2), high=(3, 4))
    assert [(r.name, r.mpe.mean, r.mpe.rank) for r in found.rows] == [
        ("high", 3.5, 1),
        ("low", 1.5, 2),
    ]
    assert found.score.name == "mean primary score"
    assert found.agreement == {"x": 1, "y": 1}


def test_columns_that_do_not_count_are_shown_and_neither_needed_nor_averaged() -> None:
    two = made("mean", column("x"), column("y", counts=False, direction="higher"))
    found = constant(two, a=(2,), b=(1, 50))
    assert [(r.name, r.mpe.mean, r.missing) for r in found.rows] == [("b", 1, ()), ("a", 2, ())]
    assert (found.row("b").errors["y"].mean, found.row("b").errors["y"].rank) == (50, 1)
    assert np.isnan(found.row("a").errors["y"].mean)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ((column("x"), column("y", direction="higher")), "means nothing"),
        ((column("x", counts=False),), "no benchmark counts"),
        ((column("x"), column("x")), "named twice"),
    ],
)
def test_a_board_that_cannot_order_is_refused(
    columns: tuple[dict[str, object], ...], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        made("mean", *columns)


@pytest.mark.parametrize(
    ("lines", "error", "reason"),
    [
        ('id = "ehf"\nprimary = "pve"\ndirection = "higher"', InputError, "it is better lower"),
        ('id = "ehf"\nprimary = "pve_feet"', UnknownName, "no number of ehf called 'pve_feet'"),
        ('id = "ehff"\nprimary = "pve"', UnknownName, "Did you mean ehf"),
        (
            'id = "ehf"\nprimary = "pve"\n[[benchmarks]]\nid = "normals-pooled"\nprimary = "mean"',
            InputError,
            "the mean of numbers in degrees, mm",
        ),
    ],
)
def test_a_board_asks_only_for_numbers_that_its_protocols_make(
    tmp_path: Path, lines: str, error: type[Exception], reason: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'title = "Mine"\n[[benchmarks]]\n{lines}\n')
    with pytest.raises(error, match=reason):
        board(str(path))


def test_the_ten_boards_are_there_and_sound() -> None:
    assert set(names()) >= {
        *("ehps-five", "ehps-hands", "agora-test", "datasets", "scaling"),
        *("hands-freihand", "pose-2d", "parts", "depth", "normals"),
    }
    for name in names():
        assert board(name).title
        assert "protocol_hash" in board(name).never_mix
    assert board("depth").order == "rank"
    assert board("datasets").protocols == board("ehps-five").protocols == board("scaling").protocols


@pytest.mark.parametrize(("old", "new"), [("mpe", "ehps-five"), ("hand-mpe", "ehps-hands")])
def test_a_former_name_says_the_new_one(old: str, new: str) -> None:
    with pytest.raises(UnknownName, match=f"The board {old} is now called {new}"):
        board(old)
