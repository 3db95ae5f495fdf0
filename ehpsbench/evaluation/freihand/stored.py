"""What FreiHAND's numbers are made of: sums over hands."""

from __future__ import annotations

import pyarrow as pa

from ehpsbench.evaluation.freihand.rules import FreihandProtocol
from ehpsbench.evaluation.stored import Sums, stacked


def statistics(rules: FreihandProtocol, rows: pa.Table) -> tuple[Sums, ...]:
    """See `ehpsbench.evaluation.stored.statistics`."""
    from ehpsbench.metrics import freihand

    statistic = stacked(rows, freihand.COLUMNS)
    return (Sums(tuple(rules.number_facts()), statistic, freihand.numbers),)
