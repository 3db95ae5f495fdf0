"""A miniature SynBody: two people a sequence; the first picture is a T-pose without a label."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.synbody.adapter import FOCAL, SIZE, SPLIT
from ehpsbench.dataset_adapters.synbody.people import JOINTS, PARTS
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.skeleton.sources import SMPLX_144

FILMING = Filming(size=SIZE[::-1], actors=2, focal=FOCAL)
SEQUENCES = (
    "20230113/Downtown/LS_0114_004551_088_CAM002",
    "20230113/Downtown/LS_0114_004551_089_CAM000",  # with a row for the T-pose, hands absolute
)
PEOPLE = ("RP_100", "RP_101")


def write(order: Order) -> Truth:
    """Write a miniature release."""
    mini = Miniature(replace(order, scale=1.0), catalogue.card("synbody"), FILMING)
    for clip in mini.clips([(SPLIT, name) for name in SEQUENCES]):
        odd = mini.whole and clip.index == 1
        for actor, person in enumerate(PEOPLE):
            path = order.root / f"{clip.name}/smplx/{person}.npz"
            save_npz(path, **_person(clip, actor, odd=odd))
        mini.picture(f"{clip.name}/rgb/0000.jpeg", clip, 0)
        for frame in range(len(clip)):
            mini.picture(f"{clip.name}/rgb/{frame + 1:04d}.jpeg", clip, frame)
            for actor, person in enumerate(PEOPLE):
                key = f"{SPLIT}/{clip.name.replace('/', ':')}/0/{frame + 1}/{person}"
                seen = clip.keypoints(SMPLX_144, actor)[frame]
                mini.note(key, clip, frame, actor, keypoints=(seen, SMPLX_144))
    return mini.save()


def _person(clip: Clip, actor: int, *, odd: bool) -> dict[str, Any]:
    """The owners' content of one person's file; `odd`: the files before they were repaired."""
    fit = clip.fits(actor, 0)
    points = clip.points3d(SMPLX_144, actor, 0)
    pixels = np.stack([clip.camera(f).pixels(row[:, :3]) for f, row in enumerate(points)])
    pixels[points[..., 3] == 0] = 0.0
    if odd:
        from ehpsbench.world.people import model_of

        model = model_of(clip.person(actor), clip.bodies)
        for side in ("left", "right"):
            fit[f"{side}_hand_pose"] = fit[f"{side}_hand_pose"] + model.hand_mean(side)
        rest = {name: np.zeros((1, values.shape[1])) for name, values in fit.items()}
        fit = {name: np.concatenate([rest[name], values]) for name, values in fit.items()}
        points, pixels = (np.concatenate([v[:1], v]) for v in (points, pixels))
    joints = {"body_pose": 21, "left_hand_pose": 15, "right_hand_pose": 15}
    shaped = {n: v.reshape(len(v), joints[n], 3) if n in joints else v for n, v in fit.items()}
    if odd:
        shaped["betas"] = fit["betas"][-1:]
    return {
        "smplx": {name: shaped[name].astype(np.float32) for name in PARTS},
        "meta": {"gender": clip.person(actor).gender},
        "keypoints2d": np.pad(pixels, ((0, 0), (0, 0), (0, 1)), constant_values=1.0),
        "keypoints3d": points.reshape(len(points), JOINTS, 4),
    }
