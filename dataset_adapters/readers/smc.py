"""DNA-Rendering's .smc files (HDF5): SMPL-X of a sequence in a world, sixty distorted cameras.

`main/<sequence>.smc` holds the encoded pictures and who is seen, the file of the same name in
`annotations/` (…_annots.smc) the rest. `RT` is camera → world. Pictures are read from files that
`smc_frames` writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.extracted import extracted
from ehpsbench.dataset_adapters.identity import person_identity, repeat
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import (
    WHOLE_BODY,
    Labels,
    body_columns,
    split_pose,
    validity,
)
from ehpsbench.dataset_adapters.readers.hdf5 import opened_hdf5
from ehpsbench.dataset_adapters.readers.smc_pixels import View, on_stored_pictures
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.schema import Columns, Instances
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import Map

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["ENDING", "GROUPS", "LABELLED", "frame_path", "group_of", "smc_read", "smc_units"]

Floats = NDArray[np.float64]
ENDING = "_annots.smc"
GROUPS = ("Camera_5mp", "Camera_12mp")
FIRST_OF_12MP = 48
FPS = 15.0
SPLIT = "train"
WHAT = "Camera_Parameter, SMPLx, Keypoints_2D and Keypoints_3D"
JOINTS = 55
# every joint of COCO-WholeBody but the two roots of the hands, in HumanData's order
LABELLED: Map = (1, 2, 4, 5, 7, 8, *range(16, 22), *range(25, 144))
WORLD_JOINTS = 190
NAMES = {"fullpose": "full_pose", "betas": "beta"}  # of the reader, and of the owners' page


def group_of(camera: int) -> str:
    """The group of a camera's pictures in the main file."""
    return GROUPS[camera >= FIRST_OF_12MP]


def frame_path(release_folder: str, sequence: str, camera: int, frame: int) -> str:
    """Where a picture is expected, below the root: beside `main/`."""
    return f"{release_folder}frames/{sequence}/{camera:02d}/{frame:06d}.jpg"


def smc_units(release: Release) -> Iterator[Unit]:
    """One unit per sequence that has annotations."""
    for path in release.find(f"**/annotations/*{ENDING}"):
        sequence = path.name.removesuffix(ENDING)
        main = path.parent.parent / "main" / f"{sequence}.smc"
        folder = release.relative(path.parent.parent)
        key = {"sequence": sequence, "folder": "" if folder == "." else f"{folder}/"}
        yield Unit(sequence, release, (path, main), key)


def smc_read(unit: Unit, bodies: BodySet, cameras: range) -> Instances:
    """The actor of one sequence, camera by camera.

    Args:
        unit: of `smc_units`.
        bodies: the body set of the labels.
        cameras: numbers of those that count.

    Raises:
        InputError: a file is broken, or lacks something.
    """
    actor = _actor(unit.files[1])
    with opened_hdf5(
        unit.files[0], "Camera_Parameter, SMPLx, Keypoints_2D and Keypoints_3D"
    ) as file:
        known = [int(name) for name in sorted(file["Camera_Parameter"]) if int(name) in cameras]
        views = [view for view in known if group_of(view) in actor.sizes]
        lenses = {view: _view(file["Camera_Parameter"][f"{view:02d}"]) for view in views}
        fit = _fit(file["SMPLx"])
        count = len(fit["transl"])
        points = _world_joints(file, count)
        pixels = _pixels(file, views, count)
    labelled = points[:, np.asarray(LABELLED), :3]
    pixels = on_stored_pictures(pixels, labelled, [lenses[v] for v in views])
    pixels = pixels.reshape(-1, len(LABELLED), 3)
    view = np.repeat(np.asarray(views, np.int64), count)
    frame = np.tile(np.arange(count), len(views))
    kept = np.flatnonzero(np.concatenate([_shown(unit, v, count) for v in views]) if views else [])
    view, frame = view[kept], frame[kept]
    images = _images(unit, view, frame, lenses, actor)
    columns = person_identity(images, np.arange(len(kept)), [actor.name] * len(kept))
    names = {"subject": actor.name, "track": actor.name, "subject_gender": actor.gender}
    columns |= {name: repeat(value, len(kept)) for name, value in names.items()}
    columns["source_row"] = frame
    labels = Labels.of(unit.release.card)
    own = {name: values[frame] for name, values in fit.items()}
    columns |= body_columns(own, actor.gender, labels, bodies, world=columns)
    columns |= validity(len(kept), WHOLE_BODY, face="expression" in fit)
    columns |= keypoint_columns(2, (pixels[kept], LABELLED)) | _points(points[frame], columns)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    return Instances(columns, images)


@dataclass(frozen=True, slots=True)
class _Actor:
    """Who is seen, and how large the pictures of each group are."""

    name: str
    gender: str
    sizes: Mapping[str, tuple[int, int]]


def _view(group: Any) -> View:
    """One camera as the file has it, with camera → world turned round."""
    matrix = np.asarray(group["K"], np.float64).reshape(3, 3)
    bent = np.asarray(group["D"], np.float64).reshape(5)
    back: Floats = np.asarray(group["RT"], np.float64).reshape(4, 4)
    return View(matrix, bent, np.asarray(np.linalg.inv(back), np.float64))


def _actor(path: Path) -> _Actor:
    what = (
        f"attributes actor_id and gender, and the groups {' and '.join(GROUPS)} with a resolution"
    )
    with opened_hdf5(path, what) as file:
        gender = _word(file.attrs["gender"]).lower()
        if gender not in ("male", "female", "neutral"):
            raise ValueError(f"gender {gender!r}")
        sizes = {
            group: (int(pair[0]), int(pair[1]))
            for group in GROUPS
            if group in file
            for pair in [np.asarray(file[group].attrs["resolution"]).reshape(2)]
        }
        return _Actor(_word(file.attrs["actor_id"]), gender, sizes)


def _word(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _fit(group: Any) -> dict[str, Floats]:
    """Parameters of F frames, F being how many poses there are (betas may have one row for all).

    A sequence of the release has expressions of some frames only, nobody knows which: left out.
    """

    def table(name: str) -> Floats:
        key = name if name in group else NAMES.get(name, name)
        return np.asarray(group[key], np.float64)

    pose = table("fullpose")
    count = len(pose)
    fit = dict(split_pose(pose.reshape(count, JOINTS * 3), "smplx"))
    for name in ("transl", "betas", "expression"):
        values = table(name)
        values = values.reshape(-1, values.shape[-1])
        if name == "expression" and len(values) not in (1, count):
            continue
        fit[name] = np.broadcast_to(values, (count, values.shape[1]))
    return fit


def _pixels(file: Any, views: list[int], count: int) -> Floats:
    """(V, F, 131, 3) of all views; those that a view lacks score 0."""
    found = np.zeros((len(views), count, len(LABELLED), 3))
    for place, view in enumerate(views):
        name = f"Keypoints_2D/{view:02d}"
        if name in file:
            values = np.asarray(file[name], np.float64)[:count]
            found[place, : len(values)] = values
    return found


def _world_joints(file: Any, count: int) -> Floats:
    """(F, 190, 3 or 4) of all frames."""
    points = np.asarray(file["Keypoints_3D/keypoints3d"], np.float64)
    if points.shape not in ((count, WORLD_JOINTS, 3), (count, WORLD_JOINTS, 4)):
        raise ValueError(f"keypoints3d are {points.shape}, SMPLx has {count} frames")
    return points


def _points(points: Floats, columns: Columns) -> dict[str, NDArray[Any]]:
    """World joints in the camera frame; those that no camera labels are zeros in the file."""
    turn = np.asarray(columns["world_rotation"]).reshape(-1, 3, 3)
    shift = np.asarray(columns["world_translation"])[:, None]
    world = points[:, np.asarray(LABELLED)]
    score = world[..., 3:] if world.shape[2] == 4 else np.ones((*world.shape[:2], 1))
    score = score * world[..., :3].any(-1, keepdims=True)
    placed = world[..., :3] @ turn.transpose(0, 2, 1) + shift
    return keypoint_columns(3, (np.concatenate([placed, score], -1), LABELLED))


def _shown(unit: Unit, view: int, count: int) -> NDArray[np.bool_]:
    """Which frames of a view count: all, or those that were written out."""
    first = unit.release.root / frame_path(unit.key["folder"], unit.key["sequence"], view, 0)
    return extracted(first.parent, np.arange(count), ".jpg", whole=first.parent.parent)


def _images(
    unit: Unit,
    view: NDArray[np.int64],
    frame: NDArray[np.int64],
    lenses: Mapping[int, View],
    actor: _Actor,
) -> dict[str, NDArray[Any]]:
    """Columns of the pictures of all views."""
    sequence, rows = unit.key["sequence"], range(len(view))
    used = [lenses[v] for v in view.tolist()]
    lens = np.stack([u.matrix for u in used]) if used else np.zeros((0, 3, 3))
    chain = np.stack([u.chain for u in used]) if used else np.zeros((0, 4, 4))
    bent = np.stack([u.distortion for u in used]) if used else np.zeros((0, 5))
    size = [_size(actor.sizes[group_of(v)], lenses[v].matrix) for v in view.tolist()]
    return image_columns(
        unit,
        [frame_path(unit.key["folder"], sequence, int(view[i]), int(frame[i])) for i in rows],
        np.asarray(size, np.int64).reshape(-1, 2),
        split=SPLIT,
        sequence=sequence,
        camera=[f"{v:02d}" for v in view.tolist()],
        frame=frame,
        cluster=sequence,
        focal=lens[:, (0, 1), (0, 1)],
        principal_point=lens[:, :2, 2],
        distortion=bent,
        world_rotation=chain[:, :3, :3],
        world_translation=chain[:, :3, 3],
        fps=FPS,
        source_row=frame,
    )


def _size(sides: tuple[int, int], matrix: Floats) -> tuple[int, int]:
    """Width and height: which side is which, the principal point knows."""
    way = min(
        (sides, sides[::-1]), key=lambda pair: np.abs(matrix[:2, 2] - np.array(pair) / 2).max()
    )
    return way[0], way[1]
