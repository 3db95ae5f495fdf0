"""Samples a second of a training step, how long it waits for data, and what share of the peak.

    python benchmarks/training.py                                # a CPU, two minutes
    python benchmarks/training.py --device cuda --sizes s b l h --compile

Beside ours runs, in the same process on the same people, the same step as the published code does
it (steps.py, published_step.py); the ratio is what to compare between machines. Both read pictures
of 1280×720, ours from the crop cache, which is cut before the clock starts. On a GPU ours runs in
bf16, on a CPU in float32. MFU: operations of the network for forward and backward, counted
(flops.py), over those that the device could have done: by its data sheet, and by a large matrix
product that is timed here. Every column comes from this run.

Numbers of a GPU have not been taken: there was none. The targets there are 3 × the published step,
and 40 % MFU for L and H.
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from flops import measured_peak, printed_peak, step_flops
from steps import DATASET, Setting, ours, published

from ehpsbench.body.bodies import open_bodies
from ehpsbench.demo.plan import read_plan
from ehpsbench.ingest import ingest
from ehpsbench.samples import write_sample
from ehpsbench.store import Store
from ehpsbench.training.models.network import network
from ehpsbench.training.recipe import Recipe, recipe

HEADS = {"smplest-x": "foundation", "smpler-x": "rank-s"}
# dim, depth, heads, drop path as published
SIZES = {
    "s": (384, 12, 12, 0.1),
    "b": (768, 12, 12, 0.3),
    "l": (1024, 24, 16, 0.5),
    "h": (1280, 32, 16, 0.55),
}
MICRO = {"dim": 96, "depth": 1, "heads": 4, "head_dim": 96, "pretrained": "none", "drop_path": 0.0}
# Crops of a batch, on a GPU with 80 GB or more and on a CPU.
GPU_BATCH = {"micro": 512, "s": 256, "b": 256, "l": 128, "h": 64}
CPU_BATCH = {"micro": 48, "s": 2, "b": 1, "l": 1, "h": 1}
AHEAD = 2  # batches that each worker of a DataLoader reads ahead


def plan_of(size: str, head: str, batch: int) -> Recipe:
    """The published recipe of a head at one size of the trunk."""
    if (size, head) == ("micro", "smplest-x"):
        base = recipe("micro-cpu").model_dump()
    else:
        base = recipe(HEADS[head]).model_dump()
        if size == "micro":
            base["model"] |= MICRO
            base["input"] |= {"height": 64, "width": 48}
        else:
            names = ("dim", "depth", "heads", "drop_path")
            base["model"] |= dict(zip(names, SIZES[size], strict=True))
    base["budget"]["batch"] = batch
    return Recipe.model_validate(base | {"name": f"{head}-{size}"})


def people_in(folder: Path, people: int, bodies: str) -> Store:
    """A store of rendered people, in pictures of 1280×720."""
    release, store = folder / "release", Store(folder / "store")
    body = "open" if bodies == "full" else "open-small"
    settings = read_plan().benchmark_settings()
    given: dict[str, Any] = {"people": people, "body": body, "split": "train"}
    write_sample(DATASET, release, settings=settings, **given)
    ingest(DATASET, release, store)
    return store


def main() -> None:
    """Print the peaks, then a line for each size and head."""
    options = _options()
    device = torch.device(options.device)
    torch.set_num_threads(options.threads)
    gpu = device.type == "cuda"
    torch.backends.cudnn.benchmark = gpu
    print(_named(device, options.threads))
    peaks = _peaks(device)
    print(
        f"{'size':5} {'head':9} {'params':>8} {'GFLOP':>8} {'batch':>5} |",
        f"{'ours/s':>9} {'wait':>6}",
        *(f"{'MFU ' + name:>12}" for name in peaks),
        f"|{'published/s':>12} {'wait':>6} | ratio",
    )
    with tempfile.TemporaryDirectory() as folder:
        store = people_in(Path(folder), options.people, options.body)
        bodies = open_bodies(options.body)
        setting = Setting(store, bodies, device, options.workers, options.warm, options.steps)
        for size in options.sizes:
            for head in options.heads:
                batch = options.batch or (GPU_BATCH if gpu else CPU_BATCH)[size]
                _line(plan_of(size, head, batch), size, setting, peaks, options)


def _line(
    plan: Recipe, size: str, setting: Setting, peaks: dict[str, float], options: argparse.Namespace
) -> None:
    flops = step_flops(plan)
    with torch.device("meta"):
        count = sum(p.numel() for p in network(plan).parameters())
    mine = ours(plan, setting, options.compile, options.profile)
    _free(setting.device)
    shares = [f"{mine.rate * flops / peak:12.1%}" for peak in peaks.values()]
    head = f"{size:5} {plan.model.head:9} {count / 1e6:7.1f}M {flops / 1e9:8.2f}"
    print(f"{head} {plan.budget.batch:5} | {mine}", *shares, end=" ", flush=True)
    try:
        theirs = published(plan, setting)
        print(f"|  {theirs} | {mine.rate / theirs.rate:5.2f}", flush=True)
    except torch.OutOfMemoryError:
        print("|  out of memory", flush=True)
    _free(setting.device)


def _free(device: torch.device) -> None:
    """Give back what the last network held."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _peaks(device: torch.device) -> dict[str, float]:
    """FLOP/s by the word that the table uses."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    own = measured_peak(device, dtype)
    print(f"peak: {own / 1e12:.3f} TFLOP/s, the best of large matrix products in {dtype}", end="")
    sheet = printed_peak(device)
    if sheet is None:
        print("; none in the table of data sheets")
        return {"measured": own}
    print(f"; {sheet[1] / 1e12:.0f} TFLOP/s, NVIDIA's data sheet for {sheet[0]}, dense bf16")
    return {"sheet": sheet[1], "measured": own}


def _named(device: torch.device, threads: int) -> str:
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}, bf16"
    return f"CPU with {threads} threads of {os.cpu_count()}, torch {torch.__version__}, float32"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cpus = os.cpu_count() or 1
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--sizes", nargs="+", default=("micro", "s"), choices=("micro", *SIZES))
    parser.add_argument("--heads", nargs="+", default=tuple(HEADS), choices=tuple(HEADS))
    parser.add_argument("--batch", type=int, help="crops of a batch; default by size and device")
    parser.add_argument("--steps", type=int, help="that count; default 60 on a GPU, 3 on a CPU")
    parser.add_argument(
        "--warm", type=int, help="steps before: as many at least as workers have read ahead"
    )
    parser.add_argument("--workers", type=int, help="that read; default the CPUs - 1, at most 15")
    parser.add_argument("--people", type=int, default=8, help="rendered; they come again")
    parser.add_argument("--body", default="full", choices=("full", "small"))
    parser.add_argument("--threads", type=int, default=cpus)
    parser.add_argument("--compile", action="store_true", help="torch.compile our network")
    parser.add_argument("--profile", action="store_true", help="where the time of our step goes")
    options = parser.parse_args()
    gpu = options.device == "cuda"
    if options.workers is None:
        options.workers = min(cpus - 1, 15) if gpu else 1
    if options.steps is None:
        options.steps = 60 if gpu else 3
    if options.warm is None:
        options.warm = AHEAD * options.workers + (3 if gpu else 0)
    return options


if __name__ == "__main__":
    main()
