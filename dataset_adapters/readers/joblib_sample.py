"""Writes a file as joblib.dump does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ehpsbench.atomic import replacing
from ehpsbench.dataset_adapters.readers.joblib_files import WRAPPER
from ehpsbench.restricted_pickle.encoder import Call, Encoder, Name

__all__ = ["save_joblib"]

ALIGNMENT = 16  # bytes


class _Joblib(Encoder):
    """Puts the bytes of numeric arrays behind a description of them."""

    def write(self, value: Any) -> None:
        """Add the opcodes that make one value."""
        if not isinstance(value, np.ndarray):
            super().write(value)
            return
        state = {
            "subclass": Name("numpy", "ndarray"),
            "shape": value.shape,
            "order": "C",
            "dtype": value.dtype,
            "allow_mmap": True,
            "numpy_array_alignment_bytes": ALIGNMENT,
        }
        super().write(Call(Name(*WRAPPER), (), state, new=True))
        padding = ALIGNMENT - (sum(map(len, self.parts)) + 1) % ALIGNMENT
        self.add(bytes([padding]), b"\xff" * padding, value.tobytes())


def save_joblib(path: Path, content: Any) -> None:
    """Write containers, texts, numbers and arrays of numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(_Joblib(4).encode(content))
