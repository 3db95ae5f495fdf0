"""What the numbers of bodies are made of: the mean over people of each error."""

from __future__ import annotations

import pyarrow as pa

from ehpsbench.evaluation.mesh.rules import MeshProtocol
from ehpsbench.evaluation.results import error_columns
from ehpsbench.evaluation.stored import Sums, means


def statistics(_: MeshProtocol, rows: pa.Table) -> tuple[Sums, ...]:
    """See `ehpsbench.evaluation.stored.statistics`."""
    return means(rows, error_columns(rows))
