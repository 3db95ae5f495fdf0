"""Human3.6M as its owners ship it: 3D joints of an action in a .cdf, four cameras, MoSh's fits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.extracted import extracted
from ehpsbench.dataset_adapters.human36m.masks import mask_boxes, mask_file
from ehpsbench.dataset_adapters.human36m.metadata import CAMERAS, SIZES, Lens, read_metadata
from ehpsbench.dataset_adapters.human36m.mosh import mosh_columns, mosh_file
from ehpsbench.dataset_adapters.identity import person_identity, repeat
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import validity
from ehpsbench.dataset_adapters.readers.cdf import cdf_variable
from ehpsbench.dataset_adapters.readers.fit_lists import last_number
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.geometry import box_around, clip_box, project
from ehpsbench.schema import Columns, Instances, nullable, present
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import H36M_17

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["JOINTS_OF_32", "POSES", "owners_read", "owners_units", "picture"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
POSES = "MyPoseFeatures/D3_Positions"
TEST = ("S9", "S11")
FPS = 50.0
JOINTS_OF_32 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)  # in Moon's order
MM = 1e-3
# the owners' world lies 200 mm too far along x there, and so do their 2D joints and boxes
SHIFTED = ("SittingDown 1", "Waiting 1", "Greeting")
SHIFT = np.array([-200.0, 0.0, 0.0])  # mm


def owners_units(release: Release) -> Iterator[Unit]:
    """One unit per action of a subject, with its four views.

    Raises:
        MissingFiles: metadata.xml, which has the cameras, is not there.
    """
    metadata = next((p for n in ("", "*/", "*/*/") for p in release.find(f"{n}metadata.xml")), None)
    for path in release.find(f"S*/{POSES}/*.cdf"):
        if path.stem.startswith("_ALL"):
            continue
        if metadata is None:
            raise MissingFiles(
                f"{release.root} has no metadata.xml, which holds the cameras. Take it from "
                "Release-v1.2/ of code-v1.2.zip."
            )
        subject = path.parents[2].name
        views = range(len(CAMERAS))
        mosh = (mosh_file(release.root, subject, path.stem, view) for view in views)
        masks = (mask_file(path.parents[2], f"{path.stem}.{CAMERAS[view]}") for view in views)
        files = {"mosh": dict(enumerate(mosh)), "masks": dict(enumerate(masks))}
        known = {kind: {v: p for v, p in of.items() if p} for kind, of in files.items()}
        key = {kind: {v: release.relative(p) for v, p in of.items()} for kind, of in known.items()}
        there = (path, metadata, *(p for of in known.values() for p in of.values()))
        needs = ("smpl/neutral",) if known["mosh"] else ()
        yield Unit(f"{subject}/{path.stem}", release, there, key | {"form": "owners"}, needs)


def owners_read(unit: Unit, bodies: BodySet) -> Instances:
    """The actor of one action in all views.

    Raises:
        InputError: a file is broken.
    """
    subject, action = unit.name.split("/")
    world = _joints(unit, subject, action)
    metadata = read_metadata(unit.files[1])
    number = last_number(subject)
    lenses = [metadata.lens(number, view) for view in range(len(CAMERAS))]
    shown = [_shown(unit.release.root / subject, action, v, len(world)) for v in range(len(lenses))]
    view = np.repeat(np.arange(len(lenses)), [len(frames) for frames in shown])
    frame = np.concatenate(shown)
    numbers = metadata.actions.get((subject, action))
    sequence = "act_{:02d}_subact_{:02d}".format(*numbers) if numbers else action
    images = _images(unit, lenses, view, frame, f"{subject}/{sequence}")
    columns = person_identity(images, np.arange(len(view)), [subject] * len(view))
    columns |= {name: repeat(subject, len(view)) for name in ("subject", "track")}
    columns["source_row"] = frame
    turn, move = (columns[f"world_{part}"] for part in ("rotation", "translation"))
    joints = world[frame] @ turn.reshape(-1, 3, 3).transpose(0, 2, 1) + move[:, None]
    columns |= validity(len(view), ()) | _keypoints(joints, columns)
    fits = {int(v): unit.release.root / path for v, path in unit.key["mosh"].items()}
    columns |= mosh_columns(fits, view, frame, joints, bodies) if fits else {}
    columns["bbox"] = _boxes(unit, view, frame, columns, bodies)
    return Instances(columns, images)


def picture(subject: str, action: str, camera: str, frame: int) -> str:
    """Where a frame (from 0) is expected, numbered from 1."""
    video = f"{subject}_{action.replace(' ', '_')}.{camera}"
    return f"{subject}/images/{video}/{video}_{frame + 1:06d}.jpg"


def _joints(unit: Unit, subject: str, action: str) -> Floats:
    """(F, 17, 3) in the world [m], where the actor stood."""
    values = cdf_variable(unit.files[0], "Pose")
    if values.shape[-1] != 96:
        raise InputError(
            f"{unit.files[0]}: Pose is {values.shape}, expected (1, frames, 96): 32 joints [mm]."
        )
    joints = values.reshape(-1, 32, 3)[:, JOINTS_OF_32]
    away = SHIFT if subject == "S9" and action in SHIFTED else np.zeros(3)
    return np.asarray((joints + away) * MM, np.float64)


def _shown(folder: Path, action: str, view: int, count: int) -> Ints:
    """Frames of a view that count: all where no picture was cut, else those that were."""
    place = (folder.parent / picture(folder.name, action, CAMERAS[view], 0)).parent
    numbers = np.arange(count) + 1
    return np.flatnonzero(extracted(place, numbers, ".jpg", whole=folder / "images"))


def _images(
    unit: Unit, lenses: list[Lens], view: Ints, frame: Ints, sequence: str
) -> dict[str, NDArray[Any]]:
    subject, action = unit.name.split("/")

    def of(name: str) -> Floats:
        return np.stack([getattr(lens, name) for lens in lenses])[view]

    return image_columns(
        unit,
        [
            picture(subject, action, CAMERAS[v], f)
            for v, f in zip(view.tolist(), frame.tolist(), strict=True)
        ],
        np.asarray(SIZES)[view],
        split="test" if subject in TEST else "train",
        sequence=sequence,
        camera=[str(v + 1) for v in view.tolist()],
        frame=frame,
        cluster=sequence,
        fps=FPS,
        focal=of("focal"),
        principal_point=of("principal_point"),
        distortion=of("distortion"),
        world_rotation=of("rotation"),
        world_translation=of("translation"),
        source_row=frame,
    )


def _pixels(joints: Floats, columns: Columns) -> Floats:
    focal, middle, bent = (
        np.ma.getdata(columns[name]) for name in ("focal", "principal_point", "distortion")
    )
    return project(joints, focal, middle, bent, "opencv_rational")


def _keypoints(joints: Floats, columns: Columns) -> dict[str, NDArray[Any]]:
    """The owners' joints in 3D, and in 2D those that the image has."""
    pixels = _pixels(joints, columns)
    size = np.stack([columns["width"], columns["height"]], -1)[:, None]
    with np.errstate(invalid="ignore"):
        inside = ((pixels >= 0) & (pixels <= size)).all(-1) & (joints[..., 2] > 0)
    flat = np.concatenate([np.nan_to_num(pixels), inside[..., None]], -1)
    solid = np.pad(joints, ((0, 0), (0, 0), (0, 1)), constant_values=1.0)
    return keypoint_columns(2, (flat, H36M_17)) | keypoint_columns(3, (solid, H36M_17))


def _boxes(unit: Unit, view: Ints, frame: Ints, columns: Columns, bodies: BodySet) -> NDArray[Any]:
    """Around the owners' masks; else around the body's joints, else around the owners' joints."""
    points = columns["keypoints2d"].reshape(len(view), -1, 3)
    extra = columns["keypoints2d_extra"].reshape(len(view), -1, 3)
    every = np.concatenate([points, extra], 1)
    seen = np.where(every[..., 2:] > 0, every[..., :2], np.nan)
    boxes = np.nan_to_num(clip_box(box_around(seen), columns["width"], columns["height"]))
    if "global_orient" in columns:
        tight = joint_boxes(columns, bodies, unit.release.root)
        boxes = np.where(present(tight)[:, None], np.ma.getdata(tight), boxes)
    subject, action = unit.name.split("/")
    for which, path in unit.key["masks"].items():
        if subject == "S9" and action in SHIFTED:  # the masks are too far as well
            continue
        mine = np.flatnonzero(view == int(which))
        masked = mask_boxes(unit.release.root / path, frame[mine])
        boxes[mine] = np.where(masked[:, 2:3] > 0, masked, boxes[mine])
    return nullable(boxes, (boxes[:, 2:] > 0).all(1))
