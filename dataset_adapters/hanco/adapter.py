"""HanCo: right hands in a world, seen by eight cameras; the sequences that FreiHAND is drawn from.

All lists of meta.json are looked up by the numbers of sequence and frame, never by a place in a
listing: not every sequence need be there, and not every frame has a fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_frames, read_json
from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import Labels, hand_columns, spread, validity
from ehpsbench.dataset_adapters.read_once import read_once
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.geometry import box_around, clip_box, project
from ehpsbench.schema import Columns, Instances, nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import RIGHT_HAND_21

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]

SIZE = 224  # px
META = ("is_train", "subject_id", "is_valid", "has_fit")
SPLITS = {True: "training", False: "evaluation"}  # recorded before a green screen, or not
FIT = {"poses": 48, "shapes": 10, "global_t": 3}


def units(release: Release) -> Iterator[Unit]:
    """One unit per sequence."""
    for folder in release.find("calib/*"):
        parts = (release.find(f"{kind}/{folder.name}/*.json") for kind in ("calib", "shape", "xyz"))
        files = [path for paths in parts for path in paths]
        yield Unit(folder.name, release, (release.root / "meta.json", *files))


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The hand of one sequence in every view; frames without labels are images only.

    Raises:
        InputError: a file is broken, or meta.json does not know a frame.
        MissingFiles: a frame that has a fit lacks its file.
    """
    calib, shape, xyz = (_numbered(unit, kind) for kind in ("calib", "shape", "xyz"))
    frames = np.asarray(list(calib), np.int64)
    meta = _meta(unit, frames)
    lens = read_frames(list(calib.values()), {"K": None, "M": None}, read_json)
    intrinsics = lens["K"].reshape(len(frames), -1, 3, 3)
    chain = lens["M"].reshape(len(frames), -1, 4, 4)
    views = intrinsics.shape[1]
    images = _images(unit, frames, meta["is_train"], intrinsics, chain)

    fitted = np.asarray(meta["has_fit"], bool)
    shown = np.flatnonzero(fitted | np.isin(frames, list(xyz)))
    image = (shown[:, None] * views + np.arange(views)).reshape(-1)
    subject = np.repeat([str(meta["subject_id"][i]) for i in shown], views)
    columns = person_identity(images, image, subject)
    columns |= {"subject": text(subject), "track": text(subject)}

    with_fit = np.repeat(fitted[shown], views)
    hands = _hands(unit, _needed(unit, shape, frames[fitted]), _chains(columns, with_fit), bodies)
    columns |= spread(hands, with_fit)
    valid = np.repeat(np.asarray(meta["is_valid"], bool)[shown], views)
    columns |= validity(len(image), ("camera",), right_hand=with_fit, owner=valid)
    columns |= _points(unit, xyz, frames[shown], columns)
    return Instances(columns, images)


def _chains(columns: Columns, chosen: NDArray[np.bool_]) -> Columns:
    """The chain world → camera of the chosen rows."""
    return {name: columns[name][chosen] for name in ("world_rotation", "world_translation")}


def _hands(unit: Unit, paths: list[Path], world: Columns, bodies: BodySet) -> Columns:
    """MANO of each file in every view; the chains are those of all views of each frame."""
    fit = read_frames(paths, FIT, read_json)
    views = len(world["world_rotation"]) // max(len(paths), 1)
    each = {name: np.repeat(values, views, 0) for name, values in fit.items()}
    hand = {
        "global_orient": each["poses"][:, :3],
        "hand_pose": each["poses"][:, 3:],
        "betas": each["shapes"],
        "transl": each["global_t"],
    }
    return hand_columns(hand, "right", Labels.of(unit.release.card), bodies, world)


def _numbered(unit: Unit, kind: str) -> dict[int, Path]:
    """Frame number → file, of one kind."""
    return {int(p.stem): p for p in unit.files[1:] if p.parent.parent.name == kind}


def _meta(unit: Unit, frames: NDArray[np.int64]) -> dict[str, list[Any]]:
    """What meta.json says of these frames of the sequence."""
    path, sequence = unit.files[0], int(unit.name)
    content = _tables(path)
    try:
        return {key: [content[key][sequence][frame] for frame in frames] for key in META}
    except (KeyError, IndexError, TypeError) as error:
        raise InputError(
            f"{path} does not know every frame of sequence {unit.name} "
            f"({type(error).__name__}: {error}). Expected for each of {', '.join(META)} a list a "
            "sequence of a value a frame, by the numbers of the files."
        ) from error


@read_once(1)
def _tables(path: Path) -> Any:
    """meta.json: of all sequences, asked for by each."""
    return read_json(path)


def _needed(unit: Unit, shape: dict[int, Path], frames: NDArray[np.int64]) -> list[Path]:
    missing = [frame for frame in frames.tolist() if frame not in shape]
    if missing:
        raise MissingFiles(
            f"{unit.release.root}: {len(missing)} frames of sequence {unit.name} have a fit, but "
            f"no file, e.g. shape/{unit.name}/{missing[0]:08d}.json. Unpack HanCo's shape archive."
        )
    return [shape[frame] for frame in frames.tolist()]


def _images(
    unit: Unit, frames: NDArray[np.int64], green: list[Any], intrinsics: Floats, chain: Floats
) -> dict[str, NDArray[Any]]:
    """Every view of every frame; crops, so that each has a lens of its own."""
    views = intrinsics.shape[1]
    names = [f"{unit.name}/cam{v}/{f:08d}" for f in frames.tolist() for v in range(views)]
    folder = unit.release.root / "mask_hand" / unit.name
    mask = next(folder.glob("cam0/*"), None)
    return image_columns(
        unit,
        [f"rgb/{name}.jpg" for name in names],
        (SIZE, SIZE),
        split=np.repeat([SPLITS[bool(flag)] for flag in green], views),
        sequence=unit.name,
        frame=np.repeat(frames, views),
        camera=np.tile([f"cam{v}" for v in range(views)], len(frames)),
        cluster=unit.name,
        focal=intrinsics[..., (0, 1), (0, 1)].reshape(-1, 2),
        principal_point=intrinsics[..., :2, 2].reshape(-1, 2),
        world_rotation=chain[..., :3, :3].reshape(-1, 3, 3),
        world_translation=chain[..., :3, 3].reshape(-1, 3),
        mask_path=[f"mask_hand/{name}{mask.suffix}" for name in names] if mask else None,
        mask_scale=1 / 255 if mask and mask.suffix != ".png" else None,  # JPEG blurs their edges
    )


def _points(
    unit: Unit, xyz: dict[int, Path], frames: NDArray[np.int64], columns: Columns
) -> dict[str, NDArray[Any]]:
    """The 21 points in the camera frame, and the box around them; null where there are none."""
    has = np.isin(frames, list(xyz))
    paths = [xyz[frame] for frame in frames[has].tolist()]
    found = read_frames(paths, {"xyz": 63}, lambda path: {"xyz": read_json(path)})["xyz"]
    views = len(columns["frame"]) // max(len(frames), 1)
    world = np.zeros((len(frames), 21, 3))
    world[has] = found.reshape(-1, 21, 3)
    turn = columns["world_rotation"].reshape(-1, 3, 3)
    points = np.repeat(world, views, 0) @ turn.transpose(0, 2, 1)
    points = points + columns["world_translation"][:, None]
    seen = np.repeat(has, views)
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = project(points, columns["focal"], columns["principal_point"])
    box = nullable(clip_box(box_around(np.nan_to_num(pixels)), SIZE, SIZE), seen)
    scored = np.concatenate([points, np.ones((len(points), 21, 1))], -1)
    placed = keypoint_columns(3, (scored, RIGHT_HAND_21))
    return {
        **{name: nullable(values, seen) for name, values in placed.items()},
        "bbox": box,
        "right_hand_bbox": box.copy(),
    }
