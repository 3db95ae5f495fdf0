"""Predicted label maps of an entry + the rules of a benchmark → a result."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.map_files import read_map, whole_numbers
from ehpsbench.evaluation.map_images import Truth, check_prediction, true_map
from ehpsbench.evaluation.map_task import NO_PIXEL, MapTask
from ehpsbench.evaluation.request import Request
from ehpsbench.evaluation.results import Result
from ehpsbench.evaluation.segmentation.rules import SegmentationProtocol

if TYPE_CHECKING:
    from ehpsbench.store import Store

NOTHING = -1  # no class, and no label can be it: what is not valid
ABSENT = {"iou": "no pixel is of this class", "acc": "no true pixel is of this class"}


def evaluate(store: Store, entry: str, rules: SegmentationProtocol, request: Request) -> Result:
    """Score an entry's label maps; see `ehpsbench.evaluation.evaluate`.

    Predictions are a folder of maps (`ehpsbench.evaluation.map_files`), by default
    `<store>/predictions/<entry>/<benchmark>/`. A row of the result is an image: the pixels of each
    class in `intersection`, `prediction` and `truth`.

    Raises:
        InputError: maps are missing, of another size or class set, or hold what is no class.
        MissingFiles: a map or folder is not there.
    """
    from ehpsbench.metrics import segmentation

    task = MapTask.of(store, entry, rules, request, kind="parts", pixels=rules.pixels)
    return task.result(
        lambda image, file: _areas(true_map(task.images, image), file, rules, request),
        segmentation.columns(rules.names),
        partial(segmentation.numbers, classes=rules.names),
        lists=dict.fromkeys(segmentation.KINDS, len(rules.names)),
        why=lambda name, _: ABSENT.get(name.partition("_")[0], NO_PIXEL),
    )


def _areas(
    truth: Truth, path: Path, rules: SegmentationProtocol, request: Request
) -> NDArray[np.int64]:
    import torch

    from ehpsbench.metrics import segmentation

    said = whole_numbers(read_map(path), path)
    check_prediction(said, truth, path)
    if isinstance(rules.classes, str) and truth.classes not in (None, rules.classes):
        raise InputError(
            f"{truth.path} has labels of the class set {truth.classes!r}, {rules.name} scores "
            f"{rules.classes!r}."
        )
    true = whole_numbers(truth.values, truth.path)
    if truth.scale != 1.0:
        true = whole_numbers(np.rint(true * truth.scale), truth.path)
    if rules.ignore_index is not None:
        truth.valid[true == rules.ignore_index] = False
    if not truth.valid.all():
        true = np.where(truth.valid, true.astype(np.int64), NOTHING)
    maps = (torch.from_numpy(x[None].copy()).to(request.device) for x in (said, true))
    try:
        found = segmentation.score(
            *maps,
            classes=len(rules.names),
            ignore_index=NOTHING,
            predicted_out_of_range=rules.predicted_out_of_range,
            true_out_of_range=rules.true_out_of_range,
        )
    except ValueError as error:
        raise InputError(f"{path} against {truth.path}: {error}") from error
    return np.asarray(found[0].cpu().numpy())
