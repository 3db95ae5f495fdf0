"""Numbers and names as the report writes them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ehpsbench.leaderboards.table import Value

NOTHING = "–"


def number(value: float, digits: int = 1, *, sign: bool = False) -> str:
    """A number to so many digits, with a true minus and zero without a sign; a dash for none."""
    if not math.isfinite(value):
        return NOTHING
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    zero = not text.strip("+-0.")
    return text.lstrip("+-") if zero else text.replace("-", "−")


def interval(value: Value, digits: int = 1, *, sign: bool = False) -> str:
    """The ends of an interval; empty where there is none."""
    if not math.isfinite(value.low):
        return ""
    low, high = number(value.low, digits, sign=sign), number(value.high, digits, sign=sign)
    return f"{low} to {high}"


def sortable(value: float | None) -> str:
    """What the page sorts by; empty where there is no number."""
    return f"{value:.4f}" if value is not None and math.isfinite(value) else ""


def span(low: int | None, high: int | None) -> str:
    """Ranks from the best to the worst."""
    if low is None or high is None:
        return NOTHING
    return str(low) if low == high else f"{low}–{high}"


def listed(names: Sequence[str]) -> str:
    """Names with commas and an "and"."""
    if len(names) < 2:
        return names[0] if names else ""
    return f"{', '.join(names[:-1])} and {names[-1]}"
