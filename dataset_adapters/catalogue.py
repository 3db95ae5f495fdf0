"""Finds datasets: a folder here with a card.toml, or an entry point `ehpsbench.datasets`."""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from ehpsbench.dataset_adapters.card import Card, read_card
from ehpsbench.errors import InputError, UnknownName

ENTRY_POINTS = "ehpsbench.datasets"


@cache
def _packages() -> dict[str, tuple[str, Path]]:
    """Dataset name → (import name, folder); nothing of a dataset is imported."""
    here = Path(__file__).parent
    found = {
        folder.name: (f"ehpsbench.dataset_adapters.{folder.name}", folder)
        for folder in sorted(here.iterdir())
        if (folder / "card.toml").is_file()
    }
    for point in entry_points(group=ENTRY_POINTS):
        module = importlib.import_module(point.value)
        if point.name in found or module.__file__ is None:
            raise InputError(f"The entry point {point.name!r} ({point.value}) is taken or no file.")
        found[point.name] = (point.value, Path(module.__file__).parent)
    return found


def names() -> list[str]:
    """All dataset names, sorted."""
    return sorted(_packages())


def card(name: str) -> Card:
    """The card of a dataset.

    Raises:
        UnknownName: no dataset is called so; says which names are near.
    """
    return read_card(_package(name)[1] / "card.toml")


def related(name: str) -> frozenset[str]:
    """Datasets that share images, recordings or subjects with this one, whichever card says so."""
    others = {other for other in names() if name in card(other).related}
    return card(name).related | others


def adapter(name: str, layout: str = "owners") -> ModuleType:
    """The module with `units` and `read` for a dataset in a layout."""
    package, _ = _package(name)
    if layout == "humandata":
        return importlib.import_module("ehpsbench.dataset_adapters.readers.humandata")
    return importlib.import_module(f"{package}.adapter")


def sample(name: str, layout: str = "owners") -> ModuleType:
    """The module with `write`, which makes a miniature release."""
    package, _ = _package(name)
    if layout == "humandata":
        return importlib.import_module("ehpsbench.dataset_adapters.readers.humandata_sample")
    return importlib.import_module(f"{package}.sample")


def _package(name: str) -> tuple[str, Path]:
    if name not in _packages():
        raise UnknownName.of("dataset", name, names())
    return _packages()[name]
