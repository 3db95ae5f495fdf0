"""HuMMan v1.0, Recon and Point: SMPL in the frame of the first Kinect, seen by all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.extracted import extracted
from ehpsbench.dataset_adapters.files import read_frames, read_json
from ehpsbench.dataset_adapters.identity import person_identity, repeat, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import BODY_ONLY, Labels, body_columns, validity
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.schema import Instances, nullable

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["PARTS", "SIZE", "read", "units"]

Floats = NDArray[np.float64]
SIZE = (1920, 1080)  # px, of a Kinect's colours
FPS = 30.0
COLOUR = "kinect_color_"
PARTS = {"global_orient": 3, "body_pose": 69, "betas": 10, "transl": 3}  # numbers a frame
BODY_ANGLES = 63
LISTS = ("train", "test")


def units(release: Release) -> Iterator[Unit]:
    """One unit per sequence: of Recon with a file a frame, of Point with one for all frames."""
    lists = {split: _listed(release.root / f"{split}.txt") for split in LISTS}
    for cameras in release.find("p*_a*/cameras.json"):
        folder = cameras.parent
        frames = release.find(f"{folder.name}/smpl_params/*.npz")
        whole = folder / "smpl_params.npz"
        key = {"split": _split(folder, lists), "point": not frames}
        yield Unit(folder.name, release, (cameras, *(frames or [whole])), key)


def _listed(path: Path) -> set[str]:
    """Names of the sequences in one of the owners' lists; nobody's without the list."""
    return set(path.read_text(encoding="utf-8").split()) if path.is_file() else set()


def _split(folder: Path, lists: Mapping[str, set[str]]) -> str:
    """As the owners' lists say; without them, only sequences of the test have masks by hand."""
    said = next((split for split, names in lists.items() if folder.name in names), None)
    by_hand = not any(lists.values()) and (folder / "kinect_mask_manual").is_dir()
    return said or ("test" if by_hand else "train")


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The person of one sequence in the camera frame of every Kinect.

    Raises:
        InputError: a file is broken, or lacks something.
    """
    cameras = _cameras(unit.files[0])
    number, fit = _point(unit.files[1]) if unit.key["point"] else _recon(unit.files[1:])
    images, row = _images(unit, cameras, number)
    count, subject = len(row), unit.name.partition("_")[0]
    columns = person_identity(images, np.arange(count), [subject] * count)
    columns |= {"subject": repeat(subject, count), "track": repeat(subject, count)}
    pose = fit["body_pose"][row]
    own = {name: values[row] for name, values in fit.items()}
    own |= {"body_pose": pose[:, :BODY_ANGLES], "smpl_hand_pose": pose[:, BODY_ANGLES:]}
    labels = Labels.of(unit.release.card)
    columns |= body_columns(own, "neutral", labels, bodies, world=columns)
    columns |= validity(count, BODY_ONLY)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    return Instances(columns, images)


def _cameras(path: Path) -> dict[str, dict[str, Floats]]:
    """Intrinsics and world → camera of each Kinect, by its number."""
    content = read_json(path)
    try:
        found = {
            name.removeprefix(COLOUR): {
                part: np.asarray(camera[part], np.float64).reshape(shape)
                for part, shape in (("K", (3, 3)), ("R", (3, 3)), ("T", (3,)))
            }
            for name, camera in content.items()
            if name.startswith(COLOUR)
        }
        if not found:
            raise KeyError(f"{COLOUR}000")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} holds no cameras of HuMMan ({type(error).__name__}: {error}). Expected "
            f"{COLOUR}000, … with K, R and T."
        ) from error
    return found


def _recon(paths: tuple[Path, ...]) -> tuple[NDArray[np.int64], dict[str, Floats]]:
    """Numbers of the frames, which their files are called by, and their parameters."""
    number = np.asarray([int(path.stem) for path in paths], np.int64)
    return number, read_frames(paths, PARTS, load_npz)


def _point(path: Path) -> tuple[NDArray[np.int64], dict[str, Floats]]:
    """The same of one file with all frames of a sequence."""
    content = load_npz(path)
    try:
        count = len(content["transl"])
        table = {
            name: np.asarray(content[name], np.float64).reshape(count, size)
            for name, size in PARTS.items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no sequence of HuMMan ({type(error).__name__}: {error}). Expected (F, k) "
            f"arrays: {', '.join(f'{name} {size}' for name, size in PARTS.items())}."
        ) from error
    return np.arange(count), table


def _images(
    unit: Unit, cameras: Mapping[str, Mapping[str, Floats]], number: NDArray[np.int64]
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """Columns of the pictures of all Kinects, and the row of labels of each.

    Recon ships pictures; those of Point are cut from videos, and the owners' tool counts from 1.
    """
    file = number + 1 if unit.key["point"] else number
    folders = {camera: f"{unit.name}/kinect_color/kinect_{camera}" for camera in cameras}
    root = unit.release.root
    shown = [np.flatnonzero(extracted(root / path, file, ".png")) for path in folders.values()]
    row = np.concatenate(shown)
    camera = np.repeat([*cameras], [len(rows) for rows in shown])
    tables = {part: np.stack([cameras[c][part] for c in cameras]) for part in ("K", "R", "T")}
    which = np.repeat(np.arange(len(shown)), [len(rows) for rows in shown])
    lens = tables["K"][which]
    masks = None if unit.key["point"] else _masks(unit, cameras, which, number[row])
    columns = image_columns(
        unit,
        [f"{folders[c]}/{i:06d}.png" for c, i in zip(camera, file[row], strict=True)],
        SIZE,
        split=unit.key["split"],
        sequence=unit.name,
        camera=camera.tolist(),
        frame=number[row],
        cluster=unit.name,
        focal=lens[:, (0, 1), (0, 1)],
        principal_point=lens[:, :2, 2],
        world_rotation=tables["R"][which],
        world_translation=tables["T"][which],
        fps=FPS,
        source_row=row,
        mask_path=masks,
        mask_scale=None if masks is None else 1 / 255,  # of matting: how much of a pixel
    )
    return columns, row


def _masks(
    unit: Unit, cameras: Iterable[str], which: NDArray[np.int64], number: NDArray[np.int64]
) -> NDArray[Any] | None:
    """(M,) mask of each picture of Recon, null where it is not there; None where none is."""
    folders = [f"{unit.name}/kinect_mask/kinect_{camera}" for camera in cameras]
    paths = [f"{folders[c]}/{i:06d}.png" for c, i in zip(which, number, strict=True)]
    there = {
        f"{folder}/{path.name}"
        for folder in folders
        for path in (unit.release.root / folder).glob("*.png")
    }
    has = np.asarray([path in there for path in paths], bool)
    return nullable(text(paths), has) if has.any() else None
