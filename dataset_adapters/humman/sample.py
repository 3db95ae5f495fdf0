"""A miniature HuMMan: Recon (a file a frame, every sixth frame), or Point (one file, videos)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ehpsbench.atomic import write_text
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json, save_npz
from ehpsbench.dataset_adapters.humman.adapter import LISTS, SIZE
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.silhouettes import save_silhouette
from ehpsbench.dataset_adapters.truth import Truth

FILMING = Filming(size=SIZE[::-1], views=3, aligned=True, broken=("finite", "ranges", "angles"))
CAMERAS = ("000", "004", "009")
SEQUENCES = (("train", "p000455_a000986"), ("test", "p000476_a000015"))
STEP = 6  # between frames of Recon


def write(order: Order) -> Truth:
    """Write a miniature of Recon."""
    mini = Miniature(replace(order, scale=1.0), catalogue.card("humman"), FILMING)
    clips = mini.clips(SEQUENCES)
    for split in LISTS:
        names = [clip.name for clip in clips if clip.split == split]
        write_text(order.root / f"{split}.txt", "\n".join([*names, ""]))
    for clip in clips:
        fit = _fit(clip)
        for frame in range(len(clip)):
            path = order.root / f"{clip.name}/smpl_params/{STEP * frame:06d}.npz"
            save_npz(path, **{name: values[frame] for name, values in fit.items()})
        _write_rest(mini, clip, [(STEP * f, STEP * f) for f in range(len(clip))])
    return mini.save()


def write_point(order: Order) -> Truth:
    """Write a miniature of Point, with frames cut from its videos."""
    mini = Miniature(replace(order, scale=1.0), catalogue.card("humman"), FILMING)
    for clip in mini.clips(SEQUENCES[:1]):
        path: Path = order.root / clip.name / "smpl_params.npz"
        save_npz(path, **_fit(clip))
        _write_rest(mini, clip, [(f, f + 1) for f in range(len(clip))])
    return mini.save()


def _fit(clip: Clip) -> dict[str, np.ndarray]:
    """SMPL of all frames by the owners' names."""
    fit = clip.fits()
    pose = np.concatenate([fit["body_pose"], fit.pop("smpl_hand_pose")], 1)
    return fit | {"body_pose": pose}


def _write_rest(mini: Miniature, clip: Clip, numbers: list[tuple[int, int]]) -> None:
    """Cameras, pictures and the truth; `numbers` of each frame, and of its picture."""
    cameras = {}
    for view, name in enumerate(CAMERAS):
        chain, lens = clip.extrinsics(view)[0], clip.camera(0, view).intrinsics
        cameras[f"kinect_color_{name}"] = {"K": lens, "R": chain[:3, :3], "T": chain[:3, 3]}
        cameras[f"kinect_depth_{name}"] = {"K": lens / 3, "R": chain[:3, :3], "T": chain[:3, 3]}
        for frame, (number, picture) in enumerate(numbers):
            path = f"{clip.name}/kinect_color/kinect_{name}/{picture:06d}.png"
            mini.picture(path, clip, frame, view)
            if number == picture:  # Recon
                mask = path.replace("kinect_color", "kinect_mask")
                scene = clip.scenes[frame]
                save_silhouette(mini.order, mask, scene, scene.cameras[view])
            subject = clip.name.partition("_")[0]
            mini.note(f"{clip.split}/{clip.name}/{name}/{number}/{subject}", clip, frame, 0, view)
    save_json(mini.order.root / clip.name / "cameras.json", cameras)
