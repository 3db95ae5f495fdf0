"""How far the cells of a sweep are: each writes a small file, whoever watches reads it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ehpsbench.store import Store

FOLDER = ".sweep"  # of the runs
EVERY = 1.0  # seconds between two writes


def showing_path(store: Store, cell: str) -> Path:
    """Where a cell says how far it is."""
    return store.runs / FOLDER / f"{cell}.json"


@dataclass(slots=True)
class Showing:
    """What a process at work on a cell says of it; the file goes when it ends.

    Attributes:
        path: of the file.
        samples: that the cell sees in all.
        doing: what, in words.
        seen: samples so far.
    """

    path: Path
    samples: int
    doing: str = "preparing"
    seen: int = 0
    _written: float = field(default=0.0, repr=False)

    @classmethod
    def of(cls, store: Store, cell: str, samples: int) -> Showing:
        """Of a cell that begins."""
        return cls(showing_path(store, cell), samples)

    def __enter__(self) -> Showing:
        self._show("preparing", now=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)

    def trained(self, seen: int, _: int) -> None:
        """After a step."""
        self.seen = seen
        self._show("training", now=self.doing != "training")

    def scored(self, benchmark: str, done: int, total: int) -> None:
        """While people of a benchmark are scored; nothing is known of how many at the start."""
        self.seen = self.samples
        share = f" {done / total:.0%}" if total else ""
        self._show(f"scoring on {benchmark}{share}", now=not total)

    def _show(self, doing: str, *, now: bool = False) -> None:
        if not now and time.monotonic() < self._written + EVERY:
            return
        self._written, self.doing = time.monotonic(), doing
        said = {"doing": doing, "seen": self.seen, "samples": self.samples}
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(said), encoding="utf-8")
        temporary.replace(self.path)  # no fsync: it is worth nothing after a crash


@dataclass(frozen=True, slots=True)
class Running:
    """A cell that was handed out: what it does, and samples seen of all."""

    cell: str
    doing: str
    seen: int
    samples: int

    @classmethod
    def read(cls, store: Store, cell: str, samples: int) -> Running:
        """As the cell's file says, or waiting where there is none."""
        try:
            said: dict[str, Any] = json.loads(showing_path(store, cell).read_text("utf-8"))
            return cls(cell, said["doing"], said["seen"], said["samples"])
        except (OSError, ValueError, KeyError):
            return cls(cell, "waiting", 0, samples)


@dataclass(frozen=True, slots=True)
class Status:
    """A sweep at one moment.

    Attributes:
        cells: of the plan.
        done: with all results, also those that were there before.
        failed: ended without.
        running: handed out; on a cluster they may still wait in its queue.
        seen: samples that running cells, and those that ended now, have seen since the start.
        samples: that were left at the start, of all cells; what a saved state has seen is not.
        seconds: since the start.
    """

    cells: int
    done: int
    failed: int
    running: Sequence[Running]
    seen: int
    samples: int
    seconds: float
