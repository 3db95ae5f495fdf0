"""Where errors are: painted on the body, by joint, by what is known of people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ehpsbench.evaluation.results import ALIGNMENTS
from ehpsbench.reports.display_body import (
    COLOURS,
    VIEW,
    DisplayBody,
    display_body,
    levels,
    mesh_json,
    static_view,
)
from ehpsbench.reports.given import Given
from ehpsbench.reports.point_maps import (
    WORDS,
    PointMap,
    benchmarks,
    by_joint,
    grouped,
    mean_of,
    nice_top,
    point_maps,
)
from ehpsbench.reports.section import Section
from ehpsbench.reports.slice_tables import slice_tables
from ehpsbench.reports.words import number

ORDER = 100
MOST_BYTES = 800_000  # of painted errors in the page, as text


def section(given: Given) -> Section | None:
    """The viewer, joints and slices; None where no result says more than its number."""
    if not given.first or given.store is None or given.bodies is None:
        return None
    body = display_body(given.bodies, given.wishes.embed_meshes, given.store)
    names = benchmarks(given)
    each = len(names) * len(ALIGNMENTS) * len(body.vertices) * 4 / 3
    maps, left_out = point_maps(given, max(1, int(MOST_BYTES / max(each, 1))))
    tables = slice_tables(given, names)
    of_bodies = any(summary["task"] == "mesh" for summary in given.protocols)
    if not maps and not tables and not of_bodies:
        return None
    context: dict[str, Any] = {
        "slices": tables,
        "viewer": None,
        "left_out": left_out,
        "unpainted": of_bodies and not maps,
    }
    if maps:
        context |= _painted(given, body, maps)
    return Section("errors", "Where errors are", "errors.html.j2", context, "Errors")


def _painted(given: Given, body: DisplayBody, shown: Sequence[PointMap]) -> dict[str, Any]:
    """What the viewer, its still pictures and the table of joints show."""
    rows = list(dict.fromkeys(one.row for one in shown))
    names = [b for b in benchmarks(given) if any(one.benchmark == b for one in shown)]
    joints = by_joint(shown)
    tops = {
        (b, a): nice_top([m for m in shown if (m.benchmark, m.alignment) == (b, a)])
        for b in names
        for a in ALIGNMENTS
    }
    leader = [one for one in shown if one.row == rows[0] and one.alignment == ALIGNMENTS[0]]
    return {
        "viewer": {
            "mesh": mesh_json(body),
            "colours": COLOURS,
            "rows": rows,
            "benchmarks": names,
            "alignments": list(ALIGNMENTS),
            "joints": joints,
            "maps": {_key(m, rows, names): _json(body, m, joints, tops) for m in shown},
        },
        "alignments": [(a, WORDS[a]) for a in ALIGNMENTS],
        "stills": [_still(body, one, tops) for one in leader],
        "joint_rows": _joint_rows(joints, leader, names),
        "body": body.names,
        "view": (2 * VIEW[0], VIEW[1]),
        "gradient": ", ".join(COLOURS),
    }


def _key(one: PointMap, rows: list[str], names: list[str]) -> str:
    places = rows.index(one.row), names.index(one.benchmark), ALIGNMENTS.index(one.alignment)
    return "/".join(map(str, places))


def _on(body: DisplayBody, one: PointMap) -> Any:
    if one.vertices is not None and one.family == "smplx":
        return body.of_vertices(one.vertices)
    return body.of_joints(list(one.joints), np.array(list(one.joints.values())))


def _json(
    body: DisplayBody, one: PointMap, joints: list[str], tops: dict[tuple[str, str], float]
) -> dict[str, Any]:
    data, top = levels(_on(body, one))
    given = grouped(one.joints)
    return {
        "data": data,
        "top": round(top, 3),
        "scale": tops[one.benchmark, one.alignment],
        "mean": round(mean_of(one), 1),
        "what": "vertices" if one.vertices is not None else "joints",
        "joints": [round(given[name], 1) if name in given else None for name in joints],
    }


def _still(body: DisplayBody, one: PointMap, tops: dict[tuple[str, str], float]) -> dict[str, Any]:
    top = tops[one.benchmark, one.alignment]
    worst = max(one.joints, key=lambda name: one.joints[name])
    return {
        "row": one.row,
        "benchmark": one.benchmark,
        "image": static_view(body, _on(body, one), top),
        "top": number(top, 0),
        "words": (
            f"{one.row} on {one.benchmark}: mean {number(mean_of(one))} mm, highest at "
            f"{worst.replace('_', ' ')} with {number(one.joints[worst])} mm"
        ),
    }


def _joint_rows(
    joints: list[str], leader: Sequence[PointMap], names: list[str]
) -> list[dict[str, Any]]:
    """A line for each joint: the leading row's error on every benchmark."""
    errors = {one.benchmark: grouped(one.joints) for one in leader}
    return [
        {
            "name": joint.replace("_", " "),
            "cells": [number(errors.get(b, {}).get(joint, float("nan"))) for b in names],
        }
        for joint in joints
    ]
