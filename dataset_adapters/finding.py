"""Releases below a folder, told by the files that their cards expect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.card import Card
from ehpsbench.dataset_adapters.release import SAMPLE_MARKER, holds, releases_below
from ehpsbench.errors import MissingFiles

__all__ = ["FoundRelease", "find_releases", "folders_without"]


@dataclass(frozen=True, slots=True)
class FoundRelease:
    """A folder that holds a release.

    Attributes:
        root: the folder.
        datasets: whose release it is; several where the files do not tell whose of them.
    """

    root: Path
    datasets: tuple[str, ...]


def find_releases(parent: Path) -> list[FoundRelease]:
    """The releases in `parent` and in folders one and two levels below it.

    Of several datasets whose files a folder has, the one that its name or its miniature's marker
    names is taken. A folder that holds several for good, as their cards say (`shipped_with`), is
    found once for each of them.

    Raises:
        MissingFiles: there is no such folder.
    """
    if not parent.is_dir():
        raise MissingFiles(f"{parent} is not a folder. Give --root the folder of your releases.")
    found: dict[Path, list[str]] = {}
    for card in map(catalogue.card, catalogue.names()):
        for root in _roots(parent, card):
            found.setdefault(root, []).append(card.name)
    releases = [
        FoundRelease(root, datasets)
        for root, names in sorted(found.items())
        for datasets in _each(_told(root, names))
    ]
    return [r for r in releases if not _inside_a_like(r, releases)]


def folders_without(parent: Path, found: Sequence[FoundRelease]) -> list[Path]:
    """Folders in `parent` that neither are, nor hold, nor lie in one of the releases found."""
    roots = [release.root for release in found]
    if parent in roots:
        return []
    folders = sorted(d for d in parent.iterdir() if d.is_dir() and not d.name.startswith("."))
    return [d for d in folders if not any(root.is_relative_to(d) for root in roots)]


def _roots(parent: Path, card: Card) -> list[Path]:
    """Where a card's files are; patterns that walk a tree fit all folders above a release too."""
    needed = [file for file in card.files if file.required]
    walk = all(pattern.startswith("**") for file in needed for pattern in file.patterns)
    here = holds(parent, card.files)
    below = [] if here and not walk else releases_below(parent, card.files)
    return [parent] if here and len(below) != 1 else below


def _told(root: Path, names: list[str]) -> tuple[str, ...]:
    marker = root / SAMPLE_MARKER
    text = marker.read_text(encoding="utf-8") if marker.is_file() else ""
    marked = [name for name in names if f'"dataset": "{name}"' in text]
    letters = _letters(root.name)
    named = [name for name in names if _letters(name) in letters]
    longest = [n for n in named if not any(n != m and _letters(n) in _letters(m) for m in named)]
    if marked or not longest:
        return tuple(marked or names)
    companions = {other for name in longest for other in catalogue.card(name).shipped_with}
    return tuple(name for name in names if name in longest or name in companions)


def _each(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The names one by one where a release has them all; else together: one of them, untold."""
    cards = [catalogue.card(name) for name in names]
    if all(set(names) - {card.name} <= set(card.shipped_with) for card in cards):
        return [(name,) for name in names]
    return [names]


def _inside_a_like(release: FoundRelease, releases: list[FoundRelease]) -> bool:
    """Whether another release of the same dataset holds this folder."""
    return any(
        other.root != release.root
        and release.root.is_relative_to(other.root)
        and set(release.datasets) & set(other.datasets)
        for other in releases
    )


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
