"""What every metric file says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MetricCard:
    """Facts about a metric, for reports and for the test that walks all of them.

    Attributes:
        title: in words.
        unit: of the values that `score` returns.
        better: which way is better.
        source: where the definition comes from, and in what this one differs.
    """

    title: str
    unit: str
    better: Literal["lower", "higher"]
    source: str
