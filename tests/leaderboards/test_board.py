"""Boards and their finder."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from ehpsbench.errors import InputError, UnknownName
from ehpsbench.leaderboards.board import Board, board, names


def test_the_mpe_board_has_the_five_benchmarks_and_mpjpe_on_3dpw_only() -> None:
    assert {b.id: b.primary for b in board("ehps-five").benchmarks} == {
        "agora-val": "pve",
        "ubody-intra-test": "pve",
        "egobody-test": "pve",
        "pw3d-test": "mpjpe",
        "ehf": "pve",
    }


def test_a_board_with_a_typo_is_named() -> None:
    with pytest.raises(UnknownName, match="Did you mean ehps-five"):
        board("ehps-fiv")
    assert "ehps-five" in names()


def test_a_board_of_ones_own_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "Mine"\n[[benchmarks]]\nid = "ehf"\nprimary = "pve"\n')
    assert board(str(path)) == Board.of("mine", "Mine", {"ehf": "pve"})


@pytest.mark.parametrize("text", ["title = 3", "benchmarks = []", "title ="])
def test_a_broken_board_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"mine\.toml is not a valid board"):
        board(str(path))


def test_only_a_mean_of_millimetres_is_an_mpe() -> None:
    five = board("ehps-five")
    assert (five.score_in("mm"), five.score_in("degrees")) == ("MPE", "mean error")


def test_a_benchmark_cannot_be_on_a_board_twice() -> None:
    twice = [{"id": "x", "primary": "pve"}] * 2
    with pytest.raises(ValidationError, match="named twice"):
        Board(name="b", title="t", benchmarks=twice)


def test_the_hash_of_a_board_changes_with_its_primary_errors() -> None:
    assert Board.of("a", "A", {"x": "pve"}).hash != Board.of("a", "A", {"x": "mpjpe"}).hash
