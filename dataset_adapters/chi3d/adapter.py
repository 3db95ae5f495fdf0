"""CHI3D (Fieraru et al., CVPR 2020): two people in close contact; the layout is IMAR's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ehpsbench.dataset_adapters.readers.imar import imar_read, imar_units
from ehpsbench.dataset_adapters.release import Unit
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["read", "units"]

PEOPLE = 2  # with markers, and without
units = imar_units


def read(unit: Unit, bodies: BodySet) -> Instances:
    """Both people of one action in all views."""
    return imar_read(unit, bodies, PEOPLE)
