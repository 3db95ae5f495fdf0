"""AGORA's dataframes: gendered SMPL-X fits brought from scan space into the camera."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.agora.cameras import SENSOR_WIDTH_MM, cameras, scan_to_world
from ehpsbench.dataset_adapters.agora.fits import (
    BETAS,
    FOLDER,
    fits,
    model_genders,
    scans,
)
from ehpsbench.dataset_adapters.agora.pictures import (
    FULL_HEIGHT,
    Pictures,
    pictures_below,
    split_name,
)
from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import WHOLE_BODY, Labels, body_columns, validity
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import Frame, load
from ehpsbench.schema import Instances, nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import SMPLX_127

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Columns = dict[str, NDArray[Any]]

SHARD = re.compile(r"(train|validation)_(\d+)(_withjv)?\.pkl")
MOST_COMPARED = 256  # people of a shard whose joints are compared with the owners'
LARGEST_DEVIATION = 0.02  # m, in the median


def units(release: Release) -> Iterator[Unit]:
    """One unit per label shard, whatever its folder is called, and one of the test images."""
    shards: dict[tuple[str, int], list[Path]] = {}
    # which of them a shard needs is known only when it is read: each depends on all
    scanned = tuple(release.find(f"{FOLDER}/**/*.pkl"))
    for path in release.find("**/*.pkl"):
        if match := SHARD.fullmatch(path.name):
            shards.setdefault((match[1], int(match[2])), []).append(path)
    for (split, shard), paths in sorted(shards.items()):
        # one with joints is best, and of two such the larger is SMPL-X, the other SMPL
        best = max(paths, key=lambda p: ("_withjv" in p.name, p.stat().st_size))
        yield Unit(f"{split}_{shard}", release, (best, *scanned), {"split": split})
    if _test_names(pictures_below(release.root)):
        yield Unit("test", release, (), {"split": "test"})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The people of one shard, in the camera frame of their image; of the test, images alone.

    Raises:
        InputError: a fit is missing or broken, or the body models are not those of the labels.
    """
    pictures = pictures_below(unit.release.root)
    if unit.key["split"] == "test":
        return Instances({}, _images(unit, _test_names(pictures), pictures))
    frame: Frame = load(unit.files[0])
    names = [Path(str(path)).stem for path in frame["imgPath"]]
    images = _images(unit, names, pictures)
    place = np.stack([np.asarray(frame[f"cam{axis}"], np.float64) for axis in "XYZ"], -1)
    turn, centre, _ = cameras(names, place, np.asarray(frame["camYaw"], np.float64))
    images["world_rotation"] = turn.reshape(-1, 9)
    images["world_translation"] = -(turn @ centre[..., None])[..., 0]
    images["source_row"] = np.arange(len(names))
    counts = np.asarray([len(people) for people in frame["X"]], np.int64)
    image = np.repeat(np.arange(len(names)), counts)
    number = np.arange(len(image)) - np.repeat(np.cumsum(counts) - counts, counts)
    columns = {
        **person_identity(images, image, number),
        **_people(unit, frame),
        **_keypoints(frame, images["height"][image]),
    }
    columns |= _bodies(unit, frame, columns, bodies)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    _compare_joints(unit, columns, bodies)
    return Instances(columns, images)


def _test_names(pictures: Pictures) -> list[str]:
    """Pictures in a folder called test or so: their labels are kept by the owners."""
    both = pictures.full | pictures.small
    return sorted(n for n, path in both.items() if re.search(r"(^|/)test[^/]*/", path))


def _images(unit: Unit, names: list[str], pictures: Pictures) -> Columns:
    """Identity, image and camera columns, and masks; the camera follows from the name alone."""
    sequence, camera, frame = zip(*map(split_name, names), strict=True) if names else ((), (), ())
    # the cameras cam00–cam03 look at one arrangement of people
    cluster = [f"{s}/{f}" for s, f in zip(sequence, frame, strict=True)]
    height = pictures.heights(names)
    width = height * 16 // 9
    free = np.zeros(len(names))
    _, _, focal_mm = cameras(names, np.zeros((len(names), 3)), free)
    split = unit.key["split"]
    return image_columns(
        unit,
        pictures.paths(names, height, unit.name if split == "train" else split).tolist(),
        np.stack([width, height], -1),
        split=split,
        sequence=sequence,
        camera=camera,
        frame=frame,
        cluster=cluster,
        focal=(focal_mm / SENSOR_WIDTH_MM * width)[:, None],
        mask_path=pictures.mask_paths(names, height),
    )


def _listed(frame: Frame, name: str, dtype: type) -> NDArray[Any]:
    """(N,) the values of all people of a column that holds one list an image."""
    return np.asarray([value for people in frame[name] for value in people], dtype)


def _people(unit: Unit, frame: Frame) -> Columns:
    """What the dataframe says of each person beside the body."""
    subject = scans(_listed(frame, "gt_path_smplx", str).tolist())
    occlusion = _listed(frame, "occlusion", float) / 100
    count = len(subject)
    with np.errstate(invalid="ignore"):
        known = (occlusion >= 0) & (occlusion <= 1)
    return {
        "subject": subject,
        "subject_gender": _listed(frame, "gender", str),
        **validity(count, WHOLE_BODY, owner=_listed(frame, "isValid", bool)),
        "occlusion": nullable(np.where(known, occlusion, 0.0), known),
    }


def _keypoints(frame: Frame, height: NDArray[np.int64]) -> Columns:
    """The owners' joints, if this dataframe has those of SMPL-X; in the picture's own pixels."""
    columns: Columns = {}
    for name, dimensions in (("gt_joints_2d", 2), ("gt_joints_3d", 3)):
        listed = [joints for people in frame.columns.get(name, ()) for joints in people]
        if listed and np.shape(listed[0]) == (len(SMPLX_127), dimensions):
            values = np.stack(listed).astype(np.float64)
            if dimensions == 2:
                values *= (height / FULL_HEIGHT)[:, None, None]
            scored = np.pad(values, ((0, 0), (0, 0), (0, 1)), constant_values=1.0)
            columns |= keypoint_columns(dimensions, (scored, SMPLX_127))
    return columns


def _bodies(unit: Unit, frame: Frame, columns: Columns, bodies: BodySet) -> Columns:
    """Parameters in the camera frame: scan space → Unreal's world → camera."""
    kid = _listed(frame, "kid", bool)
    gender = model_genders(columns["subject_gender"], kid)
    fit = fits(unit.release.root, columns["subject"])
    betas = fit.pop("betas")  # the eleventh is the kid weight; of an adult it means nothing
    fit |= {"betas": betas[:, :BETAS], "kid": np.where(kid, betas[:, BETAS], 0.0)}
    stand = np.stack([_listed(frame, axis, float) for axis in "XYZ"], -1)
    turn, shift = scan_to_world(stand, _listed(frame, "Yaw", float))
    rotation = columns["world_rotation"].reshape(-1, 3, 3)
    chain = {
        "world_rotation": (rotation @ turn).reshape(-1, 9),
        "world_translation": (rotation @ shift[..., None])[..., 0] + columns["world_translation"],
    }
    return body_columns(fit, gender, Labels.of(unit.release.card), bodies, world=chain)


def _compare_joints(unit: Unit, columns: Columns, bodies: BodySet) -> None:
    """The posed bodies must have the owners' joints: else the models are of another version."""
    from ehpsbench.body.posed import posed_joints

    if "keypoints3d" not in columns:
        return
    rows = np.flatnonzero(columns["owner_valid"])[:MOST_COMPARED]
    joints, _ = posed_joints({n: v[rows] for n, v in columns.items()}, bodies, unit.release.root)
    owners = columns["keypoints3d"][rows].reshape(len(rows), -1, 4)[:, : joints.shape[1], :3]
    far = np.linalg.norm(joints - owners, axis=-1).max(1)
    far = far[np.isfinite(far)]
    if len(far) and np.median(far) > LARGEST_DEVIATION:
        raise InputError(
            f"{unit.files[0]}: the joints of the body models are {np.median(far):.3f} m from the "
            "owners' (gt_joints_3d), in the median. Use the SMPL-X v1.1 files and the kid "
            "template that AGORA's page names."
        )
