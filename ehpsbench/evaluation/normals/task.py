"""Predicted normals of an entry + the rules of a benchmark → a result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.map_files import MapFolder, read_map, vectors
from ehpsbench.evaluation.map_images import MapImages, check_prediction, true_map
from ehpsbench.evaluation.map_task import MapTask
from ehpsbench.evaluation.normals.rules import NormalsProtocol
from ehpsbench.evaluation.request import Request
from ehpsbench.evaluation.results import Result

if TYPE_CHECKING:
    from torch import Tensor

    from ehpsbench.store import Store


def evaluate(store: Store, entry: str, rules: NormalsProtocol, request: Request) -> Result:
    """Score an entry's maps of normals; see `ehpsbench.evaluation.evaluate`.

    Predictions are a folder of maps (`ehpsbench.evaluation.map_files`), by default
    `<store>/predictions/<entry>/<benchmark>/`; its maps.toml says what their axes are, the truth's
    are in the images table. A row of the result is an image, with its histogram of errors where
    pixels are pooled.

    Raises:
        InputError: maps are missing, of another size or unknown axes, or not finite.
        MissingFiles: a map or folder is not there.
    """
    from ehpsbench.metrics import normals, normals_per_image
    from ehpsbench.metrics.angular_error import BINS

    metric = normals if rules.averaging == "pixels" else normals_per_image
    task = MapTask.of(store, entry, rules, request, kind="normals", pixels=rules.pixels)

    def score(image: int, file: Path) -> NDArray[Any]:
        maps = _maps(task.images, image, file, task.folder, request)
        return np.asarray(metric.score(*maps, zero_truth=rules.zero_truth)[0].cpu().numpy())

    lists = {"histogram": BINS} if rules.averaging == "pixels" else {}
    return task.result(score, metric.COLUMNS, metric.numbers, lists=lists)


def _maps(
    images: MapImages, image: int, path: Path, folder: MapFolder, request: Request
) -> tuple[Tensor, Tensor, Tensor]:
    """(1, 3, H, W) predicted and true normals, and (1, H, W) where they count."""
    import torch

    truth = true_map(images, image)
    if truth.classes is None:
        raise InputError(
            f"Nothing says which axes the normals in {truth.path} have; the adapter must fill "
            "normals_classes, such as opencv."
        )
    said = vectors(read_map(path), folder.declared.axes, path)
    check_prediction(said, truth, path)
    true = vectors(truth.values, truth.classes, truth.path)
    maps = (torch.from_numpy(x[None]).to(request.device) for x in (said, true, truth.valid))
    return next(maps), next(maps), next(maps)
