"""BlurHand (Oh et al., CVPR 2023); the layout is InterHand2.6M's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ehpsbench.dataset_adapters.readers.interhand import interhand_read, interhand_units
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet


FOLDERS = ("blur_images", "images")  # as the owners' document has it, and as others rename it


def units(release: Release) -> Iterator[Unit]:
    """One unit per split and capture."""
    yield from interhand_units(release, "BlurHand")


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The hands of one capture in all of its cameras."""
    root = unit.release.root
    folder = next((name for name in FOLDERS if (root / name).is_dir()), FOLDERS[0])
    return interhand_read(unit, bodies, f"{folder}/{unit.key['split']}", _middle)


def _middle(annotation: Mapping[str, Any]) -> bool:
    """Only the middle one of the five sharp frames belongs to the picture."""
    return bool(annotation["is_middle"])
