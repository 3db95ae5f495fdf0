"""Detections from the store's predictions: neutral SMPL-X bodies and the images they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.agora.images import Images
from ehpsbench.evaluation.agora.posed import Posed, posed
from ehpsbench.evaluation.predictions import parameters
from ehpsbench.schema import from_arrow

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PredictedRows:
    """Predictions whose instance_id is that of an image and any key: image_id/key.

    Attributes:
        table: rows by image.
        image: (N,) row of each one's image, ascending.
        images: of the split.
        bodies: the body set.
    """

    table: pa.Table
    image: NDArray[np.int64]
    images: Images
    bodies: BodySet

    @classmethod
    def of(cls, table: pa.Table, images: Images, bodies: BodySet, where: str) -> PredictedRows:
        """Sort predictions by image.

        Raises:
            InputError: somebody is in no image of the split, or nowhere in space.
        """
        place = {name: i for i, name in enumerate(images.ids.tolist())}
        names = table["instance_id"].to_pylist()
        image = np.asarray([place.get(n.rpartition("/")[0], -1) for n in names], np.int64)
        if (image < 0).any():
            raise InputError(
                f"{where}: {int((image < 0).sum())} people are in images that are not of the "
                f"split, for example {names[int(np.argmin(image))]}. Expected image_id/KEY, such "
                f"as {images.ids[0]}/0."
            )
        if table["transl"].null_count:
            raise InputError(
                f"{where}: {table['transl'].null_count} people have no transl. Whoever is to be "
                "matched by what the image shows needs a place before the camera [m]."
            )
        order = np.argsort(image, kind="stable")
        return cls(table.take(pa.array(order)), image[order], images, bodies)

    def counts(self) -> NDArray[np.int64]:
        """(M,) how many there are in each image."""
        return np.bincount(self.image, minlength=len(self.images.ids))

    def read(self, rows: Sequence[int]) -> Posed:
        """Those of some images, seen with the focal length that they assume, if they name one."""
        here = np.flatnonzero(np.isin(self.image, rows))
        table = self.table.take(pa.array(here))
        columns, focal = neutral(parameters(table)), own_focal(table)
        return posed(columns, self.image[here], self.images, self.bodies, focal=focal)


def neutral(said: Mapping[str, Floats]) -> dict[str, NDArray[Any]]:
    """Predicted parameters as instance columns of neutral adults."""
    betas = said["betas"]
    return {**said, "betas": np.pad(betas, ((0, 0), (0, 16 - betas.shape[1])))}


def own_focal(table: pa.Table) -> Floats:
    """(N, 2) focal length that each prediction assumes [px]; NaN where it names none."""
    found = from_arrow(table.select(["focal"])).get("focal")
    if found is None or not table.num_rows:
        return np.full((table.num_rows, 2), np.nan)
    return np.asarray(np.ma.filled(np.ma.asarray(found, np.float64), np.nan))
