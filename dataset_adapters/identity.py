"""Identity columns, built from the owners' keys the same way for every dataset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.schema import COLUMNS

OF_PEOPLE = frozenset(column.name for column in COLUMNS)

Keys = Sequence[Any] | NDArray[Any]


def image_identity(
    dataset: str,
    split: str | Keys,
    sequence: Keys,
    camera: Keys,
    frame: Keys,
    cluster: Keys | None = None,
) -> dict[str, NDArray[Any]]:
    """Identity columns of M images.

    Args:
        dataset: name in the store.
        split: the owners' split, of all images or (M,) of each.
        sequence: (M,) recording, video or scene; slashes become colons in the id.
        camera: (M,) the owners' camera key.
        frame: (M,) whole frame numbers.
        cluster: (M,) what a bootstrap resamples; None: each image is its own cluster.
    """
    frames = np.asarray(frame, np.int64)
    count = len(frames)
    splits = [split] * count if isinstance(split, str) else [str(s) for s in split]
    image_id = [
        f"{dataset}/{part}/{_key(s)}/{_key(c)}/{f}"
        for part, s, c, f in zip(splits, sequence, camera, frames.tolist(), strict=True)
    ]
    clusters = image_id if cluster is None else [f"{dataset}/{_key(c)}" for c in cluster]
    return {
        "image_id": text(image_id),
        "dataset": text([dataset] * count),
        "split": text(splits),
        "sequence": text([str(s) for s in sequence]),
        "camera": text([str(c) for c in camera]),
        "frame": frames,
        "cluster": text(clusters),
    }


def person_identity(
    images: dict[str, NDArray[Any]], image: NDArray[np.int64], person: Keys
) -> dict[str, NDArray[Any]]:
    """Identity, image and camera columns of N people.

    Args:
        images: columns of the images, with those of `image_identity`; masks and maps stay there.
        image: (N,) row of each person's image in them.
        person: (N,) the owners' key of the person in the image.
    """
    columns = {name: values[image] for name, values in images.items() if name in OF_PEOPLE}
    keys = [_key(p) for p in person]
    ids = [f"{i}/{p}" for i, p in zip(columns["image_id"], keys, strict=True)]
    return {"instance_id": text(ids), **columns, "person": text([str(p) for p in person])}


def person_keys(image: NDArray[np.int64], key: NDArray[Any] | None) -> NDArray[Any]:
    """(N,) key of a person in the image: the owners', or a running number where they have none.

    Args:
        image: (N,) which image each person is in.
        key: (N,) the owners' keys; an image where one comes twice gets running numbers.
    """
    order = np.argsort(image, kind="stable")
    number = np.empty(len(image), np.int64)
    number[order] = np.arange(len(image)) - np.searchsorted(image[order], image[order])
    if key is None:
        return number
    _, code = np.unique(key, return_inverse=True)
    _, pair, count = np.unique(
        image * (code.max(initial=0) + 1) + code, return_inverse=True, return_counts=True
    )
    twice = np.isin(image, image[count[pair] > 1])
    return np.where(twice, number.astype(str), key)


def repeat(value: str, count: int) -> NDArray[Any]:
    """(count,) text column with one value."""
    return text([value] * count)


def _key(value: object) -> str:
    return str(value).replace("/", ":")


def text(values: Iterable[str | None]) -> NDArray[Any]:
    """A text column of these values; None is null."""
    return np.asarray([*values, None], object)[:-1]
