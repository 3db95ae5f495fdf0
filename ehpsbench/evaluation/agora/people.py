"""The labelled people of a benchmark: who counts, who can be matched, who is a child."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.agora.images import Images, images_of
from ehpsbench.evaluation.agora.rules import AgoraProtocol
from ehpsbench.evaluation.mesh.selection import NEEDED
from ehpsbench.schema import Columns, from_arrow, present

if TYPE_CHECKING:
    from ehpsbench.store import Store

Flags = NDArray[np.bool_]
REJECT_COLUMNS = ("image_id", "owner_valid", "rule", "split")


@dataclass(frozen=True, slots=True)
class People:
    """The people of the scored images.

    Attributes:
        table: their rows without keypoint columns, by image.
        image: (N,) row of each one's image, ascending.
        counted: (N,) flagged valid by the owners.
        matchable: (N,) valid and not occluded beyond the rules' limit.
        kid: (N,) children.
        left_out: people of the split who do not count, by reason.
        removed: people who would count but were refused by the checks, by rule.
    """

    table: pa.Table
    image: NDArray[np.int64]
    counted: Flags
    matchable: Flags
    kid: Flags
    left_out: dict[str, int]
    removed: dict[str, int]


def people_of(store: Store, rules: AgoraProtocol, images: Images) -> People:
    """The people of a benchmark.

    Raises:
        InputError: nobody is labelled, nobody counts, or somebody has another kind of body.
    """
    rows = store.instances(rules.dataset, rules.split, NEEDED)
    if not rows.num_rows:
        raise InputError(
            f"{rules.dataset}/{rules.split} has no labels in the store: the owners keep them. "
            "Score on another split (NAME@dataset@split), or write the zip for their server."
        )
    image = _rows_of_images(rows, images)
    kept = images.scored[image]
    order = np.flatnonzero(kept)[np.argsort(image[kept], kind="stable")]
    flags = _flags(from_arrow(rows.select(["owner_valid", "occlusion", "kid"])), rules)
    counted, matchable, kid = (flag[order] for flag in flags)
    table = rows.take(pa.array(order))
    out = {"images": int((~kept).sum()), "owner_valid": int((~counted).sum())}
    if not counted.any():
        raise InputError(f"{rules.name} scores nobody: of {rows.num_rows} people fall to {out}.")
    models = sorted(set(pc.unique(table["source_model"].cast(pa.string())).to_pylist()))
    if models != [rules.source_model]:
        raise InputError(f"{rules.name} scores {rules.source_model} bodies; found {models}.")
    left_out = {reason: count for reason, count in out.items() if count}
    removed = _removed(store, rules, images)
    return People(table, image[order], counted, matchable, kid, left_out, removed)


def people_to_predict(store: Store, rules: AgoraProtocol) -> pa.Table:
    """The rows of those who count, for a model that is told where people are.

    Raises:
        InputError: as `people_of`.
    """
    people = people_of(store, rules, images_of(store, rules))
    return people.table.filter(pa.array(people.counted))


def _rows_of_images(rows: pa.Table, images: Images) -> NDArray[np.int64]:
    place = {name: i for i, name in enumerate(images.ids.tolist())}
    image = np.asarray([place.get(name, -1) for name in rows["image_id"].to_pylist()], np.int64)
    if (image < 0).any():
        lost = rows["image_id"][int(np.argmin(image))]
        raise InputError(f"{lost} has people but is not among the images. Ingest it again.")
    return image


def _flags(columns: Columns, rules: AgoraProtocol) -> tuple[Flags, Flags, Flags]:
    """(N,) counted, matchable, kid.

    A null `owner_valid` says nothing against a person. A null occlusion, where others have one,
    was no share of 0–100 %: the official code matches nobody with it.
    """
    count = max(map(len, columns.values()), default=0)
    counted, kid = np.ones(count, bool), np.zeros(count, bool)
    if "owner_valid" in columns:
        flag = columns["owner_valid"]
        counted = ~present(flag) | np.ma.getdata(flag).astype(bool)
    matchable = counted
    if "occlusion" in columns:
        share = np.ma.getdata(columns["occlusion"]).astype(np.float64)
        matchable = counted & present(columns["occlusion"]) & (share <= rules.most_occluded)
    if "kid" in columns:
        kid = present(columns["kid"]) & (np.ma.getdata(columns["kid"]) != 0)
    return counted, matchable, kid


def _removed(store: Store, rules: AgoraProtocol, images: Images) -> dict[str, int]:
    rejects = store.rejects(rules.dataset).select(REJECT_COLUMNS)
    rejects = rejects.filter(pc.equal(rejects["split"].cast(pa.string()), rules.split))
    scored = set(images.ids[images.scored].tolist())
    found: dict[str, int] = {}
    for row in rejects.to_pylist():
        if row["owner_valid"] is not False and row["image_id"] in scored:
            found[row["rule"]] = found.get(row["rule"], 0) + 1
    return dict(sorted(found.items()))
