"""What the numbers of depth are made of: sums of the errors of images."""

from __future__ import annotations

import pyarrow as pa

from ehpsbench.evaluation.depth.rules import DepthProtocol
from ehpsbench.evaluation.stored import Sums, stacked


def statistics(_: DepthProtocol, rows: pa.Table) -> tuple[Sums, ...]:
    """See `ehpsbench.evaluation.stored.statistics`."""
    from ehpsbench.metrics import depth

    return (Sums((*depth.MEANS, *depth.COUNTS), stacked(rows, depth.COLUMNS), depth.numbers),)
