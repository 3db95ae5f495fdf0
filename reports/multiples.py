"""Small multiples: each distribution of a dataset over that of the benchmarks, on one axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ehpsbench.reports.measures import MEASURES, Measure
from ehpsbench.reports.summaries import Summary
from ehpsbench.reports.words import number

Floats = NDArray[np.float64]

WIDTH, HEIGHT, TOP = 120, 36, 30  # of a multiple; the highest bar is TOP
MAP = 100  # width and height of a pose map
GRID = 20  # cells of the map's ground, on a side
DOTS = 160
MIDDLE = 2  # place of the median among the quantiles


@dataclass(frozen=True, slots=True)
class Multiple:
    """One distribution as it is drawn.

    Attributes:
        name: of the measure.
        title: its words.
        path: outline of the dataset's distribution; empty where nothing is known.
        middle: where its median lies on the axis [px]; None where nothing is known.
        words: what one sees.
        short: the median with its unit.
        overlap: share of the benchmarks' distribution that it covers [%], or a dash.
    """

    name: str
    title: str
    path: str
    middle: float | None
    words: str
    short: str
    overlap: str
    shared: float


def outline(shares: Floats) -> str:
    """SVG path of a histogram as steps, to its own height, closed at the ground."""
    heights = np.round(TOP * shares / max(float(shares.max()), 1e-12), 1)
    step = WIDTH / len(shares)
    bars = "".join(f"V{HEIGHT - h:g}h{step:g}" for h in heights.tolist())
    return f"M0 {HEIGHT}{bars}V{HEIGHT}z"


def pooled(summaries: Sequence[Summary]) -> dict[str, Floats]:
    """Measure → mean of the histograms of those in which somebody has it."""
    found = {}
    for measure in MEASURES:
        known = [s.histograms[measure.name] for s in summaries if measure.name in s.histograms]
        if known:
            found[measure.name] = np.mean(known, axis=0)
    return found


def overlap(one: Floats, other: Floats) -> float:
    """Share of two histograms that they have in common, 0 to 1."""
    return float(np.minimum(one, other).sum())


def multiples(found: Summary, wanted: Mapping[str, Floats]) -> list[Multiple]:
    """A dataset's distributions, in the order of the measures that it or the benchmarks have."""
    names = [m for m in MEASURES if m.name in wanted or m.name in found.histograms]
    return [_multiple(measure, found, wanted.get(measure.name)) for measure in names]


def _multiple(measure: Measure, found: Summary, wanted: Floats | None) -> Multiple:
    shares = found.histograms.get(measure.name)
    if shares is None:
        words = f"{measure.title}: not known of anybody."
        nothing = float("nan")
        return Multiple(measure.name, measure.title, "", None, words, "unknown", "–", nothing)
    # + 0.0: a value that rounds to nothing has no sign
    quantiles = np.round(found.quantiles[measure.name], measure.digits) + 0.0
    values = [number(float(v), measure.digits) for v in quantiles]
    share = float("nan") if wanted is None else 100 * overlap(shares, wanted)
    said = "" if wanted is None else f" Overlap with the benchmarks: {share:.0f} %."
    part = found.known[measure.name]
    unit = measure.unit if measure.unit == "°" else f" {measure.unit}"
    few = (
        ""
        if part >= found.people or measure.name in ("stature", "volume")
        else (f" Known of {part:,} of {found.people:,} people.")
    )
    return Multiple(
        name=measure.name,
        title=measure.title,
        path=outline(shares),
        middle=round(WIDTH * measure.place(float(found.quantiles[measure.name][MIDDLE])), 1),
        words=(
            f"{measure.title}: median {values[2]}{unit}, half of them from {values[1]} to "
            f"{values[3]}, nine of ten from {values[0]} to {values[4]}.{said}{few}"
        ),
        short=f"{values[2]}{unit}",
        overlap=number(share, 0),
        shared=share,
    )


def ground(places: Floats) -> list[tuple[str, float]]:
    """Squares of a pose map where the benchmarks' poses are: (path, opacity) of three levels."""
    cells = np.histogram2d(places[:, 0], 1 - places[:, 1], GRID, ((0, 1), (0, 1)))[0]
    cells = cells / max(float(cells.max()), 1.0)
    side = MAP / GRID
    found = []
    for low, high, opacity in ((0.0, 0.15, 0.3), (0.15, 0.45, 0.6), (0.45, 1.0, 1.0)):
        here = np.argwhere((cells > low) & (cells <= high))
        path = "".join(f"M{x * side:g} {y * side:g}h{side:g}v{side:g}h-{side:g}z" for x, y in here)
        if path:
            found.append((path, opacity))
    return found


def dots(places: Floats) -> str:
    """SVG path of a dot for each pose, evenly thinned."""
    step = -(-len(places) // DOTS) or 1
    thinned = np.round(places[::step] * MAP).astype(int).tolist()
    return "".join(f"M{x} {MAP - y}h0" for x, y in dict.fromkeys(map(tuple, thinned)))
