"""What the numbers of body parts are made of: areas, which add up over images."""

from __future__ import annotations

from functools import partial

import pyarrow as pa

from ehpsbench.evaluation.segmentation.rules import SegmentationProtocol
from ehpsbench.evaluation.stored import Sums, stacked


def statistics(rules: SegmentationProtocol, rows: pa.Table) -> tuple[Sums, ...]:
    """See `ehpsbench.evaluation.stored.statistics`."""
    from ehpsbench.metrics import segmentation

    made = partial(segmentation.numbers, classes=rules.names)
    return (Sums(rules.every_number, stacked(rows, segmentation.KINDS), made),)
