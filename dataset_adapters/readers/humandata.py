"""HumanData, the exchange format of MMHuman3D, of whatever dataset: `--layout humandata`.

Both dialects are read: one `keypoints2d`/`keypoints3d` with `bbox_xywh`, and the later one with
`keypoints{2d,3d}_{smpl,smplx,original}` and boxes of hands and face.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.readers.humandata_body import body_columns
from ehpsbench.dataset_adapters.readers.humandata_file import IMAGE_PATH, Rows, holds_rows, opened
from ehpsbench.dataset_adapters.readers.humandata_images import (
    PROBED_PATHS,
    camera_columns,
    clean_path,
    image_columns,
    image_index,
    lens_of_images,
    pictures_folder,
)
from ehpsbench.dataset_adapters.readers.humandata_labels import (
    box_columns,
    keypoints,
    owner_valid,
)
from ehpsbench.dataset_adapters.release import SAMPLE_MARKER, Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances, present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

UNIT_ROWS = 50_000  # people read at once; some files hold a million


def units(release: Release) -> Iterator[Unit]:
    """The files of this dataset, large ones in portions.

    Where file names tell datasets apart (a folder with the HumanData of many), only those with
    this dataset's name are taken.

    Raises:
        InputError: a file is a cache that only looks like HumanData, or none is HumanData.
    """
    found = [path for pattern in ("**/*.npz", "**/*.pkl") for path in release.find(pattern)]
    marker = (release.root / SAMPLE_MARKER).parent
    files = [path for path in _of_dataset(release, found) if path.parent != marker]
    files = [path for path in files if holds_rows(path)]
    if not files:
        raise InputError(
            f"{release.root} holds no HumanData file of {release.card.title}: an .npz with "
            f"{IMAGE_PATH!r}, called after the dataset where files of several lie together."
        )
    for path in files:
        file = opened(path)
        stem = release.relative(path)
        first = file.rows(IMAGE_PATH, 0, PROBED_PATHS)
        paths = [] if first is None else [clean_path(p) for p in first.tolist()]
        pictures = pictures_folder(release, paths)
        for start in range(0, max(file.count, 1), UNIT_ROWS):
            stop = min(start + UNIT_ROWS, file.count)
            name = stem if file.count <= UNIT_ROWS else f"{stem}:{start}"
            yield Unit(name, release, (path,), {"rows": (start, stop), "pictures": pictures})


def read(unit: Unit, bodies: BodySet | None) -> Instances:
    """People and images of one portion of a file, in the camera frame already."""
    rows = Rows(opened(unit.files[0]), *unit.key["rows"])
    index = image_index(rows.file)
    here = slice(rows.start, rows.stop)
    used, first, image = np.unique(index.image[here], return_index=True, return_inverse=True)
    images = image_columns(unit, rows, used, first)
    card = unit.release.card
    people = person_identity(images, image, index.person[here])
    body = body_columns(rows, card, bodies)
    metric = card.annotation != "pseudo"
    camera = camera_columns(rows, people["width"], people["height"], metric=metric)
    if "transl" in body:
        camera["camera_valid"] &= present(body["transl"])
    columns = {
        **people,
        **camera,
        **body,
        **keypoints(rows),
        **box_columns(rows),
        "owner_valid": owner_valid(rows),
        "source_row": np.arange(rows.start, rows.stop),
    }
    track = rows.entry("meta", "track_id")
    if track is not None and track.ndim == 1:
        columns["track"] = track.astype(str)
    return Instances(columns, images | lens_of_images(camera, image, first))


def _of_dataset(release: Release, files: list[Path]) -> list[Path]:
    """Files with the dataset's name in theirs; if none has it, those without another's."""
    names = {path: _letters(path.stem) for path in files}
    own = _letters(release.card.name)
    others = {_letters(name) for name in catalogue.names()} - {own}
    longer = {other for other in others if own in other}
    mine = [p for p in files if own in names[p] and not any(o in names[p] for o in longer)]
    return mine or [p for p in files if not any(o in names[p] for o in others if o not in own)]


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
