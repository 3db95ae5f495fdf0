"""SPEC: SMPL seen by cameras that look up, down and aslant; where a body stands is not said.

`cam_trans` is the place of the camera in the scene, the same for everybody in a picture. A body is
turned into the camera frame by `cam_rotmat` and put where its joints meet their exact projections
(`openpose_gt`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.identity import person_identity, person_keys
from ehpsbench.dataset_adapters.images import header_sizes, image_columns
from ehpsbench.dataset_adapters.parameters import (
    Labels,
    body_columns,
    split_pose,
    spread,
    validity,
)
from ehpsbench.dataset_adapters.readers.openpose_people import ANCHOR_JOINTS, ANCHORS
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.dataset_adapters.spec.placing import Placed, place
from ehpsbench.errors import InputError
from ehpsbench.geometry import box_around, clip_box
from ehpsbench.restricted_pickle import Archive, load_npz
from ehpsbench.schema import Columns, Instances, nullable, present
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import OPENPOSE_BODY_25

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]

SPLITS = {
    "spec-syn/annotations/train.npz": "train",
    "spec-syn/annotations/test.npz": "test",
    "spec-mtp/annotations/test.npz": "mtp",
}
POSES = ("pose_0yaw_inverseyz", "pose")  # the owners' loader takes the first that is there
FEWEST_ANCHORS = 4  # to place a body by
LARGEST_ERROR = 0.1  # of the person's larger side: beyond it pose and camera do not agree
PROBES = 8  # images whose size is compared with the cameras'


class _People(NamedTuple):
    """N people of a file."""

    image: NDArray[Any]
    poses: dict[str, Floats]
    betas: Floats
    turn: Floats
    intrinsics: Floats
    points: Floats
    fitted: NDArray[np.bool_]


def units(release: Release) -> Iterator[Unit]:
    """One unit per file."""
    for pattern, split in SPLITS.items():
        for path in release.find(pattern):
            yield Unit(split, release, (path,), {"split": split})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """Everybody of a file; who has no fit, or too few joints to be placed by, has keypoints only.

    Raises:
        InputError: the file is broken, or lacks something.
    """
    people = _people(unit)
    names, first, image = np.unique(people.image, return_index=True, return_inverse=True)
    images = _images(unit, names, people.intrinsics[first], first)
    columns = person_identity(images, image, person_keys(image, None))
    has = (people.points[:, ANCHORS, 2] > 0).sum(1) >= FEWEST_ANCHORS
    has &= people.fitted
    body, placed = _best_bodies(people, has, unit, bodies)
    agrees = np.zeros(len(has), bool)
    agrees[has] = placed.error <= LARGEST_ERROR
    columns |= spread(body, has) | validity(len(has), (), body=agrees, camera=agrees)
    columns |= keypoint_columns(2, (people.points, OPENPOSE_BODY_25))
    columns["bbox"] = _boxes(columns, people.points, bodies, unit)
    columns["source_row"] = np.arange(len(has))
    return Instances(columns, images)


def _people(unit: Unit) -> _People:
    path = unit.files[0]
    content: Archive = load_npz(path)
    try:
        names = np.asarray(content["imgname"]).astype(str).astype(object)  # of text or of bytes
        count = len(names)

        def table(key: str, *shape: int) -> Floats:
            return np.asarray(content[key], np.float64).reshape(count, *shape)

        return _People(
            image=names,
            poses={key: table(key, 72) for key in POSES if key in content},
            betas=table("shape", 10),
            turn=table("cam_rotmat", 3, 3),
            intrinsics=table("cam_int", 3, 3),
            points=table("openpose_gt", len(OPENPOSE_BODY_25), 3),
            fitted=table("has_smpl") > 0 if "has_smpl" in content else np.ones(count, bool),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not a file of SPEC ({type(error).__name__}: {error}). Expected arrays "
            "imgname, pose (N, 72), shape (N, 10), cam_rotmat, cam_int and openpose_gt (N, 25, 3)."
        ) from error


def _images(
    unit: Unit, names: NDArray[Any], intrinsics: Floats, row: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    folder = unit.files[0].parent.parent.name
    paths = [f"{folder}/{name}" for name in names]
    group = [_group(str(name)) for name in names]
    return image_columns(
        unit,
        paths,
        _sizes(unit, paths, intrinsics),
        split=unit.key["split"],
        sequence=group,
        frame=np.arange(len(names)),
        cluster=group,
        focal=intrinsics[:, (0, 1), (0, 1)],
        principal_point=intrinsics[:, :2, 2],
        source_row=row,
    )


def _group(name: str) -> str:
    """The scene: the fourth part of the file's name."""
    parts = PurePosixPath(name).stem.split("_")
    return parts[3] if len(parts) > 3 else parts[0]


def _sizes(unit: Unit, paths: list[str], intrinsics: Floats) -> NDArray[np.int64]:
    """(M, 2) width and height [px]: twice the principal point, unless some images say otherwise."""
    assumed = np.round(2 * intrinsics[:, :2, 2]).astype(np.int64)
    some = sorted({int(i) for i in np.linspace(0, len(paths) - 1, PROBES)} if paths else set())
    root = unit.release.root
    found = header_sizes(root, [paths[i] for i in some], assumed[some])
    if (found == assumed[some]).all():
        return assumed
    return header_sizes(root, paths, assumed)


def _best_bodies(
    people: _People, has: NDArray[np.bool_], unit: Unit, bodies: BodySet
) -> tuple[Columns, Placed]:
    """The bodies by that of the file's poses which the projected joints bear out best."""
    if not people.poses:
        raise InputError(f"{unit.files[0]} has neither {POSES[0]} nor {POSES[1]}.")
    tried = [_bodies(people, pose[has], has, unit, bodies) for pose in people.poses.values()]
    return min(tried, key=lambda found: float(np.median(found[1].error)) if has.any() else 0.0)


def _bodies(
    people: _People, pose: Floats, has: NDArray[np.bool_], unit: Unit, bodies: BodySet
) -> tuple[dict[str, NDArray[Any]], Placed]:
    """Columns of those who have a body, and how they were placed."""
    from ehpsbench.body.posed import posed_joints

    fit = split_pose(pose, "smpl")
    fit |= {"betas": people.betas[has], "transl": np.zeros((len(pose), 3))}
    chain = {"world_rotation": people.turn[has], "world_translation": np.zeros((len(pose), 3))}
    columns = body_columns(fit, "neutral", Labels.of(unit.release.card), bodies, chain)
    joints = posed_joints(columns, bodies)[0][:, ANCHOR_JOINTS]
    placed = place(joints, people.points[has][:, ANCHORS], people.intrinsics[has])
    columns["transl"] = columns["transl"] + placed.transl
    return columns, placed


def _boxes(columns: Columns, points: Floats, bodies: BodySet, unit: Unit) -> NDArray[Any]:
    """Tight boxes around joints; around keypoints where there is no body."""
    tight = joint_boxes(columns, bodies, unit.release.root)
    seen = points[..., 2:] > 0
    around = box_around(np.where(seen, points[..., :2], np.nan))
    other = clip_box(np.nan_to_num(around), columns["width"], columns["height"])
    known = present(tight)
    return nullable(np.where(known[:, None], np.ma.getdata(tight), other), known | seen.any((1, 2)))
