"""The people of a split whom a protocol scores, and how many it leaves out for what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ehpsbench.errors import BodyMismatch, InputError
from ehpsbench.evaluation.mesh.rules import MeshProtocol
from ehpsbench.schema import COLUMNS, INSTANCES, Columns, from_arrow, present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

Mask = NDArray[np.bool_]
NEEDED = tuple(c.name for c in COLUMNS if c.group != "keypoints")  # which are most of the bytes
WHO = ("instance_id", "image_id", "cluster", "gender", "body_hash")
TRACK = ("sequence", "camera", "track", "frame", "fps")
JUDGED = ("source_model", "source_row", "kid", "global_orient", "vertices_path")


@dataclass(frozen=True, slots=True)
class Selection:
    """Who is scored.

    Attributes:
        people: who they are and what is needed of all at once (`WHO`, for errors of motion also
            `TRACK`), in the stored order; `labels` reads the rest.
        kept: (M,) which of the split's people they are.
        split_ids: (M,) ids of all people of the split, scored or not.
        left_out: people of the split that are not scored, by the first reason that holds.
        removed_by_checks: people that the protocol would score but the checks refused, by rule.
    """

    people: pa.Table
    kept: Mask
    split_ids: pa.ChunkedArray
    left_out: dict[str, int]
    removed_by_checks: dict[str, int]


def select(store: Store, protocol: MeshProtocol, bodies: BodySet) -> Selection:
    """The people whom a protocol scores.

    Raises:
        InputError: nobody is left, or rows cannot be sampled as the protocol wants.
        BodyMismatch: the dataset was ingested with another body set.
    """
    check_bodies(store, protocol.dataset, bodies)
    rows, reasons = _judged(store, protocol)
    kept = reasons == ""
    left_out = {str(r): int((reasons == r).sum()) for r in sorted(set(reasons.tolist()) - {""})}
    if not rows.num_rows:
        splits = ", ".join(store.manifest(protocol.dataset)["splits"])
        raise InputError(
            f"{protocol.name} scores nobody: the store holds nobody in {protocol.dataset}/"
            f"{protocol.split}. The splits of {protocol.dataset}: {splits}."
        )
    if not kept.any():
        reasons_said = ", ".join(f"{why} ({count:,})" for why, count in left_out.items())
        raise InputError(
            f"{protocol.name} scores nobody: the {rows.num_rows:,} people in {protocol.dataset}/"
            f"{protocol.split} are left out for {reasons_said}."
        )
    return Selection(
        people=rows.filter(pa.array(kept)),
        kept=kept,
        split_ids=rows["instance_id"],
        left_out=left_out,
        removed_by_checks=_removed(store, protocol),
    )


def labels(store: Store, protocol: MeshProtocol, selection: Selection) -> Iterator[pa.Table]:
    """The rows of the selected people without keypoints, a few at a time, in the stored order."""
    start = 0
    for batch in store.batches("instances", protocol.dataset, protocol.split, NEEDED):
        kept = selection.kept[start : start + batch.num_rows]
        start += batch.num_rows
        if kept.any():
            yield batch.filter(pa.array(kept))


def all_labels(store: Store, protocol: MeshProtocol, selection: Selection) -> pa.Table:
    """The rows of all selected people at once; see `labels`."""
    return pa.concat_tables(labels(store, protocol, selection)).unify_dictionaries()


def _judged(store: Store, protocol: MeshProtocol) -> tuple[pa.Table, NDArray[Any]]:
    """Who everybody of the split is, and (M,) why they are not scored; see `_reasons`."""
    who = [*WHO, *(TRACK if any(e.of_motion for e in protocol.errors) else ())]
    columns = list(dict.fromkeys([*who, *protocol.rows.flags, *JUDGED]))
    tables = [INSTANCES.empty_table().select(who)]
    reasons = [np.zeros(0, object)]
    for batch in store.batches("instances", protocol.dataset, protocol.split, columns):
        tables.append(batch.select(who))
        reasons.append(_reasons(from_arrow(batch), batch.num_rows, protocol))
    found = np.concatenate(reasons)
    return pa.concat_tables(tables).unify_dictionaries(), _thinned(found, protocol)


def check_bodies(store: Store, dataset: str, bodies: BodySet) -> None:
    """Refuse rows that were read with another body set.

    Raises:
        BodyMismatch: says which two.
    """
    stored = store.manifest(dataset)["body_set"]
    if stored is not None and stored["id"] != bodies.id:
        raise BodyMismatch(
            f"{dataset} was ingested with the body set {stored['name']} ({stored['id']}), not "
            f"with {bodies.name} ({bodies.id}). Evaluate with that set, or ingest it again."
        )


def _removed(store: Store, protocol: MeshProtocol) -> dict[str, int]:
    columns = ["split", "rule", *dict.fromkeys([*protocol.rows.flags, *JUDGED])]
    rejects = store.rejects(protocol.dataset, columns)
    rejects = rejects.filter(pc.equal(rejects["split"].cast(pa.string()), protocol.split))
    reasons = _reasons(from_arrow(rejects.select(columns[2:])), rejects.num_rows, protocol)
    kept = _thinned(reasons, protocol) == ""
    rules = rejects["rule"].filter(pa.array(kept)).value_counts().to_pylist()
    return {r["values"]: r["counts"] for r in sorted(rules, key=lambda r: str(r["values"]))}


def _reasons(columns: Columns, count: int, protocol: MeshProtocol) -> NDArray[Any]:
    """(N,) why each row is not scored; empty for those that are."""
    reasons = np.full(count, "", object)
    for reason, keep in _rules(columns, count, protocol):
        reasons[(reasons == "") & ~keep] = reason
    return reasons


def _thinned(reasons: NDArray[Any], protocol: MeshProtocol) -> NDArray[Any]:
    """The same, after a protocol that samples people took its share of those who are left."""
    if protocol.sampling.counted == "people" and protocol.sampling.every > 1:
        left = np.flatnonzero(reasons == "")
        out = np.delete(left, np.arange(0, len(left), protocol.sampling.every))
        reasons[out] = "sampling"
    return reasons


def _rules(columns: Columns, count: int, protocol: MeshProtocol) -> list[tuple[str, Mask]]:
    """(reason, (N,) True for rows that pass), in the order in which they are asked."""
    rule = protocol.rows
    found = []
    if protocol.sampling.counted == "annotations" and protocol.sampling.every > 1:
        found.append(("sampling", _sampled(columns, count, protocol)))
    found += [(flag, ~_is(columns, flag, False, count)) for flag in rule.flags]
    model = np.asarray(columns.get("source_model", np.full(count, "", object)), object)
    found.append(("source_model", model == rule.source_model))
    labelled = "vertices_path" if rule.labels == "vertices" else "global_orient"
    here = present(columns[labelled]) if labelled in columns else np.zeros(count, bool)
    found.append((f"no {labelled}", here))
    if rule.kids == "exclude" and "kid" in columns:
        adult = ~(present(columns["kid"]) & (np.ma.getdata(columns["kid"]) > 0))
        found.append(("kid", adult))
    return found


def _is(columns: Columns, flag: str, value: bool, count: int) -> Mask:
    """(N,) True where a flag is known and has that value."""
    if flag not in columns:
        return np.zeros(count, bool)
    data = np.ma.getdata(columns[flag]).astype(bool)
    return np.asarray(present(columns[flag]) & (data == value))


def _sampled(columns: Columns, count: int, protocol: MeshProtocol) -> Mask:
    """(N,) multiples of the interval, counted from 1 in each annotation file."""
    if count == 0:
        return np.zeros(0, bool)
    if "source_row" not in columns or not present(columns["source_row"]).all():
        raise InputError(
            f"{protocol.name} counts annotations before any filter, but rows of "
            f"{protocol.dataset}/{protocol.split} have no source_row. Ingest it with an adapter "
            "that fills it."
        )
    number = np.ma.getdata(columns["source_row"]).astype(np.int64) + 1
    return np.asarray(number % protocol.sampling.every == 0)
