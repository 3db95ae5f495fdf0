"""UBody: COCO-style annotations of a scene, joined with SMPL-X parameters by annotation id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import validity
from ehpsbench.dataset_adapters.readers.coco import WHOLE_BODY, labelled, read_coco
from ehpsbench.dataset_adapters.readers.neural_annot import (
    lens_columns,
    neural_annot_columns,
    part_flags,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.geometry import box_around
from ehpsbench.restricted_pickle import load_npy
from ehpsbench.schema import Instances, nullable
from ehpsbench.skeleton.placing import keypoint_columns

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

FPS = 30.0
HAND_BOX_SCALE = 1 / 1.5  # the stored boxes are one and a half times the hand
ANNOTATIONS = ("keypoint_annotation.json", "smplx_annotation.json")

Records = Sequence[Mapping[str, Any]]


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
    coco, fitted = read_coco(unit.files[0]), read_json(unit.files[1])
    test_list = set(np.asarray(load_npy(unit.files[2])).tolist())
    images = _images(unit, coco.images, test_list)
    kept = [i for i, a in enumerate(coco.annotations) if str(a["id"]) in fitted]
    people = [coco.annotations[i] for i in kept]
    entries = [fitted[str(person["id"])] for person in people]
    columns = {
        **person_identity(images, coco.image[kept], [person["id"] for person in people]),
        **neural_annot_columns(entries, bodies, source="osx"),
        **lens_columns(entries),
        **_keypoints(people),
        **_boxes(people),
        **_flags(people, entries),
        "source_row": np.asarray(kept, np.int64),
    }
    return Instances(columns, images)


def _images(unit: Unit, records: Records, test_videos: set[str]) -> dict[str, NDArray[Any]]:
    """Identity and image columns; `file_name` may begin with a slash, its folder is the video."""
    scene = unit.key["scene"]
    paths = [_inside(record["file_name"], unit.files[0]) for record in records]
    videos = [f"{scene}/{path.parent.as_posix()}" for path in paths]
    split = np.where(
        [p.parent.name.split("_Trim")[0] in test_videos for p in paths], "test", "train"
    )
    frames = [int(path.stem) for path in paths]
    return image_columns(
        unit,
        [f"images/{scene}/{path}" for path in paths],
        np.asarray([(r["width"], r["height"]) for r in records], np.int64).reshape(-1, 2),
        split=split.tolist(),
        sequence=videos,
        frame=frames,
        cluster=videos,
        fps=FPS,
        timestamp=(np.asarray(frames, np.float64) - 1) / FPS,
    )


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


def _keypoints(people: Records) -> dict[str, NDArray[Any]]:
    parts = [
        (np.asarray([p[key] for p in people], np.float64).reshape(-1, len(joints), 3), joints)
        for key, joints in WHOLE_BODY
    ]
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


def _flags(people: Records, entries: Records) -> dict[str, NDArray[Any]]:
    """Validity; a part is valid where both files say so, or the fit says nothing."""
    count = len(people)
    label = np.asarray([p["valid_label"] for p in people], np.int64)
    flags = part_flags(entries)
    for part in flags:
        key = part.replace("_", "") + "_valid"  # righthand_valid
        flags[part] = flags[part] & np.asarray([bool(p[key]) for p in people], bool)
    owner = labelled(people) & (label != 0)
    return validity(count, ("body", "shape"), owner=owner, **flags)
