"""What joblib.dump wrote: a pickle with the bytes of its arrays between the opcodes.

The file is read by the machine that has no way to run code; see `ehpsbench.restricted_pickle`.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingFiles, RefusedPickle
from ehpsbench.restricted_pickle.machine import Machine
from ehpsbench.restricted_pickle.names import Constant, Global, Pending, Refusal
from ehpsbench.restricted_pickle.reader import DAMAGE, TABLE

__all__ = ["WRAPPER", "read_joblib"]

WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")
PROTOCOL = b"\x80"  # a pickle begins so; what joblib compressed does not


def read_joblib(path: Path) -> Any:
    """The data in a file of joblib 0.10 or later that is not compressed.

    Raises:
        MissingFiles: it is not there.
        RefusedPickle: it names a class or function that is not plain data.
        InputError: it is compressed, truncated or damaged.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingFiles(f"{path} is not there; is the release complete?") from error
    if data[:1] != PROTOCOL:
        raise InputError(
            f"{path} is no file of joblib, or a compressed one. If Python reads it, write it anew: "
            "joblib.dump(joblib.load(path), path)."
        )
    try:
        return _value(data, 0)[0]
    except Refusal as refusal:
        raise RefusedPickle(
            f"{path} names {refusal}, which is not plain data. Nothing in it was run."
        ) from None
    except DAMAGE as error:
        raise InputError(
            f"{path} is not a whole file of joblib ({type(error).__name__}: {error}); copy it "
            "from the release again."
        ) from error


def _value(data: bytes | mmap.mmap, at: int) -> tuple[Any, int]:
    """One pickle that starts at a byte, and the byte behind it."""

    def lookup(module: str, name: str) -> Global | Constant:
        if (module, name) == WRAPPER:
            return Global(".".join(WRAPPER), lambda args: Pending(lambda s: _array(machine, s)))
        found = TABLE.get((module, name))
        if found is None:
            raise Refusal(f"{module}.{name}"[:200])
        return found

    machine = Machine(data, lookup, encoding="latin1", at=at)
    return machine.run(), machine.at


def _array(machine: Machine, state: Mapping[str, Any]) -> NDArray[Any]:
    """The array whose bytes follow the opcode that the machine has just read."""
    shape, dtype = tuple(int(n) for n in state["shape"]), state["dtype"]
    if not isinstance(dtype, np.dtype):
        raise TypeError("a dtype was expected")
    if dtype.hasobject:  # a pickle of its own
        value, machine.at = _value(machine.data, machine.at)
        return np.asarray(value, object).reshape(shape)
    if state.get("numpy_array_alignment_bytes"):
        machine.take(machine.take(1)[0])  # padding
    content = machine.take(prod(shape) * dtype.itemsize)
    order: Literal["C", "F"] = "F" if state.get("order") == "F" else "C"
    return np.frombuffer(content, dtype).reshape(shape, order=order)
