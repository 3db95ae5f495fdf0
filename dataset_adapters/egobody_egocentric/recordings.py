"""Which recordings EgoBody has: their split, and who is seen in which frames."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ehpsbench.errors import InputError

__all__ = ["Recording", "recordings"]


class Recording(NamedTuple):
    """A row of data_info_release.csv, with the split of data_splits.csv.

    `body` and `gender` are the interactee's; labels count from `start` to `end`, both included.
    """

    name: str
    split: str
    body: int
    gender: str
    start: int
    end: int

    @property
    def subject(self) -> str:
        """The interactee: recording_<date>_<wearer>_<interactee>_<take>."""
        return self.name.split("_")[3]


def recordings(root: Path) -> Iterator[Recording]:
    """The recordings whose egocentric images or cameras are in the release.

    Raises:
        InputError: a table lacks a column, or a recording has no split.
    """
    info, splits = root / "data_info_release.csv", root / "data_splits.csv"
    split_of = {
        name: split
        for row in _table(splits)
        for split, name in row.items()
        if name and name.lower() != "nan"  # the columns differ in length
    }
    for row in _table(info):
        try:
            name = row["recording_name"]
            body, gender = row["body_idx_fpv"].split()
            start, end = (int(float(row[f"{which}_frame"])) for which in ("start", "end"))
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{info}: expected recording_name, start_frame, end_frame and body_idx_fpv "
                f"('1 female') in every row, got {row} ({error})."
            ) from error
        if not (root / "egocentric_color" / name).is_dir():
            continue
        if name not in split_of:
            raise InputError(f"{splits} gives no split to {name}, which is in {info.name}.")
        yield Recording(name, split_of[name], int(body), gender.lower(), start, end)


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream)
        return [{k.strip(): (v or "").strip() for k, v in row.items() if k} for row in rows]
