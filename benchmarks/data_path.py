"""How fast people are cut and batches read: python benchmarks/data_path.py [--people 1200].

Makes a miniature BEDLAM with frames of 1280×720 (smooth noise, so that JPEG has work to do), cuts
its people with 1 and 2 processes, and reads batches of 64 at 256×192: from JPEG and from raw
crops, here and with 2 processes ahead, and as training without a cache does it: a frame is decoded
and its targets are made anew for every sample.
"""

from __future__ import annotations

import argparse
import io
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ehpsbench.body.bodies import BodySet, open_bodies
from ehpsbench.ingest import ingest
from ehpsbench.samples import write_sample
from ehpsbench.store import Store
from ehpsbench.training.cache import crops
from ehpsbench.training.crops import CropSize
from ehpsbench.training.data import Samples
from ehpsbench.training.lens import Lens
from ehpsbench.training.loader import Span, loader
from ehpsbench.training.mix import Mix
from ehpsbench.training.recipe import Input
from ehpsbench.training.targets import targets
from ehpsbench.training.views import views

BATCH = 64


def main() -> None:
    """Print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--people", type=int, default=1200)
    parser.add_argument("--batches", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bodies = open_bodies("small")
    with tempfile.TemporaryDirectory() as folder:
        store = filled(Path(folder), options.people)
        for kind in ("jpeg", "raw"):
            samples = cut(store, bodies, Input(height=256, width=192, store=kind))
            for workers in (0, 2):
                read(samples, kind, workers, options.batches)
        without_cache(samples, bodies, options.batches // 8)


def filled(folder: Path, people: int) -> Store:
    """A store with a miniature BEDLAM whose frames look like something."""
    release, store = folder / "release", Store(folder / "store")
    write_sample("bedlam", release, people=people, images="flat", body="open-small", split="train")
    frames: dict[tuple[str, tuple[int, int]], bytes] = {}
    for path in sorted(p for p in release.rglob("*") if p.suffix in (".png", ".jpg")):
        with Image.open(path) as image:
            kind = path.suffix, image.size
        if kind not in frames:
            frames[kind] = frame(*kind)
        path.write_bytes(frames[kind])
    ingest("bedlam", release, store)
    return store


def frame(suffix: str, size: tuple[int, int]) -> bytes:
    """The file of a frame of blurred noise."""
    pixels = np.random.default_rng(0).integers(0, 255, (size[1] // 8, size[0] // 8, 3))
    smooth = Image.fromarray(pixels.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    smooth.save(stream, {".png": "PNG", ".jpg": "JPEG"}[suffix])
    return stream.getvalue()


def cut(store: Store, bodies: BodySet, settings: Input) -> Samples:
    """Print people cut a second, with 1 and 2 processes."""
    for workers in (1, 2):
        samples = Samples.open(store, "bedlam", ["train"], settings, bodies)
        # Another folder for each, so that both cut everybody.
        plan = replace(
            samples.plan, folder=samples.plan.folder.with_name(f"{settings.store}-{workers}")
        )
        samples = replace(samples, plan=plan)
        started, cpu = time.perf_counter(), time.process_time()
        samples.cut(workers=workers)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        size = sum(p.stat().st_size for p in plan.folder.glob("shard-*")) / len(samples)
        print(
            f"cut {len(samples):6,} people, {settings.store:4}, {workers} processes: "
            f"{len(samples) / seconds:7.1f} a second, {size / 1000:.0f} kB each"
            + (f", {len(samples) / cpu:.0f} a CPU second" if workers == 1 else "")
        )
    return samples


def read(samples: Samples, kind: str, workers: int, count: int) -> None:
    """Print samples read a second, from the second batch on."""
    batches = loader(
        [samples],
        Mix(parts=("bedlam",)),
        [0, 1],
        Span(0, (count + 1) * BATCH, BATCH),
        workers=workers,
    )
    report(f"read from {kind}, {workers} processes ahead", timed(batches))


def without_cache(samples: Samples, bodies: BodySet, count: int) -> None:
    """Print samples a second when frames are decoded and targets made for each sample."""
    settings = samples.plan.settings
    size, rng = CropSize.of(settings), np.random.default_rng(0)

    def batches() -> Iterator[int]:
        for _ in range(count + 1):
            for row in rng.integers(0, len(samples), BATCH):
                columns = samples.read(np.array([row]))
                where = views(columns, settings.width / settings.height, settings.padding)
                list(crops(columns, where, Lens.of(columns), size, samples.plan.root))
                targets(columns, where, bodies, samples.plan.root)
            yield BATCH

    report("without a cache, sample by sample", timed(batches()))


def timed(batches: Iterator[object]) -> tuple[float, float]:
    """Samples a second, and a second of this process's CPU, after the first batch."""
    next(batches)
    started, cpu = time.perf_counter(), time.process_time()
    samples = sum(1 for _ in batches) * BATCH
    return samples / (time.perf_counter() - started), samples / (time.process_time() - cpu)


def report(what: str, rates: tuple[float, float]) -> None:
    """One line, with this process's memory."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, cpu = rates
    print(f"{what:40}{wall:8.1f} samples a second, {cpu:8.1f} a CPU second here", end="")
    print(f" (peak memory {peak:,.0f} MB)")


if __name__ == "__main__":
    main()
