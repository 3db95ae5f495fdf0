"""Who is ranked: errors of entries on the same people, and the groups that their seeds form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.leaderboards.bootstrap import ClusterSums, resampled_means, seed_deviations
from ehpsbench.resampling import Floats, generator, units

Estimate = tuple[float, Floats]  # a point estimate and its resamples (S,)


@dataclass(frozen=True, slots=True)
class ErrorRows:
    """Primary errors of one entry on one benchmark, one row a person.

    Attributes:
        instance_id: (N,) who.
        cluster: (N,) what is resampled.
        error: (N,) primary error [mm]; NaN where it is not defined.
    """

    instance_id: NDArray[np.str_]
    cluster: NDArray[np.str_]
    error: Floats


@dataclass(frozen=True, slots=True)
class Entrant:
    """What the ranking must know of an entry besides its errors.

    Attributes:
        group: entries of one group are seeds of one training set and recipe.
        in_domain: benchmarks whose data, or data overlapping it, trained the entry.
        cell: trained here; only cells make the median of the zero-shot reading.
    """

    group: str
    in_domain: frozenset[str] = frozenset()
    cell: bool = True


@dataclass(frozen=True, slots=True)
class Scored:
    """One benchmark's entries, their means and their resampled means."""

    entries: tuple[str, ...]
    people: int
    clusters: int
    means: dict[str, float]
    samples: dict[str, Floats]


@dataclass(slots=True)
class Group:
    """One group: point estimates and resamples of its errors, filled benchmark by benchmark."""

    name: str
    seeds: tuple[str, ...]
    left_out: tuple[str, ...]
    missing: tuple[str, ...]
    in_domain: frozenset[str]
    cell: bool
    error: dict[str, float] = field(default_factory=dict)
    samples: dict[str, Floats] = field(default_factory=dict)

    def estimate(self, benchmark: str) -> Estimate:
        """The error on a benchmark, and its resamples."""
        return self.error[benchmark], self.samples[benchmark]

    def mpe(self, ids: Sequence[str]) -> Estimate:
        """The mean primary error and its resamples; only for groups that miss nothing."""
        resampled = np.mean([self.samples[b] for b in ids], axis=0)
        return float(np.mean([self.error[b] for b in ids])), resampled


def scored(
    name: str, rows: Mapping[str, Mapping[str, ErrorRows]], samples: int, seed: int
) -> Scored:
    """All entries that have a benchmark: their means and their resamples, paired."""
    entries = tuple(e for e in rows if name in rows[e])
    if not entries:
        return Scored((), 0, 0, {}, {})
    errors, clusters = _paired(name, {e: rows[e][name] for e in entries})
    total = len(np.unique(clusters))
    data = ClusterSums.of(errors, units(clusters))
    drawn = resampled_means(data, samples, generator(seed, "clusters", name))
    return Scored(
        entries,
        errors.shape[1],
        total,
        dict(zip(entries, data.means.tolist(), strict=True)),
        dict(zip(entries, drawn.T, strict=True)),
    )


def _paired(name: str, rows: Mapping[str, ErrorRows]) -> tuple[Floats, NDArray[np.str_]]:
    """(E, N) errors on the same people, and the cluster of each."""
    first, *others = rows
    order = np.argsort(rows[first].instance_id)
    people = rows[first].instance_id[order]
    errors = [rows[first].error[order]]
    for entry in others:
        own = np.argsort(rows[entry].instance_id)
        if not np.array_equal(rows[entry].instance_id[own], people):
            raise InputError(_different_people(name, first, entry, rows))
        errors.append(rows[entry].error[own])
    stacked = np.stack(errors)
    finite = np.isfinite(stacked)
    some = finite.any(0) & ~finite.all(0)
    if some.any():
        where = people[np.argmax(some)]
        raise InputError(
            f"{name}: {where} has an error for some entries and none for others; entries must be "
            "scored on the same people. Predict what is missing and evaluate again."
        )
    kept = finite.all(0)
    if not kept.any():
        raise InputError(f"{name}: no person has an error.")
    return stacked[:, kept], rows[first].cluster[order][kept]


def _different_people(name: str, one: str, other: str, rows: Mapping[str, ErrorRows]) -> str:
    a, b = (set(rows[e].instance_id.tolist()) for e in (one, other))
    example = min(a ^ b, default="a person twice")
    return (
        f"{name}: {one} was scored on {len(a)} people and {other} on {len(b)} (for example "
        f"{example}); they must be the same. Evaluate both with the present store and protocol."
    )


def groups_of(
    entrants: Mapping[str, Entrant], found: Mapping[str, Scored], samples: int, seed: int
) -> list[Group]:
    """The groups of all entrants, with their errors and resamples on every benchmark."""
    members: dict[str, dict[str, Entrant]] = {}
    for entry, entrant in entrants.items():
        members.setdefault(entrant.group, {})[entry] = entrant
    groups = [_group(name, own, found) for name, own in members.items()]
    pool = [g.seeds for g in groups if len(g.seeds) > 1 and not g.missing]
    for benchmark, data in found.items():
        deviations = [seed_deviations(_resampled(data, seeds)) for seeds in pool]
        luck = np.concatenate(deviations, axis=1) if pool else None
        for group in groups:
            used = [e for e in group.seeds if e in data.entries]
            if used:
                group.error[benchmark] = float(np.mean([data.means[e] for e in used]))
                group.samples[benchmark] = _resampled(data, used).mean(axis=1)
                if luck is not None and group.cell:
                    # the same draw of seeds on every benchmark: a seed is one model
                    rng = generator(seed, "seeds", group.name, *used)
                    drawn = rng.integers(luck.shape[1], size=(samples, len(used)))
                    group.samples[benchmark] += np.take_along_axis(luck, drawn, 1).mean(axis=1)
    return groups


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
