"""A miniature IDEA400: two people, a moving camera, a clip one image short, one without images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.motion_x.adapter import IMAGES, LABELS, POSES, SPLIT
from ehpsbench.dataset_adapters.sampling import Order, with_sizes
from ehpsbench.dataset_adapters.traits import Traits
from ehpsbench.dataset_adapters.truth import Truth

FILMING = Filming(
    size=(720, 1280), actors=2, moving=True, broken=("finite", "angles", "in_front_of_camera")
)
CLIPS = ("new_ntu_thu_15fps/subset_0000/a_man_is_waving", "30fps/subset_0014/walk_x_2")
MORE_BETAS = 6  # past the ten that count


def write(order: Order) -> Truth:
    """Write a miniature release; the sizes of images are in the images only, so there are some."""
    order = replace(order, images=with_sizes(order.images))
    card = catalogue.card("motion_x")
    mini = Miniature(order, card, FILMING, Traits.of(card, eyes=False))
    for clip in mini.clips([(SPLIT, name) for name in CLIPS], fewest=3 if mini.whole else 1):
        _labels(clip, order.root / f"{LABELS}/{clip.name}.npz")
        short = mini.whole and clip.index == 1
        for frame in range(len(clip) - short):
            mini.picture(f"{IMAGES}/{clip.name}/{frame + 1:06d}.png", clip, frame)
            for actor in range(clip.actors):
                key = f"{SPLIT}/{clip.name.replace('/', ':')}/0/{frame + 1}/{actor}"
                mini.note(key, clip, frame, actor)
        if short:
            _labels(clip, order.root / f"{LABELS}/30fps/subset_0014/video_is_missing.npz")
    return mini.save()


def _labels(clip: Clip, path: Path) -> None:
    """The owners' arrays, people first, frames second."""
    fits = [clip.fits(actor) for actor in range(clip.actors)]
    chain = np.tile(clip.extrinsics(), (clip.actors, 1, 1, 1))
    arrays = {key: np.stack([fit[name] for fit in fits]) for name, (key, _) in POSES.items()}
    lens = clip.camera()
    save_npz(
        path,
        **arrays,
        expr=np.stack([fit["expression"] for fit in fits]),
        betas=np.stack([np.append(fit["betas"][-1], np.zeros(MORE_BETAS)) for fit in fits]),
        cam_R=chain[..., :3, :3],
        cam_t=chain[..., :3, 3],
        intrins=np.concatenate([lens.focal, lens.principal_point]),
        world_scale=np.ones((clip.actors, 1)),
    )
