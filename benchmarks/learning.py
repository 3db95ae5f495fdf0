"""How fast and how well the micro recipe learns: python benchmarks/learning.py [--people 1200].

Makes a varied miniature BEDLAM, trains one cell on one thread and prints samples a second and the
held-out errors of the model beside those of its training set's mean pose.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch

from ehpsbench.body.bodies import open_bodies
from ehpsbench.demo.plan import read_plan
from ehpsbench.ingest import ingest
from ehpsbench.samples import write_sample
from ehpsbench.store import Store
from ehpsbench.training import cells
from ehpsbench.training.loop import train
from ehpsbench.training.recipe import recipe


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1200)
    parser.add_argument("--recipe", default="micro-cpu")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    plan, how = read_plan(), recipe(options.recipe)
    with tempfile.TemporaryDirectory() as folder:
        release, store = Path(folder) / "release", Store(Path(folder) / "store")
        write_sample(
            *("bedlam", release),
            **{"people": options.people, "body": "open-small", "split": "train"},
            settings=plan.benchmark_settings(),
            scale=plan.image_scale,
        )
        ingest("bedlam", release, store)
        started = time.perf_counter()
        run = train(store, "bedlam", how, 0, open_bodies("small"), threads=options.threads)
        whole = time.perf_counter() - started
        record = json.loads((run / cells.RECORD).read_text())
        report = json.loads((run / cells.HELDOUT).read_text())
    seconds = record["seconds"]["training"]
    print(f"{how.name}: {how.budget.samples_seen} samples in {seconds:.1f} s", end=", ")
    print(f"{how.budget.samples_seen / seconds:.0f} a second; the whole cell {whole:.1f} s")
    for name in ("mean_pose", "model"):
        errors = report[name]
        print(f"{name:10s} MPJPE {errors['mpjpe_mm']:6.1f} mm   PVE {errors['pve_mm']:6.1f} mm")


if __name__ == "__main__":
    main()
