"""One HumanData file while it is filled, and how it is saved."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.curation.export.body_points import ALL, body_pixels, body_points, labelled
from ehpsbench.curation.export.humandata_rows import BOXES, Shape, body, boxes, meta
from ehpsbench.curation.export.humandata_settings import OF_PICTURES, misc
from ehpsbench.curation.export.job import Job
from ehpsbench.curation.export.npz import NpzWriter
from ehpsbench.curation.export.spool import Spool, Texts
from ehpsbench.errors import MissingBody
from ehpsbench.schema import Columns

__all__ = ["Rows", "save"]

META_NUMBERS: dict[str, tuple[str, tuple[int, ...]]] = {
    "height": ("<i8", ()),
    "width": ("<i8", ()),
    "focal_length": ("<f8", (2,)),
    "principal_point": ("<f8", (2,)),
    "annot_valid": ("|b1", ()),
    "lefthand_valid": ("|b1", ()),
    "righthand_valid": ("|b1", ()),
    "face_valid": ("|b1", ()),
    "orientation": ("<i8", ()),
}
META_TEXTS = ("gender", "cam_id", "person_id", "track_id", "instance_id")


class Rows:
    """The people of one file, on disk until it is saved.

    Args:
        folder: for the columns, made anew.
        shape: what the rows have in common.
    """

    def __init__(self, folder: Path, shape: Shape) -> None:
        folder.mkdir(parents=True)
        self.folder, self.shape, self.count = folder, shape, 0
        self.paths = Texts(folder / "image_path")
        self.boxes = {key: Spool(folder / key, "<f4", (5,)) for key in BOXES}
        self.table = {
            name: Spool(folder / f"body.{name}", "<f4", row) for name, row in shape.rows().items()
        }
        self.meta: dict[str, Spool | Texts] = {
            name: Spool(folder / f"meta.{name}", kind, row)
            for name, (kind, row) in META_NUMBERS.items()
        }
        self.meta |= {name: Texts(folder / f"meta.{name}") for name in META_TEXTS}
        # of the body before those of the release: the loader's order of preference
        drawn = "smpl" if shape.family == "smpl" else "smplx"
        self.points = {
            f"keypoints{size}d_{source}": Spool(
                folder / f"keypoints{size}d_{source}", "<f4", (ALL, size + 1)
            )
            for source in (drawn, "original")
            for size in (2, 3)
        }
        self.masks = {name: np.zeros(ALL, np.uint8) for name in self.points}
        self.labels: set[str] = set()
        self.rates: set[float] = set()
        self.metric = False

    def add(self, columns: Columns, paths: NDArray[Any], job: Job) -> None:
        """Rows behind those that are there.

        Raises:
            MissingBody: the labels' body models are not at hand.
        """
        if job.bodies is None:
            raise MissingBody(f"The bodies of {job.dataset} are not at hand.")
        self.paths.add(paths)
        for key, box in boxes(columns).items():
            self.boxes[key].add(box)
        for name, values in body(columns, self.shape, job.bodies).items():
            self.table[name].add(values)
        for name, said in meta(columns, job.card).items():
            self.meta[name].add(said)
        points = body_points(columns, job.bodies, job.root)
        drawn = {2: body_pixels(columns, points), 3: points}
        for name, spool in self.points.items():
            size = int(name[len("keypoints")])
            values = labelled(columns, size) if name.endswith("original") else drawn[size]
            spool.add(values)
            self.masks[name] |= (values[..., -1] > 0).any(0)
        self._note(columns)
        self.count += len(paths)

    def _note(self, columns: Columns) -> None:
        """What the settings of the file say of all rows."""
        self.labels |= set(_known(columns, "labels"))
        self.rates |= set(_known(columns, "fps"))
        self.metric |= bool(np.any(_known(columns, "camera_valid")))

    def close(self) -> None:
        """Forget the rows."""
        shutil.rmtree(self.folder)


def _known(columns: Columns, name: str) -> list[Any]:
    """The values of a column that are not null."""
    values: list[Any] = np.ma.asarray(columns.get(name, np.empty(0))).compressed().tolist()
    return [value for value in values if value is not None]


def save(path: Path, rows: Rows, job: Job) -> None:
    """Write the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tracked = rows.meta["track_id"]
    told = {
        name: values
        for name, values in rows.meta.items()
        if (values is not tracked or (isinstance(tracked, Texts) and tracked.filled))
        and (job.pictured or name not in OF_PICTURES)
    }
    with NpzWriter(path) as file:
        file.array("image_path" if job.pictured else "video_path", rows.paths)
        for key, box in rows.boxes.items():
            file.array(key, box)
        for name, points in rows.points.items():
            file.array(name, points)
            file.array(f"{name}_mask", rows.masks[name])
            file.array(f"{name}_convention", "human_data")
        file.table(rows.shape.table, rows.table)
        file.table("meta", told)
        file.table("misc", misc(job, rows.shape, rows.labels, rows.rates, metric=rows.metric))
        file.array("config", f"ehpsbench_{path.stem}")
        file.array("__data_len__", rows.count)
        file.array("__key_strict__", False)
        file.array("__keypoints_compressed__", False)
