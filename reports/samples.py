"""Sample people of a dataset, drawn once for what may be shown of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ehpsbench.atomic import digest, write_text
from ehpsbench.errors import EhpsbenchError
from ehpsbench.reports.permission import Permission
from ehpsbench.reports.pictures import QUALITY, SIZE, Picture, Stage, of_plain, people, plain

if TYPE_CHECKING:
    from pathlib import Path

    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store

VERSION = 1


def samples(
    store: Store,
    dataset: str,
    splits: Sequence[str],
    bodies: BodySet,
    may: Permission,
    ids: Sequence[str],
) -> list[Picture]:
    """A picture of each sample person with the true body over it, kept in the store.

    Args:
        store: with the dataset; pictures are kept in its reports/summaries/.
        dataset: whose people.
        splits: theirs.
        bodies: the body set of the labels.
        may: what may be shown; what may not is not drawn, whatever was kept.
        ids: who is shown.
    """
    fingerprint = store.manifest(dataset)["fingerprint"]
    drawn = [SIZE, QUALITY, may.images, may.meshes, bodies.id, list(ids)]
    key = digest([VERSION, fingerprint, list(splits), *drawn])
    path = store.reports / "summaries" / f"{key[:24]}.json"
    kept = _read(path)
    if kept is not None:
        return kept
    made = _made(store, dataset, splits, bodies, may, ids)
    try:
        write_text(path, json.dumps(plain(made)))
    except OSError:  # a store that is only read is still shown
        return made
    return made


def _made(
    store: Store,
    dataset: str,
    splits: Sequence[str],
    bodies: BodySet,
    may: Permission,
    ids: Sequence[str],
) -> list[Picture]:
    rows = people(store, dataset, splits, ids)
    pictures = []
    for name in ids:
        try:
            stage = Stage.of(store, dataset, rows[name], bodies, may)
            pictures.append(stage.truth(""))
        except (EhpsbenchError, KeyError):  # an image that is gone, a model that is not here
            continue
    return pictures


def _read(path: Path) -> list[Picture] | None:
    """What was kept; None where nothing was, or it is broken: it is drawn again."""
    try:
        return of_plain(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
