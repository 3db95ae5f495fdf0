"""FIT3D (Fieraru et al., CVPR 2021): fitness exercises in a studio; the layout is IMAR's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ehpsbench.dataset_adapters.readers.imar import imar_read, imar_units
from ehpsbench.dataset_adapters.release import Unit
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["read", "units"]

units = imar_units


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The person of one action in all views."""
    return imar_read(unit, bodies)
