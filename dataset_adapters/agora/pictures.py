"""AGORA's pictures on disk: which there are, in which of the two sizes, and their masks."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.schema import nullable

FULL_HEIGHT, SMALL_HEIGHT = 2160, 720  # px, at 16:9; the dataframes speak of the full size
SMALL = "_1280x720"
EVERYBODY = "00000"  # the mask with all people, each in a colour of his own
_NAME = re.compile(r"(.+?)(?:_(cam\d+))?_(\d+)")
_MASK = re.compile(rf"(.+)_mask(?:_(cam\d+))?_(\d+)_{EVERYBODY}")
_WITHOUT_PICTURES = {"smplx_gt", "smpl_gt", "ehpsbench-sample"}


@dataclass(frozen=True, slots=True)
class Pictures:
    """Paths below the release, by name without suffix and size.

    Attributes:
        full: of 3840×2160.
        small: of 1280×720.
        masks: by sequence, camera, frame and whether the small size is meant.
    """

    full: dict[str, str]
    small: dict[str, str]
    masks: dict[tuple[str, str, int, bool], str]

    def heights(self, names: Sequence[str]) -> NDArray[np.int64]:
        """(M,) height of each picture [px]; the full size wins, and stands for what is absent."""
        default = SMALL_HEIGHT if self.small and not self.full else FULL_HEIGHT
        found = (
            FULL_HEIGHT if n in self.full else SMALL_HEIGHT if n in self.small else default
            for n in names
        )
        return np.asarray([*found], np.int64)

    def paths(self, names: Sequence[str], heights: NDArray[np.int64], folder: str) -> NDArray[Any]:
        """(M,) paths; one that is absent is expected in `folder`."""
        paths = []
        for name, height in zip(names, heights.tolist(), strict=True):
            suffix = SMALL if height == SMALL_HEIGHT else ""
            there = self.small if suffix else self.full
            paths.append(there.get(name, f"{folder}/{name}{suffix}.png"))
        return np.asarray(paths, object)

    def mask_paths(self, names: Sequence[str], heights: NDArray[np.int64]) -> NDArray[Any]:
        """(M,) masks of everybody, in the picture's size; null where there is none."""
        paths = [
            self.masks.get((*split_name(n), h == SMALL_HEIGHT))
            for n, h in zip(names, heights.tolist(), strict=True)
        ]
        return nullable(np.asarray(paths, object), [p is not None for p in paths])


def split_name(name: str) -> tuple[str, str, int]:
    """Sequence, camera ("0" where the name has none) and frame of a picture.

    >>> split_name("ag_trainset_axyz_bfh_archviz_5_10_cam02_00011")
    ('ag_trainset_axyz_bfh_archviz_5_10', 'cam02', 11)
    """
    match = _NAME.fullmatch(name)
    return (match[1], match[2] or "0", int(match[3])) if match else (name, "0", 0)


def pictures_below(root: Path) -> Pictures:
    """All pictures of a release, in whatever folders they lie."""
    found = Pictures({}, {}, {})
    for folder, below, files in os.walk(root):
        below[:] = sorted(set(below) - _WITHOUT_PICTURES)
        for file in sorted(files):
            if file.endswith(".png"):
                _note(found, file[:-4], (Path(folder) / file).relative_to(root).as_posix())
    return found


def _note(found: Pictures, stem: str, path: str) -> None:
    name = stem.removesuffix(SMALL)
    small = name != stem
    if "_mask_" not in name:
        (found.small if small else found.full)[name] = path
    elif mask := _MASK.fullmatch(name):
        found.masks[mask[1], mask[2] or "0", int(mask[3]), small] = path
