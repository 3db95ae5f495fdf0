"""EgoBody's interactee: gendered SMPL-X in the master Kinect's frame, seen by a HoloLens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.egobody_egocentric.camera import (
    camera_columns,
    read_pv,
    read_transform,
)
from ehpsbench.dataset_adapters.egobody_egocentric.fits import SIZES, read_fits
from ehpsbench.dataset_adapters.egobody_egocentric.recordings import Recording, recordings
from ehpsbench.dataset_adapters.identity import image_identity, person_identity, repeat
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import MissingFiles
from ehpsbench.geometry import body_to_camera
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.schema import Columns, Instances, nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import OPENPOSE_BODY_25

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]
FPS = 30.0
PICTURE = re.compile(r"(\d+)_frame_(\d+)\.jpg$")
VALID = tuple(f"{w}_valid" for w in ("body", "left_hand", "right_hand", "face", "shape", "camera"))


def units(release: Release) -> Iterator[Unit]:
    """One unit per recording; its fits are the interactee's, never the wearer's."""
    root = release.root
    for recording in recordings(root):
        name, split = recording.name, recording.split
        pv = _one(root, f"egocentric_color/{name}/*/*_pv.txt")
        tables = (root / "data_info_release.csv", root / "data_splits.csv", pv)
        seen = tuple(_one(pv.parent, f"{n}.npz") for n in ("valid_frame", "keypoints"))
        trans = _one(root, f"calibrations/{name}/**/holo_to_kinect12.json")
        fits = f"smplx_interactee_{split}/{name}/body_idx_{recording.body}/results/*/000.pkl"
        key = {"recording": recording, "pv": pv, "trans": trans}
        yield Unit(f"{split}/{name}", release, (*tables, *seen, trans, *release.find(fits)), key)


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The interactee of one recording, in the camera frame of each image.

    A fit counts when its image is there and lies between the recording's start and end.

    Raises:
        InputError: a file is broken or lacks something.
    """
    recording: Recording = unit.key["recording"]
    valid = _by_picture(unit.key["pv"].with_name("valid_frame.npz"), "valid")
    pictures = _pictures(unit, valid)
    images = _images(unit, pictures)
    inside = (images["frame"] >= recording.start) & (images["frame"] <= recording.end)
    place = {int(f): i for i, f in enumerate(images["frame"]) if inside[i]}
    fits = {int(p.parent.name.split("_")[-1]): p for p in unit.files if p.name == "000.pkl"}
    shared = sorted(place.keys() & fits.keys())
    image = np.array([place[frame] for frame in shared], np.int64)
    columns = _people(unit, images, image, [fits[f] for f in shared], bodies) if shared else {}
    if shared:
        columns |= _seen(unit, [pictures[i] for i in image], valid)
    for name in ("focal", "world_rotation", "world_translation"):
        images[name] = nullable(images[name], np.isfinite(images[name]).all(1))
    return Instances(columns, images)


def _people(
    unit: Unit,
    images: dict[str, NDArray[Any]],
    image: NDArray[np.int64],
    paths: list[Path],
    bodies: BodySet,
) -> dict[str, NDArray[Any]]:
    """One person in each of some images."""
    recording: Recording = unit.key["recording"]
    columns = person_identity(images, image, [recording.body] * len(image))
    columns["source_file"] = _text(unit.release.relative(path) for path in paths)
    columns["source_row"] = np.zeros(len(image), np.int64)
    columns |= _who(recording, len(image), bodies)
    columns |= _bodies(columns, paths, bodies)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    return columns


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise MissingFiles(f"{folder / pattern} is not there; is the download complete?")
    return found[0]


def _text(values: Iterator[str]) -> NDArray[Any]:
    return np.array([*values, None], object)[:-1]


def _by_picture(path: Path, key: str) -> dict[str, Any]:
    """File name of a picture → its row of an array; the paths before the name vary."""
    table = load_npz(path)
    names = [str(name).replace("\\", "/").rsplit("/", 1)[-1] for name in table["imgname"]]
    return dict(zip(names, table[key], strict=True))


def _pictures(unit: Unit, valid: dict[str, Any]) -> list[str]:
    """Names of the images on disk, else of those that the owners list; sorted by frame."""
    folder = unit.key["pv"].parent / "PV"
    names = [p.name for p in folder.glob("*_frame_*.jpg")] if folder.is_dir() else []
    found = [name for name in names or valid if PICTURE.match(name)]
    return sorted(found, key=_frame)


def _frame(picture: str) -> int:
    return int(picture.rsplit("_", 1)[-1].split(".")[0])


def _images(unit: Unit, pictures: list[str]) -> dict[str, NDArray[Any]]:
    """Every image of the recording and its camera; NaN where that cannot be used."""
    recording, path = unit.key["recording"], unit.key["pv"]
    count, pv = len(pictures), read_pv(path)
    folder = unit.release.relative(path.parent)
    ticks = np.array([int(name.split("_")[0]) for name in pictures], np.int64)
    frames = [_frame(name) for name in pictures]
    same = [recording.name] * count
    return {
        **image_identity(unit.release.name, recording.split, same, ["PV"] * count, frames, same),
        "image_path": _text(f"{folder}/PV/{name}" for name in pictures),
        "height": np.full(count, pv.height),
        "width": np.full(count, pv.width),
        "orientation": np.ones(count, np.int8),
        "fps": np.full(count, FPS),
        "source_file": repeat(unit.release.relative(path), count),
        **camera_columns(pv, ticks, read_transform(unit.key["trans"])),
    }


def _who(recording: Recording, count: int, bodies: BodySet) -> dict[str, NDArray[Any]]:
    words = {
        "subject": recording.subject,
        "track": f"{recording.name}/{recording.body}",
        "source_model": "smplx",
        "body_hash": bodies.model("smplx", recording.gender).hash,
        "labels": "owners",
        "annotation": "pseudo",
        "gender": recording.gender,
        "subject_gender": recording.gender,
    }
    return {
        **{name: repeat(word, count) for name, word in words.items()},
        **{name: np.ones(count, bool) for name in VALID},
        "num_betas": np.full(count, SIZES["betas"]),
    }


def _bodies(columns: Columns, paths: list[Path], bodies: BodySet) -> dict[str, Floats]:
    """The fits, in the camera frame: each turns about the pelvis of its gender and shape."""
    model = bodies.model("smplx", columns["gender"][0])
    body = read_fits(paths, model)
    body["global_orient"], body["transl"] = body_to_camera(
        columns["world_rotation"].reshape(-1, 3, 3),
        columns["world_translation"],
        body["global_orient"],
        body["transl"],
        model.rest_joints(body["betas"])[:, 0],
    )
    return body | {"betas": np.pad(body["betas"], ((0, 0), (0, 6)))}


def _seen(unit: Unit, pictures: list[str], valid: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """2D detections where there are some, and whether the owners saw the interactee."""
    found = _by_picture(unit.key["pv"].with_name("keypoints.npz"), "keypoints")
    nothing = np.zeros((len(OPENPOSE_BODY_25), 3))
    points = np.stack([found.get(name, nothing) for name in pictures])
    columns = keypoint_columns(2, (points, OPENPOSE_BODY_25))
    extra = columns["keypoints2d_extra"]  # all of OpenPose's names are beyond SMPL-X's
    return {
        "keypoints2d_extra": nullable(extra, points.any((1, 2))),
        "owner_valid": np.array([bool(valid.get(name, False)) for name in pictures]),
    }
