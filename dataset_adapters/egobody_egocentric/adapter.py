"""EgoBody's interactee: gendered SMPL-X in the master Kinect's frame, seen by a HoloLens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.egobody_egocentric.camera import camera_columns, read_pv
from ehpsbench.dataset_adapters.egobody_egocentric.pictures import by_picture, picture_names, seen
from ehpsbench.dataset_adapters.files import read_frames
from ehpsbench.dataset_adapters.identity import person_identity, repeat, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import WHOLE_BODY, Labels, body_columns, validity
from ehpsbench.dataset_adapters.readers.egobody import (
    FIT_SIZES_12,
    FPS,
    Recording,
    frame_number,
    read_transform,
    recordings,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import MissingFiles
from ehpsbench.schema import Instances, nullable

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet


def units(release: Release) -> Iterator[Unit]:
    """One unit per recording; its fits are the interactee's, never the wearer's."""
    root = release.root
    for recording in recordings(root, "egocentric_color"):
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
    fits = {frame_number(p.parent.name): p for p in unit.files if p.name == "000.pkl"}
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
    words = {
        "subject": recording.subject,
        "track": f"{recording.name}/{recording.body}",
        "subject_gender": recording.gender,
    }
    columns |= {name: repeat(word, len(image)) for name, word in words.items()}
    columns["source_file"] = text(unit.release.relative(path) for path in paths)
    columns["source_row"] = np.zeros(len(image), np.int64)
    fits, labels = read_frames(paths, FIT_SIZES_12), Labels.of(unit.release.card)
    columns |= body_columns(fits, recording.gender, labels, bodies, world=columns)
    columns |= validity(len(image), WHOLE_BODY)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    return columns


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise MissingFiles(f"{folder / pattern} is not there; is the download complete?")
    return found[0]


def _images(unit: Unit, pictures: list[str]) -> dict[str, NDArray[Any]]:
    """Every image of the recording and its camera; NaN where that cannot be used."""
    recording, path = unit.key["recording"], unit.key["pv"]
    pv = read_pv(path)
    folder = unit.release.relative(path.parent)
    ticks = np.array([int(name.split("_")[0]) for name in pictures], np.int64)
    frames = [frame_number(name) for name in pictures]
    return image_columns(
        unit,
        [f"{folder}/PV/{name}" for name in pictures],
        (pv.width, pv.height),
        split=recording.split,
        sequence=recording.name,
        camera="PV",
        frame=frames,
        cluster=recording.name,
        fps=FPS,
        source_file=unit.release.relative(path),
        **camera_columns(pv, ticks, read_transform(unit.key["trans"])),
    )
