"""UP-3D: SMPL fitted by SMPLify in a crop of each still, brought back to the whole image.

The fit lives in a crop of w × h px, seen by a pinhole of 5000 px whose centre is the crop's; its
body is moved by `trans`, and then by `rt` and `t`: a chain of its own, as world → camera is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.files import read_frames
from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.images import header_sizes, image_columns
from ehpsbench.dataset_adapters.parameters import Labels, body_columns, split_pose, validity
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.geometry import rotation_matrix
from ehpsbench.restricted_pickle import load_npy
from ehpsbench.schema import Instances
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import LSP_14

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]

SPLITS = ("train", "val", "test")  # trainval.txt is the first two once more
LINE = re.compile(r"/?(\d+)_image\.png")
PARTS = ("body.pkl", "fit_crop_info.txt", "joints.npy")
FIT = {"pose": 72, "betas": 10, "trans": 3, "rt": 3, "t": 3, "f": 1}
JOINTS = len(LSP_14)


def units(release: Release) -> Iterator[Unit]:
    """One unit per split.

    Raises:
        InputError: a list holds something else than names of images.
    """
    for split in SPLITS:
        for path in release.find(f"{split}.txt"):
            stems = _listed(path)
            paths = [release.root / f"{stem}_{part}" for stem in stems for part in PARTS]
            files = (path, *(p for p in paths if p.is_file()))
            yield Unit(split, release, files, {"split": split, "stems": stems})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The person of every image of a split.

    Raises:
        InputError: a file of somebody is broken.
        MissingFiles: a file of somebody is not there.
    """
    root, stems = unit.release.root, unit.key["stems"]
    body, crop, points = ([root / f"{stem}_{part}" for stem in stems] for part in PARTS)
    fits = read_frames(body, FIT)
    focal, centre = _lenses(read_frames(crop, {"crop": 6}, _words)["crop"], fits["f"])
    paths = [f"{stem}_image.png" for stem in stems]
    images = image_columns(
        unit,
        paths,
        header_sizes(root, paths),
        split=unit.key["split"],
        sequence=unit.key["split"],
        frame=[int(stem) for stem in stems],
        source_file=[f"{stem}_body.pkl" for stem in stems],
        focal=focal,
        principal_point=centre,
    )
    count = len(stems)
    columns = person_identity(images, np.arange(count), ["0"] * count)
    chain = {"world_rotation": rotation_matrix(fits["rt"]), "world_translation": fits["t"]}
    fit = split_pose(fits["pose"], "smpl") | {"betas": fits["betas"], "transl": fits["trans"]}
    columns |= body_columns(fit, "neutral", Labels.of(unit.release.card), bodies, chain)
    columns |= validity(count, ("body",))
    columns |= keypoint_columns(2, (_joints(points), LSP_14))
    columns["bbox"] = joint_boxes(columns, bodies, root)
    return Instances(columns, images)


def _listed(path: Path) -> list[str]:
    """Numbers of the images that a list names, as they are written: 00012."""
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    found = [LINE.fullmatch(line.strip()) for line in lines if line.strip()]
    if not found or None in found:
        raise InputError(
            f"{path} is no list of UP-3D. Expected a line such as /00012_image.png for each image."
        )
    return [match[1] for match in found if match]


def _words(path: Path) -> dict[str, Any]:
    try:
        return {"crop": path.read_text(encoding="utf-8").split()}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read ({error}). Expected one line: h w y0 y1 x0 x1 of the crop."
        ) from error


def _lenses(crop: Floats, focal: Floats) -> tuple[Floats, Floats]:
    """(N, 1) focal length and (N, 2) centre [px] in the whole images, of h w y0 y1 x0 x1."""
    height, width, top, bottom, left, right = crop.T
    scale = (width / (right - left) + height / (bottom - top)) / 2
    centre = np.stack([width / 2 / scale + left, height / 2 / scale + top], -1)
    return focal / scale[:, None], centre


def _joints(paths: Sequence[Path]) -> Floats:
    """(N, 14, 3) x, y, score [px]."""
    return np.asarray([_scored(path) for path in paths], np.float64).reshape(-1, JOINTS, 3)


def _scored(path: Path) -> Floats:
    """(14, 3) of a file with a joint a column, or a row, with or without a row of scores."""
    try:
        values = np.asarray(load_npy(path), np.float64)
        table = values if len(values) == JOINTS else values.T
        if table.shape == (JOINTS, 2):  # joints that are not seen have zeros
            return np.concatenate([table, (table > 0).all(1, keepdims=True)], 1)
        return table.reshape(JOINTS, 3)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path} does not hold the 14 joints of LSP ({error}). Expected an array (3, 14), "
            "(2, 14), or one of them transposed."
        ) from error
