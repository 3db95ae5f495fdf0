"""How many digits of a number are worth reading, by its unit."""

from __future__ import annotations

import math

DECIMALS = {"mm": 1, "%": 1, "degrees": 2, "m": 4, "1": 3, "": 2}
NOTHING = "–"


def digits(value: float, unit: str) -> str:
    """A number as it is printed; a dash for NaN.

    Args:
        value: in `unit`.
        unit: of the protocol; "" for ranks, "1" for shares.
    """
    if math.isnan(value):
        return NOTHING
    return f"{value:z,.{DECIMALS.get(unit, 2)}f}"


def with_unit(name: str, unit: str) -> str:
    """`PVE [mm]`; a share or a rank by its name alone."""
    return name if unit in ("", "1") else f"{name} [{unit}]"
