"""A miniature MTP: stills of people, a camera of its own for each, fitted at 500 px height."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.lenses import Lens, with_own_lenses
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.mtp.adapter import FITS, FITTED_HEIGHT
from ehpsbench.dataset_adapters.readers.openpose import OPENPOSE_135
from ehpsbench.dataset_adapters.readers.openpose_sample import openpose_keypoints, openpose_person
from ehpsbench.dataset_adapters.sampling import Order, with_sizes
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.restricted_pickle import dump_cuda_tensors, dump_plain
from ehpsbench.world.camera import Camera

Floats = NDArray[np.float64]

FILMING = Filming(size=(640, 451), video=False)  # 451 · 500 / 640 is no whole number
SUBSETS = ("selfcontact", "scans")
SUBJECTS = 5
UNFITTED, UNDETECTED = 1, 0  # stills of the second split


def write(order: Order) -> Truth:
    """Write a miniature release; the sizes of images are in the images only, so there are some."""
    order = replace(order, images=with_sizes(order.images))
    mini = Miniature(order, catalogue.card("mtp"), FILMING)
    lists: dict[str, list[str]] = {}
    meta: dict[str, Any] = {}
    for given in mini.clips([("train", "train"), ("val", "val")], fewest=2):
        clip = with_own_lenses(given, _lens)
        names = [_name(clip, frame) for frame in range(len(clip))]
        lists[clip.split] = names
        _write_split(mini, clip, names)
        for frame, name in enumerate(names):
            gender = clip.person(0, frame).gender
            meta[name] = {"SubjectGender": gender, "SubjectHeightMeter": 1.7}
    save_json(order.root / "train_val_split.json", lists)
    save_json(order.root / "subject_meta.json", meta)
    return mini.save()


def _lens(frame: int, view: int, camera: Camera) -> Lens:
    """The axes were fitted each; the centre is that of the resized picture."""
    resized = np.array([int(camera.width * FITTED_HEIGHT / camera.height), FITTED_HEIGHT])
    focal = camera.focal * [1.0 + 0.002 * frame, 1.0]
    return focal, resized / 2 * camera.height / FITTED_HEIGHT


def _name(clip: Clip, frame: int) -> str:
    subset = SUBSETS[frame % len(SUBSETS)]
    return f"{100 * clip.index + frame:04d}_{subset}_{frame:03d}_{30 + frame % SUBJECTS}"


def _special(mini: Miniature, clip: Clip, frame: int) -> int | None:
    return frame if mini.whole and clip.split == "val" and frame in (0, 1) else None


def _write_split(mini: Miniature, clip: Clip, names: list[str]) -> None:
    root = mini.order.root
    fit, chain, points = clip.fits(), clip.extrinsics(), openpose_keypoints(clip)
    for frame, name in enumerate(names):
        _, subset, _, subject = name.split("_")
        special = _special(mini, clip, frame)
        mini.picture(f"images/{subset}/{name}.png", clip, frame)
        if special != UNDETECTED:
            stranger = points[frame] - np.array([4 * clip.camera(frame).width, 0, 0])
            stranger[:, 2] = points[frame, :, 2]
            people = [openpose_person(stranger), openpose_person(points[frame])]
            save_json(root / f"keypoints/openpose/{subset}/{name}.json", {"people": people})
        if special == UNFITTED:
            continue
        row = {key: values[frame : frame + 1] for key, values in fit.items()}
        _write_fit(root / f"{FITS}/{subset}/{name}.pkl", clip, frame, row | _camera(chain[frame]))
        _write_smpl(root / f"smplify-xmc/smpl/params/{subset}/{name}.pkl", row)
        known = None if special == UNDETECTED else (points[frame], OPENPOSE_135)
        mini.note(f"{clip.split}/{subset}/0/{frame}/{subject}", clip, frame, keypoints=known)


def _camera(chain: Floats) -> dict[str, Floats]:
    return {"camera_rotation": chain[None, :3, :3], "camera_translation": chain[None, :3, 3]}


def _write_fit(path: Path, clip: Clip, frame: int, content: dict[str, Floats]) -> None:
    """As numbers alone, or with tensors that lie on a GPU; of these the focal length only."""
    camera = clip.camera(frame)
    small = FITTED_HEIGHT / camera.height
    focal = {axis: camera.focal[i].reshape(1, 1) * small for i, axis in enumerate("xy")}
    if frame % 2:
        tensors = {f"focal_length_{axis}": value for axis, value in focal.items()}
        centre = {"camera_center": camera.principal_point[None] * small}
        dump_cuda_tensors({**content, **tensors, **centre}, path)
    else:
        numbers = {f"camera_focal_length_{axis}": value for axis, value in focal.items()}
        dump_plain({**content, **numbers}, path)


def _write_smpl(path: Path, row: dict[str, Floats]) -> None:
    """The SMPL fit, which lacks the rotation of the camera."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pose = np.hstack([row["global_orient"], row["body_pose"], np.zeros((1, 6))])
    dump_plain({"pose": pose, "betas": row["betas"]}, path)
