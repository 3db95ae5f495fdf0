"""How often the ranking's 95 % intervals hold the truth, on made-up errors whose truth is known.

python benchmarks/interval_coverage.py --trials 300
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.luck import seed_deviations
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.resampling import interval, resampling_weights

Array = NDArray[np.float64]
BENCHMARKS = 2
PEOPLE = 5  # in each cluster


@dataclass(frozen=True, slots=True)
class Case:
    """What varies between tables of the same true errors.

    Attributes:
        sets: training sets.
        seeds: of each.
        clusters: of each benchmark.
        luck: standard deviation of a seed [mm], the same on all benchmarks; of the last set `odd`
            times that.
        recordings: standard deviation over clusters of what is hard for everybody [mm].
        own: the same for one set alone, all its seeds [mm].
        odd: how much larger the last set's luck is.
        gap: between the true errors of neighbours [mm].
    """

    sets: int = 7
    seeds: int = 2
    clusters: int = 20
    luck: float = 2.0
    recordings: float = 20.0
    own: float = 4.0
    odd: float = 1.0
    gap: float = 0.0


def luck_alone(seeds: int, trials: int, rng: np.random.Generator) -> tuple[float, float]:
    """Coverage of the difference of two of seven sets that differ by luck alone.

    Returns:
        Where each set's own seeds are resampled, and where the deviations of all are pooled.
    """
    held = np.zeros(2)
    for _ in range(trials):
        found = rng.normal(size=(7, seeds))
        own = resampling_weights(seeds, 4000, rng) @ found[:2].T / max(1, seeds - 1)
        pool = seed_deviations(found[:, None, :].reshape(7, seeds)).ravel()
        drawn = rng.choice(pool, size=(2, 2000, seeds)).mean(-1)
        means = found[:2].mean(1)
        gaps = own[:2000, 0] - own[2000:, 1], means[0] - means[1] + drawn[0] - drawn[1]
        held += [low <= 0 <= high for low, high in map(interval, gaps)]
    return tuple((held / trials).tolist())


def table(case: Case, rng: np.random.Generator) -> dict[str, dict[str, ErrorRows]]:
    """Errors of every seed of every set, as an evaluation would give them."""
    names = np.repeat(np.arange(case.clusters), PEOPLE)
    people = np.array([f"p{i:05d}" for i in range(len(names))])
    clusters = np.array([f"c{i:04d}" for i in names])
    scale = np.r_[np.ones(case.sets - 1), case.odd]
    luck = rng.normal(0, case.luck, (case.sets, case.seeds)) * scale[:, None]
    found: dict[str, dict[str, ErrorRows]] = {}
    for benchmark in range(BENCHMARKS):
        hard = rng.normal(0, case.recordings, case.clusters)
        for i in range(case.sets):
            own = rng.normal(0, case.own, case.clusters)
            for k in range(case.seeds):
                noise = rng.normal(0, 5, len(names))
                error = 100 + case.gap * i + luck[i, k] + (hard + own)[names] + noise
                rows = found.setdefault(f"{i}--{k}", {})
                rows[f"b{benchmark}"] = ErrorRows(people, clusters, error)
    return found


def coverage(
    case: Case, trials: int, rng: np.random.Generator, samples: int = 1000
) -> dict[str, float]:
    """Shares of intervals that hold the truth: differences, MPEs, ranks; and of false orders."""
    board = Board.of("b", "B", {f"b{i}": "pve" for i in range(BENCHMARKS)})
    held: dict[str, list[float]] = {"difference": [], "odd set": [], "MPE": [], "rank": []}
    for trial in range(trials):
        rows = table(case, rng)
        entrants = {e: Entrant(e.split("--")[0]) for e in rows}
        found = rank(rows, board, entrants=entrants, samples=samples, seed=trial)
        truth = np.array([case.gap * int(row.name) for row in found.rows])
        gaps = truth[:, None] - truth[None, :]
        inside = (found.difference_low <= gaps) & (gaps <= found.difference_high)
        held["difference"].append(inside[np.triu_indices(case.sets, 1)].mean())
        odd = next(i for i, row in enumerate(found.rows) if row.name == str(case.sets - 1))
        held["odd set"].append(np.delete(inside[odd], odd).mean())
        for row, true in zip(found.rows, truth, strict=True):
            held["MPE"].append(row.mpe.low <= 100 + true <= row.mpe.high)
            low, high = row.mpe.rank_low or 0, row.mpe.rank_high or 0
            held["rank"].append(low <= 1 + int(row.name) <= high)
    return {name: float(np.mean(values)) for name, values in held.items()}


def main() -> None:
    """Print all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=300)
    trials = parser.parse_args().trials
    rng = np.random.default_rng(0)
    print("Luck alone, seven sets: each set's own seeds resampled, all sets' deviations pooled")
    for seeds in (2, 3, 5):
        own, pooled = luck_alone(seeds, 10 * trials, rng)
        print(f"  {seeds} seeds: {own:.1%} {pooled:.1%}")
    print("rank(), luck and recordings: difference of two sets, MPE, true rank (sets 2 mm apart)")
    cases = [Case(seeds=s, clusters=c) for s in (2, 3) for c in (5, 10, 20, 60)]
    cases += [Case(sets=12, seeds=3), Case(seeds=1)]
    for case in cases:
        ties = coverage(case, trials, rng)
        apart = coverage(Case(case.sets, case.seeds, case.clusters, gap=2.0), trials // 2, rng)
        print(
            f"  {case.sets} sets, {case.seeds} seeds, {case.clusters} clusters: "
            f"{ties['difference']:.1%} {ties['MPE']:.1%} {apart['rank']:.1%}"
        )
    print("One set of seven with more luck than the others: its differences, all differences")
    for odd in (1.0, 2.0, 4.0, 8.0):
        found = coverage(Case(seeds=3, odd=odd), trials, rng)
        print(f"  {odd:.0f} times: {found['odd set']:.1%} {found['difference']:.1%}")


if __name__ == "__main__":
    main()
