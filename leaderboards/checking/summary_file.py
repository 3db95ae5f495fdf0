"""The summary of a result as a file from a stranger: strict JSON, then a strict layout."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MOST_BYTES = 5 << 20

Hash = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Words = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0, strict=True)]
Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class NumberLayout(BaseModel):
    """One number of a summary."""

    model_config = ConfigDict(extra="forbid")

    value: Finite | None
    low: Finite | None
    high: Finite | None
    count: Count
    clusters: Count


class SummaryLayout(BaseModel):
    """What every summary of today's version says; a task may say more."""

    results_version: int
    ehpsbench_version: Words
    entry: Words
    benchmark: Words
    title: Words
    task: Words
    protocol_version: int
    protocol_hash: Hash
    protocol: dict[str, Any]
    dataset: Words
    split: Words
    source_dataset: str | None
    data: Hash
    body_set: str | None
    body_name: str | None
    primary: Words
    unit: str
    better: Literal["lower", "higher"]
    scored: Annotated[int, Field(ge=1, strict=True)]
    missing_predictions: Count
    complete: Annotated[bool, Field(strict=True)]
    unused_predictions: Count
    left_out: dict[str, Count]
    removed_by_checks: Count
    removed_by_rule: dict[str, Count]
    skipped: dict[str, str]
    numbers: dict[str, NumberLayout] = Field(min_length=1)
    notes: tuple[str, ...]
    slices: dict[str, dict[str, NumberLayout]]
    rows_sha256: Hash
    points_sha256: Hash | None = None


def strict_json(path: Path) -> Any:
    """The JSON in a file.

    Raises:
        ValueError: it is none, too large, says NaN or infinity, or a key twice.
    """
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES >> 20} MB")
    text = path.read_text(encoding="utf-8")
    try:
        found = json.loads(text, object_pairs_hook=_each_key_once)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not _finite(found):
        raise ValueError("holds NaN or infinity; what is not defined is null")
    return found


def _each_key_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"says {twice!r} twice")
    return found


def _finite(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_finite(v) for v in value.values())
    if isinstance(value, list):
        return all(_finite(v) for v in value)
    return not isinstance(value, float) or math.isfinite(value)
