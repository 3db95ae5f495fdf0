"""How a run ends: finished, at a rung, stopped by a signal, or by a loss that is no number."""

from __future__ import annotations

import shutil
import signal
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ehpsbench.atomic import write_json
from ehpsbench.errors import InputError, Stopped
from ehpsbench.training import cells
from ehpsbench.training.checkpoint import clear, save_tensors, save_weights
from ehpsbench.training.estimate import load_estimate
from ehpsbench.training.journal import Meter
from ehpsbench.training.learner import NotFinite
from ehpsbench.training.log import read_log
from ehpsbench.training.run import Run

if TYPE_CHECKING:
    from ehpsbench.store import Store
    from ehpsbench.training.data import Portion

BAD_BATCH = "bad-batch"


def stopped(run: Run, seen: int) -> Stopped:
    """What a run that was asked to stop, and has been saved, ends with."""
    return Stopped(
        f"{run.cell.id} stopped at {seen} of {run.schedule.end} samples and was saved; the same "
        "command goes on.",
        run.stop.signal or signal.SIGTERM,
    )


def bad_batch(run: Run, meter: Meter, bad: NotFinite, seen: int, portion: Portion) -> InputError:
    """Save the batch and, as they were before it, the weights."""
    run.save(meter, seen)
    here = run.here
    name = BAD_BATCH if here.world == 1 else f"{BAD_BATCH}-{here.rank}"
    path = run.folder / f"{name}.safetensors"
    save_tensors(path, {f.name: getattr(bad.batch, f.name) for f in fields(bad.batch)}, {})
    terms = {k: str(v) for k, v in bad.terms.items()}
    about = {
        "samples_seen": seen,
        "terms": terms,
        "instance_id": run.order.names(portion),
    }
    write_json(path.with_suffix(".json"), about)
    wrong = ", ".join(f"{k} {v}" for k, v in terms.items() if v in ("nan", "inf", "-inf"))
    return InputError(
        f"The loss of {run.cell.id} is no number after {seen} samples ({wrong}). The batch is in "
        f"{path}, its rows are named in {path.with_suffix('.json').name} beside it, the weights "
        "before it are kept. Look at these rows' labels, or train with a lower rate."
    )


def leave(run: Run, store: Store, until: int | None) -> None:
    """Write what a finished run, or a rung of it, leaves."""
    if not run.here.first:
        return
    learner, device = run.learner, run.here.device
    found = run.check.look(learner.network, run.recipe.input, device)
    report = run.check.report(found, run.check.always(load_estimate(run.folder / cells.MEAN_POSE)))
    measured = {
        "samples_seen": run.schedule.end,
        "training_rows": sum(len(part.learnt) for part in run.order.parts),
        "device": device.type,
        "ranks": run.here.world,
        "threads": torch.get_num_threads(),
        "micro_batch": learner.micro,
        "torch": torch.__version__,
        "seconds": _seconds(run.folder),
    }
    if until is not None:
        name = cells.entry(run.cell.id, until)
        save_weights(cells.weights_path(store, name), learner.network, run.cell)
        measured_here = {**measured, "heldout": report}
        cells.write_record(store, run.cell, run.recipe, measured_here, until)
    if run.folder != store.runs / run.cell.id:  # a rung of a run that is past it
        shutil.rmtree(run.folder)
    elif run.schedule.end == run.recipe.budget.samples_seen:
        save_weights(run.folder / cells.WEIGHTS, learner.network, run.cell)
        write_json(run.folder / cells.HELDOUT, report)
        cells.write_record(store, run.cell, run.recipe, measured)
        clear(run.folder)


def _seconds(folder: Path) -> dict[str, float]:
    """Of training, in all, and of these waiting for data."""
    points = read_log(folder)
    return {
        "training": sum(point["seconds"] for point in points),
        "waiting": sum(point["wait_seconds"] for point in points),
    }
