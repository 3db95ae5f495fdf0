"""One training run, visible from top to bottom: data, network, steps, held-out clusters, files.

Whatever is random is drawn from (seed, what, position), so that a run that was killed goes on
where its last saved state was and, on a CPU with the same number of threads, ends bit-identical.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.training import cells
from ehpsbench.training.augment import Draws, batch
from ehpsbench.training.baseline import start_from, start_of
from ehpsbench.training.checkpoint import load_state, save_state, save_weights
from ehpsbench.training.data import Samples, groups, order, samples
from ehpsbench.training.estimate import estimate, skeleton
from ehpsbench.training.heldout import Check, evenly, held_out
from ehpsbench.training.losses import Skeleton, losses, total
from ehpsbench.training.models.network import Network, network
from ehpsbench.training.recipe import Optimiser, Recipe

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

Progress = Callable[[int, int], None]
_ORDER, _AUGMENTATION = 1, 2  # what a random stream is for


@dataclass(slots=True)
class _Run:
    """What the steps of one run share."""

    recipe: Recipe
    seed: int
    device: torch.device
    data: Samples
    rows: NDArray[np.intp]
    network: Network
    optimiser: torch.optim.Optimizer
    body: Skeleton


def train(
    store: Store,
    dataset: str,
    recipe: Recipe,
    seed: int,
    bodies: BodySet,
    *,
    splits: tuple[str, ...] | None = None,
    device: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Train one cell, or go on with it, or leave it if it is done.

    Args:
        store: where the rows are and the run goes.
        dataset: name in the store.
        recipe: how.
        seed: of everything random.
        bodies: the body set of the rows.
        splits: default: those called train….
        device: "cpu" or "cuda"; default: a GPU when there is one.
        threads: of the CPU; default: as torch is set.
        progress: called after every step with (samples seen, samples in all).

    Returns:
        The run's folder, with cell.json, log.jsonl, checkpoint.safetensors, heldout.json.
    """
    wanted = cells.cell(store, dataset, recipe, seed, bodies, splits=splits)
    folder = store.runs / wanted.id
    if cells.is_done(store, wanted):
        return folder
    if threads is not None:
        torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    started = time.perf_counter()
    data = samples(store, dataset, wanted.splits[0], recipe.input, bodies)
    apart, independent = held_out(*groups(data.columns), recipe.heldout.share)
    if not apart.any():
        raise InputError(
            f"{dataset} has {len(data)} rows of one image in {list(wanted.splits[0])}; training needs "
            "at least two images, one of them held out."
        )
    scored = evenly(np.flatnonzero(apart), recipe.heldout.limit)
    check = Check.of(data, scored, bodies, store.release_root(dataset))
    run = _start(recipe, seed, data, np.flatnonzero(~apart), bodies, device)
    prepared = time.perf_counter()
    _steps(run, wanted, folder, check, progress)
    trained = time.perf_counter()
    mean_pose = start_of(run.network).repeated(len(check))
    report = {
        "rows": len(check),
        "independent": independent,
        "model": check.errors(_look(run, check)),
        "mean_pose": check.errors(mean_pose),
    }
    save_weights(folder / cells.WEIGHTS, run.network, wanted)
    cells.write_json(folder / cells.HELDOUT, report)
    measured = {
        "samples_seen": recipe.budget.samples_seen,
        "training_rows": len(run.rows),
        "device": run.device.type,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "seconds": {"data": prepared - started, "training": trained - prepared},
    }
    cells.write_record(store, wanted, recipe, measured)
    (folder / cells.STATE).unlink(missing_ok=True)
    return folder


def _start(
    recipe: Recipe,
    seed: int,
    data: Samples,
    rows: NDArray[np.intp],
    bodies: BodySet,
    device: str | None,
) -> _Run:
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = network(recipe)
    start_from(made, data.targets.take(rows))
    made.to(where)
    settings = recipe.optimiser
    optimiser = torch.optim.AdamW(
        made.parameters(),
        lr=settings.lr,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    return _Run(recipe, seed, where, data, rows, made, optimiser, skeleton(bodies))


def _steps(
    run: _Run, wanted: cells.Cell, folder: Path, check: Check, progress: Progress | None
) -> None:
    """Take every step that is left; at each point of the curve: held-out error, log, state."""
    budget = run.recipe.budget
    marks = curve(budget.samples_seen, budget.batch, run.recipe.heldout.points)
    seen = load_state(folder / cells.STATE, run.network, run.optimiser, wanted)
    log = _kept(folder / cells.LOG, seen)
    sums: dict[str, float] = {}
    steps, clock = 0, time.perf_counter()
    while seen < budget.samples_seen:
        count = min(budget.batch, budget.samples_seen - seen)
        for name, value in _step(run, seen, count).items():
            sums[name] = sums.get(name, 0.0) + value
        steps, seen = steps + 1, seen + count
        if seen in marks:
            line = {
                "samples_seen": seen,
                "lr": learning_rate(run.recipe.optimiser, seen, budget.samples_seen),
                "losses": {name: value / steps for name, value in sums.items()},
                "heldout_mpjpe_mm": check.joints_mm(_look(run, check)),
                "seconds": time.perf_counter() - clock,
            }
            log.append(json.dumps(line))
            save_state(folder / cells.STATE, run.network, run.optimiser, wanted, seen)
            cells.write_lines(folder / cells.LOG, log)
            sums, steps, clock = {}, 0, time.perf_counter()
        if progress is not None:
            progress(seen, budget.samples_seen)


def _step(run: _Run, seen: int, count: int) -> dict[str, float]:
    """One batch, one update; returns the loss terms."""
    recipe = run.recipe
    rng = np.random.default_rng([run.seed, _AUGMENTATION, seen])
    rows = order([run.seed, _ORDER], run.rows, seen, count)
    draws = Draws.random(recipe.augmentation, count, rng)
    now = batch(run.data.crops[rows], run.data.targets.take(rows), draws, recipe.input, run.device)
    for group in run.optimiser.param_groups:
        group["lr"] = learning_rate(recipe.optimiser, seen, recipe.budget.samples_seen)
    # bf16 only where there is hardware for it; on a CPU it is many times slower.
    with torch.autocast(run.device.type, torch.bfloat16, enabled=run.device.type == "cuda"):
        said = run.network(now.images)
    terms = losses(said, now, run.body, recipe.input.width / recipe.input.height)
    loss = total(terms, recipe.loss)
    run.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    if recipe.optimiser.clip_norm is not None:
        torch.nn.utils.clip_grad_norm_(run.network.parameters(), recipe.optimiser.clip_norm)
    run.optimiser.step()
    return {name: float(term.detach()) for name, term in terms.items()} | {"total": loss.item()}


def _look(run: _Run, check: Check) -> Any:
    """What the network says of the held-out rows."""
    return estimate(run.network, check.crops, run.recipe.input, run.device)


def learning_rate(settings: Optimiser, seen: int, budget: int) -> float:
    """Linear warm-up, then a cosine from `lr` to `min_lr` over the rest of the budget."""
    if seen < settings.warmup_samples:
        return settings.lr * (seen + 1) / (settings.warmup_samples + 1)
    share = (seen - settings.warmup_samples) / max(budget - settings.warmup_samples, 1)
    swing = (1 + math.cos(math.pi * min(share, 1.0))) / 2
    return settings.min_lr + (settings.lr - settings.min_lr) * swing


def curve(budget: int, size: int, points: int) -> set[int]:
    """Samples seen at the points of the learning curve: whole batches, the last at the budget."""
    steps = math.ceil(budget / size)
    marks = {math.ceil(steps * point / points) for point in range(1, points + 1)}
    return {min(mark * size, budget) for mark in marks}


def _kept(path: Path, seen: int) -> list[str]:
    """Lines of the log up to the state that the run goes on from."""
    if seen == 0 or not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if json.loads(line)["samples_seen"] <= seen]
