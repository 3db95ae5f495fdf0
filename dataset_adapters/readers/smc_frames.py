"""Writes the pictures of DNA-Rendering's .smc files as files, where the adapters expect them.

python -m ehpsbench.dataset_adapters.readers.smc_frames ROOT [--every 10]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ehpsbench.atomic import replacing
from ehpsbench.dataset_adapters.readers.hdf5 import opened_hdf5
from ehpsbench.dataset_adapters.readers.smc import GROUPS, frame_path

__all__ = ["write_frames"]


def write_frames(root: Path, every: int = 1) -> int:
    """Write frames of all sequences below `root` as they are encoded; returns how many.

    Args:
        root: of the release; `frames/` comes beside each `main/`.
        every: only frames whose number is a multiple of this.
    """
    count = 0
    for path in sorted(root.glob("**/main/*.smc")):
        with opened_hdf5(path, f"pictures in {' and '.join(GROUPS)}") as file:
            for group in (name for name in GROUPS if name in file):
                for camera in file[group]:
                    pictures = file[group][camera]["color"]
                    wanted = [int(name) for name in pictures if int(name) % every == 0]
                    for frame in sorted(wanted):
                        target = frame_path("", path.stem, int(camera), frame)
                        _save(path.parent.parent / target, np.asarray(pictures[str(frame)]))
                    count += len(wanted)
    return count


def _save(path: Path, encoded: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(encoded.astype(np.uint8).tobytes())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="folder with main/ and annotations/")
    parser.add_argument("--every", type=int, default=1, help="every so many frames")
    arguments = parser.parse_args()
    print(f"{write_frames(arguments.root, arguments.every)} frames written")
