"""What the numbers of normals are made of: histograms of angles, or sums over images."""

from __future__ import annotations

import pyarrow as pa

from ehpsbench.evaluation.normals.rules import NUMBERS, NormalsProtocol
from ehpsbench.evaluation.stored import Sums, stacked


def statistics(rules: NormalsProtocol, rows: pa.Table) -> tuple[Sums, ...]:
    """See `ehpsbench.evaluation.stored.statistics`."""
    from ehpsbench.metrics import normals, normals_per_image

    if rules.averaging == "images":
        columns = normals_per_image.COLUMNS
        counts = normals_per_image.COUNTS
        return (Sums((*NUMBERS, *counts), stacked(rows, columns), normals_per_image.numbers),)
    columns = (*normals.COLUMNS[: -len(normals.HISTOGRAM)], "histogram")
    return (Sums((*NUMBERS, "pixels"), stacked(rows, columns), normals.numbers),)
