"""Writes what both parts of EgoBody share: the two tables, calibrations and fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import write_text
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.readers.fit_files_sample import write_fit_files

__all__ = ["SPLITS", "listed", "write_fits", "write_tables", "write_transform"]

Floats = NDArray[np.float64]
SPLITS = ("train", "val", "test")
SCENE = "seminar_g110"


def listed(
    name: str, body: int, genders: tuple[str, str], frames: tuple[int, int]
) -> dict[str, str]:
    """A row of data_info_release.csv.

    Args:
        name: of the recording.
        body: index of the interactee.
        genders: of body 0 and 1.
        frames: first and last that count.
    """
    return {
        "scene_name": SCENE,
        "body_idx_0": f"0 {genders[0]}",
        "body_idx_1": f"1 {genders[1]}",
        "start_frame": str(frames[0]),
        "end_frame": str(frames[1]),
        "body_idx_fpv": f"{body} {genders[body]}",
        "recording_name": name,
    }


def write_tables(root: Path, rows: Sequence[dict[str, str]], splits: Mapping[str, str]) -> None:
    """The two CSV files of the release; `splits` gives the split of each recording."""
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    write_text(root / "data_info_release.csv", "\n".join(lines) + "\n")
    columns = [[name for name, of in splits.items() if of == split] for split in SPLITS]
    length = max(map(len, columns))
    padded = [column + [""] * (length - len(column)) for column in columns]
    lines = [",".join(SPLITS), *(",".join(row) for row in zip(*padded, strict=True))]
    write_text(root / "data_splits.csv", "\n".join(lines) + "\n")


def write_transform(path: Path, matrix: Floats) -> None:
    """A calibration file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_json(path, {"trans": matrix})


def write_fits(
    paths: Sequence[Path | None], fit: Mapping[str, Floats], gender: str, rng: np.random.Generator
) -> None:
    """A pickle a frame, with what the fitting left over; (F, k) parameters, hands as components."""
    write_fit_files(
        paths,
        fit,
        pose_embedding=rng.standard_normal((1, 32)).astype(np.float32),
        camera_rotation=np.eye(3, dtype=np.float32)[None],
        camera_translation=rng.standard_normal((1, 3)).astype(np.float32),
        gender=gender,
    )
