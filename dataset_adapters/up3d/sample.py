"""A miniature UP-3D: stills with the fit in a resized crop, moved twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import write_text
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.lenses import Lens, with_own_lenses
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.parameters import joined_pose
from ehpsbench.dataset_adapters.sampling import Order, with_sizes
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.geometry import axis_angle
from ehpsbench.restricted_pickle import dump_python2
from ehpsbench.skeleton.sources import LSP_14
from ehpsbench.world.camera import Camera

Floats = NDArray[np.float64]

FOCAL = 5000.0  # px, in the crop
SCALE = 0.75  # of the crop, about
FILMING = Filming(size=(480, 640), video=False, focal=FOCAL / SCALE)
PLACES = (("train", "train"), ("val", "val"), ("test", "test"))


def write(order: Order) -> Truth:
    """Write a miniature release; the sizes of images are in the images only, so there are some."""
    order = replace(order, images=with_sizes(order.images), scale=1.0)
    mini = Miniature(order, catalogue.card("up3d"), FILMING)
    first = 1
    for clip in mini.clips(PLACES):
        crops = _crops(mini, clip)
        stems = [f"{first + i:05d}" for i in range(len(clip))]
        first += len(clip)
        _write_people(mini, _seen(clip, crops), crops, stems)
        lines = "".join(f"/{stem}_image.png\n" for stem in stems)
        write_text(order.root / f"{clip.split}.txt", lines + "\n")
        if clip.split != "test":
            with (order.root / "trainval.txt").open("a", encoding="utf-8") as both:
                both.write(lines)
    return mini.save()


def _crops(mini: Miniature, clip: Clip) -> NDArray[np.int64]:
    """(F, 6) h w y0 y1 x0 x1: whole numbers, so that the scales of the axes differ a little."""
    rng = np.random.default_rng([mini.order.seed, clip.index])
    rows = []
    for _ in range(len(clip)):
        top, left = rng.integers(0, 24), rng.integers(60, 110)
        side = rng.integers(430, 456, 2)
        height, width = np.round(side * SCALE * rng.uniform(0.97, 1.03)).astype(int)
        rows.append((height, width, top, top + side[0], left, left + side[1]))
    return np.asarray(rows, np.int64)


def _seen(clip: Clip, crops: NDArray[np.int64]) -> Clip:
    """The clip through the lenses that the fits in these crops mean."""

    def lens(frame: int, view: int, camera: Camera) -> Lens:
        height, width, top, bottom, left, right = crops[frame].astype(float)
        factor = np.mean([width / (right - left), height / (bottom - top)])
        corner = np.array([left, top])
        return np.full(2, FOCAL / factor), np.array([width, height]) / 2 / factor + corner

    return with_own_lenses(clip, lens)


def _write_people(mini: Miniature, clip: Clip, crops: NDArray[np.int64], stems: list[str]) -> None:
    root = mini.order.root
    fit, chain, points = clip.fits(), clip.extrinsics(), clip.keypoints(LSP_14)
    poses = joined_pose(fit, "smpl")
    for frame, stem in enumerate(stems):
        mini.picture(f"{stem}_image.png", clip, frame)
        content: dict[str, Any] = {
            "pose": poses[frame],
            "betas": fit["betas"][frame],
            "trans": fit["transl"][frame],
            "rt": axis_angle(chain[frame, :3, :3]),
            "t": chain[frame, :3, 3],
            "f": FOCAL,
            "j2d": points[frame, :, :2],
        }
        dump_python2(content, root / f"{stem}_body.pkl")
        crop = " ".join(map(str, crops[frame].tolist()))
        (root / f"{stem}_fit_crop_info.txt").write_text(f"{crop}\n", encoding="utf-8")
        short = mini.whole and clip.split == "val" and frame == 0
        _write_joints(root / f"{stem}_joints.npy", points[frame].T, short)
        key = f"{clip.split}/{clip.split}/0/{int(stem)}/0"
        mini.note(key, clip, frame, keypoints=(points[frame], LSP_14))


def _write_joints(path: Path, rows: Floats, short: bool) -> None:
    """Rows x, y and visibility, of the copy of the owners' tools without the last."""
    np.save(path, rows[:2] if short else rows)
