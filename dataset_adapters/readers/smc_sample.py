"""Writes DNA-Rendering's layout for a miniature of it, or of its cameras of high resolution."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.parameters import joined_pose
from ehpsbench.dataset_adapters.readers.hdf5 import hdf5
from ehpsbench.dataset_adapters.readers.smc import (
    ENDING,
    FIRST_OF_12MP,
    JOINTS,
    LABELLED,
    SPLIT,
    WORLD_JOINTS,
    frame_path,
    group_of,
)
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth

__all__ = ["write_smc"]

CAMERAS = (0, 11, 48, 59)
BENT = (-0.09, 0.07, 0.0005, -0.0003, -0.01)  # k1, k2, p1, p2, k3
FILMING = Filming(
    size=(2048, 2448),
    views=len(CAMERAS),
    distortion=(*BENT, 0.0, 0.0, 0.0),
    broken=("finite", "ranges", "angles"),
)
QUARTER = 0.25  # of the owners' size, since pictures of 5 and 12 megapixels are no miniatures
LARGER = 1.5  # the cameras of high resolution
SEQUENCES = ("0013_01", "0018_05")


def write_smc(order: Order, dataset: str, cameras: range) -> Truth:
    """Write a miniature release.

    Args:
        order: what is asked for.
        dataset: its name.
        cameras: numbers of those that the dataset has.
    """
    small = replace(order, scale=order.scale * QUARTER)
    mini = Miniature(small, catalogue.card(dataset), FILMING)
    for made in mini.clips([(SPLIT, name) for name in SEQUENCES], fewest=3):
        clip = _with_large_cameras(made)
        actor = clip.name.partition("_")[0]
        for view, camera in enumerate(CAMERAS):
            for frame in range(len(clip)):
                mini.picture(frame_path("", clip.name, camera, frame), clip, frame, view)
                if camera in cameras:
                    key = f"{SPLIT}/{clip.name}/{camera:02d}/{frame}/{actor}"
                    points = clip.keypoints(LABELLED, view=view)[frame], LABELLED
                    mini.note(key, clip, frame, 0, view, keypoints=points)
        _write_main(order.root, clip, actor)
        _write_labels(order.root / f"annotations/{clip.name}{ENDING}", clip)
    return mini.save()


def _with_large_cameras(clip: Clip) -> Clip:
    def larger(scene: Any) -> Any:
        views = zip(CAMERAS, scene.cameras, strict=True)
        return replace(
            scene,
            cameras=tuple(c.scaled(LARGER) if i >= FIRST_OF_12MP else c for i, c in views),
        )

    return replace(clip, scenes=tuple(map(larger, clip.scenes)))


def _write_main(root: Path, clip: Clip, actor: str) -> None:
    """Who is seen, and the encoded pictures."""
    path = root / f"main/{clip.name}.smc"
    path.parent.mkdir(parents=True, exist_ok=True)
    with hdf5().File(path, "w") as file:
        file.attrs.update(
            {"actor_id": actor, "performance_id": "01", "gender": clip.person().gender, "age": 30}
        )
        for view, number in enumerate(CAMERAS):
            camera = clip.camera(0, view)
            group = file.require_group(group_of(number))
            group.attrs["resolution"] = [camera.height, camera.width]
            group.attrs["num_frame"] = len(clip)
            for frame in range(len(clip)):
                picture = root / frame_path("", clip.name, number, frame)
                if picture.is_file():
                    encoded = np.frombuffer(picture.read_bytes(), np.uint8)
                    group.create_dataset(f"{number}/color/{frame}", data=encoded)


def _write_labels(path: Path, clip: Clip) -> None:
    """Cameras, SMPL-X and joints, as the annotation file has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fit, count = clip.fits(), len(clip)
    short = clip.index == 1
    world = np.zeros((count, WORLD_JOINTS, 3))
    world[:, LABELLED] = clip.points3d(LABELLED)[..., :3]
    with hdf5().File(path, "w") as file:
        for view, number in enumerate(CAMERAS):
            camera = clip.camera(0, view)
            place = f"Camera_Parameter/{number:02d}"
            file[f"{place}/K"], file[f"{place}/D"] = camera.intrinsics, np.asarray(BENT)
            file[f"{place}/RT"] = np.linalg.inv(clip.extrinsics(view)[0])
            file[f"Keypoints_2D/{number:02d}"] = clip.keypoints(LABELLED, view=view)
        file["Keypoints_3D/keypoints3d"] = world
        file["SMPLx/fullpose"] = joined_pose(fit, "smplx").reshape(count, JOINTS, 3)
        file["SMPLx/betas"] = fit["betas"][-1:] if short else fit["betas"]
        file["SMPLx/expression"] = fit["expression"]
        file["SMPLx/transl"], file["SMPLx/scale"] = fit["transl"], np.ones(1)
