"""A miniature EMDB: people with one shape a sequence, a world and a moving camera."""

from __future__ import annotations

from typing import Any

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.restricted_pickle import dump_plain

FILMING = Filming(size=(960, 720), moving=True, broken=("finite", "angles", "in_front_of_camera"))
SEQUENCES = (("train", "P0/00_walk"), ("emdb1", "P1/14_outdoor"), ("emdb2", "P2/20_stairs"))
BAD, BOXLESS = 0, 1  # frames of the second sequence that do not count


def write(order: Order) -> Truth:
    """Write a miniature release."""
    mini = Miniature(order, catalogue.card("emdb"), FILMING)
    for clip in mini.clips(SEQUENCES, fewest=3 if mini.whole else 1):
        person, _, sequence = clip.name.partition("/")
        folder = order.root / clip.name
        folder.mkdir(parents=True)
        special = (BAD, BOXLESS) if mini.whole and clip.split == "emdb1" else ()
        dump_plain(_content(clip, sequence, special), folder / f"{person}_{sequence}_data.pkl")
        for frame in range(len(clip)):
            mini.picture(f"{clip.name}/images/{frame:05d}.jpg", clip, frame)
            key = f"{clip.split}/{person}:{sequence}/0/{frame}/{person}"
            mini.note(key, clip, frame, valid=frame not in special)
    return mini.save()


def _content(clip: Clip, name: str, special: tuple[int, ...]) -> dict[str, Any]:
    """The owners' dictionary of one sequence."""
    fit, camera, joints = clip.fits(), clip.camera(), clip.joints(view=0)
    box = clip.box().copy()
    good = np.ones(len(clip), bool)
    good[[f for f in special if f == BAD]] = False
    boxless = np.array([f for f in special if f == BOXLESS], np.int64)
    box[boxless] = 0.0
    pixels = [clip.camera(f).pixels(points) for f, points in enumerate(joints)]
    return {
        "gender": clip.person().gender,
        "name": name,
        "emdb1": clip.split == "emdb1",
        "emdb2": clip.split in ("emdb1", "emdb2"),
        "n_frames": len(clip),
        "good_frames_mask": good,
        "camera": {
            "intrinsics": camera.intrinsics,
            "extrinsics": clip.extrinsics(),
            "width": camera.width,
            "height": camera.height,
        },
        "smpl": {
            "poses_root": fit["global_orient"],
            "poses_body": np.concatenate([fit["body_pose"], fit["smpl_hand_pose"]], 1),
            "trans": fit["transl"],
            "betas": fit["betas"][-1],
        },
        "kp2d": np.stack(pixels),
        "bboxes": {
            "bboxes": np.concatenate([box[:, :2], box[:, :2] + box[:, 2:]], 1),
            "invalid_idxs": boxless,
        },
    }
