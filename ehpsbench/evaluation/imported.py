"""Predicted bodies from somebody's file → a table like the store's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.matching import people_by_box
from ehpsbench.evaluation.other_kinds import refusal
from ehpsbench.evaluation.plausible import Units, refuse_wrong_units
from ehpsbench.evaluation.predictions import (
    BODY_HASH,
    PREDICTIONS,
    SIZES,
    check_body,
    predictions_table,
    read_batches,
    refuse_twice,
)
from ehpsbench.evaluation.protocol import Protocol
from ehpsbench.motions import refuse_motions
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.schema import from_arrow

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

Columns = dict[str, NDArray[Any]]
NAMED = "instance_id"


@dataclass(frozen=True, slots=True)
class Imported:
    """Predicted bodies from a file that are not in the store yet.

    Attributes:
        source: a Parquet file that is read a few rows at a time, or all of another kind's.
        body_hash: of the body that they belong to.
        notes: what the user should know of it, a sentence each.
    """

    source: Path | pa.Table
    body_hash: str
    notes: tuple[str, ...]

    def batches(self) -> Iterator[pa.Table]:
        """Tables with the columns of `PREDICTIONS`, one at least; each call reads them anew.

        Raises:
            InputError: the file is broken, not finite or, at its end, of another unit.
        """
        if isinstance(self.source, pa.Table):
            yield self.source
            return
        units = Units()
        for batch in read_batches(self.source):
            units.add(from_arrow(batch))
            metadata = {**(batch.schema.metadata or {}), BODY_HASH: self.body_hash}
            yield batch.replace_schema_metadata(metadata)
        units.refuse(str(self.source))

    def table(self) -> pa.Table:
        """All at once.

        Raises:
            InputError: as `batches`, or a person is there twice.
        """
        found = pa.concat_tables(self.batches())
        refuse_twice(found[NAMED], "The predictions")
        return found


def imported(store: Store, rules: Protocol, path: Path, bodies: BodySet) -> Imported:
    """Predicted bodies on a benchmark from somebody's file.

    Args:
        store: with the benchmark's data.
        rules: of the benchmark.
        path: `.parquet` (columns of `ehpsbench.evaluation.predictions.PREDICTIONS`) or `.npz`
            (HumanData: `smplx`, and `instance_id`, or `image_path` with `bbox_xywh`). Neutral
            SMPL-X parameters in the camera frame, angles [rad], lengths [m], hands absolute.
        bodies: the body set of the benchmark's rows.

    Raises:
        InputError: a file of another kind, layout or unit; a person who cannot be found.
        BodyMismatch: the file names another body.
    """
    if not path.exists():
        raise InputError(f"There is no file {path}.")
    if not path.is_file() or path.suffix not in (".parquet", ".npz"):
        raise refusal(path, rules.name, rules.task)
    if path.suffix == ".parquet":
        return _parquet(path, bodies)
    columns = _humandata(path)
    notes = [f"{path.name} is taken to be of the body {bodies.name}, neutral SMPL-X."]
    refuse_wrong_units(columns, str(path))
    if NAMED not in columns:
        names = _named(store, rules, columns, path, notes)
        known = np.asarray([name is not None for name in names], bool)
        columns = {n: v[known] for n, v in (columns | {NAMED: names}).items()}
    mine = {name: values for name, values in columns.items() if name in PREDICTIONS.names}
    table = predictions_table(mine, bodies, str(path))
    return Imported(table, bodies.model("smplx", "neutral").hash, tuple(notes))


def _parquet(path: Path, bodies: BodySet) -> Imported:
    head = next(read_batches(path))
    notes: tuple[str, ...] = ()
    if BODY_HASH in (head.schema.metadata or {}):
        check_body(head, path, bodies)
    else:
        notes = (
            f"{path.name} does not name its body; it is taken to be {bodies.name}'s neutral "
            "SMPL-X.",
        )
    return Imported(path, bodies.model("smplx", "neutral").hash, notes)


def _humandata(path: Path) -> Columns:
    """Parameters of N people, and who they are, from an .npz in HumanData's layout."""
    content = load_npz(path)
    said = content["smplx"].item() if "smplx" in content else None
    if not isinstance(said, dict) or not {"global_orient", "body_pose", "betas"} <= set(said):
        raise InputError(f"{path} has no 'smplx' with global_orient, body_pose and betas.")
    count = len(said["global_orient"])
    columns: Columns = {
        name: _parameters(said[name], count, name, path) for name in SIZES if name in said
    }
    for name in (NAMED, "image_path", "bbox_xywh"):
        if name in content:
            columns[name] = content[name]
            if len(columns[name]) != count:
                raise InputError(
                    f"{path}: {name} has {len(columns[name])} rows, global_orient {count}."
                )
    return columns


def _parameters(values: Any, count: int, name: str, path: Path) -> NDArray[np.float64]:
    """(N, k) of one parameter; of betas and expression the first that are asked for."""
    array, size = np.asarray(values, np.float64), SIZES[name]
    flat = array.reshape(count, int(np.prod(array.shape[1:]))) if len(array) == count else array
    enough = name in ("betas", "expression") and flat.ndim == 2 and flat.shape[1] > size
    flat = flat[:, :size] if enough else flat
    if flat.shape != (count, size):
        raise InputError(
            f"{path}: smplx[{name!r}] has the shape {array.shape}; expected {size} values for each "
            f"of {count} people."
        )
    return flat


def _named(
    store: Store, rules: Protocol, columns: Columns, path: Path, notes: list[str]
) -> NDArray[Any]:
    """(N,) whom each prediction is of, by image and box; None where nobody is there."""
    if not len(columns["global_orient"]):
        raise InputError(f"{path} holds nobody.")
    if "image_path" not in columns:
        raise InputError(f"{path} says neither {NAMED} nor image_path; whose bodies are these?")
    refuse_motions(store, rules.dataset, f"{path} names people by them", f"Give {NAMED}")
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
