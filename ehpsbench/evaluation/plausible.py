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
TYPICAL_ERROR = 1000.0  # mm: a mean error of a metre is a unit or a frame, not a model


def refuse_wrong_units(columns: Mapping[str, NDArray[Any]], where: str) -> None:
    """Refuse parameters that cannot be metres and radians.

    Args:
        columns: (N, k) predicted parameters.
        where: for the message.

    Raises:
        InputError: says which column, its typical size, and what it looks like.
    """
    for name in ANGLES:
        if name in columns and len(columns[name]):
            vectors = np.ma.getdata(columns[name]).astype(np.float64).reshape(-1, 3)
            largest = float(np.nanpercentile(np.linalg.norm(vectors, axis=1), 99))
            if largest > LARGEST_TURN:
                raise InputError(
                    f"{where}: joints of {name} turn by {largest:.0f} rad; are these degrees? "
                    "Expected axis-angle vectors [rad]."
                )
    if "transl" in columns and len(columns["transl"]):
        place = np.ma.getdata(columns["transl"]).astype(np.float64)
        distance = float(np.nanmedian(np.linalg.norm(place, axis=1)))
        if distance > FARTHEST:
            raise InputError(
                f"{where}: people are {distance:,.0f} m from the camera; millimetres given as "
                "metres? Expected transl [m]."
            )


def wrong_unit(summary: Mapping[str, Any]) -> list[str]:
    """Sentences on numbers of a result that look like a wrong unit or frame, not a bad model.

    Args:
        summary: of a result, with `unit` and `numbers`.
    """
    if summary["unit"] != "mm":
        return []
    return [
        f"{name} is {number['value']:,.0f} mm: metres given as millimetres, or another frame?"
        for name, number in summary["numbers"].items()
        if number["value"] is not None and number["value"] > TYPICAL_ERROR
    ]
