"""Writes the crops of the record files as pictures: python -m …insta_variety.unpack ROOT."""

from __future__ import annotations

import sys
from pathlib import Path

from ehpsbench.dataset_adapters.insta_variety.tracks import read_tracks

__all__ = ["unpack"]


def unpack(root: Path) -> int:
    """Write the crops of all tracks below `root`; those that are there already stay.

    Returns:
        How many were written.
    """
    written = 0
    for path in sorted(root.glob("t[re]*/insta_variety_*.tfrecord")):
        for track in read_tracks(path, crops=True):
            for frame, crop in enumerate(track.crops):
                picture = root / track.picture(path.parent.name, path.stem, frame)
                if picture.is_file():
                    continue
                picture.parent.mkdir(parents=True, exist_ok=True)
                picture.write_bytes(crop)
                written += 1
    return written


if __name__ == "__main__":
    for place in sys.argv[1:]:
        print(f"{unpack(Path(place)):,} crops written below {place}")
