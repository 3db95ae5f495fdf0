"""A miniature BEHAVE: SMPL-H in the frame of Kinect 1, distorted views, a folder a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.behave.detections import PARTS
from ehpsbench.dataset_adapters.behave.fits import FIT
from ehpsbench.dataset_adapters.behave.views import NAMED
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.lenses import with_lenses_of
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.parameters import joined_pose
from ehpsbench.dataset_adapters.readers.openpose import OPENPOSE_135
from ehpsbench.dataset_adapters.readers.openpose_joints import SAME_JOINT
from ehpsbench.dataset_adapters.readers.openpose_sample import openpose_keypoints, openpose_person
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.silhouettes import save_silhouette
from ehpsbench.dataset_adapters.traits import Traits
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.restricted_pickle import dump_plain

Floats = NDArray[np.float64]
LENS = (0.52, -2.6, 0.0004, -0.0003, 1.5, 0.4, -2.4, 1.4)  # as of an Azure Kinect
KINECTS = (1, 0, 2, 3)  # the world is the frame of the first of these
FILMING = Filming(
    size=(1536, 2048),
    views=len(KINECTS),
    distortion=LENS,
    aligned=True,
    broken=("finite", "ranges", "angles"),
)
PLACES = (("train", "Date01|boxmedium_hand"), ("test", "Date03|chairwood_sit"))
THREE = 1  # the recording with three Kinects, which it does not name
NO_FIT = (1, 0)  # recording and frame
FIRST = 3  # s


def write(order: Order) -> Truth:
    """Write a miniature release; the calibration says the size of its pictures."""
    card = catalogue.card("behave")
    mini = Miniature(order, card, FILMING, Traits.of(card, fingers=True))
    made = mini.clips(PLACES, fewest=2 if mini.whole else 1)
    splits: dict[str, list[str]] = {"train": [], "test": []}
    for clip in (with_lenses_of(made[0], each) for each in made):  # all recordings share lenses
        date, _, action = clip.name.partition("|")
        subject = "Sub07" if clip.person().gender == "female" else "Sub03"
        sequence = f"{date}_{subject}_{action}"
        splits[clip.split].append(sequence)
        folder = order.root / "sequences" / sequence
        _write_info(folder, clip, date)
        _write_calibration(order.root / "calibs", clip, date)
        fitted = [f for f in range(len(clip)) if not (mini.whole and (clip.index, f) == NO_FIT)]
        _write_fits(folder, clip, fitted)
        for view, kinect in _views(clip):
            found = _write_detections(folder, clip, view, kinect)
            for frame in range(len(clip)):
                place = f"sequences/{sequence}/{_time(frame)}/k{kinect}"
                mini.picture(f"{place}.color.jpg", clip, frame, view)
                scene, maps = clip.scenes[frame], (f"{place}.person_mask.jpg", f"{place}.depth.png")
                save_silhouette(order, maps[0], scene, scene.cameras[view], depth=maps[1])
            for frame in fitted:
                key = f"{clip.split}/{sequence}/k{kinect}/{1000 * (FIRST + frame)}/{subject}"
                mini.note(key, clip, frame, 0, view, keypoints=(found[frame], OPENPOSE_135))
    save_json(order.root / "split.json", splits)
    return mini.save()


def _views(clip: Clip) -> list[tuple[int, int]]:
    """View and number of the recording's Kinects, by number."""
    views = sorted(enumerate(KINECTS), key=lambda pair: pair[1])
    return views[:3] if clip.index == THREE else views


def _time(frame: int) -> str:
    return f"t{FIRST + frame:04d}.000"


def _save(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_json(path, content)


def _write_info(folder: Path, clip: Clip, date: str) -> None:
    person = clip.person()
    content = {
        "config": f"../../calibs/{date}/config",
        "intrinsic": "../../calibs/intrinsics",
        "empty": f"../../calibs/{date}/background",
        "cat": "boxmedium",
        "gender": person.gender,
        "beta": np.zeros(10),
    }
    if clip.index != THREE:
        content["kinects"] = sorted(KINECTS)
    _save(folder / "info.json", content)


def _write_calibration(folder: Path, clip: Clip, date: str) -> None:
    """Lenses, by names and in OpenCV's list or by names alone; camera → world of each Kinect."""
    for view, kinect in _views(clip):
        lens = clip.camera(0, view)
        (fx, fy), (cx, cy) = lens.focal, lens.principal_point
        colour = {"fx": fx, "fy": fy, "cx": cx, "cy": cy, **dict(zip(NAMED, LENS, strict=True))}
        colour |= {"width": lens.width, "height": lens.height, "codx": 0.0, "metric_radius": 1.7}
        if kinect % 2:
            colour["opencv"] = [fx, fy, cx, cy, *LENS]
        _save(folder / f"intrinsics/{kinect}/calibration.json", {"color": colour, "depth": {}})
        back = np.linalg.inv(clip.extrinsics(view)[0])
        place = {"rotation": back[:3, :3].ravel(), "translation": back[:3, 3]}
        _save(folder / f"{date}/config/{kinect}/config.json", place)


def _write_fits(folder: Path, clip: Clip, frames: list[int]) -> None:
    """A fit and 3D joints a second, in the world."""
    fit = clip.fits()
    pose, joints = joined_pose(fit, "smplh"), clip.points3d(SAME_JOINT)
    for frame in frames:
        place = folder / _time(frame)
        content = {"pose": pose[frame], "betas": fit["betas"][frame], "trans": fit["transl"][frame]}
        (place / FIT).parent.mkdir(parents=True, exist_ok=True)
        dump_plain(content, place / FIT)
        _save(place / "person/person_J3d.json", {"body_joints3d": joints[frame].ravel()})


def _write_detections(folder: Path, clip: Clip, view: int, kinect: int) -> Floats:
    """(F, 135, 3) [px] of the distorted image, a file a frame."""
    found = openpose_keypoints(clip, 0, view)
    for frame, points in enumerate(found):
        person = openpose_person(points)
        content = {ours: person[theirs] for ours, theirs in PARTS.items()}
        _save(folder / f"{_time(frame)}/k{kinect}.color.json", content)
    return found
