"""A miniature SLOPER4D: sequences with and without a stored lens, path and frame count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.lenses import with_lens
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.parameters import joined_pose
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.sloper4d.adapter import PERSON, SPLIT
from ehpsbench.dataset_adapters.sloper4d.cameras import LENS, SIZE
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.geometry import axis_angle, rotation_matrix
from ehpsbench.restricted_pickle import dump_plain
from ehpsbench.skeleton.sources import COCO_17

FILMING = Filming(size=SIZE[::-1], moving=True, broken=("finite", "angles", "in_front_of_camera"))
SEQUENCES = ("seq002_football_001", "seq003_street_002", "seq005_library_002")
FPS, FIRST = 20.0, 120  # frame number of a first frame
LATE = 2  # rows past the frames that count
UNSEEN, UNSYNCHRONISED = 0, 1  # frames of the second sequence
RIG = np.block(
    [[rotation_matrix([1.2, -1.2, 1.2]), np.array([[0.05], [-0.2], [-0.1]])], [0, 0, 0, 1]]
)

Floats = NDArray[np.float64]


def write(order: Order) -> Truth:
    """Write a miniature release; images keep their size, since some sequences do not state it."""
    mini = Miniature(replace(order, scale=1.0), catalogue.card("sloper4d"), FILMING)
    for clip in mini.clips([(SPLIT, name) for name in SEQUENCES], fewest=3 if mini.whole else 1):
        bare = mini.whole and clip.index == 2
        seen = with_lens(clip, LENS[:2], LENS[2:]) if bare else clip
        special = mini.whole and clip.index == 1
        names = [f"{1658.0 + frame / FPS:.6f}.jpg" for frame in range(len(seen))]
        if special:
            names[UNSYNCHRONISED] = ""
        folder = order.root / clip.name
        folder.mkdir(parents=True)
        dump_plain(_content(seen, names, special, bare), folder / f"{clip.name}_labels.pkl")
        for frame, name in enumerate(names):
            if name:
                mini.picture(f"{clip.name}/rgb_data/{clip.name}_imgs/{name}", seen, frame)
                mini.note(f"{SPLIT}/{clip.name}/0/{FIRST + frame}/{PERSON}", seen, frame)
    return mini.save()


def _content(clip: Clip, names: list[str], special: bool, bare: bool) -> dict[str, Any]:
    """The owners' dictionary; `special`: no stored path, `bare`: no stored lens and count."""
    camera, chain = clip.camera(), clip.extrinsics()
    boxes, points = clip.box(), clip.keypoints(COCO_17)
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
    shown = [not (special and frame == UNSEEN) for frame in range(len(clip))]
    frames = {
        "file_basename": names,
        "lidar_tstamps": (np.arange(len(clip)) / FPS).tolist(),
        "bbox": [c.tolist() if s else [] for c, s in zip(corners, shown, strict=True)],
        "skel_2d": [p.tolist() if s else [] for p, s in zip(points, shown, strict=True)],
    } | ({} if special else {"cam_pose": chain})
    content: dict[str, Any] = {
        "framerate": FPS,
        "frame_num": [FIRST + frame for frame in range(len(clip))],
        "first_person": {"lidar_traj": _path(chain)},
        PERSON: _person(clip, each=special),
        "RGB_frames": frames,
    }
    if bare:
        return content
    info = {
        "width": camera.width,
        "height": camera.height,
        "intrinsics": [*camera.focal.tolist(), *camera.principal_point.tolist()],
        "lidar2cam": RIG,
        "dist": [0.003, -0.003, -0.001, 0.004, 0.0],
        "fps": FPS,
    }
    return content | {"total_frames": len(clip), "RGB_info": info}


def _person(clip: Clip, *, each: bool) -> dict[str, Any]:
    """Who is followed; `each`: betas of every frame."""
    fit = clip.fits()
    pose = np.pad(joined_pose(fit, "smpl"), ((0, LATE), (0, 0)), mode="edge")
    place = np.pad(fit["transl"], ((0, LATE), (0, 0)), mode="edge")
    betas = np.pad(fit["betas"], ((0, LATE), (0, 0)), mode="edge")
    return {
        "gender": clip.person().gender,
        "beta": betas if each else betas[-1],
        "opt_pose": pose,
        "opt_trans": place,
        "pose": 0.9 * pose,
        "trans": place + 0.2,
        "mocap_trans": place - 0.3,
        "point_clouds": [],
        "point_frame": [],
    }


def _path(chain: Floats) -> Floats:
    """(F, 9) the LiDAR's path: number, place, quaternion with its real part last, time."""
    pose = np.linalg.inv(chain) @ RIG
    turn = axis_angle(pose[:, :3, :3])
    angle = np.linalg.norm(turn, axis=1, keepdims=True)
    imaginary = turn / np.where(angle > 0, angle, 1.0) * np.sin(angle / 2)
    number = np.arange(len(chain), dtype=np.float64)[:, None]
    parts = (FIRST + number, pose[:, :3, 3], imaginary, np.cos(angle / 2), number / FPS)
    return np.concatenate(parts, 1)
