"""Where the verbs print: tables for people, JSON for programs, progress on stderr."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

PIPED_WIDTH = 10_000  # columns where no terminal sets them: nothing is folded in a file


def visible(text: str) -> str:
    """What a terminal would obey, such as colours and cursor moves in a file's name, as letters."""
    shown = (c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)
    return text if text.isprintable() else "".join(shown)


class _Printed(Console):
    """A console that shows text and never obeys it."""

    def print(self, *objects: Any, **options: Any) -> None:
        """See `rich.console.Console.print`."""
        super().print(*(visible(o) if isinstance(o, str) else o for o in objects), **options)


# markup off: brackets and colons in names, paths and globs are text
_width = None if sys.stdout.isatty() else PIPED_WIDTH
out = _Printed(highlight=False, markup=False, emoji=False, width=_width)
err = _Printed(stderr=True, highlight=False, markup=False, emoji=False)

READABLE = 240  # characters: rows wider than that are shown one value a line
LEAST_COLUMN = 9  # characters that a column of a table needs to be read
SHOW_AFTER = 2.0  # seconds: what ends sooner needs no progress bar


def print_json(value: Any) -> None:
    """Write JSON to stdout, without colours or wrapping."""
    print(json.dumps(_json(value), indent=1, ensure_ascii=False, default=str, allow_nan=False))


def _json(value: Any) -> Any:
    """`value` with what JSON lacks replaced: NaN by null, decimals by numbers, bytes by hex."""
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, Decimal):
        return _json(float(value))
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.hex() if isinstance(value, bytes) else value


def print_table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table to stdout; columns that hold only numbers stand to the right."""
    body = [list(row) for row in rows]
    if len(head) * LEAST_COLUMN > min(out.width, READABLE):
        _print_records(head, body)
        return
    table = Table(
        title=visible(title) or None, title_justify="left", box=None, padding=(0, 2, 0, 0)
    )
    for i, name in enumerate(head):
        numbers = bool(body) and all(isinstance(row[i], int | float) for row in body)
        table.add_column(visible(name), justify="right" if numbers else "left", overflow="fold")
    for row in body:
        table.add_row(*[Text(visible(_words_of(value))) for value in row])
    out.print(table)


def _words_of(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _print_records(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows with more columns than fit side by side: one block a row, a line a value."""
    longest = max(map(len, head))
    for row in rows:
        for name, value in zip(head, row, strict=True):
            out.print(f"{name:<{longest}}  {_words_of(value)}", soft_wrap=True)
        out.print()


@contextmanager
def progress_bar(what: str, unit: str) -> Iterator[Callable[[int, int, int], None]]:
    """A bar with an estimate of the time left, shown once the work takes longer than 2 s.

    Yields:
        A function to call with steps done, steps in all, and a running count of `unit`.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}  {task.fields[count]:,} {task.fields[unit]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    started = time.monotonic()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, visible=False, count=0, unit=unit)

        def update(done: int, total: int, count: int) -> None:
            late = time.monotonic() - started > SHOW_AFTER
            bar.update(task, completed=done, total=total, count=count, visible=late)

        yield update


@contextmanager
def counting_bar(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar whose steps are what is counted: a function to call with done and in all."""
    with progress_bar(what, unit) as bar:
        yield lambda done, total: bar(done, total, done)


def say(line: str) -> None:
    """Write one line of progress to stderr."""
    err.print(line, soft_wrap=True)


def bodies_of(store: Store, datasets: Sequence[str], body_models: Path | None) -> BodySet:
    """The one body set that the rows of some datasets belong to."""
    from ehpsbench.label_bodies import bodies_of_rows

    return bodies_of_rows(store, datasets, body_models)


def print_verdict(verdict: dict[str, Any]) -> None:
    """Write what became of the demo's planted order."""
    out.print(verdict["text"], style="green" if verdict["recovered"] else "red", soft_wrap=True)
