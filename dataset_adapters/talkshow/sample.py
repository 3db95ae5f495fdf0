"""A miniature SHOW: clips of speakers, as downloaded and as the owners' script divides them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.lenses import with_lens
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.talkshow.adapter import PARTS
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.restricted_pickle import dump_plain

FILMING = Filming(size=(720, 1280), broken=("finite", "angles", "in_front_of_camera"))
PLACES = {  # clip → its file without the suffix; only some are divided
    "oliver/1st_video/214438-00_00_05-00_00_15": "{}",
    "seth/Late_Night/88-00_01_00-00_01_09": "{}",
    "conan/Monologue/7-00_00_30-00_00_36": "conan/Monologue/val/{0}/{0}",
    "chemistry/Lecture_2/101-00_10_00-00_10_07": "chemistry/Lecture_2/test/{0}/{0}",
}
CENTRE = (8.0, -5.0)  # px, off the middle
SHIFT = np.array([-0.27, -0.71, 2.2])  # m, the owners' camera_transl
BETAS, EXPRESSIONS, LATENT = 300, 100, 32


def write(order: Order) -> Truth:
    """Write a miniature release."""
    mini = Miniature(order, catalogue.card("talkshow"), FILMING)
    wanted = []
    for name, place in PLACES.items():
        parts = place.split("/")
        wanted.append((parts[2] if len(parts) > 1 else "train", name))
    for made in mini.clips(wanted):
        lens = made.camera()
        clip = with_lens(made, lens.focal, lens.principal_point + CENTRE)
        speaker, _, short = clip.name.split("/")
        place = PLACES[clip.name]
        stem = place.format(short) if "/" in place else clip.name
        path = order.root / f"{stem}.pkl"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = _content(clip, speaker)
        dump_plain([content] if clip.index else content, path)
        for frame in range(len(clip)):
            mini.picture(f"{stem}/{frame + 1:06d}.png", clip, frame)
            key = f"{clip.split}/{clip.name.replace('/', ':')}/0/{frame + 1}/{speaker}"
            mini.note(key, clip, frame)
    return mini.save()


def _content(clip: Clip, speaker: str) -> dict[str, Any]:
    """The owners' dictionary of one clip."""
    fit, camera, count = clip.fits(view=0), clip.camera(), len(clip)
    # their camera is PyTorch3D's: x and y point the other way
    fit["transl"] = fit["transl"] - SHIFT * [-1, -1, 1]
    fit["global_orient"] = fit["global_orient"][:, None]
    fit["betas"] = np.pad(fit["betas"][-1:], ((0, 0), (0, BETAS - fit["betas"].shape[1])))
    fit["expression"] = np.pad(fit["expression"], ((0, 0), (0, EXPRESSIONS - 10)))
    return {
        "width": camera.width,
        "height": camera.height,
        "center": camera.principal_point.tolist(),
        "focal_length": float(camera.focal[0]),
        "camera_transl": SHIFT,
        "batch_size": count,
        **{key: fit[name] for name, (key, _) in PARTS.items()},
        "pose_embedding": np.zeros((count, LATENT), np.float32),
        "mica_head_transl": np.zeros((1, 3), np.float32),
        "speaker_name": speaker,
        "losses_to_log": {"total": 0.1},
    }
