"""What was drawn or posed for a page, kept in the store under all that it depends on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import digest, replacing, write_text
from ehpsbench.reports.pictures import QUALITY, SIZE, Picture, of_plain, plain

if TYPE_CHECKING:
    from pathlib import Path

    from ehpsbench.body.bodies import BodySet
    from ehpsbench.reports.permission import Permission
    from ehpsbench.store import Store

FOLDER = "summaries"  # in the reports/ of a store
VERSION = 1


def drawing(bodies: BodySet, may: Permission, fingerprint: str) -> list[Any]:
    """What every picture of people of a dataset depends on."""
    return [VERSION, fingerprint, SIZE, QUALITY, may.images, may.meshes, bodies.id]


def kept_pictures(
    store: Store, of: Sequence[Any], draw: Callable[[], Sequence[Picture]]
) -> list[Picture]:
    """Pictures as they were drawn before; what could not be drawn is tried again the next time.

    Args:
        store: that keeps them.
        of: all that they depend on.
        draw: makes them; none where that is not possible.
    """
    path = _place(store, of, ".json")
    try:
        return of_plain(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):  # not there, or broken
        made = list(draw())
    try:
        if made:
            write_text(path, json.dumps(plain(made)))
    except OSError:  # a store that is only read is still shown
        return made
    return made


def kept_array(
    store: Store, of: Sequence[Any], make: Callable[[], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """An array as it was worked out before; arguments as in `kept_pictures`."""
    path = _place(store, of, ".npy")
    try:
        with path.open("rb") as file:
            return np.asarray(np.load(file, allow_pickle=False), np.float64)
    except (OSError, ValueError, EOFError):  # not there, or broken
        made = make()
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.save(file, made)
    except OSError:
        return made
    return made


def _place(store: Store, of: Sequence[Any], suffix: str) -> Path:
    return store.reports / FOLDER / f"{digest(list(of))[:24]}{suffix}"
