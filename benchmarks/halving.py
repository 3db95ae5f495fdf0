"""What successive halving saves and misses: halving first, then the full sweep, then both compared.

python benchmarks/halving.py --out DIR --workers 2

Writes releases of planted worth into DIR; a stopped run goes on where it was. Eleven sets with
three seeds are 33 cells of 12,000 samples.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ehpsbench.body.bodies import open_bodies
from ehpsbench.demo.plan import Plan, read_plan
from ehpsbench.demo.run import planted_store, run_demo, training_seeds
from ehpsbench.executors.settings import Settings
from ehpsbench.leaderboards.board import board
from ehpsbench.leaderboards.sweeps.halved import Halved
from ehpsbench.leaderboards.sweeps.halving import halve
from ehpsbench.leaderboards.sweeps.jobs import Work
from ehpsbench.training.recipe import recipe

PLAN = Path(__file__).with_name("planted.toml")


def halved(
    out: Path, plan: Plan, seed: int, workers: int, how: str, top: int
) -> tuple[Halved, str]:
    """Halving, the full sweep, and halving beside it; the last trains nothing.

    Args:
        out: folder.
        plan: the sets and what they must come to.
        seed: of the worlds and of the training.
        workers: processes.
        how: the recipe.
        top: how many are looked for.

    Returns:
        The comparison, and what became of the planted claims.
    """
    store = planted_store(out, plan, seed=seed, workers=workers, say=print)
    work = Work(store, {recipe(how).name: recipe(how)}, board("ehps-five"), open_bodies("small"))
    names, seeds = [planned.name for planned in plan.sets], training_seeds(plan, seed)
    where = Settings(workers=workers)
    first = halve(work, names, seeds, where, top=top)
    full = run_demo(out, seed=seed, workers=workers, plan=plan, recipe=how, say=print)
    again = halve(work, names, seeds, where, top=top)
    if again.places != first.places:
        raise SystemExit("Halving came to something else after the full sweep.")
    return again, str(full.verdict["text"])


def main() -> None:
    """Print all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--plan", type=Path, default=PLAN)
    parser.add_argument("--recipe", default="micro-cpu")
    parser.add_argument("--top", type=int, default=3)
    said = parser.parse_args()
    plan = read_plan(said.plan)
    found, text = halved(said.out, plan, said.seed, said.workers, said.recipe, said.top)
    for place in found.places:
        print(f"{place.name:14} {place.samples:7,} samples {place.mpe_mm:7.1f} mm: {place.why}")
    share = found.samples / found.full_samples
    print(f"{found.samples:,} of {found.full_samples:,} samples ({share:.0%})")
    print(f"Ran to the end: {', '.join(found.survivors)}")
    if (same := found.comparison) is not None:
        print(f"First tie group of the full sweep: {', '.join(same.first_ties)}")
        for way in same.ways:
            print(
                f"{way.way:10} tau {way.tau:5.2f}, {way.of_top:.2g} of the top {same.top}, holds "
                f"the first tie group: {way.holds_first_ties:.0%}"
            )
    print(text)


if __name__ == "__main__":
    main()
