"""Learning curves as small multiples: one panel a training set, the range of all behind it.

All panels are drawn into one axes: forty axes of their own would take seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.leaderboards.convergence import Curve
from ehpsbench.reports.theme import colour, colour_of, drawing, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ACROSS = 6
WIDTH, HEIGHT = 1.78, 1.2  # inches of a panel
BESIDE, BELOW = 0.16, 0.42  # inches between panels
LEFT, RIGHT, TOP, BOTTOM = 0.62, 0.1, 0.3, 0.6  # inches around them
LONGEST = 22  # letters of a name
STEPS = 24  # of the range


@dataclass(frozen=True, slots=True)
class _Panel:
    """Where a panel lies, and what its axes run to.

    Attributes:
        x: of its left end [inches].
        y: of its lower end [inches].
        most_samples: at its right end; the left one is 0.
        most_mm: at its upper end; the lower one is 0.
    """

    x: float
    y: float
    most_samples: float
    most_mm: float

    def across(self, samples: ArrayLike) -> NDArray[np.float64]:
        """Samples seen → inches."""
        return self.x + WIDTH * np.asarray(samples, np.float64) / self.most_samples

    def up(self, error_mm: ArrayLike) -> NDArray[np.float64]:
        """Errors [mm] → inches."""
        return self.y + HEIGHT * np.asarray(error_mm, np.float64) / self.most_mm


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
    width = LEFT + RIGHT + across * WIDTH + (across - 1) * BESIDE
    height = BOTTOM + TOP + down * HEIGHT + (down - 1) * BELOW
    ends = 1.03 * max(c.samples[-1] for c in drawn), 1.08 * max(max(c.error_mm) for c in drawn)
    with drawing():
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(0, height))
        axes.set_axis_off()
        every = _range(drawn)
        for place, group in enumerate(shown):
            line, column = divmod(place, across)
            x = LEFT + column * (WIDTH + BESIDE)
            panel = _Panel(x, height - TOP - HEIGHT - line * (HEIGHT + BELOW), *ends)
            _ground(axes, panel, every, left=column == 0, low=place + across >= len(shown))
            own = [c for c in drawn if c.group == group]
            _lines(axes, panel, own, colour_of(names, group))
            _title(axes, panel, group)
        soft = colour("soft")
        axes.text(width / 2, 0.08, "samples seen", ha="center", color=soft)
        middle = BOTTOM + (height - TOP - BOTTOM) / 2
        axes.text(0.12, middle, "held-out MPJPE [mm]", rotation=90, va="center", color=soft)
        return svg(figure, name, "Learning curves", _described(drawn, shown))


def _ground(
    axes: Axes,
    panel: _Panel,
    every: tuple[NDArray[np.float64], ...],
    *,
    left: bool,
    low: bool,
) -> None:
    """The range of all curves, lines across, and numbers where the panel is an outer one."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    samples, lowest, highest = every
    line, soft = colour("line"), colour("soft")
    xs = panel.across(samples)
    axes.fill_between(xs, panel.up(lowest), panel.up(highest), color=line, alpha=0.6, linewidth=0)
    for value in MaxNLocator(4).tick_values(0, panel.most_mm):
        if 0 <= value <= panel.most_mm:
            y = float(panel.up(value))
            axes.plot([panel.x, panel.x + WIDTH], [y, y], color=line, linewidth=0.7)
            if left:
                axes.text(panel.x - 0.07, y, f"{value:.0f}", ha="right", va="center", color=soft)
    written = EngFormatter(sep="")
    for value in MaxNLocator(3).tick_values(0, panel.most_samples) if low else ():
        if 0 <= value <= panel.most_samples:
            x = float(panel.across(value))
            axes.text(x, panel.y - 0.06, written(value), ha="center", va="top", color=soft)


def _lines(axes: Axes, panel: _Panel, curves: Sequence[Curve], series: str) -> None:
    for curve in curves:
        axes.plot(
            panel.across(curve.samples),
            panel.up(curve.error_mm),
            color=series,
            linewidth=1.3,
            marker="." if len(curve.samples) <= 10 else "",
            markersize=4,
        )


def _title(axes: Axes, panel: _Panel, group: str) -> None:
    words = group if len(group) <= LONGEST else f"{group[: LONGEST - 1]}…"
    y = panel.y + HEIGHT + 0.06
    axes.text(panel.x, y, words, weight="bold", color=colour("ink"), parse_math=False)


def _range(curves: Sequence[Curve]) -> tuple[NDArray[np.float64], ...]:
    """Samples seen, and the lowest and the highest error of all cells there."""
    start, end = max(c.samples[0] for c in curves), max(c.samples[-1] for c in curves)
    samples = np.linspace(start, end, STEPS)
    errors = np.stack([np.interp(samples, c.samples, c.error_mm) for c in curves])
    return samples, errors.min(axis=0), errors.max(axis=0)


def _described(curves: Sequence[Curve], shown: Sequence[str]) -> str:
    ends = {g: np.mean([c.error_mm[-1] for c in curves if c.group == g]) for g in shown}
    said = "; ".join(f"{group} ends at {end:.1f} mm" for group, end in ends.items())
    return f"One panel a training set, the range of all behind it. {said}."
