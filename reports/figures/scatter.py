"""Dots with names: what something costs against what it brings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ehpsbench.reports.theme import colour, drawing, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (5.9, 3.7)  # inches
LETTER = 5.6  # px that a letter of a name takes
LINE = 12.0  # px
ASIDE = 9.0  # px between dots of one x, at most
FAN = 24.0  # px that all dots of one x may take: more would look like a trend
DECADE = 4.0  # times from the smallest to the largest: from there on the axis is logarithmic
PLACES = ((9, 0, "left"), (-9, 0, "right"), (0, 11, "center"), (0, -12, "center"),
          (7, 9, "left"), (7, -10, "left"), (-7, 9, "right"), (-7, -10, "right"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dot:
    """One row of the board.

    Attributes:
        name: of the row.
        x: cost or size; above 0.
        y: what it brings, with `low` and `high` as its interval.
        low: NaN without.
        high: NaN without.
        colour: stand-in of the theme.
    """

    name: str
    x: float
    y: float
    low: float
    high: float
    colour: str


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis says, and which way it runs."""

    label: str
    log: bool = False
    down: bool = False
    whole: bool = False


def scatter(dots: Sequence[Dot], x: Axis, y: Axis, name: str, title: str) -> str:
    """Dots with intervals, each with its name where there is room for it.

    Args:
        dots: those whose numbers are known.
        x: below.
        y: at the left; `down` when low values stand at the top.
        name: unique on the page.
        title: of the figure.
    """
    from matplotlib.figure import Figure
    from matplotlib.transforms import ScaledTranslation

    with drawing():
        figure = Figure(figsize=SIZE)
        axes = figure.add_axes((0.11, 0.16, 0.87, 0.8))
        _frame(axes, x, y, dots)
        for dot, aside in zip(dots, _asides(dots), strict=True):
            where = axes.transData + ScaledTranslation(aside / 96, 0, figure.dpi_scale_trans)
            line = axes.plot([dot.x] * 2, [dot.low, dot.high], linewidth=1.6, alpha=0.45)
            mark = axes.plot([dot.x], [dot.y], "o", markersize=6)
            for artist in (*line, *mark):
                artist.set(color=dot.colour, transform=where)
        _names(figure, axes, dots)
        said = "; ".join(f"{d.name}: {d.x:,.0f}, {d.y:.1f}" for d in dots)
        return svg(figure, name, title, f"{x.label} against {y.label}. {said}.")


def _asides(dots: Sequence[Dot]) -> list[float]:
    """How far aside each dot stands [px], so that those of one x do not hide each other.

    Neighbours in the order stand on different sides: rows come best first, and a fan from left to
    right would draw a slope where all sizes are the same.
    """
    found = []
    for place, dot in enumerate(dots):
        twins = [i for i, d in enumerate(dots) if math.isclose(d.x, dot.x, rel_tol=0.01)]
        step = min(ASIDE, FAN / max(len(twins) - 1, 1))
        turn = twins.index(place)
        side = (turn + 1) // 2 * (1 if turn % 2 else -1)
        found.append(step * (side - (0.5 if len(twins) % 2 == 0 else 0.0)))
    return found


def _frame(axes: Axes, x: Axis, y: Axis, dots: Sequence[Dot]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    sizes = [d.x for d in dots]
    if x.log and max(sizes) > DECADE * min(sizes):
        axes.set_xscale("log")
        axes.set_xlim(min(sizes) / 1.35, max(sizes) * 1.6)
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        room = 0.12 * (max(sizes) - min(sizes)) or 0.5 * max(sizes)
        axes.set_xlim(min(sizes) - room, max(sizes) + 1.6 * room)
        axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    ends = [e for d in dots for e in (d.low, d.y, d.high) if math.isfinite(e)]
    room = 0.08 * (max(ends) - min(ends)) or 1.0
    low, high = min(ends) - room, max(ends) + room
    axes.set_ylim(*((high, low) if y.down else (low, high)))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=y.whole))
    if y.whole:
        axes.set_yticks([t for t in axes.get_yticks() if t >= 1 and low <= t <= high] + [1])
    axes.set_xlabel(x.label, labelpad=6)
    axes.set_ylabel(y.label, labelpad=6)
    axes.tick_params(length=0, pad=5, which="both")
    axes.grid(axis="both")
    axes.spines[["left", "bottom"]].set_visible(False)


def _names(figure: Figure, axes: Axes, dots: Sequence[Dot]) -> None:
    """Names beside the dots where they hit neither a dot nor another name; else none."""
    asides = _asides(dots)
    points = axes.transData.transform([(d.x, d.y) for d in dots]) * 96 / figure.dpi
    points[:, 0] += asides
    taken = [(px - 5, py - 5, px + 5, py + 5) for px, py in points]
    ends = axes.transData.transform([(d.x, y) for d in dots for y in (d.low, d.high)])
    for px, pair in zip(points[:, 0], (ends * 96 / figure.dpi).reshape(-1, 2, 2), strict=True):
        taken.append((px - 1, pair[:, 1].min(), px + 1, pair[:, 1].max()))
    right = figure.get_figwidth() * 96
    for dot, aside, point in zip(dots, asides, points, strict=True):
        for dx, dy, align in PLACES:
            box = _box(dot.name, point[0] + dx, point[1] + dy, align)
            if box[0] > 0 and box[2] < right and not any(_meet(box, other) for other in taken):
                taken.append(box)
                axes.annotate(
                    dot.name,
                    (dot.x, dot.y),
                    ((dx + aside) * 0.75, dy * 0.75),
                    textcoords="offset points",
                    ha=align,
                    va="center",
                    fontsize=8.5,
                    color=colour("ink"),
                    parse_math=False,
                )
                break


def _box(name: str, x: float, y: float, align: str) -> tuple[float, float, float, float]:
    """What a name covers [px]: left, bottom, right, top."""
    width = LETTER * len(name)
    left = x - {"left": 0.0, "center": width / 2, "right": width}[align]
    return left, y - LINE / 2, left + width, y + LINE / 2


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return not (one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1])


def known(dots: Sequence[Dot]) -> list[Dot]:
    """Those whose place in the figure is known."""
    return [d for d in dots if math.isfinite(d.y) and np.isfinite(d.x) and d.x > 0]
