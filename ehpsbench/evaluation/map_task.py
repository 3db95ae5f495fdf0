"""What every task on maps does: images and predictions side by side, one row of sums an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ehpsbench.evaluation.map_files import MapFolder
from ehpsbench.evaluation.map_images import Kind, MapImages, Pixels, map_images, predicted_maps
from ehpsbench.evaluation.numbers import Number, of_sums
from ehpsbench.evaluation.protocol import Protocol
from ehpsbench.evaluation.request import Request
from ehpsbench.evaluation.results import Result
from ehpsbench.evaluation.summary import summarised

if TYPE_CHECKING:
    from torch import Tensor

    from ehpsbench.store import Store

Score = Callable[[int, Path], NDArray[Any]]
"""An image and its predicted map → (K,) statistics."""
Why = Callable[[str, Mapping[str, Number]], str]
"""A number that is not defined, and all numbers → the reason."""
NO_PIXEL = "no pixel says"


@dataclass(frozen=True, slots=True)
class MapTask:
    """An entry's maps of the images that a benchmark scores.

    Attributes:
        store: with the data.
        entry: who.
        rules: by what.
        request: how.
        images: which.
        folder: the predictions.
    """

    store: Store
    entry: str
    rules: Protocol
    request: Request
    images: MapImages
    folder: MapFolder

    @classmethod
    def of(
        cls,
        store: Store,
        entry: str,
        rules: Protocol,
        request: Request,
        *,
        kind: Kind,
        pixels: Pixels,
    ) -> MapTask:
        """The maps of one kind.

        Raises:
            InputError: no image has the truth that is needed, or one has no map, or two.
            MissingFiles: there is no folder of maps.
        """
        images = map_images(store, rules, kind, pixels)
        folder = predicted_maps(store, entry, rules, images, request)
        return cls(store, entry, rules, request, images, folder)

    def result(
        self,
        score: Score,
        columns: tuple[str, ...],
        numbers: Callable[[Tensor], Mapping[str, Tensor]],
        *,
        lists: Mapping[str, int] | None = None,
        why: Why = lambda name, numbers: NO_PIXEL,
    ) -> Result:
        """The result from the statistics of each image; 0 where nothing was predicted.

        Args:
            score: the statistics of an image.
            columns: (K,) their names.
            numbers: the metric's.
            lists: name → how many columns, one after the other at the end, are stored as one list.
            why: a number is not defined.
        """
        images, folder = self.images, self.folder
        statistics = self._statistics(score, len(columns))
        ids = images.column("image_id")
        clusters = [c or i for c, i in zip(images.column("cluster"), ids, strict=True)]
        identity = {
            "image_id": pa.array(ids, pa.string()),
            "cluster": pa.array(clusters, pa.string()),
        }
        made = {name: statistics[:, i] for i, name in enumerate(columns)}
        found = of_sums(pa.table(identity | made), columns, numbers)
        return summarised(
            self.store,
            self.entry,
            self.rules,
            pa.table(identity | _stored(statistics, columns, lists or {})),
            found,
            missing=sum(file is None for file in folder.files),
            unused=folder.unused,
            left_out=images.left_out,
            removed={},
            skipped={n: why(n, found) for n, v in found.items() if np.isnan(v.value)},
            about={"predictions": folder.declared.model_dump()},
        )

    def _statistics(self, score: Score, count: int) -> NDArray[np.float64]:
        """(N, K) of all images, one map in memory at a time."""
        found = np.zeros((len(self.images), count))
        for i, file in enumerate(self.folder.files):
            if file is not None:
                found[i] = score(i, file)
            if self.request.progress is not None:
                self.request.progress(i + 1, len(self.images))
        return found


def _stored(
    statistics: NDArray[np.float64], columns: tuple[str, ...], lists: Mapping[str, int]
) -> dict[str, pa.Array]:
    plain = len(columns) - sum(lists.values())
    found = {name: pa.array(statistics[:, i]) for i, name in enumerate(columns[:plain])}
    start = plain
    for name, size in lists.items():
        flat = np.ascontiguousarray(statistics[:, start : start + size]).reshape(-1)
        found[name] = pa.FixedSizeListArray.from_arrays(pa.array(flat), size)
        start += size
    return found
