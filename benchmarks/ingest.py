"""People per second that ingest reads, for each adapter, on releases of 10,000 people.

    python benchmarks/ingest.py [--people 10000] [--workers 1] [NAME ...]

The releases are written to a temporary folder, without images (ingest reads none). `read` is the
adapter and the checks, `all` the whole ingest with hashing, staging and merging. Rates of one run
can be compared with each other; machines differ.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.ingest import ingest
from ehpsbench.samples import write_sample
from ehpsbench.staging import read_unit
from ehpsbench.store import Store


def measure(name: str, layout: str, people: int, workers: int) -> tuple[int, float, float]:
    """People stored, seconds to read and check, seconds for the whole ingest."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "release"
        write_sample(name, root, people=people, images="none", body="open-small", layout=layout)
        release = open_release(root, catalogue.card(name), layout=layout)
        bodies = open_bodies("small")
        started = time.perf_counter()
        for unit in catalogue.adapter(name, layout).units(release):
            read_unit(unit, bodies)
        read = time.perf_counter() - started
        started = time.perf_counter()
        report = ingest(name, root, Store(Path(folder) / "store"), layout=layout, workers=workers)
        return sum(report.instances.values()), read, time.perf_counter() - started


def main() -> None:
    """Print one line per adapter."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cases = [(n, "owners") for n in options.names or catalogue.names()]
    if not options.names:
        cases.append(("bedlam", "humandata"))
    print(f"{'dataset':<22}{'layout':<12}{'people':>8}{'read/s':>10}{'all/s':>10}")
    for name, layout in cases:
        people, read, whole = measure(name, layout, options.people, options.workers)
        print(f"{name:<22}{layout:<12}{people:>8,}{people / read:>10,.0f}{people / whole:>10,.0f}")


if __name__ == "__main__":
    main()
