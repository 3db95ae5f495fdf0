"""What AGORA's numbers are made of: sums over people, and false positives over images."""

from __future__ import annotations

from functools import partial

import pyarrow as pa

from ehpsbench.evaluation.agora.rules import AgoraProtocol
from ehpsbench.evaluation.stored import Sums, stacked
from ehpsbench.metrics.agora_columns import COLUMNS, number_names


def statistics(rules: AgoraProtocol, rows: pa.Table) -> tuple[Sums, ...]:
    """See `ehpsbench.evaluation.stored.statistics`."""
    from ehpsbench.metrics.agora import numbers

    made = partial(numbers, variant=rules.variant)
    return (Sums(number_names(rules.variant), stacked(rows, COLUMNS), made),)
