"""What a plan will cost: samples, time as cells of the same recipe took it, disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from ehpsbench.atomic import intact_json
from ehpsbench.leaderboards.sweeps.jobs import SECONDS, Job, Work
from ehpsbench.training import cells
from ehpsbench.training.recipe import Recipe

if TYPE_CHECKING:
    from ehpsbench.store import Store

NOT_OF_SPEED = {"name", "version", "about", "budget", "optimiser", "heldout", "loss"}
JPEG_BYTES = 0.45  # a pixel, at quality 92 without chroma subsampling: photographs; flat ones less
TARGET_BYTES = 12_000  # a row, beside its crop
STATES = 6  # copies of the weights in a run at work: the last two states with their moments
KEPT = 2  # copies that a finished run leaves: the last ones, and the best on held-out people


@dataclass(frozen=True, slots=True)
class Cost:
    """What is there and what is to do.

    Attributes:
        cells: of the plan.
        done: with their results.
        samples: to train on.
        seconds: of one process, for all that is to do; None: no cell of the recipe is done yet.
        measured: cells that the time is estimated from.
        crops_bytes: of the crops of all datasets that are trained on, cut already or not; about.
        runs_bytes: of the weights of all cells, and of the states while they train; about.
    """

    cells: int
    done: int
    samples: int
    seconds: float | None
    measured: int
    crops_bytes: int
    runs_bytes: int


def cost(
    work: Work,
    jobs: Sequence[Job],
    *,
    at_once: int | None = None,
    rungs: int = 0,
    device: str | None = None,
) -> Cost:
    """What the plan costs.

    Args:
        work: what the cells share.
        jobs: the plan.
        at_once: cells that train side by side; None: all.
        rungs: below the budget, whose weights each cell leaves as well.
        device: "cpu" or "cuda", where it will run; None: that of most finished cells.
    """
    waiting = [one for one in jobs if not one.done]
    left = {one.entry: max(one.samples - seen_before(work, one), 0) for one in waiting}
    speeds = {name: _speeds(work.store, recipe, device) for name, recipe in work.recipes.items()}
    seconds = 0.0
    for one in waiting:
        found = speeds[one.recipe]
        if found:
            scoring = median(overhead for _, overhead in found)
            seconds += left[one.entry] * median(each for each, _ in found) + scoring
    known = all(speeds[one.recipe] for one in waiting)
    return Cost(
        cells=len(jobs),
        done=len(jobs) - len(waiting),
        samples=sum(left.values()),
        seconds=seconds if known else None,
        measured=sum(map(len, speeds.values())),
        crops_bytes=_crops(work, jobs),
        runs_bytes=_runs(work, jobs, min(at_once or len(waiting), len(waiting)), rungs),
    )


def _runs(work: Work, jobs: Sequence[Job], at_once: int, rungs: int) -> int:
    """Bytes of what all cells leave, and of the states of those that train at once."""
    each = {name: _weights(work.store, recipe) for name, recipe in work.recipes.items()}
    states = STATES * at_once * max(each.values())
    return states + (KEPT + rungs) * sum(each[one.recipe] for one in jobs)


def seen_before(work: Work, one: Job) -> int:
    """Samples that a saved state of the same content has seen, at most those of the job."""
    folder, wanted = work.store.runs / one.cell, work.cell(one)
    if cells.is_done(work.store, wanted, one.until):
        return one.samples  # only the scoring is left
    said = [intact_json(path) for path in folder.glob("state-*.json")]
    seen = [s["samples_seen"] for s in said if s.get("hash") == wanted.hash]
    return max((s for s in seen if s <= one.samples), default=0)


def _speeds(store: Store, recipe: Recipe, device: str | None) -> list[tuple[float, float]]:
    """Seconds a sample, and seconds of scoring, of each finished cell that trains as `recipe`."""
    wanted = _speed_content(recipe.model_dump(mode="json"))
    found: dict[str, list[tuple[float, float]]] = {}
    for name in cells.finished(store):
        record = intact_json(store.runs / name / cells.RECORD)
        if _speed_content(record.get("recipe_content", {})) != wanted:
            continue
        lines = _lines(store.runs / name / cells.LOG)
        if lines and (seen := lines[-1]["samples_seen"]):
            scored = intact_json(store.runs / name / "evaluated.json").get(SECONDS, {})
            speed = sum(x["seconds"] for x in lines) / seen, sum(scored.values())
            found.setdefault(str(record.get("device")), []).append(speed)
    if device is not None:
        return found.get(device, [])
    return max(found.values(), key=len, default=[])


def _speed_content(content: dict[str, Any]) -> dict[str, Any]:
    """What of a recipe decides how fast it goes."""
    batch = content.get("budget", {}).get("batch")
    return {k: v for k, v in content.items() if k not in NOT_OF_SPEED} | {"batch": batch}


def _crops(work: Work, jobs: Sequence[Job]) -> int:
    """Bytes of the crops that the budgets draw, each dataset's once for each kind of crop."""
    found: dict[tuple[str, str], int] = {}
    for one in jobs:
        recipe = work.recipes[one.recipe]
        made, size = work.cell(one), recipe.input
        pixels = size.height * size.width * size.margin**2
        each = pixels * (3 if size.store == "raw" else JPEG_BYTES) + TARGET_BYTES
        for part, splits in zip(made.parts, made.splits, strict=True):
            accounts = work.store.manifest(part)["splits"]
            rows = sum(accounts[split]["instances"] for split in splits)
            drawn = round(min(rows, one.samples) * each)
            key = part, json.dumps(size.model_dump(mode="json"))
            found[key] = max(found.get(key, 0), drawn)
    return sum(found.values())


def _weights(store: Store, recipe: Recipe) -> int:
    """Bytes of a network's weights: of a finished cell's file, else counted."""
    for path in store.runs.glob(f"*--{recipe.name}--s*/{cells.WEIGHTS}"):
        return path.stat().st_size
    import torch

    from ehpsbench.training.models.network import network

    with torch.device("meta"):  # nothing is allocated
        return sum(4 * p.numel() for p in network(recipe).parameters())


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (FileNotFoundError, json.JSONDecodeError):
        return []
