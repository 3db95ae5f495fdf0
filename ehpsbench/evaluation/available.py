"""Whether the data that a benchmark needs are there, and how one comes by them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.errors import InputError
from ehpsbench.evaluation.protocol import Protocol

if TYPE_CHECKING:
    from ehpsbench.store import Store

MAPS = {"segmentation": "parts", "depth": "depth", "normals": "normals"}


def needed(rules: Protocol) -> tuple[str, ...]:
    """What a benchmark needs besides people: image columns, or a file of the release."""
    if rules.task in MAPS:
        masks = ("mask_path",) if getattr(rules, "pixels", "all") == "person" else ()
        return (f"{MAPS[rules.task]}_path", *masks)
    annotations = getattr(rules, "annotations", None)
    return (str(annotations),) if annotations else ()


def way_to(dataset: str, benchmark: str) -> str:
    """How data that the store lacks get there."""
    if dataset in catalogue.names():
        return f"`ehpsbench ingest {dataset}` comes first"
    return f"no adapter reads {dataset}; with labels of your own: {benchmark}@NAME@SPLIT"


def check_readable(store: Store, rules: Protocol) -> None:
    """Refuse a benchmark on data that are not stored and that nothing here reads.

    Raises:
        InputError: says what to write instead.
    """
    unread = rules.dataset not in catalogue.names() and rules.dataset not in store.datasets()
    if unread and "@" not in rules.name:
        raise InputError(
            f"{rules.name} is scored on {rules.dataset}/{rules.split}: "
            f"{way_to(rules.dataset, rules.name)} (docs/evaluate.md)."
        )


def lacking(store: Store, rules: Protocol) -> str | None:
    """What a stored split lacks of what a benchmark needs; None: nothing.

    Raises:
        EhpsbenchError: the split is not in the store.
    """
    for what in needed(rules):
        if rules.task in MAPS:
            parts = store.parts("images", rules.dataset, rules.split)
            try:
                found = any(_has(path, what) for path in parts)
            except (OSError, pa.ArrowInvalid) as error:
                return f"its images cannot be read ({error})"
            if not found:
                return f"no image of {rules.dataset}/{rules.split} has {what}"
        elif not (path := store.release_root(rules.dataset) / what).is_file():
            return f"{path} is not there"
    return None


def _has(path: Path, column: str) -> bool:
    """Whether a column has a value in a Parquet file, as its footer says."""
    about = pq.read_metadata(path)
    for group in (about.row_group(i) for i in range(about.num_row_groups)):
        for place in (group.column(i) for i in range(group.num_columns)):
            if place.path_in_schema == column:
                known = place.statistics
                if known is None or known.null_count is None or known.null_count < group.num_rows:
                    return True
    return False
