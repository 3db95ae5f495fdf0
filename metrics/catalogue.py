"""Finds metrics: a file here that states its CARD; the metric's name is the file's."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ehpsbench.errors import UnknownName
from ehpsbench.metrics.card import MetricCard


@cache
def names() -> tuple[str, ...]:
    """All metric names, sorted; no metric is imported to know them."""
    files = Path(__file__).parent.glob("*.py")
    return tuple(sorted(f.stem for f in files if "\nCARD = " in f.read_text(encoding="utf-8")))


def card(name: str) -> MetricCard:
    """The facts of a metric."""
    found: MetricCard = _module(name).CARD
    return found


def score(name: str) -> Callable[..., Any]:
    """The function of a metric.

    Most return a tensor with one entry for each instance, frame or image: a value (B,), NaN where
    it is undefined; or, of a metric that has `COLUMNS` and `numbers`, a row (B, K) of sufficient
    statistics, whose sums over B `numbers` turns into the numbers of a set. `keypoint_ap` returns
    `Matches`, since precision is no function of sums.

    Raises:
        UnknownName: no metric is called so; says which names are near.
    """
    function: Callable[..., Any] = _module(name).score
    return function


def _module(name: str) -> ModuleType:
    if name not in names():
        raise UnknownName.of("metric", name, names())
    return importlib.import_module(f"ehpsbench.metrics.{name}")
