"""The Kinects of an EgoBody recording: lenses, and the way from the master's frame to theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.readers.egobody import read_transform
from ehpsbench.dataset_adapters.readers.fit_files import opencv_lens
from ehpsbench.dataset_adapters.readers.static_views import StaticView
from ehpsbench.errors import InputError, MissingFiles

__all__ = ["KINECTS", "MASTER", "read_views", "view_files"]

Floats = NDArray[np.float64]
MASTER = "master"
KINECTS = {"sub_1": 11, "sub_2": 13, "sub_3": 14, "sub_4": 15}  # the master is no. 12


SIZE = np.array([1920, 1080])  # px


def view_files(root: Path, recording: str) -> Iterator[Path]:
    """The calibration files of a recording that are there."""
    for name in (MASTER, *KINECTS):
        trans = _trans(root, recording, name)
        if name == MASTER or trans:
            yield _lens(root, name)
        if trans:
            yield trans


def read_views(root: Path, recording: str) -> list[StaticView]:
    """The views of a recording: the master, and each other Kinect that was calibrated there.

    Raises:
        MissingFiles: a view has no Color.json.
        InputError: a file is broken.
    """
    views = []
    for name in (MASTER, *KINECTS):
        trans = _trans(root, recording, name)
        if name != MASTER and trans is None:  # sub_3 and sub_4 are of 2022 only
            continue
        to_master = np.eye(4) if trans is None else read_transform(trans)
        chain = np.asarray(np.linalg.inv(to_master), np.float64)
        views.append(_read_view(name, _lens(root, name), chain))
    return views


def _lens(root: Path, name: str) -> Path:
    return root / f"kinect_cam_params/kinect_{name}/Color.json"


def _trans(root: Path, recording: str, name: str) -> Path | None:
    """The calibration to the master; the documents omit the level cal_trans, the code does not."""
    if name == MASTER:
        return None
    file = f"kinect_{KINECTS[name]}to12_color.json"
    folder = root / "calibrations" / recording
    return next((p for p in (folder / "cal_trans" / file, folder / file) if p.is_file()), None)


def _read_view(name: str, path: Path, from_master: Floats) -> StaticView:
    if not path.is_file():
        raise MissingFiles(f"{path} is not there; unpack kinect_cam_params beside calibrations.")
    content = read_json(path)
    try:
        focal, centre = (np.asarray(content[key], np.float64).reshape(2) for key in "fc")
        bent = np.asarray(content["k"], np.float64).reshape(-1)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected f, c and k of a colour camera ({type(error).__name__}: {error})."
        ) from error
    return StaticView(
        name=name,
        path=path,
        size=SIZE,
        focal=focal,
        principal_point=centre,
        world_rotation=from_master[:3, :3],
        world_translation=from_master[:3, 3],
        distortion=opencv_lens(bent, path),
    )
