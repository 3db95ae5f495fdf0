"""Hi4D: a file a frame with both people's gendered SMPL in a world, eight static views."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.files import read_frames
from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import header_sizes, image_columns
from ehpsbench.dataset_adapters.parameters import BODY_ONLY, Labels, body_columns, validity
from ehpsbench.dataset_adapters.readers.fit_files import same_frame
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.schema import Columns, Instances
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import SMPL_24

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]
FPS = 30.0
SIZE = (940, 1280)  # px, where no image is there
PEOPLE = 2
FIT = {"global_orient": 3, "body_pose": 69, "betas": 10, "transl": 3, "joints_3d": 72}


def units(release: Release) -> Iterator[Unit]:
    """One unit per action of a pair, with all its views."""
    for meta in release.find("pair*/*/meta.npz"):
        folder = meta.parent
        name = f"{folder.parent.name}/{folder.name}"
        fits = sorted((folder / "smpl").glob("[0-9]*.npz"))
        yield Unit(name, release, (meta, folder / "cameras/rgb_cameras.npz", *fits))


def read(unit: Unit, bodies: BodySet) -> Instances:
    """Both people of one action in the camera frame of every view.

    Raises:
        InputError: a file is broken or lacks something.
    """
    start, end, gender = _meta(unit.files[0])
    paths = [path for path in unit.files[2:] if start <= int(path.stem) <= end]
    images = _images(unit, (start, end), [int(path.stem) for path in paths])
    if not paths:
        return Instances({}, images)
    # each person's files, so that a row of the fits is a frame and a person
    frames = np.repeat([int(path.stem) for path in paths], PEOPLE)
    image, row = same_frame(images["frame"], frames)
    person, pair = row % PEOPLE, unit.files[0].parent.parent.name
    columns = person_identity(images, image, person)
    columns |= {
        "subject": text(f"{pair}_{p}" for p in person),
        "track": text(f"{unit.name}/{p}" for p in person),
        "gender": text(gender)[person],
        "subject_gender": text(gender)[person],
        "source_file": text(unit.release.relative(paths[r // PEOPLE]) for r in row),
        "source_row": person,
    }
    table = read_frames(paths, {key: PEOPLE * size for key, size in FIT.items()}, load_npz)
    fit = {key: table[key].reshape(-1, size)[row] for key, size in FIT.items()}
    joints = fit.pop("joints_3d").reshape(-1, len(SMPL_24), 3)
    fit["body_pose"], fit["smpl_hand_pose"] = fit["body_pose"][:, :63], fit["body_pose"][:, 63:]
    labels = Labels.of(unit.release.card)
    columns |= body_columns(fit, columns["gender"], labels, bodies, world=columns)
    columns |= validity(len(row), BODY_ONLY)
    columns |= _joints(joints, columns)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    return Instances(columns, images)


def _meta(path: Path) -> tuple[int, int, list[str]]:
    """First and last frame, both included, and the gender of each person."""
    content = load_npz(path)
    try:
        words = np.asarray(content["genders"]).reshape(-1).astype(str)  # or bytes
        genders = [str(gender).lower() for gender in words]
        start, end = (int(np.asarray(content[key]).reshape(())) for key in ("start", "end"))
        if len(genders) != PEOPLE:
            raise ValueError(f"{len(genders)} genders")
        return start, end, genders
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} describes no action of Hi4D ({type(error).__name__}: {error}). Expected "
            f"start, end and {PEOPLE} genders."
        ) from error


def _cameras(path: Path) -> tuple[list[int], dict[str, Floats]]:
    """Camera numbers and, by the schema's names, where they are; images are undistorted."""
    content = load_npz(path)
    try:
        # the owners' document spells intirnsics
        key = "intrinsics" if "intrinsics" in content else "intirnsics"
        ids = np.asarray(content["ids"], np.int64).reshape(-1)
        lens = np.asarray(content[key], np.float64).reshape(len(ids), 3, 3)
        pose = np.asarray(content["extrinsics"], np.float64).reshape(len(ids), -1, 4)[:, :3]
        if not len(ids):
            raise ValueError("no ids")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} has no cameras of Hi4D ({type(error).__name__}: {error}). Expected ids, "
            "intrinsics (8, 3, 3) and extrinsics (8, 3, 4)."
        ) from error
    return ids.tolist(), {
        "focal": lens[:, (0, 1), (0, 1)],
        "principal_point": lens[:, :2, 2],
        "world_rotation": pose[:, :, :3],
        "world_translation": pose[:, :, 3],
    }


def _images(unit: Unit, span: tuple[int, int], fitted: Sequence[int]) -> dict[str, NDArray[Any]]:
    """Every image of every view: those on disk, else those of the fits."""
    folder, root = unit.files[0].parent, unit.release.root
    ids, cameras = _cameras(unit.files[1])
    place = unit.release.relative(folder / "images")
    shown = [_shown(folder / f"images/{i}", span, fitted) for i in ids]
    of = np.repeat(np.arange(len(shown)), [len(frames) for frames in shown])
    frame = np.concatenate([np.asarray(frames, np.int64) for frames in shown])
    paths = [f"{place}/{ids[v]}/{f:06d}.jpg" for v, f in zip(of, frame, strict=True)]
    first = np.searchsorted(of, np.arange(len(ids)))  # all of a camera have one size
    sizes = header_sizes(root, [paths[i] for i in first if i < len(paths)], SIZE)
    known = np.resize(sizes, (len(ids), 2)) if len(sizes) else np.tile(SIZE, (len(ids), 1))
    return image_columns(
        unit,
        paths,
        known[of],
        split="test",
        sequence=unit.name,
        camera=[str(ids[v]) for v in of],
        frame=frame,
        cluster=unit.name,
        fps=FPS,
        **{name: values[of] for name, values in cameras.items()},
    )


def _shown(folder: Path, span: tuple[int, int], fitted: Sequence[int]) -> list[int]:
    """Frames of one view; all views are those of the fits where no image is there."""
    if not folder.parent.is_dir():
        return list(fitted)
    frames = sorted(int(path.stem) for path in folder.glob("[0-9]*.jpg"))
    return [frame for frame in frames if span[0] <= frame <= span[1]]


def _joints(joints: Floats, columns: Columns) -> Mapping[str, NDArray[Any]]:
    """The owners' joints (N, 24, 3) of the world [m] in each camera's frame."""
    turn = columns["world_rotation"].reshape(-1, 3, 3)
    seen = joints @ turn.transpose(0, 2, 1) + columns["world_translation"][:, None]
    return keypoint_columns(3, (np.pad(seen, ((0, 0), (0, 0), (0, 1)), constant_values=1), SMPL_24))
