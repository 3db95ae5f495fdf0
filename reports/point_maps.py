"""Where on the body each row of a board errs: means over its seeds, ready to be painted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ehpsbench.evaluation.results import ALIGNMENTS, points_of
from ehpsbench.reports.given import Given
from ehpsbench.skeleton.human_data import NAMES
from ehpsbench.store import POINTS_SUFFIX, Store

Floats = NDArray[np.float64]

WORDS = {"root": "before alignment", "similarity": "after alignment (PA)"}
FINGERS = slice(25, 55)
NEEDED = ("set", "alignment", "name", "mean_mm")


@dataclass(frozen=True, slots=True)
class PointMap:
    """Mean errors of one row of the board on one benchmark in one alignment.

    Attributes:
        row: name of the row.
        benchmark: whose.
        alignment: `root` or `similarity`.
        vertices: (V,) of the mesh [mm]; None where the benchmark compares joints only.
        family: of that mesh.
        joints: name → error [mm].
    """

    row: str
    benchmark: str
    alignment: str
    vertices: Floats | None
    family: str
    joints: Mapping[str, float]


def point_maps(given: Given, most: int) -> tuple[list[PointMap], int]:
    """Of the first rows of the board that have per-point errors.

    Args:
        given: the board.
        most: rows.

    Returns:
        The maps in the order of the board, and of how many rows there was no more room.
    """
    found: list[PointMap] = []
    if given.store is None:
        return found, 0
    rows = [row for row in given.standings.rows if _has_points(given.store, row.entries)]
    for row in rows[:most]:
        for benchmark in benchmarks(given):
            summaries = given.summaries_on(benchmark, row.entries)
            tables = _tables(given.store, summaries)
            if tables:
                means = np.mean([_errors(table) for table in tables], axis=0)
                found += [_map(row.name, benchmark, a, tables[0], means) for a in ALIGNMENTS]
    return found, max(0, len(rows) - most)


def _has_points(store: Store, entries: Sequence[str]) -> bool:
    """Whether something was kept for one of the entries."""
    return any(any((store.results / e).glob(f"*{POINTS_SUFFIX}")) for e in entries)


def benchmarks(given: Given) -> list[str]:
    """Names of the results of the board's benchmarks, each once."""
    names = [fact.protocol or fact.id for fact in given.standings.benchmarks]
    return list(dict.fromkeys(names))


def _tables(store: Store, summaries: Sequence[dict[str, Any]]) -> list[pa.Table]:
    """Of the results that have one: all of the first, of the others the errors alone."""
    tables: list[pa.Table] = []
    for summary in summaries:
        table = points_of(store, summary, ("mean_mm",) if tables else NEEDED)
        if table is not None:
            tables.append(table)
    return tables


def _errors(table: pa.Table) -> Floats:
    return np.asarray(table["mean_mm"], np.float64)


def _map(row: str, benchmark: str, alignment: str, table: pa.Table, means: Floats) -> PointMap:
    """One alignment of the means; the table says what each of them is of."""
    places = {of: _here(table, of, alignment) for of in ("vertices", "joints")}
    family = (table.schema.metadata or {}).get(b"ehpsbench.vertices", b"").decode()
    names = _column(table, "name").take(pa.array(places["joints"])).to_pylist()
    return PointMap(
        row=row,
        benchmark=benchmark,
        alignment=alignment,
        vertices=means[places["vertices"]] if family else None,
        family=family,
        joints=dict(zip(names, means[places["joints"]].tolist(), strict=True)),
    )


def _column(table: pa.Table, name: str) -> pa.DictionaryArray:
    whole = table[name].combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole


def _here(table: pa.Table, of: str, alignment: str) -> NDArray[np.int64]:
    """Rows of a set in an alignment, by the codes of the dictionaries."""
    found = np.ones(table.num_rows, bool)
    for name, wanted in (("set", of), ("alignment", alignment)):
        coded = _column(table, name)
        words = coded.dictionary.to_pylist()
        found &= np.asarray(coded.indices) == (words.index(wanted) if wanted in words else -1)
    return np.flatnonzero(found)


def by_joint(maps: Sequence[PointMap]) -> list[str]:
    """Names of the joints that a table of these has, the fingers of a hand as one."""
    known = {name for one in maps for name in grouped(one.joints)}
    order = [*NAMES[:25], "left_fingers", "right_fingers"]
    return [n for n in order if n in known] + sorted(known - set(order))


def grouped(joints: Mapping[str, float]) -> dict[str, float]:
    """The joints, with the mean over a hand's fingers instead of each of them."""
    fingers = set(NAMES[FINGERS])
    found = {name: value for name, value in joints.items() if name not in fingers}
    for side in ("left", "right"):
        values = [v for n, v in joints.items() if n in fingers and n.startswith(side)]
        if values:
            found[f"{side}_fingers"] = float(np.mean(values))
    return found


def nice_top(maps: Sequence[PointMap]) -> float:
    """End of a colour scale [mm] that all these share: most of what there is, in round numbers."""
    ends = [np.nanquantile(_all(one), 0.99) for one in maps if np.isfinite(_all(one)).any()]
    highest = float(np.median(ends)) if ends else 1.0
    step = 10.0 ** np.floor(np.log10(max(highest, 1.0)))
    return float(np.ceil(highest / step * 2) / 2 * step)


def _all(one: PointMap) -> Floats:
    return one.vertices if one.vertices is not None else np.array(list(one.joints.values()))


def mean_of(one: PointMap) -> float:
    """Mean over the mesh, else over the joints [mm]."""
    values: Any = _all(one)
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
