"""InterHand2.6M (Moon et al., ECCV 2020); the layout is InterHand2.6M's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ehpsbench.dataset_adapters.readers.interhand import interhand_read, interhand_units
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet


def units(release: Release) -> Iterator[Unit]:
    """One unit per split and capture."""
    yield from interhand_units(release, "InterHand2.6M")


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The hands of one capture in all of its cameras."""
    return interhand_read(unit, bodies, f"images/{unit.key['split']}")
