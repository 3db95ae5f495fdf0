"""Ranks as the report writes them: who cannot be told apart shares one."""

from __future__ import annotations

from dataclasses import dataclass

from ehpsbench.leaderboards.table import Standings


@dataclass(frozen=True, slots=True)
class Place:
    """The rank of one row.

    Attributes:
        text: "1", or "3=" where it is shared; a dash for who is not ranked.
        words: the same in words.
        first: the best place of its tie group, to sort by; None for who is not ranked.
        last: the worst one.
    """

    text: str
    words: str
    first: int | None = None
    last: int | None = None


def places(standings: Standings) -> dict[str, Place]:
    """The rank of every row; a tie group shares the ranks that it fills."""
    found = {}
    groups = [row.tie_group for row in standings.rows if row.tie_group is not None]
    for row in standings.rows:
        if row.tie_group is None:
            found[row.name] = Place("–", "not ranked")
            continue
        first = 1 + sum(group < row.tie_group for group in groups)
        last = first + groups.count(row.tie_group) - 1
        text = standings.shown_rank(row)
        if first == last:
            found[row.name] = Place(text, f"rank {first}", first, last)
        else:
            found[row.name] = Place(text, f"shares ranks {first} to {last}", first, last)
    return found
