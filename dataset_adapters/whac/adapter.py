"""WHAC-A-Mole: the owners ship HumanData; to that come its moving cameras and its recordings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.identity import text
from ehpsbench.dataset_adapters.readers import humandata
from ehpsbench.dataset_adapters.readers.humandata_file import Rows, numbers, opened
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Columns, Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["read", "units"]

VIEW = re.compile(r"/img/[^/]+$")  # <recording>/img/<camera>
NOT_RIGID = 1e-3


def units(release: Release) -> Iterator[Unit]:
    """The owners' files, large ones in portions."""
    return humandata.units(release)


def read(unit: Unit, bodies: BodySet) -> Instances:
    """People of one portion of a file, in the camera frame, with their cameras in the world.

    Raises:
        InputError: the file is broken, or its `RT` are no cameras.
    """
    found = humandata.read(unit, bodies)
    rows = Rows(opened(unit.files[0]), *unit.key["rows"])
    columns, images = dict(found.columns), dict(found.images)
    world = _world(rows)
    place = {key: row for row, key in enumerate(columns["image_id"].tolist())}
    somebody = np.asarray([place[key] for key in images["image_id"].tolist()], np.int64)
    columns |= world
    images |= {name: values[somebody] for name, values in world.items()}
    for table in (columns, images):
        table["cluster"] = _recordings(unit.release.name, table)
    return Instances(columns, images)


def _world(rows: Rows) -> dict[str, NDArray[Any]]:
    """World → camera of N people's images; nothing where the file does not say it."""
    said = rows.entry("meta", "RT")
    if said is None:
        return {}
    flat, _ = numbers(said)
    if flat.shape[1] not in (12, 16):
        raise InputError(f"{rows.file.path}: meta RT are {said.shape}, expected (N, 4, 4).")
    chain = flat.reshape(len(flat), -1, 4)[:, :3]
    turn = chain[..., :3]
    apart = np.abs(turn @ turn.transpose(0, 2, 1) - np.eye(3)).max(initial=0.0)
    if not apart < NOT_RIGID:
        raise InputError(
            f"{rows.file.path}: meta RT should be rotations and translations, world → camera, but "
            f"differ from that by {apart:.2g}. Download the file again."
        )
    return {"world_rotation": turn.reshape(-1, 9), "world_translation": chain[..., 3]}


def _recordings(dataset: str, table: Columns) -> NDArray[Any]:
    """What a bootstrap resamples: a recording with all its cameras."""
    names = (VIEW.sub("", sequence).replace("/", ":") for sequence in table["sequence"].tolist())
    return text(f"{dataset}/{name}" for name in names)
