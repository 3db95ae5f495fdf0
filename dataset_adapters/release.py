"""A release on disk, and the units it is read in."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ehpsbench.dataset_adapters.card import Card, ExpectedFile
from ehpsbench.errors import InputError, MissingFiles

SAMPLE_MARKER = "ehpsbench-sample/sample.json"
LISTED = os.R_OK | os.X_OK
SYSTEM = frozenset({"lost+found", ".Trashes", ".Trash", ".snapshot"})  # of disks, not of releases
SHOWN = 3
DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Release:
    """The files of one dataset as its owners ship them, unpacked in `root`.

    Attributes:
        root: the folder that the Layout section of the dataset's documentation draws.
        card: the dataset's card.
        name: under what name the rows go into the store (the card's, or an alias).
        layout: "owners" or "humandata".
    """

    root: Path
    card: Card
    name: str
    layout: str = "owners"

    def find(self, pattern: str) -> list[Path]:
        """Files below the root that match a glob pattern, in natural order."""
        return sorted(self.root.glob(pattern), key=natural_order)

    def relative(self, path: Path) -> str:
        """A path below the root as the store keeps it: relative, with forward slashes."""
        above, whole = f"{self.root.as_posix()}/", path.as_posix()
        if whole.startswith(above):  # four times as fast, for a file a frame
            return whole[len(above) :]
        return path.relative_to(self.root).as_posix()

    def sample(self) -> dict[str, Any] | None:
        """What a miniature release says of itself; None for an owners' release."""
        marker = self.root / SAMPLE_MARKER
        if not marker.is_file():
            return None
        try:
            found: dict[str, Any] = json.loads(marker.read_text(encoding="utf-8"))
            if {"body", "body_set"} <= set(found):
                return found
        except (json.JSONDecodeError, TypeError):
            pass
        raise InputError(f"{marker} is broken; make the sample again.")


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest piece of a release that can be read alone and resumed.

    Attributes:
        name: unique in the release and the same at every ingest.
        release: where it lies.
        files: the annotation files that it is read from; they make the fingerprint.
        key: what `read` wants to know, e.g. a split or a sequence; plain values.
        needs: roles of the body set without which it cannot be read; None: those of the card.
    """

    name: str
    release: Release
    files: tuple[Path, ...]
    key: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] | None = None


def natural_order(path: Path) -> tuple[Any, ...]:
    """Sort key that puts 2 before 10: digits in a path compare as numbers."""
    parts: list[Any] = DIGITS.split(path.as_posix())  # texts, and digits in every second place
    parts[1::2] = map(int, parts[1::2])
    return tuple(parts)


def missing_files(root: Path, files: tuple[ExpectedFile, ...]) -> list[ExpectedFile]:
    """The required files of a card that `root` does not have."""
    return [f for f in files if f.required and not f.is_in(root)]


def holds(root: Path, files: tuple[ExpectedFile, ...]) -> bool:
    """Whether `root` has all required files; those that need a walk of the tree come last."""
    needed = sorted((f for f in files if f.required), key=lambda f: "**" in f.patterns[0])
    return all(file.is_in(root) for file in needed)


def expected_files(card: Card, layout: str) -> tuple[ExpectedFile, ...]:
    """What a release must hold in a layout."""
    if layout == "owners":
        return card.files
    if layout == "humandata":
        return (
            ExpectedFile(pattern="**/*.[np][pk][zl]", what="HumanData annotations, .npz or .pkl"),
        )
    raise InputError(f"Unknown layout {layout!r}; expected 'owners' or 'humandata'.")


def open_release(
    root: Path, card: Card, *, name: str | None = None, layout: str = "owners"
) -> Release:
    """The release in `root`, or in the one folder below it that holds such a tree.

    Raises:
        MissingFiles: nothing there fits, or several folders do; says what was looked for.
        InputError: one may not list a folder of it.
    """
    if not root.is_dir():
        raise MissingFiles(
            f"{root} is not a folder. Give --root the unpacked {card.title} release."
        )
    files = expected_files(card, layout)
    missing = missing_files(root, files)
    if missing:
        fitting = releases_below(root, files)
        if len(fitting) > 1:
            found = ", ".join(str(d) for d in fitting)
            raise MissingFiles(
                f"Several {card.title} releases lie below {root}: {found}. Name one."
            )
        if not fitting:
            raise MissingFiles(_missing_message(root, card, missing))
        root = fitting[0]
    _check_access(root, card)
    return Release(root.resolve(), card, name or card.name, layout)


def _check_access(root: Path, card: Card) -> None:
    """Globs pass over folders that one may not list: whole sequences would be lost in silence.

    Raises:
        InputError: there is one, at most two levels down.
    """
    first = [Path(entry) for entry in os.scandir(root) if entry.is_dir()]
    folders = [d for d in first if os.access(d, LISTED)]
    inside = (Path(entry) for d in folders for entry in os.scandir(d) if entry.is_dir())
    closed = [d for d in (*first, *inside) if not os.access(d, LISTED) and d.name not in SYSTEM]
    if closed:
        named = ", ".join(map(str, sorted(closed)[:SHOWN]))
        raise InputError(
            f"The {card.title} release has folders that you may not list ({len(closed)}): {named}. "
            "What lies in them would be missed; make them readable (chmod -R u+rX), or let "
            "somebody read the release who may."
        )


def releases_below(root: Path, files: tuple[ExpectedFile, ...]) -> list[Path]:
    """Folders below `root` that hold such a tree; what lies in one of them is part of it."""
    fitting: list[Path] = []
    for folder in _folders_below(root):
        inside = any(folder.is_relative_to(other) for other in fitting)
        if not inside and holds(folder, files):
            fitting.append(folder)
    return fitting


def _folders_below(root: Path) -> list[Path]:
    """Folders one and two levels down, the shallow ones first; those one may not list are left."""
    first = _folders_in(root)
    return [*first, *sorted(d for parent in first for d in _folders_in(parent))]


def _folders_in(folder: Path) -> list[Path]:
    return sorted(d for d in folder.iterdir() if d.is_dir() and os.access(d, LISTED))


def _missing_message(root: Path, card: Card, missing: list[ExpectedFile]) -> str:
    lines = "\n".join(f"  {' or '.join((f.pattern, *f.instead))}  ({f.what})" for f in missing)
    return (
        f"{root} does not look like the release of {card.title}. Missing:\n{lines}\n"
        f"How to get it: {card.how_to_get}"
    )
