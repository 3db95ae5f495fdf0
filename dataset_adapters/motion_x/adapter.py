"""Motion-X's IDEA400: an npz a clip, SMPL-X of its people in a world, a camera a frame."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.extracted import extracted
from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import header_sizes, image_columns
from ehpsbench.dataset_adapters.parameters import WHOLE_BODY, Labels, body_columns, validity
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]
LABELS, IMAGES = "idea400_smplx_HPE", "image"
SPLIT = "all"  # the owners have none for images
BETAS, EXPRESSION = 10, 10
AT_REST = 1.0  # rad, sum over the body: a person who was not found
POSES = {  # column → key and how many numbers a frame
    "global_orient": ("root_orient", 3),
    "body_pose": ("pose_body", 63),
    "left_hand_pose": ("pose_lhand", 45),
    "right_hand_pose": ("pose_rhand", 45),
    "jaw_pose": ("pose_jaw", 3),
    "transl": ("trans", 3),
}


def units(release: Release) -> Iterator[Unit]:
    """One unit per clip that has images; all, where none has."""
    clips = release.find(f"{LABELS}/*/subset_*/*.npz")
    shown = [path for path in clips if (release.root / _folder(release, path)).is_dir()]
    for path in shown or clips:
        yield Unit(_clip(release, path), release, (path,))


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The people of one clip, frame by frame.

    Raises:
        InputError: the file is broken, or arrays do not fit together.
        MissingFiles: no image of the clip is there, whose size stands nowhere else.
    """
    content = load_npz(unit.files[0])
    try:
        fit, cameras = _fits(content), _cameras(content)
        people, frames = fit["transl"].shape[:2]
        folder = unit.release.root / _folder(unit.release, unit.files[0])
        numbers = np.arange(frames) + 1
        shown = np.flatnonzero(extracted(folder, numbers, ".png"))
        shown = shown if len(shown) else numbers - 1
        images = _images(unit, content, cameras, shown)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"{unit.files[0]} is not a clip of IDEA400 ({type(error).__name__}: {error}). "
            "Expected (people, frames, …) arrays root_orient, pose_body, pose_lhand, pose_rhand, "
            "pose_jaw, trans, expr, cam_R and cam_t, betas of people, and intrins."
        ) from error
    image, person = np.repeat(np.arange(len(shown)), people), np.tile(np.arange(people), len(shown))
    frame = shown[image]
    columns = person_identity(images, image, person)
    columns["world_rotation"] = cameras[0][person, frame].reshape(-1, 9)
    columns["world_translation"] = cameras[1][person, frame]
    columns |= {"track": text(map(str, person)), "source_row": frame}
    flags = _flags(fit, bodies)
    rows = {name: values[person, frame] for name, values in fit.items()}
    labels = Labels.of(unit.release.card)
    columns |= body_columns(rows, "neutral", labels, bodies, world=columns)
    flags = {name: values[person, frame] for name, values in flags.items()}
    columns |= validity(len(frame), WHOLE_BODY, **flags)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    return Instances(columns, images)


def _clip(release: Release, path: Path) -> str:
    return release.relative(path).removeprefix(f"{LABELS}/").removesuffix(".npz")


def _folder(release: Release, path: Path) -> str:
    return f"{IMAGES}/{_clip(release, path)}"


def _fits(content: Mapping[str, Any]) -> dict[str, Floats]:
    """Parameters by the schema's names, each (P, F, k)."""
    people, frames = np.shape(content["trans"])[:2]
    fit = {
        column: np.asarray(content[key], np.float64).reshape(people, frames, size)
        for column, (key, size) in POSES.items()
    }
    fit["expression"] = np.asarray(content["expr"], np.float64).reshape(people, frames, -1)
    betas = np.asarray(content["betas"], np.float64)
    if betas.ndim == 2:  # of the clip
        betas = np.repeat(betas[:, None], frames, 1)
    fit["betas"] = betas.reshape(people, frames, -1)[..., :BETAS]
    return fit


def _cameras(content: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """(P, F, 3, 3) and (P, F, 3) world → camera; every frame has its own."""
    people, frames = np.shape(content["trans"])[:2]
    turn = np.asarray(content["cam_R"], np.float64).reshape(people, frames, 3, 3)
    return turn, np.asarray(content["cam_t"], np.float64).reshape(people, frames, 3)


def _images(
    unit: Unit,
    content: Mapping[str, Any],
    cameras: tuple[Floats, Floats],
    rows: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    """The frames of a clip, numbered from 1; all have the size of the first."""
    lens = np.asarray(content["intrins"], np.float64).reshape(4)
    folder = _folder(unit.release, unit.files[0])
    paths = [f"{folder}/{row + 1:06d}.png" for row in rows]
    rate = re.search(r"(\d+)fps", unit.name)
    return image_columns(
        unit,
        paths,
        header_sizes(unit.release.root, paths[:1])[0],
        split=SPLIT,
        sequence=unit.name,
        frame=rows + 1,
        cluster=unit.name,
        focal=lens[:2],
        principal_point=lens[2:],
        world_rotation=cameras[0][0, rows],
        world_translation=cameras[1][0, rows],
        fps=float(rate[1]) if rate else None,
        source_row=rows,
    )


def _flags(fit: Mapping[str, Floats], bodies: BodySet) -> dict[str, NDArray[np.bool_]]:
    """(P, F) which parts count: somebody found; hands that show the mean; SMPL-X's expression."""
    shape = fit["transl"].shape[:2]
    with np.errstate(invalid="ignore"):
        found = ~(np.abs(fit["body_pose"]).sum(-1) < AT_REST)
    model = bodies.model("smplx", "neutral")
    flags = {"body": found, "shape": found, "camera": found}
    flags["face"] = np.full(shape, fit["expression"].shape[-1] <= EXPRESSION) & found
    for side in ("left", "right"):
        told = holds_mean(fit[f"{side}_hand_pose"], model.hand_mean(side))
        flags[f"{side}_hand"] = told[:, None] & found
    return flags


def holds_mean(pose: Floats, mean: Floats) -> NDArray[np.bool_]:
    """(P,) True where the typical hand of a clip is nearer to the mean hand than to a flat one.

    Such hands are absolute. Others are flat, or leave the mean out, which cannot be told apart.

    Args:
        pose: (P, F, 45) of a clip [rad].
        mean: (45,) of the model.
    """
    typical = np.median(pose, axis=1)
    return np.asarray(
        np.linalg.norm(typical - mean, axis=-1) < np.linalg.norm(typical, axis=-1), bool
    )
