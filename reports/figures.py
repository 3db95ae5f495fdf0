"""Figures as SVG text: the same data gives the same bytes, and text stays text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ehpsbench.leaderboards.convergence import Curve
from ehpsbench.reports.theme import LIGHT, STYLES, colour_of, drawing, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEGEND = 16  # names in a column of the legend


def learning_curves(curves: Sequence[Curve], groups: Sequence[str]) -> str:
    """Held-out MPJPE [mm] over samples seen: one thin line a cell, one colour a group.

    Args:
        curves: of all cells.
        groups: in the order of the board.

    Returns:
        An SVG element; empty text when no cell has a curve.
    """
    drawn = [c for c in curves if len(c.samples) > 1]
    if not drawn:
        return ""
    from matplotlib.figure import Figure

    named = [g for g in groups if any(c.group == g for c in drawn)]
    columns = math.ceil(len(named) / LEGEND)
    size = 5.4 + 1.8 * columns, max(3.6, 0.6 + 0.26 * min(len(named), LEGEND))
    with drawing():
        figure = Figure(figsize=size, layout="constrained")
        _draw(figure.subplots(), drawn, groups, columns)
        return svg(
            figure,
            "curves-figure",
            "Learning curves",
            "Held-out error of every training set over the samples it has seen, one line a seed.",
        )


def _draw(axes: Axes, curves: Sequence[Curve], groups: Sequence[str], columns: int) -> None:
    named: set[str] = set()
    for curve in curves:
        label = None if curve.group in named else curve.group
        named.add(curve.group)
        axes.plot(
            curve.samples,
            curve.error_mm,
            color=colour_of(groups, curve.group),
            label=label,
            linewidth=1.3,
            linestyle=STYLES[groups.index(curve.group) // len(LIGHT) % len(STYLES)],
            marker="." if len(curve.samples) <= 10 else "",
            markersize=4,
        )
    axes.set_xlabel("samples seen")
    axes.set_ylabel("held-out MPJPE of the training set itself [mm]")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", linewidth=0.4, alpha=0.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), ncols=columns)


def heat(value: float, lowest: float, highest: float) -> tuple[str, str]:
    """Background and text colour of a heat-map cell: light is good, dark is bad.

    Args:
        value: of the cell.
        lowest: of its column.
        highest: of its column.
    """
    share = 0.0 if highest <= lowest else (value - lowest) / (highest - lowest)
    share = min(max(share, 0.0), 1.0)
    good, middle, bad = (234, 244, 238), (247, 211, 150), (178, 62, 54)
    first, second, part = (good, middle, share * 2) if share < 0.5 else (middle, bad, share * 2 - 1)
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(first, second, strict=True))
    return f"rgb({red},{green},{blue})", "#fff" if share > 0.82 else "#1c2430"
