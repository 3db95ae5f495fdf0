"""The images of a unit, or the frames of a motion: identity, file, size, camera, time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.dataset_adapters.identity import Keys, image_identity, repeat, text
from ehpsbench.dataset_adapters.release import Unit
from ehpsbench.errors import MissingFiles
from ehpsbench.pictures import picture_size
from ehpsbench.schema import IMAGE_COLUMNS, nullable, present

WIDTHS = {
    "focal": 2,
    "principal_point": 2,
    "distortion": 8,
    "world_rotation": 9,
    "world_translation": 3,
}
UPRIGHT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # z up → y down
WORLD = "world"  # in the place of the camera in the ids of motions
TEXTS = frozenset(
    c.name for c in IMAGE_COLUMNS if c.name.endswith(("_path", "_classes")) or c.group == "source"
) - {"source_row"}


def image_columns(
    unit: Unit,
    path: Sequence[str],
    size: ArrayLike,
    *,
    split: str | Keys,
    sequence: str | Keys,
    frame: Keys,
    camera: str | int | Keys = "0",
    cluster: str | Keys | None = None,
    **more: ArrayLike | None,
) -> dict[str, NDArray[Any]]:
    """All columns of M images; what is one value counts for every image.

    Args:
        unit: which they are read with; its first file is their `source_file` unless given.
        path: (M,) image files, relative to the release root.
        size: (2,) or (M, 2) width and height [px], as the picture is seen (after orientation).
        split: the owners' split.
        sequence: recording, video or scene.
        frame: (M,) whole frame numbers.
        camera: the owners' camera key.
        cluster: what a bootstrap resamples, mostly the sequence; None: every image its own.
        **more: columns of `schema.IMAGE_COLUMNS`: `focal` (one value, (M, 1), fx and fy, or
            (M, 2)), `principal_point` (the middle unless given), `distortion` (k1, k2, p1, p2, k3,
            k4, k5, k6, or the first of them), `world_rotation` (3, 3) or (M, 3, 3),
            `world_translation`, `fps` (which gives `timestamp`), `mask_path`, `source_row`, …;
            None is a column that is not there.
    """
    count = len(path)
    sizes = np.broadcast_to(np.asarray(size, np.int64), (count, 2))
    named, seen_by = _keys(sequence, count), _keys(camera, count)
    shared = None if cluster is None else _keys(cluster, count)
    columns = {
        **image_identity(unit.release.name, split, named, seen_by, frame, shared),
        "image_path": text(path),
        "width": sizes[:, 0].copy(),
        "height": sizes[:, 1].copy(),
        "orientation": np.ones(count, np.int8),
    }
    columns |= _stated(unit, more, count)
    if "focal" in columns and "principal_point" not in columns:
        columns["principal_point"] = sizes / 2
    if "distortion" in columns:
        bent = present(columns["distortion"])
        model = repeat("opencv_rational", count)
        columns["distortion_model"] = model if bent.all() else nullable(model, bent)
    return columns | _time(columns)


def motion_columns(
    unit: Unit,
    frame: Keys,
    *,
    split: str | Keys,
    sequence: str | Keys,
    cluster: str | Keys | None = None,
    upright: ArrayLike = UPRIGHT,
    **more: ArrayLike | None,
) -> dict[str, NDArray[Any]]:
    """Columns of M frames of which there is no picture: for people only, not for `images`.

    Args:
        unit: as in `image_columns`.
        frame: (M,) whole frame numbers.
        split: the owners' split.
        sequence: the recording.
        cluster: what a bootstrap resamples, mostly the sequence; None: every frame its own.
        upright: (3, 3) the owners' world → x right, y down, z forward; of a world with z up unless
            given. Nothing is moved, so that the owners' numbers can be had back.
        **more: as in `image_columns`.
    """
    count = len(frame)
    named, nowhere = _keys(sequence, count), [WORLD] * count
    shared = None if cluster is None else _keys(cluster, count)
    columns = image_identity(unit.release.name, split, named, nowhere, frame, shared)
    place = {"world_rotation": upright, "world_translation": np.zeros(3)}
    columns |= _stated(unit, {**place, **more}, count)
    return columns | _time(columns)


def header_sizes(
    root: Path, path: Sequence[str], otherwise: ArrayLike | None = None
) -> NDArray[np.int64]:
    """(M, 2) width and height [px] from the headers of images; each file is opened once.

    Use it only where the release does not state the sizes: it costs one open a file.

    Args:
        root: of the release.
        path: (M,) image files, relative to it.
        otherwise: (2,) or (M, 2) size of those that are not there; None: (0, 0), so that the rule
            `ranges` refuses their people.

    Raises:
        MissingFiles: none of them is there, and `otherwise` is not given.
    """
    names, which = np.unique(np.asarray(path, str), return_inverse=True)
    sizes = np.zeros((len(names), 2), np.int64)
    for row, name in enumerate(names):
        try:
            sizes[row] = picture_size(root / name)
        except FileNotFoundError:
            continue
    found = sizes[which.reshape(-1)].reshape(-1, 2)
    missing = found[:, :1] == 0
    if otherwise is not None:
        return np.where(missing, np.asarray(otherwise, np.int64), found)
    if len(found) and missing.all():
        raise MissingFiles(
            f"None of {len(names)} images is below {root}, e.g. {names[0]}; their sizes stand "
            "nowhere else. Unpack the images beside the labels."
        )
    return found


def _stated(
    unit: Unit, more: Mapping[str, ArrayLike | None], count: int
) -> dict[str, NDArray[Any]]:
    """The file that M images are read from, and what else is said of them."""
    columns = {n: _column(n, values, count) for n, values in more.items() if values is not None}
    if unit.files and "source_file" not in columns:
        columns["source_file"] = repeat(unit.release.relative(unit.files[0]), count)
    return columns


def _time(columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """When each frame was, by the frame rate, where nobody said it."""
    if "fps" not in columns or "timestamp" in columns:
        return {}
    return {"timestamp": columns["frame"] / columns["fps"]}


def _keys(values: object, count: int) -> Any:
    return [values] * count if isinstance(values, str | int) else values


def _column(name: str, values: ArrayLike, count: int) -> NDArray[Any]:
    """One column of M rows; a vector of a shape of its own is flattened and padded."""
    array = values if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
    if name in TEXTS and array.ndim == 0:
        return repeat(str(values), count)
    if name in TEXTS:
        return array.astype(object)
    if name not in WIDTHS:
        return np.broadcast_to(array, (count,)).copy() if array.ndim == 0 else array
    return _vectors(array, WIDTHS[name], count)


def _vectors(array: NDArray[Any], width: int, count: int) -> NDArray[Any]:
    """(M, width) of one or M vectors, of one or M matrices (3, 3), or of one or (M, 1) numbers."""
    data = np.ma.getdata(array).astype(np.float64)
    if data.ndim == 0 or data.shape[-1] == 1:
        data = np.repeat(data[..., None] if data.ndim == 0 else data, width, -1)
    inner = 2 if width == 9 and data.shape[-2:] == (3, 3) else 1
    lead = data.shape[: data.ndim - inner]
    flat = data.reshape(*lead, prod(data.shape[len(lead) :]))
    padded = np.pad(flat, [(0, 0)] * (flat.ndim - 1) + [(0, width - flat.shape[-1])])
    result = np.array(np.broadcast_to(padded, (count, width)))
    mask = np.ma.getmaskarray(array)
    return (
        nullable(result, ~mask.reshape(count, prod(mask.shape[1:])).all(1))
        if mask.any()
        else result
    )
