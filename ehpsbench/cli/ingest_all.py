"""`ehpsbench ingest all --root PARENT`: every release that lies there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ehpsbench.dataset_adapters.finding import FoundRelease

__all__ = ["ingest_all", "show_releases"]

HEAD = ("dataset", "root", "people", "refused", "what")


def show_releases(parent: Path, json: bool) -> int:
    """Say which releases lie below a folder; the exit code."""
    from ehpsbench.cli import console

    found = _found(parent)
    rows = [(", ".join(release.datasets), str(release.root)) for release in found]
    if json:
        console.print_json([{"datasets": r.datasets, "root": str(r.root)} for r in found])
    elif rows:
        console.print_table(f"Releases below {parent}", ("dataset", "root"), rows)
    return 0 if found else 1


def ingest_all(parent: Path, one: Callable[[str, Path], Any], json: bool) -> int:
    """Ingest every release below a folder; one that fails does not stop the others.

    Args:
        parent: the folder.
        one: ingests a dataset from a root and returns the report.
        json: print for programs.

    Returns:
        The exit code: 0 where all went well.
    """
    from ehpsbench.cli import console
    from ehpsbench.errors import EhpsbenchError, Stopped

    rows: list[dict[str, Any]] = []
    for release in _found(parent):
        row: dict[str, Any] = {"dataset": ", ".join(release.datasets), "root": str(release.root)}
        rows.append(row | {"people": 0, "refused": 0, "what": "stored"})
        if len(release.datasets) > 1:
            rows[-1]["what"] = "files of several datasets: ingest it by the name of one"
            continue
        try:
            report = one(release.datasets[0], release.root)
            stored = sum(report.instances.values())
            rows[-1] |= {"people": stored, "refused": sum(report.rejects.values())}
            rows[-1] |= (
                {} if stored else {"what": "no people stored: see what was refused, and why"}
            )
            for note in report.notes:
                console.say(note)
        except Stopped:
            raise
        except EhpsbenchError as error:
            rows[-1]["what"] = f"failed: {error}"
    if json:
        console.print_json(rows)
    elif rows:
        console.print_table("", HEAD, [[row[column] for column in HEAD] for row in rows])
    return 0 if rows and all(row["what"] == "stored" for row in rows) else 1


def _found(parent: Path) -> list[FoundRelease]:
    from ehpsbench.cli import console
    from ehpsbench.dataset_adapters.finding import find_releases, folders_without

    found = find_releases(parent)
    if not found:
        console.say(
            f"No release lies in {parent} or two levels below it. `ehpsbench datasets NAME` shows "
            "which files tell one."
        )
    elif others := folders_without(parent, found):
        named = [str(d) if os.access(d, os.R_OK | os.X_OK) else f"{d} (unreadable)" for d in others]
        console.say(
            f"No release was found in {', '.join(named)}. Where one should be: "
            "`ehpsbench ingest NAME --root FOLDER --check` says which files it lacks."
        )
    return found
