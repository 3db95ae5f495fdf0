"""An entry + a benchmark → a result in the store, whatever the task."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ehpsbench.devices import device_named
from ehpsbench.evaluation.available import check_readable
from ehpsbench.evaluation.numbers import Number, of_values
from ehpsbench.evaluation.plausible import wrong_unit
from ehpsbench.evaluation.protocol import Protocol, protocol
from ehpsbench.evaluation.request import Progress, Request
from ehpsbench.evaluation.results import Result, write_result
from ehpsbench.evaluation.slices import slices

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store


def evaluate(
    store: Store,
    entry: str,
    benchmark: str,
    bodies: BodySet,
    *,
    predictions: Path | None = None,
    allow_missing: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Result:
    """Score an entry on a benchmark and store the result.

    Args:
        store: with the benchmark's dataset.
        entry: who.
        benchmark: a protocol's name, `protocol@dataset` or `protocol@dataset@split`.
        bodies: the body set of labels and predictions.
        predictions: file or folder of the entry's predictions; None: those in the store.
        allow_missing: score an entry that lacks people or images; its result is marked
            incomplete, what is missing has no error, and no board takes it.
        device: where bodies are posed, and meshes and maps compared: `cpu`, `cuda`,
            `cuda:1`, or `auto` for a GPU where there is one.
        progress: told how much is done, and of how much.

    Raises:
        InputError: predictions are missing, unknown, double or broken, no adapter reads the data
            and they are not stored, or there is no such device; nothing is scored.
        BodyMismatch: predictions, labels and `bodies` are not of one body set.
        MissingBody: a file that the primary number needs is not there.
    """
    rules = protocol(benchmark)
    check_readable(store, rules)
    task = import_module(f"ehpsbench.evaluation.{rules.task}.task")
    request = Request(bodies, predictions, allow_missing, device_named(device), progress)
    scored: Result = task.evaluate(store, entry, rules, request)
    result = replace(scored, summary=scored.summary | _more(store, rules, scored, bodies))
    write_result(store, result)
    return result


def _more(store: Store, rules: Protocol, result: Result, bodies: BodySet) -> dict[str, Any]:
    """Slices of the primary number, where rows are people, and what looks wrong."""
    notes = [*result.summary.get("notes", ()), *wrong_unit(result.summary)]
    number = result.number_of
    if number is None and {"instance_id", rules.primary} <= set(result.rows.column_names):
        number = partial(_mean, name=rules.primary)
    where = store, rules.dataset, rules.split
    found = slices(*where, result.rows, number, bodies=bodies) if number else {}
    parts = {n: {p: v.as_dict() for p, v in by.items()} for n, by in found.items()}
    return {"notes": notes, "slices": parts}


def _mean(rows: pa.Table, name: str) -> Number:
    return of_values(rows, [name])[name]
