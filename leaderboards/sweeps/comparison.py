"""How well a cheap way of choosing datasets does what the full sweep does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from math import comb

from ehpsbench.leaderboards.kendall import kendall_tau
from ehpsbench.leaderboards.table import Standings


@dataclass(frozen=True, slots=True)
class Choice:
    """One way of choosing as many datasets as halving kept.

    Attributes:
        way: in words.
        tau: Kendall's, of its order and the full sweep's; 0 is expected of a random one; NaN
            where it orders nobody.
        of_top: how many of the full sweep's top k are among the chosen; expected, where it draws.
        holds_first_ties: how likely all of the full sweep's first tie group are: 0 or 1 unless it
            draws.
    """

    way: str
    tau: float
    of_top: float
    holds_first_ties: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Halving beside the full sweep, the largest datasets, and chance.

    Attributes:
        top: k.
        chosen: how many halving kept; the other ways choose as many.
        full_order: of the full sweep, best first.
        first_ties: those that it cannot tell from its best.
        ways: halving, size only, random.
    """

    top: int
    chosen: int
    full_order: tuple[str, ...]
    first_ties: tuple[str, ...]
    ways: tuple[Choice, ...]


def compared(
    full: Standings, order: Sequence[str], chosen: int, top: int, sizes: Mapping[str, int]
) -> Comparison:
    """Halving against the full sweep, beside what costs nothing.

    Args:
        full: standings of the full sweep, everybody ranked.
        order: of halving, best first.
        chosen: how many of them halving kept.
        top: how many are looked for.
        sizes: people to train on, by dataset.
    """
    names = [row.name for row in full.rows]
    ties = {row.name for row in full.rows if row.tie_group == 1}
    errors = [row.mpe.mean for row in full.rows]
    place = {name: i for i, name in enumerate(order)}
    keys = {
        "halving": {name: float(place[name]) for name in names},
        "size only": {name: -float(sizes[name]) for name in names},
        "random": dict.fromkeys(names, 0.0),
    }
    wanted = set(names[:top])
    ways = tuple(
        Choice(
            way,
            0.0 if way == "random" else kendall_tau(errors, [key[name] for name in names]),
            expected_overlap(key, chosen, wanted),
            chance_of_all(key, chosen, ties),
        )
        for way, key in keys.items()
    )
    first = tuple(name for name in names if name in ties)
    return Comparison(top, chosen, tuple(names), first, ways)


def expected_overlap(key: Mapping[str, float], chosen: int, wanted: Set[str]) -> float:
    """How many of some names are among the `chosen` smallest keys, equal keys drawn at random."""
    sure, level = _cut(key, chosen)
    drawn = chosen - len(sure)
    return len(wanted & sure) + drawn * len(wanted & level) / max(len(level), 1)


def chance_of_all(key: Mapping[str, float], chosen: int, wanted: Set[str]) -> float:
    """How likely all of some names are among the `chosen` smallest keys.

    Where n names share the key at the border, k of them are drawn and m must be: C(n − m, k − m) /
    C(n, k).
    """
    sure, level = _cut(key, chosen)
    drawn, must = chosen - len(sure), len(wanted & level)
    if wanted - sure - level or must > drawn:
        return 0.0
    return comb(len(level) - must, drawn - must) / comb(len(level), drawn)


def _cut(key: Mapping[str, float], chosen: int) -> tuple[set[str], set[str]]:
    """The names that are chosen for certain, and those that share the key at the border."""
    border = sorted(key.values())[chosen - 1]
    return {n for n in key if key[n] < border}, {n for n in key if key[n] == border}
