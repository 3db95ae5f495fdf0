"""chumpy arrays in SMPL and MANO model files, as plain arrays; no chumpy needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.restricted_pickle.names import Constant, Global, Pending

__all__ = ["TABLE"]


def _value(state: dict[str, Any]) -> NDArray[Any]:
    """`chumpy.ch.Ch` keeps its array as x."""
    return np.asarray(state["x"])


def _selected(state: dict[str, Any]) -> NDArray[Any]:
    """`chumpy.reordering.Select`: entries `idxs` of the flat array `a`, in another shape."""
    chosen: NDArray[Any] = np.asarray(state["a"]).ravel()[np.asarray(state["idxs"])]
    shape = state.get("preferred_shape")
    return chosen if shape is None else chosen.reshape(shape)


TABLE: dict[tuple[str, str], Global | Constant] = {
    ("chumpy.ch", "Ch"): Global("chumpy.ch.Ch", lambda args: Pending(_value)),
    ("chumpy", "Ch"): Global("chumpy.Ch", lambda args: Pending(_value)),
    ("chumpy.reordering", "Select"): Global("chumpy.Select", lambda args: Pending(_selected)),
}
