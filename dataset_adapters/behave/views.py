"""BEHAVE's Kinects: lenses that all recordings share, places that all of a day share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.readers.fit_files import opencv_lens
from ehpsbench.dataset_adapters.readers.static_views import StaticView
from ehpsbench.errors import InputError

__all__ = ["read_views", "view_files"]

NAMED = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")  # in OpenCV's order
LENS_FIRST = 4  # of the list `opencv`: fx, fy, cx, cy


def view_files(root: Path, info: Mapping[str, Any]) -> Iterator[Path]:
    """The calibration files of a sequence: lens and place of each of its Kinects."""
    for number in info["kinects"]:
        yield _below(root, info["intrinsic"]) / f"{number}/calibration.json"
        yield _below(root, info["config"]) / f"{number}/config.json"


def read_views(root: Path, info: Mapping[str, Any]) -> list[StaticView]:
    """The views of a sequence.

    Raises:
        InputError: a file is broken.
    """
    files = iter(view_files(root, info))
    return [_view(int(number), next(files), next(files)) for number in info["kinects"]]


def _below(root: Path, place: Any) -> Path:
    """A folder of calibs/ that a sequence names from its own or from another machine's place."""
    return root / "calibs" / str(place).replace("\\", "/").split("calibs/")[-1]


def _view(number: int, lens_file: Path, place_file: Path) -> StaticView:
    lens, place = read_json(lens_file), read_json(place_file)
    try:
        colour = lens["color"]
        size = np.array([colour["width"], colour["height"]], np.int64)
        focal, centre = (
            np.array([colour[f"{name}x"], colour[f"{name}y"]], np.float64) for name in ("f", "c")
        )
        listed = colour.get("opencv")
        bent = listed[LENS_FIRST:] if listed else [colour[name] for name in NAMED]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{lens_file} has no lens ({type(error).__name__}: {error}). Expected color with fx, "
            "fy, cx, cy, width, height and opencv or k1 to k6, p1, p2."
        ) from error
    try:
        turn = np.asarray(place["rotation"], np.float64).reshape(3, 3)
        position = np.asarray(place["translation"], np.float64).reshape(3)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{place_file}: expected rotation and translation, camera → world "
            f"({type(error).__name__}: {error})."
        ) from error
    return StaticView(
        name=f"k{number}",
        path=lens_file,
        size=size,
        focal=focal,
        principal_point=centre,
        world_rotation=turn.T,
        world_translation=-turn.T @ position,
        distortion=opencv_lens(bent, lens_file),
    )
