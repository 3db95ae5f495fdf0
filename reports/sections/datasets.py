"""What each dataset is: its people beside the benchmarks', terms, findings, sample people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.reports.findings import facts, findings
from ehpsbench.reports.given import Given
from ehpsbench.reports.measures import MEASURES, Measure
from ehpsbench.reports.multiples import (
    HEIGHT,
    MAP,
    WIDTH,
    Multiple,
    dots,
    ground,
    multiples,
    outline,
    pooled,
)
from ehpsbench.reports.permission import Permission, permission
from ehpsbench.reports.poses import ENTRIES, PoseMap, matrices, nearness, pose_map, spread
from ehpsbench.reports.samples import samples
from ehpsbench.reports.section import Section
from ehpsbench.reports.summaries import POSES, SAMPLES, SHAPES, Summary, summary
from ehpsbench.reports.words import NOTHING, number, sortable
from ehpsbench.store import Store

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]

ORDER = 90
SHOWN = 72  # sample people on the page; datasets share them


@dataclass(frozen=True, slots=True)
class Part:
    """Some splits of a dataset that are trained on, or that a benchmark scores.

    Attributes:
        dataset: name in the store.
        splits: of it.
        benchmark: whether it is scored.
        used: by which rows of the board, or by which benchmarks.
    """

    dataset: str
    splits: tuple[str, ...]
    benchmark: bool
    used: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Measured:
    """A part with what was found of it.

    Attributes:
        part: what.
        manifest: of the dataset.
        found: its people.
        poses: (n, 189) rotation matrices of their joints.
    """

    part: Part
    manifest: dict[str, Any]
    found: Summary
    poses: Floats


@dataclass(frozen=True, slots=True)
class _Beside:
    """What every dataset is held against: the benchmarks together, and the map of all poses."""

    shares: dict[str, Floats]
    poses: Floats
    shown: PoseMap | None

    @classmethod
    def of(cls, all_: Sequence[_Measured]) -> _Beside:
        """Of what is scored, and the poses of everything."""
        scored = [one for one in all_ if one.part.benchmark]
        poses = np.concatenate([*(one.poses for one in scored), np.zeros((0, ENTRIES))])
        shown = pose_map([one.poses for one in all_])
        return cls(pooled([one.found for one in scored]), poses, shown)


def section(given: Given) -> Section | None:
    """A card for each dataset behind the board; None without a store."""
    if not given.first or given.store is None or given.bodies is None:
        return None
    all_ = [_measured(given.store, given.bodies, part) for part in behind(given)]
    if not all_:
        return None
    beside = _Beside.of(all_)
    each = max(1, min(SAMPLES, SHOWN // len(all_)))
    measures = [m for m in MEASURES if any(m.name in one.found.histograms for one in all_)]
    cards = [
        _card(given, one, beside, measures)
        | _shown(given.store, given.bodies, one, permission(one.manifest, given.wishes), each)
        for one in all_
    ]
    context = {
        "cards": cards,
        "measures": measures,
        "outlines": {name: outline(shares) for name, shares in beside.shares.items()},
        "ground": ground(beside.shown.places(beside.poses)) if beside.shown else [],
        "explained": round(100 * beside.shown.explained) if beside.shown else 0,
        "poses": POSES,
        "shapes": SHAPES,
        "each": each,
        "width": WIDTH,
        "height": HEIGHT,
        "map_size": MAP,
        "any_benchmark": any(one.part.benchmark for one in all_),
    }
    return Section("datasets", "What each dataset is", "datasets.html.j2", context, "Datasets")


def behind(given: Given) -> list[Part]:
    """What was trained on, in the order of the board, then what is scored; those in the store."""
    known = {manifest["dataset"] for manifest in given.datasets}
    if given.store is not None:
        known |= set(given.store.datasets())
    trained: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for cell in given.cells:
        for dataset, splits in zip(cell["parts"], cell["splits"], strict=True):
            if dataset in known:
                trained.setdefault((dataset, tuple(splits)), []).append(cell["dataset"])
    scored: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for summary_ in given.protocols:
        if summary_["dataset"] in known:
            key = (summary_["dataset"], (summary_["split"],))
            scored.setdefault(key, []).append(summary_["benchmark"])
    return [
        Part(dataset, splits, benchmark, tuple(dict.fromkeys(used)))
        for benchmark, group in ((False, trained), (True, scored))
        for (dataset, splits), used in group.items()
    ]


def _measured(store: Store, bodies: BodySet, part: Part) -> _Measured:
    found = summary(store, part.dataset, part.splits, bodies)
    return _Measured(part, store.manifest(part.dataset), found, matrices(found.poses))


def _shown(
    store: Store, bodies: BodySet, one: _Measured, may: Permission, each: int
) -> dict[str, Any]:
    """Sample people, as far as they may be shown."""
    ids = one.found.samples[:each]
    drawn = samples(store, one.part.dataset, one.part.splits, bodies, may, ids)
    return {"samples": drawn, "why": may.why}


def _card(
    given: Given, one: _Measured, beside: _Beside, measures: Sequence[Measure]
) -> dict[str, Any]:
    part, found = one.part, one.found
    drawn = multiples(found, beside.shares)
    by_name = {multiple.name: multiple for multiple in drawn}
    near = float("nan") if part.benchmark else nearness(beside.poses, one.poses)
    shown = beside.shown is not None and len(one.poses) > 0
    return {
        "name": part.dataset,
        "splits": ", ".join(part.splits),
        "benchmark": part.benchmark,
        "used": ", ".join(part.used),
        "people": f"{found.people:,}",
        "people_value": found.people,
        "multiples": drawn,
        "cells": {m.name: _cell(by_name.get(m.name)) for m in measures},
        "dots": dots(beside.shown.places(one.poses)) if beside.shown and shown else "",
        "near": number(near, 0),
        "near_value": sortable(near),
        "spread": number(spread(one.poses), 0),
        "facts": facts(one.manifest, found),
        "findings": findings(given, one.manifest, found),
    }


def _cell(one: Multiple | None) -> dict[str, str]:
    if one is None or not np.isfinite(one.shared):
        return {"text": NOTHING, "value": ""}
    return {"text": one.overlap, "value": sortable(one.shared)}
