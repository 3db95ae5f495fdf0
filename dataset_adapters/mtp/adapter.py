"""MTP: SMPL-X of SMPLify-XMC, fitted with a camera of its own to every picture at 500 px height.

Bodies turn in a world of each picture (`camera_rotation`, `camera_translation`); focal length and
centre are those of the resized picture. The SMPL fits beside them lack the camera's rotation and
are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.checks import project_rows
from ehpsbench.dataset_adapters.boxes import boxes_around
from ehpsbench.dataset_adapters.files import read_frames, read_json, read_pickle
from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import header_sizes, image_columns
from ehpsbench.dataset_adapters.parameters import FIT_SIZES, Labels, body_columns, validity
from ehpsbench.dataset_adapters.readers.openpose import OPENPOSE_135, read_openpose
from ehpsbench.dataset_adapters.readers.openpose_people import nearest_person
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Columns, Instances, nullable
from ehpsbench.skeleton.placing import keypoint_columns

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]

SPLITS = ("train", "val")
FITTED_HEIGHT = 500  # px: to which every picture was resized
LENS = {"camera_focal_length_x": 1, "camera_focal_length_y": 1, "camera_center": 2}
CHAIN = {"camera_rotation": 9, "camera_translation": 3}
FACE = ("jaw_pose", "expression")
FITS = "smplify-xmc/smplx/params"


def units(release: Release) -> Iterator[Unit]:
    """One unit per split."""
    lists, meta = (release.root / name for name in ("train_val_split.json", "subject_meta.json"))
    content = read_json(lists)
    for split in SPLITS:
        names = content.get(split, []) if isinstance(content, Mapping) else []
        paths = [path for name in names for path in _labels(release.root, str(name))]
        files = (lists, meta, *(path for path in paths if path.is_file()))
        if names:
            yield Unit(split, release, files, {"split": split, "names": [str(n) for n in names]})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The person of every picture of a split; a picture without a fit has nobody.

    Raises:
        InputError: a file is broken, or somebody's gender is not in subject_meta.json.
    """
    root, names = unit.release.root, unit.key["names"]
    pairs = [_labels(root, name) for name in names]
    shown = np.flatnonzero([fit.is_file() for fit, _ in pairs])
    fits = read_frames([pairs[i][0] for i in shown], {**FIT_SIZES, **CHAIN, **LENS}, _fit)
    paths = [f"images/{_subset(name)}/{name}.png" for name in names]
    subject = [name.rpartition("_")[2] for name in names]
    images = image_columns(
        unit,
        paths,
        header_sizes(root, paths),
        split=unit.key["split"],
        sequence=[_subset(name) for name in names],
        frame=np.arange(len(names)),
        cluster=subject,
        source_row=np.arange(len(names)),
    )
    columns = person_identity(images, shown, [subject[i] for i in shown])
    columns |= {"subject": text(subject[i] for i in shown)}
    columns |= {"source_file": text(unit.release.relative(pairs[i][0]) for i in shown)}
    columns |= _body(unit, [names[i] for i in shown], fits, bodies)
    columns |= _lenses(fits, columns)
    columns |= _seen([pairs[i][1] for i in shown], columns, bodies, unit)
    return Instances(columns, images)


def _subset(name: str) -> str:
    """Of the presented poses: the second part of an image's name."""
    parts = name.split("_")
    if len(parts) < 3:
        raise InputError(
            f"train_val_split.json: expected <image>_<subset>_<pose>_<subject>, found {name!r}."
        )
    return parts[1]


def _labels(root: Path, name: str) -> tuple[Path, Path]:
    """Fit and keypoints of an image."""
    place = f"{_subset(name)}/{name}"
    return root / f"{FITS}/{place}.pkl", root / f"keypoints/openpose/{place}.json"


def _fit(path: Path) -> Any:
    """A fit; of the lens what the file has, the owners' writer keeps it twice."""
    content = read_pickle(path)
    if not isinstance(content, Mapping):
        return content
    twins = {f"camera_focal_length_{axis}": content.get(f"focal_length_{axis}") for axis in "xy"}
    known = {name: value for name, value in twins.items() if value is not None}
    return {"camera_center": np.full(2, np.nan), **known, **content}


def _body(
    unit: Unit, names: list[str], fits: dict[str, Floats], bodies: BodySet
) -> dict[str, NDArray[Any]]:
    path = unit.files[1]
    meta = read_json(path)
    try:
        genders = [str(meta[name]["SubjectGender"]).lower() for name in names]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected SubjectGender of every image name ({type(error).__name__}: {error})."
        ) from error
    chain = {"world_rotation": fits["camera_rotation"]}
    chain |= {"world_translation": fits["camera_translation"]}
    fit = {name: fits[name] for name in FIT_SIZES}
    columns = body_columns(fit, text(genders), Labels.of(unit.release.card), bodies, chain)
    columns["subject_gender"] = columns["gender"]
    moved = np.concatenate([fits[name] for name in FACE], 1).any(1)
    parts = ("body", "left_hand", "right_hand", "shape")
    return columns | validity(len(names), parts, face=moved)


def _lenses(fits: dict[str, Floats], columns: Columns) -> dict[str, NDArray[Any]]:
    """Focal length and centre in the whole picture; without a centre, the middle as it was."""
    width, height = (np.asarray(columns[name], np.float64) for name in ("width", "height"))
    resized = np.floor(width * FITTED_HEIGHT / np.maximum(height, 1))
    middle = np.stack([resized, np.full(len(width), float(FITTED_HEIGHT))], -1) / 2
    own = fits["camera_center"]
    centre = np.where(np.isfinite(own).all(1, keepdims=True), own, middle)
    focal = np.hstack([fits["camera_focal_length_x"], fits["camera_focal_length_y"]])
    scale = height[:, None] / FITTED_HEIGHT
    return {"focal": focal * scale, "principal_point": centre * scale}


def _seen(
    paths: list[Path], columns: Columns, bodies: BodySet, unit: Unit
) -> dict[str, NDArray[Any]]:
    """OpenPose's keypoints of the person whom the fit is of, and the box of the body."""
    from ehpsbench.body.posed import posed_joints

    joints, has = posed_joints(columns, bodies, unit.release.root)
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = project_rows(columns, joints)
    points = np.zeros((len(paths), len(OPENPOSE_135), 3))
    known = np.zeros(len(paths), bool)
    for row, path in enumerate(paths):
        people = read_openpose(path) if path.is_file() else points[:0]
        person = nearest_person(people, pixels[row])
        if person is not None:
            points[row], known[row] = people[person], True
    placed = keypoint_columns(2, (points, OPENPOSE_135))
    return {
        **{name: nullable(values, known) for name, values in placed.items()},
        "bbox": boxes_around(columns, joints, has),
    }
