"""Learning curves as small multiples: one panel a training set, all others as a band behind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ehpsbench.leaderboards.convergence import Curve
from ehpsbench.reports.theme import colour, colour_of, drawing, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ACROSS = 6
PANEL = (1.78, 1.2)  # inches
GAP = (0.16, 0.42)
MARGIN = (0.62, 0.1, 0.55, 0.3)  # left, right, bottom, top
LONGEST = 22  # letters of a name
STEPS = 24  # of the band


def learning_curves(curves: Sequence[Curve], names: Sequence[str], name: str) -> str:
    """Held-out MPJPE [mm] over samples seen: a panel for each training set, a line for each seed.

    Args:
        curves: of all cells.
        names: the rows of the board, best first.
        name: unique on the page.

    Returns:
        An SVG element; empty text when no cell has a curve.
    """
    drawn = [c for c in curves if len(c.samples) > 1]
    shown = [n for n in names if any(c.group == n for c in drawn)]
    if not shown:
        return ""
    from matplotlib.figure import Figure

    across = min(ACROSS, len(shown))
    down = math.ceil(len(shown) / across)
    left, right, bottom, top = MARGIN
    width = left + right + across * PANEL[0] + (across - 1) * GAP[0]
    height = bottom + top + down * PANEL[1] + (down - 1) * GAP[1]
    limits = _limits(drawn)
    band = _band(drawn)
    with drawing():
        figure = Figure(figsize=(width, height))
        for place, group in enumerate(shown):
            line, column = divmod(place, across)
            x = left + column * (PANEL[0] + GAP[0])
            y = height - top - PANEL[1] - line * (PANEL[1] + GAP[1])
            axes = figure.add_axes((x / width, y / height, PANEL[0] / width, PANEL[1] / height))
            axes.fill_between(*band, color=colour("line"), alpha=0.6, linewidth=0)
            own = [c for c in drawn if c.group == group]
            _panel(axes, own, group, colour_of(names, group))
            axes.set(xlim=limits[0], ylim=limits[1])
            _ticks(axes, outer_left=column == 0, outer_bottom=place + across >= len(shown))
        figure.supxlabel("samples seen", y=0.06 / height, color=colour("soft"), fontsize=9)
        figure.supylabel("held-out MPJPE [mm]", x=0.1 / width, color=colour("soft"), fontsize=9)
        return svg(figure, name, "Learning curves", _described(drawn, shown))


def _panel(axes: Axes, curves: Sequence[Curve], group: str, series: str) -> None:
    for curve in curves:
        axes.plot(
            curve.samples,
            curve.error_mm,
            color=series,
            linewidth=1.3,
            marker="." if len(curve.samples) <= 10 else "",
            markersize=4,
        )
    title = group if len(group) <= LONGEST else f"{group[: LONGEST - 1]}…"
    axes.set_title(title, color=colour("ink"), pad=5, parse_math=False)


def _ticks(axes: Axes, *, outer_left: bool, outer_bottom: bool) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.tick_params(length=0, labelleft=outer_left, labelbottom=outer_bottom)
    axes.grid(axis="y")


def _limits(curves: Sequence[Curve]) -> tuple[tuple[float, float], tuple[float, float]]:
    most = max(c.samples[-1] for c in curves)
    errors = np.concatenate([c.error_mm for c in curves])
    return (0, 1.03 * most), (0, 1.08 * float(np.max(errors)))


def _band(curves: Sequence[Curve]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """From the lowest to the highest error of all cells, over the samples seen."""
    start, end = max(c.samples[0] for c in curves), max(c.samples[-1] for c in curves)
    samples = np.linspace(start, end, STEPS)
    errors = np.stack([np.interp(samples, c.samples, c.error_mm) for c in curves])
    return samples, errors.min(axis=0), errors.max(axis=0)


def _described(curves: Sequence[Curve], shown: Sequence[str]) -> str:
    ends = {g: np.mean([c.error_mm[-1] for c in curves if c.group == g]) for g in shown}
    said = "; ".join(f"{group} ends at {end:.1f} mm" for group, end in ends.items())
    return f"One panel a training set, the range of all behind it. {said}."
