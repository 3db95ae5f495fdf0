"""Who is ranked: the groups that the seeds of entries form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ehpsbench.leaderboards.drawn import Scored
from ehpsbench.leaderboards.luck import own_luck, pooled_luck, seed_deviations, wild
from ehpsbench.resampling import Floats, generator

Estimate = tuple[float, Floats]  # a point estimate and its resamples (S,)


@dataclass(frozen=True, slots=True)
class Entrant:
    """What the ranking must know of an entry besides its errors.

    Attributes:
        group: entries of one group are seeds of one training set and recipe.
        in_domain: benchmarks whose data, or data overlapping it, trained the entry.
        cell: trained here; only cells make the median of the zero-shot reading.
        doubt: a mark of its row, in words; "" where there is none.
    """

    group: str
    in_domain: frozenset[str] = frozenset()
    cell: bool = True
    doubt: str = ""


@dataclass(slots=True)
class Group:
    """One group: point estimates and resamples of its errors, filled benchmark by benchmark."""

    name: str
    seeds: tuple[str, ...]
    left_out: tuple[str, ...]
    missing: tuple[str, ...]
    in_domain: frozenset[str]
    cell: bool
    wild: bool = False  # its seeds spread far more than the others': its luck is its own
    error: dict[str, float] = field(default_factory=dict)
    samples: dict[str, Floats] = field(default_factory=dict)

    @property
    def tells_luck(self) -> bool:
        """Whether its seeds say how much they vary."""
        return len(self.seeds) > 1 and not self.missing

    def estimate(self, benchmark: str) -> Estimate:
        """The error on a benchmark, and its resamples."""
        return self.error[benchmark], self.samples[benchmark]

    def mpe(self, ids: Sequence[str]) -> Estimate:
        """The mean primary error and its resamples; only for groups that miss nothing."""
        resampled = np.mean([self.samples[b] for b in ids], axis=0)
        return float(np.mean([self.error[b] for b in ids])), resampled


def groups_of(
    entrants: Mapping[str, Entrant],
    found: Mapping[str, Scored],
    seed: int,
    *,
    counted: Sequence[str] | None = None,
) -> list[Group]:
    """The groups of all entrants, with their errors and resamples on every benchmark.

    Args:
        entrants: of the table.
        found: benchmark → who was scored there.
        seed: of the random numbers.
        counted: benchmarks that a group must have for a rank; None: all.
    """
    needed = {b: found[b] for b in (found if counted is None else counted)}
    members: dict[str, dict[str, Entrant]] = {}
    for entry, entrant in entrants.items():
        members.setdefault(entrant.group, {})[entry] = entrant
    groups = [_group(name, members[name], needed) for name in sorted(members)]
    own = _wild(groups, needed)
    for group in groups:
        group.wild = group.name in own
    for benchmark, data in found.items():
        _fill(groups, benchmark, data, seed)
    return groups


def _wild(groups: Sequence[Group], needed: Mapping[str, Scored]) -> frozenset[str]:
    """Names of those whose seeds spread far more than the others', over all that counts."""
    tables = {
        group.name: np.array([[d.means[e] for d in needed.values()] for e in sorted(group.seeds)])
        for group in groups
        if group.tells_luck
    }
    return wild(tables)


def _fill(groups: Sequence[Group], benchmark: str, data: Scored, seed: int) -> None:
    """Errors and resamples of all groups on a benchmark, with the luck of their seeds.

    Groups come by name and seeds are sorted, so that one table has one set of random numbers,
    whatever order its entries are named in.
    """
    deviations = {
        group.name: seed_deviations(_resampled(data, sorted(group.seeds)))
        for group in groups
        if group.tells_luck and _has_all(data, group.seeds)
    }
    tame = [deviations[g.name] for g in groups if g.name in deviations and not g.wild]
    pooled = np.concatenate(tame, axis=1) if tame else None
    for group in groups:
        used = sorted(e for e in group.seeds if e in data.entries)
        if not used:
            continue
        group.error[benchmark] = float(np.mean([data.means[e] for e in used]))
        group.samples[benchmark] = _resampled(data, used).mean(axis=1)
        if group.cell:
            # the same draw of seeds on every benchmark: a seed is one model
            rng = generator(seed, "seeds", group.name, *used)
            own = deviations.get(group.name) if group.wild else None
            if own is not None:
                group.samples[benchmark] += own_luck(own, rng)
            elif pooled is not None:
                group.samples[benchmark] += pooled_luck(pooled, len(used), rng)


def _group(name: str, entrants: Mapping[str, Entrant], found: Mapping[str, Scored]) -> Group:
    """A group of the seeds that have all benchmarks, if one has."""
    complete = tuple(e for e in entrants if all(e in b.entries for b in found.values()))
    seeds = complete or tuple(entrants)
    return Group(
        name=name,
        seeds=seeds,
        left_out=tuple(e for e in entrants if e not in seeds),
        missing=() if complete else tuple(b for b in found if not _has_all(found[b], seeds)),
        in_domain=frozenset().union(*(e.in_domain for e in entrants.values())),
        cell=all(e.cell for e in entrants.values()),
    )


def _resampled(data: Scored, entries: Sequence[str]) -> Floats:
    """(S, E) resampled means of some entries."""
    return np.stack([data.samples[e] for e in entries], axis=1)


def _has_all(benchmark: Scored, seeds: Sequence[str]) -> bool:
    return all(e in benchmark.entries for e in seeds)
