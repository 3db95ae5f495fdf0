"""What the tests of the restricted reader share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


def _same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        return all(map(_same, a.flat, b.flat)) if a.dtype == object else a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return list(a) == list(b) and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)


@pytest.fixture(scope="session")
def same() -> Callable[[Any, Any], bool]:
    """Equality of nested values that tells types, dtypes and shapes apart."""
    return _same


@pytest.fixture(scope="session")
def values() -> dict[str, Any]:
    """Every kind of plain value that a release may pickle."""
    objects = np.empty((2, 3), dtype=object, order="F")
    objects[:] = [[1, "a", None], [[1], np.ones(2), {}]]
    fields = np.zeros(3, dtype=[("a", "f4"), ("b", "U5"), ("c", "i2", (2,))])
    fields["a"], fields["b"] = [1, 2, 3], "xyz"
    return {
        "rows": np.arange(6.0).reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "turned": np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1),
        "large": np.arange(5000, dtype=np.float32),
        "objects": objects,
        "fields": fields,
        "text": np.array(["a", "bcd"]),
        "bytes": np.array([b"a", b"bc"]),
        "truth": np.array([True, False]),
        "days": np.array(["2020-01-01", "NaT"], "M8[D]"),
        "none": np.zeros((0, 3)),
        "point": np.array(5.0),
        "scalars": [np.float32(1.5), np.int64(-3), np.bool_(True), np.str_("x")],
        "numbers": [0, 255, 256, 65536, -1, 2**40, -(2**80), 2**2100, 1.5, True, None],
        "words": ["", "ü€", "x" * 300, "quote ' \" \\ \n"],
        "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, (2, [3]), 4, 5)),
        "sets": [{1, 2}, frozenset(["a"]), set()],
    }
