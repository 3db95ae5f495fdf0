"""The forest plot: every row's mean with its interval, tie groups as bands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ehpsbench.leaderboards.table import Standing, Standings
from ehpsbench.reports.theme import colour, colour_of, drawing, svg
from ehpsbench.reports.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 11.0  # inches, at 96 px an inch
ROW = 0.27  # inches a row
LONGEST = 34  # letters of a name


def forest(standings: Standings, name: str, label: str) -> str:
    """The ranked rows of a board, best at the top.

    Args:
        standings: the ranking.
        name: unique on the page.
        label: of the axis: what is ranked by, with its unit.

    Returns:
        An SVG element; empty text when nobody is ranked.
    """
    rows = [row for row in standings.rows if row.tie_group is not None]
    if not rows:
        return ""
    from matplotlib.figure import Figure

    names = [row.name for row in standings.rows]
    height = ROW * len(rows) + 0.75
    with drawing():
        figure = Figure(figsize=(WIDTH, height))
        left = min(0.3, (0.5 + 0.068 * max(min(len(row.name), LONGEST) for row in rows)) / WIDTH)
        axes = figure.add_axes((left, 0.55 / height, 0.84 - left, ROW * len(rows) / height))
        _bands(axes, rows)
        for place, row in enumerate(rows):
            _row(axes, place, row, colour_of(names, row.name))
        _frame(axes, rows, label)
        return svg(figure, name, f"Ranking by {label}", _described(rows))


def _bands(axes: Axes, rows: Sequence[Standing]) -> None:
    """One band a tie group, every other one tinted, its words on the right."""
    groups = [row.tie_group for row in rows]
    for group in dict.fromkeys(groups):
        first, size = groups.index(group), groups.count(group)
        tint = colour("tint") if int(group or 0) % 2 else colour("paper")
        axes.axhspan(first - 0.5, first + size - 0.5, color=tint, linewidth=0, zorder=0)
        axes.annotate(
            f"rank {first + 1}= (ranks {first + 1} to {first + size})"
            if size > 1
            else f"rank {first + 1}",
            (1.015, first + size / 2 - 0.5),
            xycoords=("axes fraction", "data"),
            va="center",
            color=colour("soft"),
            annotation_clip=False,
        )
        if size > 1:
            axes.plot(
                [1.006, 1.006],
                [first - 0.3, first + size - 0.7],
                transform=axes.get_yaxis_transform(),
                color=colour("soft"),
                linewidth=1.2,
                clip_on=False,
            )


def _row(axes: Axes, place: int, row: Standing, series: str) -> None:
    ends = [row.mpe.low, row.mpe.high]
    if all(math.isfinite(end) for end in ends):
        axes.plot(ends, [place, place], color=series, linewidth=2.4, alpha=0.55)
    axes.plot(
        [row.mpe.mean],
        [place],
        marker="o" if not row.in_domain else "D",
        markersize=6.5 if not row.in_domain else 5.6,
        markerfacecolor=series if not row.in_domain else colour("paper"),
        markeredgecolor=series,
        markeredgewidth=1.6,
    )


def _frame(axes: Axes, rows: Sequence[Standing], label: str) -> None:
    axes.set_yticks(np.arange(len(rows)), [_cut(row) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0, labelcolor=colour("ink"), pad=8)
    axes.tick_params(axis="x", length=0, pad=6)
    axes.grid(axis="x")
    axes.set_xlabel(label, labelpad=6)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _cut(row: Standing) -> str:
    name = row.name if len(row.name) <= LONGEST else f"{row.name[: LONGEST - 1]}…"
    # A dollar would begin a formula.
    return name.replace("$", r"\$") + (" ⚠" if row.marks else "")


def _described(rows: Sequence[Standing]) -> str:
    said = [
        f"{row.name}: {number(row.mpe.mean)} ({number(row.mpe.low)} to {number(row.mpe.high)}), "
        f"tie group {row.tie_group}"
        for row in rows
    ]
    return "From best to worst. " + "; ".join(said) + "."
