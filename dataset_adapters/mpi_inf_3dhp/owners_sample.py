"""Writes recordings and tests as the owners ship them, and SPIN's fits to the recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.miniature import Miniature
from ehpsbench.dataset_adapters.mpi_inf_3dhp.adapter import SPIN
from ehpsbench.dataset_adapters.mpi_inf_3dhp.benchmark import lens_of
from ehpsbench.dataset_adapters.parameters import joined_pose
from ehpsbench.dataset_adapters.readers.hdf5 import hdf5
from ehpsbench.dataset_adapters.readers.matlab_sample import save_mat
from ehpsbench.dataset_adapters.readers.mpi_inf import MPI_INF_17, MPI_INF_24, MPI_INF_24_OF_28
from ehpsbench.skeleton.sources import SPIN_24, Map, named
from ehpsbench.world.camera import Camera

__all__ = ["write_recordings", "write_test"]

Floats = NDArray[np.float64]
MM = 1e3
ALL_CAMERAS = 14
STRETCH = 1.1  # of the universal skeleton
STAND_IN = named(  # joints of SMPL near the owners' 28
    "spine_3 spine_3 spine_2 spine_1 pelvis neck head head left_collar left_shoulder left_elbow "
    "left_wrist left_wrist right_collar right_shoulder right_elbow right_wrist right_wrist "
    "left_hip left_knee left_ankle left_foot left_foot right_hip right_knee right_ankle "
    "right_foot right_foot"
)
# of the second recording's first frame: views without a fit, and with the labels of the next frame
MISSING, UNFITTED, MISPAIRED = 0, 1, 2


def write_recordings(
    mini: Miniature, clips: Sequence[Clip], cameras: Sequence[int], *, fitted: bool
) -> None:
    """Labels, calibration and frames of each clip; with SPIN's file if `fitted`."""
    rows: list[dict[str, Any]] = []
    for clip in clips:
        pixels, space = {}, {}
        for view, camera in enumerate(cameras):
            space[camera], pixels[camera] = _labels(clip, STAND_IN, view)
            special = mini.whole and fitted and clip is clips[-1]
            rows += _view(mini, clip, (view, camera), pixels[camera], (fitted, special))
        folder = mini.order.root / clip.name
        cells = {"annot2": _cells(pixels, 1.0, len(clip))}
        cells["annot3"] = _cells(space, MM, len(clip))
        cells["univ_annot3"] = _cells(space, MM * STRETCH, len(clip))
        frames = {"frames": np.arange(len(clip))[:, None], "cameras": np.arange(ALL_CAMERAS)[None]}
        save_mat(folder / "annot.mat", {**cells, **frames})
        _write_calibration(mini, clip, cameras)
        _write_videos(mini, clip, cameras)
    if fitted:
        arrays = {key: np.asarray([row[key] for row in rows]) for key in rows[0]} if rows else {}
        save_npz(mini.order.root / SPIN, **arrays)


def write_test(mini: Miniature, clip: Clip, joints: Map) -> None:
    """A test sequence, whose first frame does not count."""
    clip = _seen_through(clip)
    space, pixels = _labels(clip, joints, 0)
    folder = f"mpi_inf_3dhp_test_set/{clip.name}"
    valid = np.ones((len(clip), 1))
    valid[:1] = not mini.whole
    (mini.order.root / folder).mkdir(parents=True)
    with hdf5().File(mini.order.root / folder / "annot_data.mat", "w") as content:
        content["annot2"] = pixels[:, None]
        content["annot3"] = space[:, None] * MM
        content["univ_annot3"] = space[:, None] * MM * STRETCH
        content["valid_frame"] = valid
    scored = _scored(pixels, clip.camera())
    for frame in range(len(clip)):
        mini.picture(f"{folder}/imageSequence/img_{frame + 1:06d}.jpg", clip, frame)
        mini.note(
            f"test/{clip.name}/0/{frame}/{clip.name}",
            clip,
            frame,
            valid=bool(valid[frame]),
            keypoints=(scored[frame], MPI_INF_17),
            body=False,
        )


def _labels(clip: Clip, joints: Map, view: int) -> tuple[Floats, Floats]:
    """(F, K, 3) in the camera frame [m] and (F, K, 2) [px], also outside of the image."""
    space = clip.points3d(joints, 0, view)[..., :3]
    return space, np.stack([clip.camera(f, view).pixels(p) for f, p in enumerate(space)])


def _scored(pixels: Floats, camera: Camera) -> Floats:
    """(F, K, 3) x, y, whether it is in the image."""
    fits = (pixels >= 0) & (pixels <= [camera.width, camera.height])
    return np.concatenate([pixels, np.asarray(fits, bool).all(-1, keepdims=True)], -1)


def _cells(labels: dict[int, Floats], unit: float, frames: int) -> list[Floats]:
    """Of all cameras (F, K·d); those that were not fetched have labels too, here zeros."""
    width = next(iter(labels.values()))[0].size
    empty = np.zeros((frames, width))
    return [
        labels[c].reshape(frames, width) * unit if c in labels else empty
        for c in range(ALL_CAMERAS)
    ]


def _view(
    mini: Miniature,
    clip: Clip,
    seen: tuple[int, int],
    pixels: Floats,
    fits: tuple[bool, bool],
) -> list[dict[str, Any]]:
    """Pictures and SPIN's rows of one camera: (view, camera), (has fits, with special cases)."""
    (view, camera), (fitted, special) = seen, fits
    fit, part = clip.fits(0, view), clip.keypoints(SPIN_24, 0, view)
    pose, scored = joined_pose(fit, "smpl"), _scored(pixels, clip.camera(0, view))
    subject, _, sequence = clip.name.partition("/")
    rows = []
    for frame in range(len(clip)):
        name = f"{clip.name}/imageFrames/video_{camera}/frame_{frame + 1:06d}.jpg"
        mini.picture(name, clip, frame, view)
        odd = view if special and frame == 0 else None
        row = {"imgname": name, "pose": pose[frame], "shape": fit["betas"][frame]}
        row |= {"part": part[frame + (odd == MISPAIRED)], "has_smpl": int(odd != UNFITTED)}
        if odd != MISSING:
            rows.append(row)
        mini.note(
            f"train/{subject}:{sequence}/{camera}/{frame}/{subject}",
            clip,
            frame,
            0,
            view,
            keypoints=(scored[frame][list(MPI_INF_24_OF_28)], MPI_INF_24),
            body=fitted and odd is None,
        )
    return rows


def _write_calibration(mini: Miniature, clip: Clip, cameras: Sequence[int]) -> None:
    """The owners' text; cameras that were not fetched are like the first."""
    lines = ["Skeletool Camera Calibration File V1.0"]
    for camera in range(ALL_CAMERAS):
        view = cameras.index(camera) if camera in cameras else 0
        lens, pose = clip.camera(0, view), clip.extrinsics(view)[0].copy()
        pose[:3, 3] *= MM
        full = np.eye(4)
        full[:3, :3] = lens.intrinsics
        lines += [
            f"name          {camera}",
            "  sensor      10 10",
            f"  size        {lens.width} {lens.height}",
            "  animated    0",
            "  intrinsic   " + " ".join(map(str, full.ravel().tolist())) + " ",
            "  extrinsic   " + " ".join(map(str, pose.ravel().tolist())) + " ",
            "  radial      0",
        ]
    path = mini.order.root / clip.name / "camera.calibration"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_videos(mini: Miniature, clip: Clip, cameras: Sequence[int]) -> None:
    """The videos that were fetched, without content: their frames are extracted already."""
    folder = mini.order.root / clip.name / "imageSequence"
    folder.mkdir()
    for camera in cameras:
        (folder / f"video_{camera}.avi").write_bytes(b"")


def _seen_through(clip: Clip) -> Clip:
    """The clip before the camera of its test sequence."""
    facts = lens_of(clip.name)
    width, height = facts["size"]
    bent = np.pad(facts["distortion"], (0, 3)) if "distortion" in facts else None
    lens = {name: np.asarray(facts[name], np.float64) for name in ("focal", "principal_point")}

    def changed(camera: Camera) -> Camera:
        return replace(camera, width=width, height=height, distortion=bent, **lens)

    scenes = [replace(s, cameras=tuple(map(changed, s.cameras))) for s in clip.scenes]
    return replace(clip, scenes=tuple(scenes))
