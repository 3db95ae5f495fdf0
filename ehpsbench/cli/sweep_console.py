"""What a sweep shows on the console: what its plan costs, how far it is, what failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ehpsbench.cli import console

if TYPE_CHECKING:
    from ehpsbench.executors.settings import Settings
    from ehpsbench.leaderboards.sweeps.cost import Cost
    from ehpsbench.leaderboards.sweeps.jobs import Job, Work
    from ehpsbench.leaderboards.sweeps.showing import Status
    from ehpsbench.leaderboards.sweeps.sweep import Ended, Failure, Watch

LINE_EVERY = 60.0  # seconds between two lines of progress where there is no terminal
SHOWN = 16  # running cells that are listed


def duration(seconds: float) -> str:
    """A time in the two largest units that it needs: 2 h 5 min, 40 s."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, hours = divmod(whole // 60, 60)[1], whole // 3600
    if hours < 48:
        return f"{hours} h {minutes} min" if hours else f"{minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def in_bytes(count: int) -> str:
    """A size in the unit that fits: 3.1 GB, 120 MB."""
    for unit, size in (("TB", 1e12), ("GB", 1e9)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1e6:.0f} MB" if count >= 1e6 else "under 1 MB"


def show_plan(
    work: Work,
    jobs: Sequence[Job],
    where: Settings,
    *,
    cells: bool,
    json: bool,
    rungs: int = 0,
) -> None:
    """Say what a plan costs; with `cells` also list them, which is all that JSON is for."""
    from ehpsbench.executors.cores import device_of
    from ehpsbench.executors.local import places
    from ehpsbench.leaderboards.sweeps.cost import cost
    from ehpsbench.leaderboards.sweeps.jobs import taken

    side = {"local": len(places(where)), "here": 1}.get(where.executor, where.workers)
    found = cost(work, jobs, at_once=side, rungs=rungs, device=device_of(where))
    if cells and json:
        console.print_json({"cells": [one.as_dict() for one in jobs], "cost": asdict(found)})
        return
    if cells:
        rows = [(j.entry, j.group, j.seed, j.samples, "done" if j.done else "to do") for j in jobs]
        console.print_table("Cells", ("cell", "dataset", "seed", "samples", "state"), rows)
    console.say(cost_words(found, side))
    if work.replace and (old := taken(work, jobs)):
        console.say(
            f"Removed and trained anew, as they are finished with other content: {', '.join(old)}."
        )


def cost_words(found: Cost, at_once: int | None) -> str:
    """What a plan costs, in a sentence or two."""
    left = found.cells - found.done
    words = f"{found.cells} cells, {found.done} done, {left} to do: {found.samples:,} samples"
    if not left:
        return f"{found.cells} cells, all done."
    if found.seconds is None:
        words += ", time unknown until the first cell is done"
    else:
        side = min(at_once or left, left)
        words += f", about {duration(found.seconds / side)} with {side} at once"
        words += f" (as {found.measured} finished cells took)"
    disk = f"crops about {in_bytes(found.crops_bytes)}, runs {in_bytes(found.runs_bytes)}"
    return f"{words}. Disk: {disk}."


@contextmanager
def progress(executor: Settings) -> Iterator[tuple[Ended, Watch]]:
    """Shows how far a sweep is: live in a terminal, else a line a cell and a line a minute.

    In the block SIGTERM stops everything in good order.

    Args:
        executor: that the sweep runs on.

    Yields:
        What to give a sweep as `ended` and as `watch`.
    """
    from rich.live import Live

    from ehpsbench.executors.stopping import stops_on_sigterm

    def ended(done: int, total: int, entry: str) -> None:
        console.say(f"{done}/{total}  {entry}")

    with stops_on_sigterm():
        if not console.err.is_terminal:
            yield ended, _every_minute()
            return
        with Live(console=console.err, transient=True, auto_refresh=False) as live:
            yield ended, lambda status: live.update(_picture(status), refresh=True)


def _every_minute() -> Callable[[Status], None]:
    last = time.monotonic()

    def watch(status: Status) -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_EVERY:
            last = time.monotonic()
            console.say(status_words(status))

    return watch


def status_words(status: Status) -> str:
    """A sweep at one moment, in a line."""
    words = f"cells: {status.done} of {status.cells} done, {len(status.running)} running"
    if status.failed:
        words += f", {status.failed} failed"
    words += f"; samples: {status.seen:,} of {status.samples:,}; {duration(status.seconds)}"
    if 0 < status.seen < status.samples:
        left = status.seconds * (status.samples - status.seen) / status.seen
        words += f", about {duration(left)} to go"
    return words


def _picture(status: Status) -> Any:
    """The line, and one for each running cell."""
    from rich.text import Text

    lines = [status_words(status)]
    for one in status.running[:SHOWN]:
        lines.append(f"  {one.cell}  {one.doing}  {one.seen:,} of {one.samples:,}")
    if len(status.running) > SHOWN:
        lines.append(f"  and {len(status.running) - SHOWN} more")
    return Text("\n".join(lines), overflow="ellipsis", no_wrap=True)


def print_failures(failures: Sequence[Failure]) -> None:
    """Say which cells failed and why, and what to do."""
    for failure in failures:
        console.say(f"failed: {failure.job.entry}: {failure.words}")
    if failures:
        console.say(
            f"{len(failures)} cells failed; what is shown is of the others. Run the same command "
            "again to go on with them."
        )
