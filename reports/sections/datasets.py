"""What each dataset is: its people beside the benchmarks', terms, findings, sample people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ehpsbench.reports.findings import facts, findings
from ehpsbench.reports.given import Given
from ehpsbench.reports.measures import MEASURES
from ehpsbench.reports.multiples import HEIGHT, MAP, WIDTH, dots_of, ground, multiples, pooled
from ehpsbench.reports.permission import permission
from ehpsbench.reports.poses import PoseMap, nearness, pose_map, spread
from ehpsbench.reports.samples import samples
from ehpsbench.reports.section import Section
from ehpsbench.reports.summaries import POSES, SAMPLES, SHAPES, Summary, summary
from ehpsbench.reports.words import number, sortable
from ehpsbench.store import Store

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


def section(given: Given) -> Section | None:
    """A card for each dataset behind the board; None without a store."""
    if not given.first or given.store is None or given.bodies is None:
        return None
    parts = behind(given)
    store, bodies = given.store, given.bodies
    found = [summary(store, part.dataset, part.splits, bodies) for part in parts]
    if not found:
        return None
    of_benchmarks = [s for part, s in zip(parts, found, strict=True) if part.benchmark]
    wanted = pooled(of_benchmarks)
    shown = pose_map([s.poses for s in found])
    beside = _Beside(wanted, _poses(of_benchmarks), shown)
    each = max(1, min(SAMPLES, SHOWN // len(parts)))
    cards = []
    for part, one in zip(parts, found, strict=True):
        may = permission(store.manifest(part.dataset), given.wishes)
        drawn = samples(store, part.dataset, part.splits, bodies, may, one)[:each]
        card = _card(store, given, part, one, beside)
        cards.append(card | {"samples": drawn, "why": may.why})
    context = {
        "cards": cards,
        "measures": [m for m in MEASURES if any(m.name in s.histograms for s in found)],
        "grounds": _grounds(of_benchmarks, wanted, shown),
        "shown_axes": shown is not None or bool(wanted),
        "shapes": SHAPES,
        "explained": 0 if shown is None else round(100 * shown.explained),
        "poses": POSES,
        "each": each,
        "width": WIDTH,
        "height": HEIGHT,
        "map_size": MAP,
        "any_benchmark": bool(of_benchmarks),
    }
    return Section("datasets", "What each dataset is", "datasets.html.j2", context)


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


def _poses(summaries: Sequence[Summary]) -> Any:
    return np.concatenate([*(s.poses for s in summaries), np.zeros((0, 63))])


def _grounds(
    summaries: Sequence[Summary], wanted: dict[str, Any], shown: PoseMap | None
) -> dict[str, Any]:
    """What is drawn below every dataset's own: the benchmarks' outlines and pose map."""
    from ehpsbench.reports.multiples import outline

    poses = _poses(summaries)
    return {
        "outlines": {name: outline(shares) for name, shares in wanted.items()},
        "poses": ground(shown.places(poses)) if shown is not None and len(poses) else [],
    }


@dataclass(frozen=True, slots=True)
class _Beside:
    """What every dataset is held against: the benchmarks together, and the map of all poses."""

    outlines: dict[str, Any]
    poses: Any
    shown: PoseMap | None


def _card(
    store: Store, given: Given, part: Part, found: Summary, beside: _Beside
) -> dict[str, Any]:
    manifest = store.manifest(part.dataset)
    drawn = multiples(found, beside.outlines)
    by_name = {one.name: one for one in drawn}
    near = nearness(beside.poses, found.poses) if not part.benchmark else float("nan")
    return {
        "name": part.dataset,
        "splits": ", ".join(part.splits),
        "benchmark": part.benchmark,
        "used": ", ".join(part.used),
        "people": f"{found.people:,}",
        "people_value": found.people,
        "multiples": drawn,
        "cells": {m.name: _cell(by_name.get(m.name)) for m in MEASURES},
        "dots": dots_of(beside.shown, found.poses),
        "near": number(near, 0),
        "near_value": sortable(near),
        "spread": number(spread(found.poses), 0),
        "facts": facts(manifest, found),
        "findings": findings(given, part.dataset, found),
    }


def _cell(one: Any) -> dict[str, str]:
    if one is None or not np.isfinite(one.shared):
        return {"text": "–", "value": ""}
    return {"text": one.overlap, "value": sortable(one.shared)}
