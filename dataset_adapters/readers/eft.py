"""EFT's JSON (Joo et al., 3DV 2021): SMPL fits in the weak perspective of a square crop.

The crop has side b = 200 · bbox_scale [px] and centre (cx, cy); with parm_cam = s, tx, ty a point X
of the body (pelvis not subtracted) is seen at x = cx + (s·X + tx)·b/2. EFT adds the offset after it
scales; SPIN, whose files look alike, before. The pinhole that stands for it here has the focal
length of the fitters' network, 5000 px on a crop of 224 px, and its centre amid the image:
transl = (tx/s + 2(cx − W/2)/(b·s), ty/s + 2(cy − H/2)/(b·s), 2f/(b·s)).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.nested import array_of
from ehpsbench.dataset_adapters.parameters import Labels, body_columns, validity
from ehpsbench.errors import InputError
from ehpsbench.schema import nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import EFT_49

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["CROP", "CROP_FOCAL", "Eft", "eft_columns", "eft_images", "read_eft"]

Floats = NDArray[np.float64]
CROP_FOCAL, CROP = 5000.0, 224.0  # px, of the network that was fitted
SIDE = 200.0  # px of a crop of scale 1
LABELS = Labels("smpl", "none", "eft", "pseudo")
MOST_FILES = 8
_images: dict[tuple[Path, int, int], NDArray[Any]] = {}  # of the files that were read last


@dataclass(frozen=True, slots=True, eq=False)
class Eft:
    """N fits.

    Attributes:
        image: (N,) `imageName`, as it is written.
        annotation: (N,) `annotId`, of the dataset's own annotation; −1 where there is none.
        subject: (N,) `subjectId`; empty where there is none.
        pose: (N, 24, 3, 3) rotations.
        betas: (N, 10).
        camera: (N, 3) s, tx, ty.
        centre: (N, 2) of the crop [px].
        side: (N,) of the crop [px].
        keypoints: (N, 49, 3) x, y, score [px]; zeros where there are none.
    """

    image: NDArray[Any]
    annotation: NDArray[np.int64]
    subject: NDArray[Any]
    pose: Floats
    betas: Floats
    camera: Floats
    centre: Floats
    side: Floats
    keypoints: Floats

    def __len__(self) -> int:
        return len(self.image)

    def taken(self, rows: NDArray[np.int64]) -> Eft:
        """Some of the fits, in this order."""
        return Eft(*(getattr(self, each.name)[rows] for each in fields(self)))


def read_eft(path: Path) -> Eft:
    """The fits of one file.

    Raises:
        InputError: it is no such file, or a fit lacks something.
    """
    try:
        items = read_json(path)["data"]
        count = len(items)

        def table(key: str, *shape: int) -> Floats:
            return array_of([item[key] for item in items]).reshape(count, *shape)

        points = [item.get("gt_keypoint_2d") or [[0.0] * 3] * len(EFT_49) for item in items]
        found = Eft(
            image=np.asarray([str(item["imageName"]) for item in items], object),
            annotation=np.asarray([int(item.get("annotId", -1)) for item in items], np.int64),
            subject=np.asarray([str(item.get("subjectId", "")) for item in items], object),
            pose=table("parm_pose", 24, 3, 3),
            betas=table("parm_shape", 10),
            camera=table("parm_cam", 3),
            centre=table("bbox_center", 2),
            side=SIDE * table("bbox_scale"),
            keypoints=array_of(points).reshape(count, len(EFT_49), 3),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} is not an EFT file ({type(error).__name__}: {error}). Expected `data`, a list "
            "of fits with parm_pose, parm_shape, parm_cam, bbox_scale, bbox_center and imageName."
        ) from error
    _images[_state(path)] = found.image
    while len(_images) > MOST_FILES:
        del _images[next(iter(_images))]
    return found


def eft_images(path: Path) -> NDArray[Any]:
    """(N,) the image of each fit of a file, which is not read again right after `read_eft`.

    Raises:
        InputError: as `read_eft`.
    """
    known = _images.get(_state(path)) if path.is_file() else None
    return read_eft(path).image if known is None else known


def _state(path: Path) -> tuple[Path, int, int]:
    found = path.stat()
    return path, found.st_mtime_ns, found.st_size


def eft_columns(fits: Eft, size: NDArray[Any], bodies: BodySet) -> dict[str, NDArray[Any]]:
    """Body, camera, keypoints and validity of N fits; the box is the caller's (`joint_boxes`).

    Args:
        fits: from `read_eft`.
        size: (N, 2) width and height of each one's image [px].
        bodies: the body set of the labels.
    """
    focal = CROP_FOCAL * fits.side / CROP
    scale = fits.camera[:, :1]
    half = fits.side[:, None] * scale / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        aside = fits.camera[:, 1:] / scale + (fits.centre - size / 2) / half
        away = focal[:, None] / half
    fit = {
        "global_orient": fits.pose[:, :1],
        "body_pose": fits.pose[:, 1:22],
        "smpl_hand_pose": fits.pose[:, 22:],
        "betas": fits.betas,
        "transl": np.concatenate([aside, away], 1),
    }
    points = keypoint_columns(2, (fits.keypoints, EFT_49))
    seen = (fits.keypoints[..., 2] > 0).any(1)
    return {
        **body_columns(fit, "neutral", LABELS, bodies),
        **validity(len(fits), ("body",)),
        **{name: nullable(values, seen) for name, values in points.items()},
        "focal": np.repeat(focal[:, None], 2, 1),
        "principal_point": size / 2,
    }
