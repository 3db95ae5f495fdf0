"""Where errors are by what is known of people: occlusion, truncation, gender, size, pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ehpsbench.evaluation.slices import HEIGHTS, SHARES, SLICES
from ehpsbench.leaderboards.spelling import spelled
from ehpsbench.reports.given import Given
from ehpsbench.reports.words import number

TITLES = {
    "occlusion": "Occluded",
    "truncation": "Cut off",
    "gender": "Gender",
    "size": "Size in the image",
    "pose": "Pose",
}


LIKE = ", like "  # before the person whom a pose cluster is named after


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One part of the people of a benchmark.

    Attributes:
        slice: what they are sorted by.
        part: which part.
        example: the person in the middle of a pose cluster.
        people: how many.
        leader: number of the leading row, as text.
        middle: median over the rows of the board.
        best: name of the row with the best number, and that number.
        span: from the best to the worst.
        harder: how much worse than all people the median row is here [%], with a sign.
    """

    slice: str
    part: str
    example: str
    people: str
    leader: str
    middle: str
    best: str
    span: str
    harder: str


@dataclass(frozen=True, slots=True)
class SliceTable:
    """All parts of the people of one benchmark.

    Attributes:
        benchmark: its name.
        primary: the number.
        unit: of it.
        leader: name of the leading row.
        rows: part after part.
    """

    benchmark: str
    primary: str
    unit: str
    leader: str
    rows: tuple[SliceRow, ...]


Found = dict[str, dict[tuple[str, str], float]]


def slice_tables(given: Given, benchmarks: list[str]) -> list[SliceTable]:
    """A table for each benchmark whose results know parts of the people."""
    tables = [_table(given, benchmark) for benchmark in benchmarks]
    return [table for table in tables if table is not None]


def _table(given: Given, benchmark: str) -> SliceTable | None:
    found: Found = {}
    whole: dict[str, float] = {}
    people: dict[tuple[str, str], int] = {}
    said = None
    for row in given.standings.rows:
        summaries = given.summaries_on(benchmark, row.entries)
        if not summaries:
            continue
        said = said or summaries[0]
        found[row.name] = _means([_parts(s, people) for s in summaries])
        primaries = [s["numbers"][s["primary"]]["value"] for s in summaries]
        whole[row.name] = float(np.mean([np.nan if v is None else v for v in primaries]))
    if said is None or not people:
        return None
    leader = next(iter(found))
    lower = said["better"] == "lower"
    parts = sorted(people, key=_place)
    rows = tuple(_row(key, people[key], found, whole, leader, lower) for key in parts)
    return SliceTable(benchmark, spelled(said["primary"]), said["unit"], leader, rows)


def _place(key: tuple[str, str]) -> tuple[int, int, str]:
    """Slices in their order, in each its bins in theirs, other parts by name."""
    bins = [name for _, _, name in (*SHARES, *HEIGHTS)]
    slice_ = SLICES.index(key[0]) if key[0] in SLICES else len(SLICES)
    return slice_, bins.index(key[1]) if key[1] in bins else len(bins), key[1]


def _parts(
    summary: dict[str, Any], people: dict[tuple[str, str], int]
) -> dict[tuple[str, str], float]:
    """(slice, part) → number of one result; notes how many people each part has."""
    found = {}
    for name, parts in (summary.get("slices") or {}).items():
        for part, one in parts.items():
            people.setdefault((name, part), int(one["count"]))
            found[name, part] = float("nan") if one["value"] is None else float(one["value"])
    return found


def _means(results: list[dict[tuple[str, str], float]]) -> dict[tuple[str, str], float]:
    """Over the seeds that know a part."""
    keys = dict.fromkeys(key for result in results for key in result)
    return {k: float(np.mean([r[k] for r in results if k in r])) for k in keys}


def _row(
    key: tuple[str, str],
    count: int,
    found: Found,
    whole: dict[str, float],
    leader: str,
    lower: bool,
) -> SliceRow:
    here = {
        name: parts[key] for name, parts in found.items() if np.isfinite(parts.get(key, np.nan))
    }
    values = np.array(list(here.values()))
    part, _, example = key[1].removeprefix("pose ").partition(LIKE)
    if not len(values):
        return SliceRow(TITLES.get(key[0], key[0]), part, example, f"{count:,}", *["–"] * 5)
    best = (min if lower else max)(here, key=lambda name: here[name])
    middle, all_people = float(np.median(values)), float(np.median([whole[n] for n in here]))
    ends = sorted((float(values.min()), float(values.max())), reverse=not lower)
    return SliceRow(
        slice=TITLES.get(key[0], key[0]),
        part=part,
        example=example,
        people=f"{count:,}",
        leader=number(here.get(leader, float("nan"))),
        middle=number(middle),
        best=f"{best}, {number(here[best])}",
        span=f"{number(ends[0])} to {number(ends[1])}",
        harder=number(100 * (middle / all_people - 1), 0, sign=True) if all_people else "–",
    )
