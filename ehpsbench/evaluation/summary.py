"""What a result says of itself: whose, by which rules, on which data, and its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

import ehpsbench
from ehpsbench.atomic import digest
from ehpsbench.evaluation.migrations import RESULTS_VERSION
from ehpsbench.evaluation.numbers import Number, without_intervals_of_counts
from ehpsbench.evaluation.protocol import Protocol
from ehpsbench.evaluation.results import Result, identity_column

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store


def summarised(
    store: Store,
    entry: str,
    rules: Protocol,
    rows: pa.Table,
    numbers: Mapping[str, Number],
    *,
    bodies: BodySet | None = None,
    missing: int,
    unused: int,
    left_out: Mapping[str, int],
    removed: Mapping[str, int],
    skipped: Mapping[str, str],
    about: Mapping[str, Any] | None = None,
) -> Result:
    """A result: its rows, and a summary of them.

    Args:
        store: with the data.
        entry: who was scored.
        rules: by what.
        rows: people or images that were scored.
        numbers: name → number; the primary one is among them.
        bodies: the body set, where bodies are compared.
        missing: how many of `rows` have no prediction.
        unused: predictions of what is not scored.
        left_out: people or images that the rules do not score, by reason.
        removed: people whom the rules would score but the checks refused, by rule.
        skipped: numbers that could not be computed, and why.
        about: what else a task has to say.
    """
    manifest = store.manifest(rules.dataset)
    found = without_intervals_of_counts(numbers, rules.number_facts())
    scored: Sequence[str] = rows[identity_column(rows)].to_pylist()
    said = {
        "entry": entry,
        **_of_rules(rules),
        "data": digest([manifest["fingerprint"], scored]),
        "source_dataset": manifest["source_dataset"],
        "body_set": None if bodies is None else bodies.id,
        "body_name": None if bodies is None else bodies.name,
        "scored": len(scored),
        "missing_predictions": missing,
        "complete": missing == 0,
        "unused_predictions": unused,
        "left_out": dict(left_out),
        "removed_by_checks": sum(removed.values()),
        "removed_by_rule": dict(removed),
        "skipped": dict(skipped),
        "numbers": {name: number.as_dict() for name, number in found.items()},
        **(about or {}),
    }
    return Result(rows, said)


def removed_by_checks(store: Store, rules: Protocol) -> dict[str, int]:
    """People of a benchmark's split whom the checks refused at ingest, by rule."""
    rejects = store.rejects(rules.dataset).select(["split", "rule"]).to_pylist()
    found = [str(r["rule"]) for r in rejects if r["split"] == rules.split]
    return {rule: found.count(rule) for rule in sorted(set(found))}


def _of_rules(rules: Protocol) -> dict[str, Any]:
    """By what was scored, and by which version of this program."""
    return {
        "results_version": RESULTS_VERSION,
        "ehpsbench_version": ehpsbench.__version__,
        "benchmark": rules.name,
        "title": rules.title,
        "task": rules.task,
        "protocol_version": rules.version,
        "protocol_hash": rules.hash,
        "protocol": rules.model_dump(mode="json"),
        "dataset": rules.dataset,
        "split": rules.split,
        "primary": rules.primary,
        "unit": rules.unit,
        "better": rules.better,
    }
