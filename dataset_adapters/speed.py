"""How fast releases are read, as `benchmarks/ingest.py --save` measured it last."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from ehpsbench.atomic import write_text
from ehpsbench.definitions import Definition, read_definition

__all__ = ["Speed", "SpeedTable", "read_speeds", "save_speeds"]

TABLE = Path(__file__).with_name("speed.toml")
HEAD = "# Written by benchmarks/ingest.py --save; shown in docs/datasets.md. People per second.\n"
Files = Literal["arrays", "frames", "pictures"]


class Speed(Definition):
    """One dataset; rates are people per second of one worker with one thread.

    Attributes:
        people: in the release that was read.
        files: arrays (few annotation files), frames (about one an image) or pictures (sizes stand
            in the headers of the images only).
        read: the adapter and the checks.
        all: the whole ingest, with hashing, staging and merging.
        loop: a loop over people on the same files.
    """

    people: int
    files: Files
    read: float
    all: float
    loop: float


class SpeedTable(Definition):
    """All datasets that were measured, and on what machine and when, in words."""

    measured: str = ""
    datasets: dict[str, Speed] = Field(default_factory=dict)


def read_speeds(path: Path = TABLE) -> SpeedTable:
    """What was measured last.

    Raises:
        InputError: the table is broken.
    """
    return read_definition(SpeedTable, path, "table of speeds")


def save_speeds(speeds: Mapping[str, Speed], measured: str, path: Path = TABLE) -> None:
    """Put new rows into the table; those of other datasets stay."""
    rows = dict(sorted({**read_speeds(path).datasets, **speeds}.items()))
    text = f"{HEAD}measured = {measured!r}\n"
    for name, speed in rows.items():
        text += f"\n[datasets.{name}]\npeople = {speed.people}\nfiles = '{speed.files}'\n"
        text += f"read = {speed.read:.0f}\nall = {speed.all:.0f}\nloop = {speed.loop:.1f}\n"
    write_text(path, text)
