"""What an export is asked for, and the folder that it fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ehpsbench.curation.export.losses import Tally
from ehpsbench.curation.export.selection import Selection
from ehpsbench.dataset_adapters.card import Card

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["Job"]


@dataclass(frozen=True, slots=True)
class Job:
    """One export.

    Attributes:
        selection: the rows.
        card: of the dataset.
        manifest: of the stored rows.
        bodies: the body set of the labels; None where they were read without one.
        folder: where the files go.
        scratch: for what is needed only meanwhile; it goes when the export ends.
        embed: whether pictures go along.
        tally: counts what the format does not hold.
        counts: people and images written, by split.
        progress: called with how many people are done.
    """

    selection: Selection
    card: Card
    manifest: Mapping[str, Any]
    bodies: BodySet | None
    folder: Path
    scratch: Path
    embed: bool
    tally: Tally
    counts: dict[str, dict[str, int]]
    progress: Callable[[int], None]

    @property
    def dataset(self) -> str:
        """Name in the store."""
        return self.selection.dataset

    @property
    def pictured(self) -> bool:
        """Whether the rows have pictures; motions have none."""
        return bool(self.manifest.get("pictured", True))

    @property
    def root(self) -> Path:
        """The release that image paths are relative to."""
        return Path(self.manifest["release_root"])

    def counted(self, split: str, table: str, rows: int) -> None:
        """So many more rows of a split are written."""
        account = self.counts.setdefault(split, {})
        account[table] = account.get(table, 0) + rows
        if table == "instances":
            self.progress(sum(count.get(table, 0) for count in self.counts.values()))
