"""What a sweep says of its cost and of how far it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ehpsbench.cli.spread import names, numbers, weights_by_recipe
from ehpsbench.cli.sweep_console import cost_words, duration, in_bytes, status_words
from ehpsbench.errors import InputError
from ehpsbench.leaderboards.sweeps.cost import Cost
from ehpsbench.leaderboards.sweeps.showing import Running, Status


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4.4, "4 s"), (60, "1 min"), (3725, "1 h 2 min"), (50 * 3600, "2 d 2 h")],
)
def test_a_time_has_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_size_has_the_unit_that_fits() -> None:
    assert [in_bytes(b) for b in (9, 2_000_000, 3_100_000_000)] == ["under 1 MB", "2 MB", "3.1 GB"]


def test_names_come_one_by_one_or_with_commas() -> None:
    assert names(["a,b", " c "]) == ["a", "b", "c"]


def test_what_is_no_number_is_refused() -> None:
    assert numbers("2,4", "--top", int) == [2, 4]
    with pytest.raises(InputError, match="--top wants numbers"):
        numbers("two", "--top", int)


def test_weights_are_of_all_recipes_or_of_each() -> None:
    models = ["rank-s", "big.toml"]
    assert weights_by_recipe([], models) is None
    assert weights_by_recipe(["s.pth"], models) == Path("s.pth")
    assert weights_by_recipe(["rank-s=s.pth", "big.toml=b.pth"], models) == {
        "rank-s": Path("s.pth"),
        "big.toml": Path("b.pth"),
    }
    with pytest.raises(InputError, match=r"RECIPE=FILE for each of rank-s, big.toml; got ranks=s"):
        weights_by_recipe(["ranks=s"], models)


def test_the_cost_says_how_long_and_how_much_or_that_it_is_not_known() -> None:
    found = Cost(6, 2, 4000, 1200.0, 2, 3_000_000, 5_000_000)
    assert cost_words(found, 2) == (
        "6 cells, 2 done, 4 to do: 4,000 samples, about 10 min with 2 at once (as 2 finished cells "
        "took). Disk: crops about 3 MB, runs 5 MB."
    )
    unknown = Cost(6, 0, 4000, None, 0, 3_000_000, 5_000_000)
    assert "time unknown until the first cell is done" in cost_words(unknown, 2)
    assert cost_words(Cost(6, 6, 0, 0.0, 6, 0, 0), 2) == "6 cells, all done."


def test_progress_tells_cells_samples_and_what_is_left() -> None:
    running = [Running("a--tiny--s0", "training", 500, 1000)]
    assert status_words(Status(4, 1, 1, running, 1000, 3000, 60.0)) == (
        "cells: 1 of 4 done, 1 running, 1 failed; samples: 1,000 of 3,000; 1 min, about 2 min to go"
    )
