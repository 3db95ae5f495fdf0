"""Predicted bodies from somebody's file → the store's predictions of an entry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.readers.humandata_file import opened
from ehpsbench.errors import InputError
from ehpsbench.evaluation.matching import people_by_box
from ehpsbench.evaluation.plausible import refuse_wrong_units
from ehpsbench.evaluation.predictions import (
    BODY_HASH,
    PREDICTIONS,
    SIZES,
    check_body,
    write_predictions,
)
from ehpsbench.evaluation.protocol import Protocol
from ehpsbench.schema import from_arrow

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

Columns = dict[str, NDArray[Any]]
NAMED = "instance_id"


def import_predictions(
    store: Store, entry: str, rules: Protocol, path: Path, bodies: BodySet
) -> list[str]:
    """Bring predicted bodies into the store, as an entry's on a benchmark.

    Args:
        store: with the benchmark's data.
        entry: whose predictions they become; earlier ones are replaced.
        rules: of the benchmark.
        path: `.parquet` (columns of `ehpsbench.evaluation.predictions.PREDICTIONS`) or `.npz`
            (HumanData: `smplx`, and `instance_id`, or `image_path` with `bbox_xywh`). Neutral
            SMPL-X parameters in the camera frame, angles [rad], lengths [m], hands absolute.
        bodies: the body set of the benchmark's rows.

    Returns:
        What the user should know of it, a sentence each.

    Raises:
        InputError: a file of another kind, layout or unit; a person who cannot be found.
        BodyMismatch: the file names another body.
    """
    notes: list[str] = []
    if path.suffix == ".parquet":
        columns = _parquet(path, bodies, notes)
    elif path.suffix == ".npz":
        columns = _humandata(path)
    else:
        raise InputError(
            f"{path} is not a file of predicted bodies; expected .parquet or a HumanData .npz."
        )
    refuse_wrong_units(columns, str(path))
    if NAMED not in columns:
        columns[NAMED] = _named(store, rules, columns, path, notes)
    if path.suffix == ".npz":
        known = np.asarray([name is not None for name in columns[NAMED]], bool)
        columns = {name: values[known] for name, values in columns.items() if name in SIZES} | {
            NAMED: columns[NAMED][known]
        }
        notes.append(f"{path.name} is taken to be of the body {bodies.name}, neutral SMPL-X.")
    write_predictions(store, entry, rules.name, columns, bodies)
    return notes


def _parquet(path: Path, bodies: BodySet, notes: list[str]) -> Columns:
    try:
        table = pq.read_table(path, partitioning=None)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}") from error
    if unknown := sorted(set(table.column_names) - set(PREDICTIONS.names)):
        raise InputError(f"{path} has unknown columns {unknown}; known are {PREDICTIONS.names}.")
    if BODY_HASH in (table.schema.metadata or {}):
        check_body(table, path, bodies)
    else:
        notes.append(
            f"{path.name} does not name its body; it is taken to be {bodies.name}'s neutral SMPL-X."
        )
    return dict(from_arrow(table))


def _humandata(path: Path) -> Columns:
    """Parameters of N people, and who they are, from a HumanData file."""
    file = opened(path)
    said: Mapping[str, Any] = file.table("smplx")
    if "global_orient" not in said or "body_pose" not in said:
        raise InputError(f"{path} has no 'smplx' with global_orient and body_pose.")
    columns: Columns = {}
    for name, size in SIZES.items():
        if name not in said:
            continue
        values = np.asarray(said[name], np.float64).reshape(file.count, -1)
        if values.shape[1] < size:
            raise InputError(
                f"{path}: smplx[{name!r}] has {values.shape[1]} values a person, expected {size}."
            )
        columns[name] = values[:, :size] if name in ("betas", "expression") else values
        if columns[name].shape[1] != size:
            raise InputError(
                f"{path}: smplx[{name!r}] has {values.shape[1]} values a person, expected {size}."
            )
    for name in (NAMED, "image_path", "bbox_xywh"):
        rows = file.rows(name, 0, file.count)
        if rows is not None:
            columns[name] = rows
    if "betas" not in columns:
        raise InputError(f"{path}: smplx has no betas.")
    return columns


def _named(
    store: Store, rules: Protocol, columns: Columns, path: Path, notes: list[str]
) -> NDArray[Any]:
    """(N,) whom each prediction is of, by image and box; None where nobody is there."""
    if "image_path" not in columns:
        raise InputError(f"{path} says neither {NAMED} nor image_path; whose bodies are these?")
    people = store.instances(rules.dataset, rules.split, (NAMED, "image_path", "bbox"))
    boxes = columns.get("bbox_xywh")
    found = people_by_box(
        from_arrow(people),
        np.asarray(columns["image_path"], object).astype(str),
        None if boxes is None else np.asarray(boxes, np.float64)[:, :4],
        f"{path} on {rules.dataset}/{rules.split}",
    )
    lost = int(sum(name is None for name in found))
    if lost == len(found):
        raise InputError(
            f"None of the {lost} people of {path} is in {rules.dataset}/{rules.split}. Images are "
            f"found by the end of their path; the store knows {people['image_path'][0]}, the file "
            f"{columns['image_path'][0]}."
        )
    if lost:
        notes.append(f"{lost} of {len(found)} predictions belong to nobody in the split.")
    return found
