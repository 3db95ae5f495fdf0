"""Whose prediction is this? People found by the end of an image's path, and by their box."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.schema import Columns, nullable, present

LEAST_IOU = 0.5  # of a predicted box with the person's, both tight or both padded alike

Floats = NDArray[np.float64]


def people_by_box(
    people: Columns, image_paths: NDArray[np.str_], boxes: Floats | None, where: str
) -> NDArray[Any]:
    """The instance id of each prediction.

    In an image, predictions and people are paired best overlap first, each once. Without boxes
    an image must have one person.

    Args:
        people: `instance_id`, `image_path`, `bbox` (M, 4) of the split.
        image_paths: (N,) of the predictions; folders above the release may differ.
        boxes: (N, 4) x, y, w, h [px], or None.
        where: for messages.

    Returns:
        (N,) ids; None where the image is not known or nobody overlaps.

    Raises:
        InputError: a path fits several images, or people of one image cannot be told apart.
    """
    rows = _rows_by_image(np.asarray(people["image_path"], object).astype(str))
    of_image = defaultdict(list)
    for i, path in enumerate(image_paths):
        if (image := _image(str(path), rows, where)) is not None:
            of_image[image].append(i)
    found = np.full(len(image_paths), None, object)
    names = np.asarray(people["instance_id"], object)
    # a column that is null in every row is not there
    nobody = nullable(np.zeros((len(names), 4)), np.zeros(len(names), bool))
    truth = np.ma.getdata(people.get("bbox", nobody))
    has_box = present(people.get("bbox", nobody))
    for image, predictions in of_image.items():
        here = rows[image]
        if boxes is None or not has_box[here].all():
            if len(here) > 1 or len(predictions) > 1:
                raise InputError(
                    f"{where}: {len(here)} people and {len(predictions)} predictions in {image}; "
                    "give bbox_xywh, or instance_id, to say who is who."
                )
            found[predictions[0]] = names[here[0]]
            continue
        for prediction, person in _pairs(boxes[predictions], truth[here]):
            found[predictions[prediction]] = names[here[person]]
    return found


def box_overlap(one: Floats, other: Floats) -> Floats:
    """(N, M) intersection over union of boxes (N, 4) and (M, 4), x, y, w, h."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, :2] + one[:, None, 2:], other[None, :, :2] + other[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    area = one[:, 2:].prod(-1)[:, None] + other[:, 2:].prod(-1)[None] - shared
    return np.asarray(shared / np.maximum(area, 1e-12))


def _pairs(one: Floats, other: Floats) -> list[tuple[int, int]]:
    """Pairs of best overlap, each side once."""
    overlap = box_overlap(one, other)
    pairs: list[tuple[int, int]] = []
    while overlap.size and overlap.max() >= LEAST_IOU:
        i, j = np.unravel_index(int(overlap.argmax()), overlap.shape)
        pairs.append((int(i), int(j)))
        overlap[i, :], overlap[:, j] = -1, -1
    return pairs


def _rows_by_image(paths: NDArray[np.str_]) -> dict[str, NDArray[np.int64]]:
    names, index = np.unique(paths, return_inverse=True)
    order = np.argsort(index, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(index, minlength=len(names)))[:-1])
    return dict(zip(names.tolist(), parts, strict=True))


def _image(path: str, rows: dict[str, NDArray[np.int64]], where: str) -> str | None:
    """The image whose path ends as `path` does, or the other way round."""
    parts = path.replace("\\", "/").strip("/").split("/")
    for start in range(len(parts)):
        tail = "/".join(parts[start:])
        if tail in rows:
            return tail
    ends = [name for name in rows if name.endswith("/" + "/".join(parts))]
    if len(ends) > 1:
        raise InputError(f"{where}: {path} may be {ends[0]} or {ends[1]}; give longer paths.")
    return ends[0] if ends else None
