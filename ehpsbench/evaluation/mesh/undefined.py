"""Why an error of bodies has no value for anybody."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ehpsbench.evaluation.mesh.rules import HAND_SETS, ErrorColumn, MeshProtocol
from ehpsbench.evaluation.numbers import Number


def undefined(rules: MeshProtocol, numbers: Mapping[str, Number]) -> dict[str, str]:
    """Name → reason of each number that is not defined."""
    error = {column: e for e in rules.errors for column in e.columns}
    lost = {name for name, number in numbers.items() if np.isnan(number.value)}
    return {name: _reason(name, error[name], rules) for name in numbers if name in lost}


def _reason(name: str, error: ErrorColumn, rules: MeshProtocol) -> str:
    if error.of_motion:
        known = " whose frame rate is known" if error.unit == "m/s^2" else ""
        return f"no three consecutive frames of one person{known}"
    ways = ["is in the image"] if rules.visible == "inside_image" else []
    if error.drop_hands_above_mm is not None:
        ways.append(f"is off by less than {error.drop_hands_above_mm:g} mm")
    part = _part(name, error)
    if rules.part_flags and part != "body":
        ways.insert(0, "is labelled as valid")
    return f"no {part} {' and '.join(ways) or 'has a prediction'}"


def _part(name: str, error: ErrorColumn) -> str:
    """What the points of a number are of."""
    if error.points in HAND_SETS:
        return f"{name.removeprefix(error.name).strip('_')} hand".strip()
    return "face" if error.points == "face_vertices" else "body"
