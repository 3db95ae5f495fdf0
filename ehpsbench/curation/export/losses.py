"""What an export does not hold: counted, said in words, and written beside the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

__all__ = ["Loss", "Tally", "in_words"]

REST = "no name for it in this format"


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of so many people (or images) that the files do not say."""

    what: str
    rows: int
    why: str


@dataclass(slots=True)
class Tally:
    """Counts what goes missing while rows pass by."""

    rows: Counter[str] = field(default_factory=Counter)
    why: dict[str, str] = field(default_factory=dict)

    def add(self, what: str, rows: int, why: str) -> None:
        """So many more rows lose `what`."""
        if rows:
            self.rows[what] += int(rows)
            self.why[what] = why

    def columns(self, table: pa.Table, kept: Iterable[str], why: Mapping[str, str]) -> None:
        """Every column that has values in some rows and is not `kept`."""
        for name in set(table.column_names) - set(kept):
            column = table.column(name)
            self.add(name, len(column) - column.null_count, why.get(name, REST))

    def losses(self) -> tuple[Loss, ...]:
        """What was counted, the largest first."""
        found = [Loss(what, rows, self.why[what]) for what, rows in self.rows.items()]
        return tuple(sorted(found, key=lambda loss: (-loss.rows, loss.what)))


def in_words(losses: Iterable[Loss]) -> list[str]:
    """A line for each reason and number of rows."""
    together: dict[tuple[int, str], list[str]] = {}
    for loss in losses:
        together.setdefault((loss.rows, loss.why), []).append(loss.what)
    return [f"{', '.join(names)} ({rows:,} rows): {why}" for (rows, why), names in together.items()]
