"""Predictions kept on the disk and read by row: memory holds only whose they are."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ehpsbench.evaluation.predictions import PARAMETERS, SIZES, parameters, refuse_twice

_STOPS = np.cumsum([SIZES[name] for name in PARAMETERS])
_BYTES = int(_STOPS[-1]) * 4


@dataclass(frozen=True, slots=True)
class Spooled:
    """Parameters of N people in a temporary file.

    Attributes:
        ids: (N,) instance ids.
        handle: of the file: rows of float32.
    """

    ids: pa.ChunkedArray
    handle: int

    def read(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """(n, k) parameters of some rows, in their order; null ones are zero."""
        found = np.empty((len(rows), int(_STOPS[-1])), np.float32)
        order = np.argsort(rows, kind="stable")
        for run in np.split(order, np.flatnonzero(np.diff(rows[order]) != 1) + 1):
            if len(run):
                content = os.pread(self.handle, len(run) * _BYTES, int(rows[run[0]]) * _BYTES)
                found[run] = np.frombuffer(content, np.float32).reshape(len(run), -1)
        parts = np.split(found.astype(np.float64), _STOPS[:-1], axis=1)
        return dict(zip(PARAMETERS, parts, strict=True))


@contextmanager
def spooled(batches: Iterable[pa.Table], folder: Path, where: str) -> Iterator[Spooled]:
    """Predictions that come a few at a time, in whatever order, to be read in another.

    Args:
        batches: tables with the columns of `PREDICTIONS`.
        folder: on whose disk the temporary file is made.
        where: for messages.

    Raises:
        InputError: a person is there twice.
    """
    ids: list[pa.ChunkedArray] = [pa.chunked_array([], pa.string())]
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for batch in batches:
            said = parameters(batch)
            row = np.concatenate([said[name] for name in PARAMETERS], axis=1)
            file.write(np.ascontiguousarray(row, np.float32).tobytes())
            ids.append(batch["instance_id"])
        people = pa.chunked_array([chunk for part in ids for chunk in part.chunks], pa.string())
        refuse_twice(people, where)
        yield Spooled(people, file.fileno())
