"""A miniature GTA-Human: sequences of two people (II), or of one (the first release)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.gta_human.adapter import FOCAL, SIZE, SPLIT
from ehpsbench.dataset_adapters.gta_human.skeleton import COUNT, JOINTS, PLACES
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.traits import Traits
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.restricted_pickle import dump_plain

Floats = NDArray[np.float64]
FILMING = Filming(size=SIZE[::-1], actors=2, moving=True, focal=FOCAL)
SEQUENCES = ("seq_00000012", "seq_00087011")
PEOPLE = ("000512", "003072")
HIDDEN = 30  # of the joints of the second person, by the first


def write(order: Order) -> Truth:
    """Write a miniature of the second release."""
    mini = Miniature(replace(order, scale=1.0), catalogue.card("gta_human"), FILMING)
    for clip in mini.clips([(SPLIT, name) for name in SEQUENCES]):
        for actor, person in enumerate(PEOPLE):
            fitted = not (mini.whole and clip.index == 1 and actor == 1)
            path = order.root / f"annotations/{clip.name}/{person}.npz"
            save_npz(path, **_person(clip, actor, fitted=fitted))
            for frame, pixels in enumerate(_pixels(clip, actor)):
                key, points = f"{SPLIT}/{clip.name}/0/{frame}/{person}", (pixels, JOINTS)
                mini.note(key, clip, frame, actor, valid=fitted, keypoints=points, body=fitted)
        _pictures(mini, clip)
    return mini.save()


def write_first(order: Order) -> Truth:
    """Write a miniature of the first release: one person a sequence, SMPL."""
    card = catalogue.card("gta_human")
    traits = Traits.of(card, family="smpl", hands="none", components=None)
    mini = Miniature(replace(order, scale=1.0), card, replace(FILMING, actors=1), traits)
    for clip in mini.clips([(SPLIT, name) for name in SEQUENCES]):
        path = order.root / f"annotations/{clip.name}.pkl"
        path.parent.mkdir(parents=True, exist_ok=True)
        dump_plain(_person(clip, 0), path)
        for frame in range(len(clip)):
            mini.note(f"{SPLIT}/first:{clip.name}/0/{frame}/0", clip, frame)
        _pictures(mini, clip)
    return mini.save()


def _pictures(mini: Miniature, clip: Clip) -> None:
    for frame in range(len(clip)):
        mini.picture(f"images/{clip.name}/{frame:08d}.jpeg", clip, frame)


def _pixels(clip: Clip, actor: int) -> Floats:
    """(F, K, 3) where the labelled joints are projected, in the image or not; score always 1."""
    points = clip.points3d(JOINTS, actor, 0)
    pixels = [clip.camera(f).pixels(row[:, :3]) for f, row in enumerate(points)]
    known = points[..., 3:] > 0
    return np.where(known, np.concatenate([np.stack(pixels), points[..., 3:]], -1), 0.0)


def _person(clip: Clip, actor: int, *, fitted: bool = True) -> dict[str, Any]:
    """The owners' arrays of one person."""
    count, fit, smpl = len(clip), clip.fits(actor, 0), clip.traits.family == "smpl"
    points, pixels = np.zeros((count, COUNT, 4)), np.zeros((count, COUNT, 3))
    points[:, PLACES], pixels[:, PLACES] = clip.points3d(JOINTS, actor, 0), _pixels(clip, actor)
    hidden = np.zeros((count, COUNT), np.int64)
    hidden[:, :HIDDEN] = actor
    content: dict[str, Any] = {
        "is_male": bool(actor),
        "fov": 50.0,
        "keypoints_2d": pixels,
        "keypoints_3d": points,
        "occ": hidden,
        "self_occ": np.zeros_like(hidden),
        "num_frames": count,
        "weather": "EXTRASUNNY",
        "daytime": (12, 30, 0),
        "location_tag": "street",
        "bbox_xywh": clip.box(actor),
    }
    if not smpl:
        content |= {"ped_action": "walk", "is_valid_smplx": fitted}
    if fitted:
        content |= {name: values for name, values in fit.items() if name != "smpl_hand_pose"}
        # the owners' page has SMPL's 69 angles also for SMPL-X, their visualiser 63
        wide = smpl or actor == 1
        more = fit.get("smpl_hand_pose", np.zeros((count, 6)))
        content["body_pose"] = np.concatenate([fit["body_pose"], more[:, : 6 * wide]], 1)
    return content
