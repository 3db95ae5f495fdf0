"""Predictions in a wrong unit are told so before they are scored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError

ANGLES = ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose", "jaw_pose")
FARTHEST = 300.0  # m from the camera: nobody is labelled farther off
LARGEST_TURN = 3 * np.pi  # rad a joint: networks overshoot π, degrees lie far beyond
MOST_TURNED = 0.05  # of the joints: a network gone astray on a few people is scored
WRONG = "metres given as millimetres, or another frame?"
DIVIDED = ("nmje", "nmve")
TYPICAL_ERROR = 1000.0  # mm: a mean error of a metre is a unit or a frame, not a model


def refuse_wrong_units(columns: Mapping[str, NDArray[Any]], where: str) -> None:
    """Refuse parameters that cannot be metres and radians.

    Args:
        columns: (N, k) predicted parameters.
        where: for the message.

    Raises:
        InputError: says which column, its typical size, and what it looks like.
    """
    units = Units()
    units.add(columns)
    units.refuse(where)


class Units:
    """What lies beyond metres and radians, counted a few people at a time."""

    def __init__(self) -> None:
        self._counts: dict[str, NDArray[np.float64]] = {}

    def add(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Count (N, k) predicted parameters; values that are not there say nothing."""
        for name in (*ANGLES, "transl"):
            if name in columns:
                vectors = np.ma.getdata(columns[name]).astype(np.float64).reshape(-1, 3)
                length = np.linalg.norm(vectors, axis=1)
                beyond = length > (FARTHEST if name == "transl" else LARGEST_TURN)
                found = np.isfinite(length).sum(), beyond.sum(), length[beyond].sum()
                self._counts[name] = self._counts.get(name, np.zeros(3)) + found

    def refuse(self, where: str) -> None:
        """Refuse what was counted; see `refuse_wrong_units`."""
        for name, (count, beyond, total) in self._counts.items():
            if name == "transl" and beyond > count / 2:
                raise InputError(
                    f"{where}: people are {total / beyond:,.0f} m from the camera; millimetres "
                    "given as metres? Expected transl [m]."
                )
            if name != "transl" and beyond > MOST_TURNED * count:
                raise InputError(
                    f"{where}: joints of {name} turn by {total / beyond:.0f} rad; are these "
                    "degrees? Expected axis-angle vectors [rad]."
                )


def wrong_unit(summary: Mapping[str, Any]) -> list[str]:
    """Sentences on numbers of a result that look like a wrong unit or frame, not a bad model.

    Args:
        summary: of a result, with `unit` and `numbers`.
    """
    if summary["unit"] != "mm":
        return []
    return [
        f"{name} is {number['value']:,.0f} mm: {WRONG}"
        for name, number in summary["numbers"].items()
        if (number["value"] or 0) > TYPICAL_ERROR and not name.endswith(DIVIDED)
    ]


def refuse_wrong_scale(means: Mapping[str, float], where: object) -> None:
    """Refuse somebody's predictions whose mean errors no body is large enough for.

    A network trained here that has gone astray is scored all the same, and its result is marked
    with what `wrong_unit` says.

    Args:
        means: name → mean distance of points from the truth's, not of where people stand [mm].
        where: the predictions.

    Raises:
        InputError: says which number, and that nothing was stored.
    """
    far = {name: value for name, value in means.items() if value > TYPICAL_ERROR}
    for name, value in far.items():
        more = f" ({len(far) - 1} more numbers are as far off)" if len(far) > 1 else ""
        raise InputError(
            f"{where}: {name} would be {value:,.0f} mm{more}: {WRONG} Expected metres and radians. "
            "Nothing was stored."
        )
