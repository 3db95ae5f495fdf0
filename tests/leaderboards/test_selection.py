"""The best datasets of a ranking as a file that training takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ehpsbench.errors import InputError
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.leaderboards.selection import mix_toml, select_top
from ehpsbench.leaderboards.table import Standings
from ehpsbench.training.mix import Mix, read_mix

BOARD = Board.of("two", "Two", {"ehf": "pve", "pw3d-test": "mpjpe"})
PEOPLE = np.asarray([str(i) for i in range(20)])


def ranked(errors: dict[str, tuple[float, ...]], noise: float = 0.0) -> Standings:
    """Standings of datasets by their errors on both benchmarks; `b` was trained on the second."""
    rng = np.random.default_rng(0)
    rows = {
        name: {
            benchmark: ErrorRows(PEOPLE, PEOPLE, error + noise * rng.standard_normal(20))
            for benchmark, error in zip(BOARD.ids, both, strict=False)
        }
        for name, both in errors.items()
    }
    own = {n: Entrant(n, frozenset({"pw3d-test"} if n == "b" else ())) for n in errors}
    return rank(rows, BOARD, entrants=own, samples=50)


def test_the_first_two_of_three_are_a_mix_that_training_reads(tmp_path: Path) -> None:
    found = select_top(ranked({"a": (50, 50), "b": (90, 90), "c": (70, 70)}), 2)
    path = tmp_path / "mix.toml"
    path.write_text(mix_toml(found.mix))
    assert read_mix(path) == found.mix
    assert (found.mix.parts, found.mix.name) == (("a", "c"), "top-2-of-two")


def test_zero_shot_leaves_out_what_a_dataset_was_trained_on() -> None:
    standings = ranked({"a": (60, 60), "b": (90, 10), "c": (70, 70)})
    assert select_top(standings, 1).mix.parts == ("b",)
    assert select_top(standings, 1, by="zero-shot").mix.parts == ("a",)


def test_who_ties_with_the_chosen_and_who_has_no_rank_is_named() -> None:
    standings = ranked({"a": (60, 60), "b": (60.1, 60.1), "c": (99, 99), "d": (1,)}, noise=5)
    found = select_top(standings, 1)
    assert len(found.tied_out) == 1
    assert set(found.mix.parts) | set(found.tied_out) == {"a", "b"}
    assert found.unranked == ("d",)


def test_more_than_are_ranked_is_refused() -> None:
    with pytest.raises(InputError, match="holds 2 datasets"):
        select_top(ranked({"a": (1, 1), "b": (2, 2)}), 3)


def test_a_mix_survives_quotes_weights_and_splits(tmp_path: Path) -> None:
    mix = Mix(
        about='says "so"\\',
        parts=("a", "b"),
        strategy="weighted",
        weights=(0.25, 1.0),
        splits={"a": ("train", "val")},
    )
    path = tmp_path / "mix.toml"
    path.write_text(mix_toml(mix))
    assert read_mix(path) == mix
