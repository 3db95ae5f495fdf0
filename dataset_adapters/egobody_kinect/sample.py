"""A miniature EgoBody from outside: two people in the views of up to four distorted Kinects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.egobody_kinect.views import KINECTS, MASTER
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.lenses import with_lenses_of
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.egobody_sample import (
    listed,
    write_fits,
    write_tables,
    write_transform,
)
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth

LENS = (0.085, -0.05, 0.0004, -0.0003, 0.012, 0.06, -0.03, 0.004)  # as of an Azure Kinect
VIEWS = (MASTER, "sub_1", "sub_2", "sub_3")
FILMING = Filming(
    actors=2, views=4, distortion=LENS, aligned=True, broken=("finite", "ranges", "angles")
)
PLACES = (
    ("train", "recording_20210907_S01_S02_01"),  # three Kinects in 2021
    ("val", "recording_20220215_S03_S04_01"),
    ("test", "recording_20220312_S05_S06_02"),
)
SPECIAL = 1  # the recording whose first frame lacks a fit and whose last is past its end
FIRST = 575


def write(order: Order) -> Truth:
    """Write a miniature release; its pictures have the Kinect's size."""
    mini = Miniature(replace(order, scale=1.0), catalogue.card("egobody_kinect"), FILMING)
    made = mini.clips(PLACES, fewest=2 if mini.whole else 1)
    clips = [with_lenses_of(made[0], clip) for clip in made]  # Color.json is one for all
    for clip in clips:
        _write_calibration(mini, clip)
        _write_fits(mini, clip)
        for view, name in _views(clip):
            for frame in range(len(clip)):
                place = f"{clip.name}/{name}/frame_{FIRST + frame:05d}.jpg"
                mini.picture(f"kinect_color/{place}", clip, frame, view)
            for frame, actor in _fitted(mini, clip):
                if frame <= _last(mini, clip):
                    key = f"{clip.split}/{clip.name}/{name}/{FIRST + frame}/{actor}"
                    mini.note(key, clip, frame, actor, view)
    rows = []
    for clip in clips:
        genders = clip.person(0).gender, clip.person(1).gender
        span = FIRST, FIRST + _last(mini, clip)
        rows.append(listed(clip.name, _interactee(clip), genders, span))
    write_tables(order.root, rows, {clip.name: clip.split for clip in clips})
    return mini.save()


def _interactee(clip: Clip) -> int:
    return clip.index % 2


def _last(mini: Miniature, clip: Clip) -> int:
    """The last frame that counts."""
    return len(clip) - (2 if mini.whole and clip.index == SPECIAL else 1)


def _fitted(mini: Miniature, clip: Clip) -> Iterator[tuple[int, int]]:
    """Frames and actors with a fit; once the wearer has none."""
    for frame in range(len(clip)):
        for actor in (0, 1):
            lone = mini.whole and (clip.index, frame) == (SPECIAL, 0)
            if not (lone and actor != _interactee(clip)):
                yield frame, actor


def _views(clip: Clip) -> list[tuple[int, str]]:
    """The views of a recording; those of 2021 have no third sub-Kinect."""
    return [(v, n) for v, n in enumerate(VIEWS) if n != "sub_3" or "_2022" in clip.name]


def _write_calibration(mini: Miniature, clip: Clip) -> None:
    """Lenses, and sub → master of each view; here and there without the level cal_trans."""
    root, level = mini.order.root, "" if clip.index % 2 else "cal_trans"
    for view, name in _views(clip):
        lens = clip.camera(0, view)
        content = {"f": lens.focal, "c": lens.principal_point, "camera_mtx": lens.intrinsics}
        folder = root / f"kinect_cam_params/kinect_{name}"
        folder.mkdir(parents=True, exist_ok=True)
        save_json(folder / "Color.json", {**content, "k": LENS})
        calibration = root / "calibrations" / clip.name / level
        if name == MASTER:
            write_transform(calibration / "kinect12_to_world/seminar_g110.json", clip.motion)
        else:
            to_master = np.linalg.inv(clip.extrinsics(view)[0])
            write_transform(calibration / f"kinect_{KINECTS[name]}to12_color.json", to_master)


def _write_fits(mini: Miniature, clip: Clip) -> None:
    """A file a frame and person, in the tree of their role."""
    rng = np.random.default_rng([mini.order.seed, clip.index])
    fitted = set(_fitted(mini, clip))
    for actor in (0, 1):
        role = "interactee" if actor == _interactee(clip) else "camera_wearer"
        folder = f"smplx_{role}_{clip.split}/{clip.name}/body_idx_{actor}/results"
        paths = [
            mini.order.root / f"{folder}/frame_{FIRST + frame:05d}/000.pkl"
            if (frame, actor) in fitted
            else None
            for frame in range(len(clip))
        ]
        write_fits(paths, clip.fits(actor), clip.person(actor).gender, rng)
