"""EgoBody's interactee: gendered SMPL-X in the master Kinect's frame, seen by a HoloLens."""

from __future__ import annotations

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
from ehpsbench.dataset_adapters.egobody_egocentric.pictures import (
    by_picture,
    frame_of,
    picture_names,
    seen,
)
from ehpsbench.dataset_adapters.egobody_egocentric.recordings import Recording, recordings
from ehpsbench.dataset_adapters.identity import image_identity, person_identity, repeat
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import MissingFiles
from ehpsbench.geometry import body_to_camera
from ehpsbench.schema import Columns, Instances, nullable

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]
FPS = 30.0
VALID = tuple(f"{w}_valid" for w in ("body", "left_hand", "right_hand", "face", "shape", "camera"))


def units(release: Release) -> Iterator[Unit]:
    """One unit per recording; its fits are the interactee's, never the wearer's."""
    root = release.root
    for recording in recordings(root):
        name, split = recording.name, recording.split
        pv = _one(root, f"egocentric_color/{name}/*/*_pv.txt")
        tables = (root / "data_info_release.csv", root / "data_splits.csv", pv)
        shown = tuple(_one(pv.parent, f"{n}.npz") for n in ("valid_frame", "keypoints"))
        trans = _one(root, f"calibrations/{name}/**/holo_to_kinect12.json")
        fits = f"smplx_interactee_{split}/{name}/body_idx_{recording.body}/results/*/000.pkl"
        key = {"recording": recording, "pv": pv, "trans": trans}
        yield Unit(f"{split}/{name}", release, (*tables, *shown, trans, *release.find(fits)), key)


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The interactee of one recording, in the camera frame of each image.

    A fit counts when its image is there and lies between the recording's start and end.

    Raises:
        InputError: a file is broken or lacks something.
    """
    recording: Recording = unit.key["recording"]
    folder = unit.key["pv"].parent
    valid = by_picture(folder / "valid_frame.npz", "valid")
    pictures = picture_names(folder / "PV", valid)
    images = _images(unit, pictures)
    inside = (images["frame"] >= recording.start) & (images["frame"] <= recording.end)
    place = {int(f): i for i, f in enumerate(images["frame"]) if inside[i]}
    fits = {int(p.parent.name.split("_")[-1]): p for p in unit.files if p.name == "000.pkl"}
    shared = sorted(place.keys() & fits.keys())
    image = np.array([place[frame] for frame in shared], np.int64)
    columns = _people(unit, images, image, [fits[f] for f in shared], bodies) if shared else {}
    if shared:
        columns |= seen(folder / "keypoints.npz", [pictures[i] for i in image], valid)
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


def _images(unit: Unit, pictures: list[str]) -> dict[str, NDArray[Any]]:
    """Every image of the recording and its camera; NaN where that cannot be used."""
    recording, path = unit.key["recording"], unit.key["pv"]
    count, pv = len(pictures), read_pv(path)
    folder = unit.release.relative(path.parent)
    ticks = np.array([int(name.split("_")[0]) for name in pictures], np.int64)
    frames = [frame_of(name) for name in pictures]
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
