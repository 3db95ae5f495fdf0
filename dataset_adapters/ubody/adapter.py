"""UBody: COCO-style annotations of a scene, joined with SMPL-X parameters by annotation id."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.identity import image_identity, person_identity, repeat
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.geometry import box_around
from ehpsbench.restricted_pickle import load_npy
from ehpsbench.schema import Instances, nullable
from ehpsbench.skeleton import sources
from ehpsbench.skeleton.placing import keypoint_columns

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

FPS = 30.0
HAND_BOX_SCALE = 1 / 1.5  # the stored boxes are one and a half times the hand
KEYPOINTS = (
    ("keypoints", sources.COCO_17),
    ("foot_kpts", sources.COCO_FEET_6),
    ("face_kpts", sources.FACE_68),
    ("lefthand_kpts", sources.LEFT_HAND_21),
    ("righthand_kpts", sources.RIGHT_HAND_21),
)
PARAMETERS = (  # column, name in the file, size
    ("global_orient", "root_pose", 3),
    ("body_pose", "body_pose", 63),
    ("jaw_pose", "jaw_pose", 3),
    ("expression", "expr", 10),
    ("transl", "trans", 3),
    ("left_hand_pose", "lhand_pose", 45),
    ("right_hand_pose", "rhand_pose", 45),
)
PARTS = (("left_hand", "lhand"), ("right_hand", "rhand"), ("face", "face"))

ANNOTATIONS = ("keypoint_annotation.json", "smplx_annotation.json")

Records = Sequence[dict[str, Any]]


def units(release: Release) -> Iterator[Unit]:
    """One unit per scene.

    Raises:
        MissingFiles: a scene has only one of its two annotation files.
    """
    test_list = release.root / "splits" / "intra_scene_test_list.npy"
    for folder in release.find("annotations/*"):
        files = [folder / name for name in ANNOTATIONS]
        absent = [path for path in files if not path.is_file()]
        if len(absent) == 1:
            raise MissingFiles(
                f"{absent[0]} is not there, but the scene's other annotation file is. Download "
                f"both of {folder.name}, or move its folder away."
            )
        if not absent:
            yield Unit(folder.name, release, (*files, test_list), {"scene": folder.name})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The people of one scene who have SMPL-X parameters, and all of its images."""
    keypoints, fits, test_list = unit.files
    labelled, fitted = _json(keypoints), _json(fits)
    images = _images(unit, labelled["images"], set(np.asarray(load_npy(test_list)).tolist()))
    kept = [i for i, a in enumerate(labelled["annotations"]) if str(a["id"]) in fitted]
    people = [labelled["annotations"][i] for i in kept]
    entries = [fitted[str(person["id"])] for person in people]
    place = {image["id"]: row for row, image in enumerate(labelled["images"])}
    image = np.asarray([place[person["image_id"]] for person in people], np.int64)
    columns = {
        **person_identity(images, image, [person["id"] for person in people]),
        **_camera(entries),
        **_body(entries, bodies),
        **_keypoints(people),
        **_boxes(people),
        **_flags(people, entries),
        "source_row": np.asarray(kept, np.int64),
    }
    return Instances(columns, images)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there; is the release complete?") from error
    except ValueError as error:
        raise InputError(f"{path} is not whole JSON ({error}); download it again.") from error


def _images(unit: Unit, records: Records, test_videos: set[str]) -> dict[str, NDArray[Any]]:
    """Identity and image columns; `file_name` may begin with a slash, its folder is the video."""
    scene = unit.key["scene"]
    paths = [_inside(record["file_name"], unit.files[0]) for record in records]
    videos = [f"{scene}/{path.parent.as_posix()}" for path in paths]
    split = np.where(
        [p.parent.name.split("_Trim")[0] in test_videos for p in paths], "test", "train"
    )
    frames = [int(path.stem) for path in paths]
    cameras = ["0"] * len(paths)
    release = unit.release
    return {
        **image_identity(release.name, split.tolist(), videos, cameras, frames, videos),
        "image_path": np.asarray([f"images/{scene}/{p}" for p in paths] + [None], object)[:-1],
        "height": np.asarray([record["height"] for record in records], np.int64),
        "width": np.asarray([record["width"] for record in records], np.int64),
        "orientation": np.ones(len(paths), np.int64),
        "fps": np.full(len(paths), FPS),
        "timestamp": (np.asarray(frames, np.float64) - 1) / FPS,
        "source_file": repeat(release.relative(unit.files[0]), len(paths)),
    }


def _inside(name: str, source: Path) -> PurePosixPath:
    """The path of an image below its scene's folder; one slash before it means nothing."""
    path = PurePosixPath(name.removeprefix("/"))
    windows = PureWindowsPath(name.removeprefix("/"))
    if path.is_absolute() or ".." in windows.parts or windows.anchor:
        raise InputError(
            f"{source}: file_name {name!r} leads out of the release; expected <video>/<frame>.png "
            "below images/<scene>/. Is this the owners' file?"
        )
    return path


def _camera(entries: Records) -> dict[str, NDArray[Any]]:
    """Every annotation has a virtual camera of its own, in pixels of the whole image."""
    cameras = [entry["cam_param"] for entry in entries]
    return {
        "focal": np.asarray([c["focal"] for c in cameras], np.float64).reshape(-1, 2),
        "principal_point": np.asarray([c["princpt"] for c in cameras], np.float64).reshape(-1, 2),
        "camera_valid": np.zeros(len(cameras), bool),
    }


def _body(entries: Records, bodies: BodySet) -> dict[str, NDArray[Any]]:
    """Parameters, in the camera frame as they are; hands become absolute."""
    fits = [entry["smplx_param"] for entry in entries]
    count = len(fits)
    columns = {
        name: np.asarray([fit[key] for fit in fits], np.float64).reshape(count, size)
        for name, key, size in PARAMETERS
    }
    model = bodies.model("smplx", "neutral")
    columns["left_hand_pose"] = columns["left_hand_pose"] + model.hand_mean("left")
    columns["right_hand_pose"] = columns["right_hand_pose"] + model.hand_mean("right")
    shape = np.asarray([fit["shape"] for fit in fits], np.float64).reshape(count, 10)
    return columns | {
        "source_model": repeat("smplx", count),
        "body_hash": repeat(model.hash, count),
        "labels": repeat("osx", count),
        "annotation": repeat("pseudo", count),
        "gender": repeat("neutral", count),
        "betas": np.pad(shape, ((0, 0), (0, 6))),
        "num_betas": np.full(count, 10),
    }


def _keypoints(people: Records) -> dict[str, NDArray[Any]]:
    parts = [
        (np.asarray([p[key] for p in people], np.float64).reshape(-1, len(joints), 3), joints)
        for key, joints in KEYPOINTS
    ]
    # the wrists of the hands come after those of the body, and win where they were seen
    return keypoint_columns(2, *parts)


def _boxes(people: Records) -> dict[str, NDArray[Any]]:
    """Tight boxes [px]; hands shrunk to the hand, the face around its keypoints that were seen."""
    face = np.asarray([p["face_kpts"] for p in people], np.float64).reshape(-1, 68, 3)
    around = box_around(np.where(face[..., 2:] > 0, face[..., :2], np.nan))
    columns = {
        "bbox": np.asarray([p["bbox"] for p in people], np.float64).reshape(-1, 4),
        "face_bbox": nullable(np.nan_to_num(around), np.isfinite(around).all(1)),
    }
    for column, key in (("left_hand_bbox", "lefthand_box"), ("right_hand_bbox", "righthand_box")):
        box = np.asarray([p[key] for p in people], np.float64).reshape(-1, 4)
        size = box[:, 2:] * HAND_BOX_SCALE
        hand = np.concatenate([box[:, :2] + (box[:, 2:] - size) / 2, size], 1)
        columns[column] = nullable(hand, (size > 0).all(1))
    return columns


def _flags(people: Records, entries: Records) -> dict[str, NDArray[np.bool_]]:
    """Validity; a part is valid where both files say so, or the fit says nothing."""
    count = len(people)
    crowd = np.asarray([bool(p["iscrowd"]) for p in people], bool)
    points = np.asarray([p["num_keypoints"] for p in people], np.int64)
    label = np.asarray([p["valid_label"] for p in people], np.int64)
    columns = {
        "body_valid": np.ones(count, bool),
        "shape_valid": np.ones(count, bool),
        "owner_valid": ~crowd & (points > 0) & (label != 0),
    }
    for part, short in PARTS:
        name = part.replace("_", "") + "_valid"
        seen = np.asarray([bool(p[name]) for p in people], bool)
        fit = [bool(e["smplx_param"].get(f"{short}_valid", True)) for e in entries]
        columns[f"{part}_valid"] = seen & np.asarray(fit, bool)
    return columns
