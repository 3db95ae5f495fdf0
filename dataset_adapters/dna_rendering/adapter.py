"""DNA-Rendering, the 48 cameras of 5 megapixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ehpsbench.dataset_adapters.readers.smc import smc_read, smc_units
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["CAMERAS", "read", "units"]

CAMERAS = range(48)


def units(release: Release) -> Iterator[Unit]:
    """One unit per sequence."""
    return smc_units(release)


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The actor of one sequence in the 48 cameras of 5 megapixels."""
    return smc_read(unit, bodies, CAMERAS)
