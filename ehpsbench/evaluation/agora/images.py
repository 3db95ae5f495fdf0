"""The images of a benchmark's split, and what their cameras see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.agora.rules import AgoraProtocol
from ehpsbench.geometry import project
from ehpsbench.schema import from_arrow, present

if TYPE_CHECKING:
    from ehpsbench.store import Store

Floats = NDArray[np.float64]

SMALL = "_1280x720"
BODY_FACE_HANDS = ("bfh", "smplx")
WANTED = ("image_id", "image_path", "cluster", "height", "focal", "principal_point")


@dataclass(frozen=True, slots=True)
class Images:
    """The images of a split, all of them, also those with nobody and those not scored.

    Attributes:
        ids: (M,) image_id.
        names: (M,) file name without folder, size and suffix: how predictions name an image.
        clusters: (M,) what a bootstrap resamples.
        scored: (M,) False for those that the rules leave out.
        scale: (M,) pixels of the rules' height in one of the stored image's.
        focal: (M, 2) [px of the stored image].
        centre: (M, 2) principal point [px of the stored image].
    """

    ids: NDArray[np.object_]
    names: NDArray[np.object_]
    clusters: NDArray[np.object_]
    scored: NDArray[np.bool_]
    scale: Floats
    focal: Floats
    centre: Floats

    def pixels(
        self, points: Floats, image: NDArray[np.int64], focal: Floats | None = None
    ) -> Floats:
        """Where people are seen.

        Args:
            points: (N, P, 3) of N people, camera frame [m].
            image: (N,) row of the image that each is in.
            focal: (N, 2) in place of the images' own [px of the stored image]; NaN for none.

        Returns:
            (N, P, 2) [px of the rules' height].
        """
        length = self.focal[image]
        if focal is not None:
            length = np.where(np.isfinite(focal), focal, length)
        return project(points, length, self.centre[image]) * self.scale[image, None, None]

    def by_name(self, where: Path) -> dict[str, int]:
        """File name → row.

        Raises:
            InputError: two images have one name, so that the pickles of `where` are ambiguous.
        """
        rows = {name: i for i, name in enumerate(self.names.tolist())}
        if len(rows) < len(self.names):
            raise InputError(
                f"{where} names images by their files, but {len(self.names) - len(rows)} images of "
                "the split share the file name of another."
            )
        return rows


def images_of(store: Store, rules: AgoraProtocol) -> Images:
    """The images of a benchmark's split.

    Raises:
        InputError: there are none, or one has no camera.
    """
    table = store.images(rules.dataset, rules.split, WANTED).sort_by("image_id")
    columns = from_arrow(table)
    if not table.num_rows:
        raise InputError(f"{rules.dataset}/{rules.split} has no images in the store.")
    for name in ("focal", "principal_point"):
        if name not in columns or not present(columns[name]).all():
            raise InputError(f"Images of {rules.dataset}/{rules.split} lack their {name}.")
    ids = columns["image_id"]
    clusters = columns.get("cluster", ids)
    names = np.asarray([*map(image_name, columns["image_path"].tolist()), None], object)[:-1]
    return Images(
        ids=ids,
        names=names,
        clusters=np.where(present(clusters), clusters, ids),
        scored=np.asarray([rules.images == "all" or _with_hands(n) for n in names], bool),
        scale=rules.height / columns["height"].astype(np.float64),
        focal=np.ma.getdata(columns["focal"]),
        centre=np.ma.getdata(columns["principal_point"]),
    )


def image_name(path: str) -> str:
    """How predictions name an image.

    >>> image_name("validation/ag_validationset_x_bfh_5_10_00011_1280x720.png")
    'ag_validationset_x_bfh_5_10_00011'
    """
    return PurePosixPath(path).stem.removesuffix(SMALL)


def _with_hands(name: str) -> bool:
    return any(mark in name for mark in BODY_FACE_HANDS)
