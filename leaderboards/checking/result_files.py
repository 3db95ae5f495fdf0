"""One result of a folder: summary, rows, points and protocol must fit one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import ValidationError

from ehpsbench.atomic import digest, file_digest
from ehpsbench.definitions import faults
from ehpsbench.errors import EhpsbenchError, InputError, StoreError
from ehpsbench.evaluation.migrations import RESULTS_VERSION, migrated
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.evaluation.results import comparison_key, identity_column
from ehpsbench.leaderboards.checking.finding import Finding
from ehpsbench.leaderboards.checking.rows_file import faults_of, read_rows_file
from ehpsbench.leaderboards.checking.summary_file import SummaryLayout, strict_json
from ehpsbench.store import POINTS_SUFFIX

Tell = Callable[..., None]
"""Takes a rule, a message and, where it is not the summary, the file."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A result that could be read, for what is checked across results.

    Attributes:
        path: of its summary.
        summary: in today's layout.
        key: equal where numbers may stand in one column.
        defined: who has a primary value, sorted; None where that is no column.
    """

    path: Path
    summary: Mapping[str, Any]
    key: str
    defined: NDArray[np.str_] | None


def check_result(folder: Path, path: Path, findings: list[Finding]) -> Checked | None:
    """Check one result.

    Args:
        folder: that is checked.
        path: of the summary.
        findings: get what is wrong.

    Returns:
        the result, where its summary could be read; else None.
    """

    def found(rule: str, message: str, where: Path = path) -> None:
        findings.append(Finding.of(folder, where, rule, message))

    summary = _summary(path, found)
    if summary is None:
        return None
    for rule, message in _names(path, summary):
        found(rule, message)
    for rule, message in _protocol(summary):
        found(rule, message)
    points = path.with_name(path.stem + POINTS_SUFFIX)
    said = summary.get("points_sha256")
    if points.is_file() and said != file_digest(points):
        found("hash", "is not the file that the summary speaks of", points)
    if said and not points.is_file():
        found("layout", f"{points.name} is missing")
    rows = _rows(path.with_suffix(".parquet"), summary, found)
    if rows is not None:
        for rule, message in _numbers(rows, summary):
            found(rule, message)
    return Checked(path, summary, comparison_key(summary), _defined(rows, summary))


def _summary(path: Path, found: Tell) -> dict[str, Any] | None:
    """The summary in today's layout, if it has one."""
    try:
        raw = strict_json(path)
    except (ValueError, OSError) as error:
        found("json", f"is no JSON that can be trusted: {error}")
        return None
    try:
        summary = migrated(raw, path.name)
        SummaryLayout.model_validate(summary)
    except StoreError as error:
        found("version", str(error))
        return None
    except ValidationError as error:
        found("schema", f"is no summary of a result: {faults(error)}")
        return None
    version = raw.get("results_version")
    if version != RESULTS_VERSION:
        found("version", f"is of version {version}, today's is {RESULTS_VERSION}: check --migrate")
    return summary


def _names(path: Path, summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for what, wanted in (("entry", path.parent.name), ("benchmark", path.stem)):
        if summary[what] != wanted:
            yield "name", f"is of {what} {summary[what]!r}, its place says {wanted!r}"
    if summary["complete"] != (summary["missing_predictions"] == 0):
        yield (
            "schema",
            f"complete is {summary['complete']} with {summary['missing_predictions']} missing",
        )
    if summary["primary"] not in summary["numbers"]:
        yield "schema", f"lacks its primary number {summary['primary']!r}"


def _protocol(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Whether the rules are what they say, and today's."""
    said, text = summary["protocol_hash"], summary["protocol"]
    if digest(text) != said:
        yield "protocol", "the protocol in the summary does not have the hash beside it"
    name = summary["benchmark"]
    try:
        if name.endswith(".toml"):
            raise InputError(f"{name!r} is a file of somebody's; name a protocol that is known.")
        today = protocol(name)
    except EhpsbenchError as error:
        yield "protocol", str(error)
        return
    if today.hash != said:
        yield (
            "protocol",
            f"was made by {name} {said[:12]}, today's is {today.hash[:12]} (version "
            f"{today.version}): evaluate again",
        )
        return
    facts = {
        n: getattr(today, n) for n in ("task", "dataset", "split", "primary", "unit", "better")
    }
    for what, wanted in facts.items():
        if summary[what] != wanted:
            yield "protocol", f"{what} is {summary[what]!r}, the protocol says {wanted!r}"


def _rows(path: Path, summary: Mapping[str, Any], found: Tell) -> pa.Table | None:
    """The rows, if they are those of the summary and fit to be counted."""
    if not path.is_file():
        found("layout", f"{path.name} is missing: numbers without rows prove nothing")
        return None
    if file_digest(path) != summary["rows_sha256"]:
        found("hash", "is not the file that the summary speaks of: evaluate again", path)
        return None
    try:
        rows = read_rows_file(path)
    except InputError as error:
        found("rows", str(error), path)
        return None
    wrong = list(faults_of(rows))
    for message in wrong:
        found("rows", message, path)
    return None if wrong else rows


def _numbers(rows: pa.Table, summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    from ehpsbench.evaluation.recomputed import differences

    images = summary.get("images", 0) if summary["task"] == "agora" else 0
    if not isinstance(images, int) or rows.num_rows != summary["scored"] + images:
        yield (
            "rows",
            f"{summary['scored'] + images} are said to be scored, {rows.num_rows} are here",
        )
    try:
        for message in differences(rows, summary):
            yield "numbers", message
    except (EhpsbenchError, KeyError, ValueError, TypeError, pa.ArrowException) as error:
        yield "rows", f"the numbers cannot be made again from the rows: {error}"


def _defined(rows: pa.Table | None, summary: Mapping[str, Any]) -> NDArray[np.str_] | None:
    """Who has a primary value."""
    primary = summary["primary"]
    if rows is None or summary["task"] != "mesh" or primary not in rows.column_names:
        return None
    here = np.isfinite(np.asarray(rows[primary], np.float64))
    return np.sort(np.asarray(rows[identity_column(rows)].to_pylist(), str)[here])
