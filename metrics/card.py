"""What every metric file says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MetricCard:
    """Facts about a metric, for docs/metrics.md, reports, and the test that walks all of them.

    Attributes:
        title: in words.
        unit: of the values.
        better: which way is better.
        definition: one or two sentences or a formula that fix the value.
        source: the paper and the official code that it follows.
        others: where other codes under the same name differ; "" when none is known.
        undefined: what degenerate input gives, as decided.
    """

    title: str
    unit: str
    better: Literal["lower", "higher"]
    definition: str
    source: str
    others: str
    undefined: str
