"""The layout of IMAR's releases (CHI3D, FIT3D, HumanSC3D): SMPL-X of an action, four cameras.

`<part>/<subject>/smplx/<action>.json` holds rotation matrices and metres in a world with z up, one
row a video frame; a release with two people has a leading axis for them. Hands are absolute. The
cameras' `T` is where a camera stands: x_camera = R (x_world − T); frames are as filmed, distorted.
Frames are not shipped: they are looked for beside `videos/`, numbered from 0, and derived from the
labels where none are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.extracted import extracted
from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.identity import person_identity, repeat, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import WHOLE_BODY, Labels, body_columns, validity
from ehpsbench.dataset_adapters.readers.imar_joints import joint_columns
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["CAMERAS", "imar_read", "imar_units"]

Floats = NDArray[np.float64]
CAMERAS = ("50591643", "58860488", "60457274", "65906101")
SIZE = (900, 900)  # px
FPS = 50.0
FEWEST_TOLD = 50  # frames that must be there to call them a whole video
PARTS = {  # trailing shape of a frame's values
    "transl": (3,),
    "global_orient": (1, 3, 3),
    "body_pose": (21, 3, 3),
    "betas": (10,),
    "left_hand_pose": (15, 3, 3),
    "right_hand_pose": (15, 3, 3),
    "jaw_pose": (1, 3, 3),
    "leye_pose": (1, 3, 3),
    "reye_pose": (1, 3, 3),
    "expression": (10,),
}


def imar_units(release: Release) -> Iterator[Unit]:
    """One unit per action of a subject, with all its cameras."""
    for path in release.find("train/*/smplx/*.json"):
        folder, action = path.parent.parent, path.stem
        cameras = [folder / f"camera_parameters/{c}/{action}.json" for c in CAMERAS]
        joints = folder / f"joints3d_25/{action}.json"
        files = [path, *(f for f in (*cameras, joints) if f.is_file())]
        key = {"subject": folder.name, "action": action}
        yield Unit(f"train/{folder.name}/{action}", release, tuple(files), key)


def imar_read(unit: Unit, bodies: BodySet, people: int = 1) -> Instances:
    """The people of one action in all views, frame by frame.

    Args:
        unit: of `imar_units`.
        bodies: the body set of the labels.
        people: in every frame; with more than one the arrays have a leading axis for them.

    Raises:
        InputError: a file is broken, or holds another number of people.
    """
    fits = _fits(unit.files[0], people)
    count = fits["transl"].shape[1]
    cameras = [f for f in unit.files if f.parent.parent.name == "camera_parameters"]
    images = _images(unit, cameras, count)
    view_frame = np.flatnonzero(images.pop("listed"))
    images = {name: values[view_frame] for name, values in images.items()}
    image = np.repeat(np.arange(len(view_frame)), people)
    person = np.tile(np.arange(people), len(view_frame))
    frame = images["frame"][image]
    columns = person_identity(images, image, person)
    subject = unit.key["subject"]
    name = text(f"{subject}_{p}" if people > 1 else subject for p in range(people))[person]
    columns |= {"subject": name, "track": name, "source_row": frame}
    fit = {key: values[person, frame] for key, values in fits.items()}
    labels = Labels.of(unit.release.card)
    columns |= body_columns(fit, "neutral", labels, bodies, world=columns)
    columns |= validity(len(image), WHOLE_BODY)
    columns |= joint_columns(unit, columns, person, frame, bodies)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    return Instances(columns, images)


def _fits(path: Path, people: int) -> dict[str, Floats]:
    """Parameters by name, each (P, F, …).

    Raises:
        InputError: a key is missing, or values have another shape.
    """
    content = read_json(path)
    try:
        fits = {key: np.asarray(content[key], np.float64) for key in PARTS}
        lead = (people, -1) if people > 1 else (1, -1)
        if people > 1 and any(f.ndim < 2 + len(PARTS[k]) for k, f in fits.items()):
            raise ValueError(f"one person, expected {people}: get the release of 2023 or later")
        shaped = {key: fits[key].reshape(*lead, *shape) for key, shape in PARTS.items()}
        if len({f.shape[:2] for f in shaped.values()}) > 1:
            raise ValueError("arrays of different lengths")
        return shaped
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not an action of {people} (SMPL-X, rotation matrices): "
            f"{type(error).__name__}: {error}. Expected {', '.join(PARTS)}."
        ) from error


def _images(unit: Unit, cameras: list[Path], count: int) -> dict[str, NDArray[Any]]:
    """Image columns of all views, one after another; `listed` where the frame counts."""
    views = [path.parent.name for path in cameras]
    lenses = [_camera(path) for path in cameras]
    view = np.repeat(np.arange(len(views)), count)
    frame = np.tile(np.arange(count), len(views))
    subject, action = unit.key["subject"], unit.key["action"]
    folder = f"train/{subject}/frames"
    columns = image_columns(
        unit,
        [f"{folder}/{views[v]}/{action}/{f:04d}.jpg" for v, f in zip(view, frame, strict=True)],
        SIZE,
        split="train",
        sequence=f"{subject}/{action}",
        camera=[views[v] for v in view],
        frame=frame,
        cluster=f"{subject}/{action}",
        fps=FPS,
        source_row=frame,
        **{name: np.stack([lens[name] for lens in lenses])[view] for name in lenses[0]},
    )
    columns["source_file"] = repeat(unit.release.relative(unit.files[0]), len(view))
    places = [unit.release.root / f"{folder}/{v}/{action}" for v in views]
    return columns | {"listed": np.concatenate([_shown(place, count) for place in places])}


def _shown(folder: Path, count: int) -> NDArray[np.bool_]:
    """(F,) which frames count: all that are labelled, or of them those cut from the video.

    Raises:
        InputError: the pictures are numbered from 1, or belong to more rows than one each.
    """
    shown = extracted(folder, np.arange(count), ".jpg")
    cut = int(shown.sum())
    times = round(count / max(cut, 1))
    whole = cut >= FEWEST_TOLD and shown[:cut].all()
    if whole and times > 1 and abs(count - times * cut) <= times:
        raise InputError(
            f"{folder} has {cut} frames for {count} rows of labels, {times} rows a frame: which "
            "rows are of the video is not known (the motion was captured at 200 Hz). Expected a "
            "row a frame; cut all frames, or remove this folder and those of the other cameras."
        )
    return shown


def _camera(path: Path) -> dict[str, Floats]:
    """World → camera, focal length, centre and distortion of one view."""
    content: Mapping[str, Any] = read_json(path)
    try:
        place, lens = content["extrinsics"], content["intrinsics_w_distortion"]
        turn = np.asarray(place["R"], np.float64).reshape(3, 3)
        position = np.asarray(place["T"], np.float64).reshape(3)
        focal, centre, radial, aside = (
            np.asarray(lens[key], np.float64).reshape(size)
            for key, size in (("f", 2), ("c", 2), ("k", 3), ("p", 2))
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no camera of IMAR ({type(error).__name__}: {error}). Expected extrinsics "
            "{R, T} and intrinsics_w_distortion {f, c, k, p}."
        ) from error
    return {
        "world_rotation": turn,
        "world_translation": -turn @ position,
        "focal": focal,
        "principal_point": centre,
        "distortion": np.array([*radial[:2], *aside, radial[2]]),
    }
