"""Summaries of results as older versions wrote them → as today's does, a version at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ehpsbench.errors import StoreError

RESULTS_VERSION = 4
Summary = dict[str, Any]
COUNTS_TO_3 = (
    "images",
    "images_left_out",
    "images_not_finite",
    "images_without_log",
    "pixels",
    "classes_used",
)


def migrated(summary: object, where: object) -> Summary:
    """A summary of any version in the layout of today's.

    Args:
        summary: as it was read; one that says no version is taken for today's.
        where: its file, for messages.

    Raises:
        StoreError: it is of a newer version, or lacks what its own version always has.
    """
    if not isinstance(summary, Mapping):
        raise StoreError(f"{where} holds {type(summary).__name__}, not an object. Evaluate again.")
    found: Summary = dict(summary)
    version = found.get("results_version", RESULTS_VERSION)
    if type(version) is not int or version < 1:
        raise StoreError(f"{where}: results_version is {version!r}, not 1 to {RESULTS_VERSION}.")
    if version > RESULTS_VERSION:
        raise StoreError(
            f"{where} is a result of version {version}; this ehpsbench reads up to "
            f"{RESULTS_VERSION}. Upgrade ehpsbench."
        )
    try:
        for step in range(version, RESULTS_VERSION):
            found = MIGRATIONS[step](found) | {"results_version": step + 1}
    except (KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{where} is no whole result of version {version} ({error}). Evaluate again."
        ) from error
    return found


def numbers_with_intervals(summary: Summary) -> Summary:
    """1 → 2: `errors` became `numbers` of any task; their intervals were not worked out then."""
    numbers = {
        name: {
            "value": was["mean"],
            "low": None,
            "high": None,
            "count": was["people"],
            "clusters": was["clusters"],
        }
        for name, was in summary["errors"].items()
    }
    kept = {name: value for name, value in summary.items() if name != "errors"}
    return {"task": "mesh", "better": "lower", **kept, "numbers": numbers}


def card_of_the_data(summary: Summary) -> Summary:
    """2 → 3: `source_dataset`, the card's name; then only a name given at ingest differed."""
    source = None if "@" in summary["benchmark"] else summary["dataset"]
    return {"notes": [], "slices": {}, "source_dataset": source, **summary}


def counts_without_intervals(summary: Summary) -> Summary:
    """3 → 4: what counts pixels, images or classes has no interval; draws of rows gave it one."""
    none = {"low": None, "high": None}
    numbers = {n: one | none if n in COUNTS_TO_3 else one for n, one in summary["numbers"].items()}
    return {**summary, "numbers": numbers}


MIGRATIONS: dict[int, Callable[[Summary], Summary]] = {
    1: numbers_with_intervals,
    2: card_of_the_data,
    3: counts_without_intervals,
}
"""Version → what makes the next one of it."""
