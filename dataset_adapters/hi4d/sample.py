"""A miniature Hi4D: two SMPL people in a world, a file a frame, four of the eight cameras."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth

CAMERAS = (4, 28, 52, 76)
FILMING = Filming(size=(1280, 940), actors=2, views=4, broken=("finite", "ranges", "angles"))
PLACES = (("test", "pair00/dance00"), ("test", "pair12/hug12"))
FIRST = 11
UNUSED = (0.2, -0.1, 0.001, 0.002, 0.05)  # coefficients of the lens before images were undistorted
NO_FIT = (1, 0)  # clip and frame of which the release has pictures only


def write(order: Order) -> Truth:
    """Write a miniature release; without pictures nothing says their size, which is the owners'."""
    scale = 1.0 if order.images == "none" else order.scale
    mini = Miniature(replace(order, scale=scale), catalogue.card("hi4d"), FILMING)
    for clip in mini.clips(PLACES, fewest=2 if mini.whole else 1):
        folder = order.root / clip.name
        _write_meta(folder, clip)
        _write_cameras(folder, clip)
        fitted = [f for f in range(len(clip)) if not (mini.whole and (clip.index, f) == NO_FIT)]
        _write_fits(folder, clip, fitted)
        for view, camera in enumerate(CAMERAS):
            for frame in range(len(clip)):
                mini.picture(_picture(clip, camera, frame), clip, frame, view)
            if mini.whole:  # a picture from after the end
                mini.picture(_picture(clip, camera, len(clip)), clip, 0, view)
            for frame in fitted:
                for actor in range(clip.actors):
                    key = f"{clip.split}/{clip.name.replace('/', ':')}/{camera}/{FIRST + frame}"
                    mini.note(f"{key}/{actor}", clip, frame, actor, view)
    return mini.save()


def _picture(clip: Clip, camera: int, frame: int) -> str:
    return f"{clip.name}/images/{camera}/{FIRST + frame:06d}.jpg"


def _write_meta(folder: Path, clip: Clip) -> None:
    people = [clip.person(actor) for actor in range(clip.actors)]
    save_npz(
        folder / "meta.npz",
        start=FIRST,
        end=FIRST + len(clip) - 1,
        num_persons=len(people),
        genders=np.array([person.gender for person in people]),
        betas=np.full((len(people), 10), 0.5),  # not those of the frames, which count
        contact_ids=np.array([FIRST]),
        mono_cam=CAMERAS[1],
    )


def _write_cameras(folder: Path, clip: Clip) -> None:
    views = range(len(CAMERAS))
    save_npz(
        folder / "cameras/rgb_cameras.npz",
        ids=np.array(CAMERAS),
        intrinsics=np.stack([clip.camera(0, view).intrinsics for view in views]),
        extrinsics=np.stack([clip.extrinsics(view)[0, :3] for view in views]),
        dist_coeffs=np.tile(UNUSED, (len(CAMERAS), 1)),
    )


def _write_fits(folder: Path, clip: Clip, frames: list[int]) -> None:
    """A file a frame with a row a person."""
    fits = [clip.fits(actor) for actor in range(clip.actors)]
    joints = np.stack([clip.joints(actor) for actor in range(clip.actors)])
    for frame in frames:
        row = {name: np.stack([fit[name][frame] for fit in fits]) for name in fits[0]}
        pose = np.concatenate([row["body_pose"], row.pop("smpl_hand_pose")], 1)
        path = folder / f"smpl/{FIRST + frame:06d}.npz"
        save_npz(path, **(row | {"body_pose": pose, "joints_3d": joints[:, frame]}))
