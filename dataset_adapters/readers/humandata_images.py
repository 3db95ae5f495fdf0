"""HumanData's images: which there are, what they are called, their size and their camera."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.identity import image_identity, person_keys, repeat
from ehpsbench.dataset_adapters.readers.humandata_file import (
    IMAGE_PATH,
    HumanDataFile,
    Rows,
    numbers,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.schema import nullable

__all__ = [
    "ImageIndex",
    "camera_columns",
    "clean_path",
    "image_columns",
    "image_index",
    "lens_of_images",
    "pictures_folder",
    "split_of",
]

SPLITS = (  # words of file names, whole ones
    ("train", r"train|training"),
    ("val", r"val|valid|validation"),
    ("test", r"test|testing"),
)
PERSON_KEYS = ("person_id", "track_id")
GUESSED_CAMERAS = ("predicted", "eft")  # in `cam_param_type`: depth is not metric
PROBED_PATHS = 64

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ImageIndex:
    """The M images of a file, in order of appearance, and who of its N people is in which.

    Attributes:
        paths: (M,) with forward slashes, relative.
        sequence: (M,) the folder; with the file's name where numbers alone would not tell apart.
        frame: (M,) the last number in the file's name.
        image: (N,) row of each person's image.
        person: (N,) key of the person in the image.
    """

    paths: list[str]
    sequence: list[str]
    frame: list[int]
    image: NDArray[np.int64]
    person: NDArray[Any]


def clean_path(path: object) -> str:
    """An `image_path` with forward slashes and none at its beginning."""
    return str(path).replace("\\", "/").lstrip("/")


@lru_cache(maxsize=1)
def image_index(file: HumanDataFile) -> ImageIndex:
    """The images of a whole file, so that its rows can be read in any portions."""
    rows = Rows(file, 0, file.count)
    stored = rows.array(IMAGE_PATH)
    names = [clean_path(path) for path in (stored.tolist() if stored is not None else [])]
    paths = list(dict.fromkeys(names))
    place = {path: row for row, path in enumerate(paths)}
    image = np.fromiter((place[name] for name in names), np.int64, len(names))
    keys = [rows.entry("meta", name) for name in PERSON_KEYS]
    key = next((k for k in keys if k is not None and k.ndim == 1 and k.dtype != object), None)
    return ImageIndex(paths, *_sequences(paths), image, person_keys(image, key))


def _sequences(paths: Sequence[str]) -> tuple[list[str], list[int]]:
    """Folder and last number of each path; the whole path where that does not make it unique."""
    split = [path.rpartition("/") for path in paths]
    stems = [name.rpartition(".")[0] or name for _, _, name in split]
    found = [re.search(r"(\d{1,18})\D*$", stem) for stem in stems]
    frames = [int(match[1]) if match else 0 for match in found]
    keys = list(zip([folder for folder, _, _ in split], frames, strict=True))
    count = Counter(keys)
    sequences = [
        folder if match and count[folder, frame] == 1 else f"{folder}/{stem}".lstrip("/")
        for (folder, frame), stem, match in zip(keys, stems, found, strict=True)
    ]
    return sequences, frames


def split_of(unit: Unit, file: HumanDataFile) -> str:
    """The split that the file's name tells, or its `config`; else the card's first."""
    known = unit.release.card.splits
    if len(known) == 1:
        return known[0]
    for text in (unit.files[0].stem.lower(), str(file.value("config") or "").lower()):
        for split in known:
            if _is_word(split.lower(), text):
                return split
        for short, words in SPLITS:
            if _is_word(words, text):
                return next((s for s in known if s.startswith(short)), short)
    return known[0]


def _is_word(words: str, text: str) -> bool:
    return re.search(rf"(?<![a-z])({words})(?![a-z])", text) is not None


def pictures_folder(release: Release, paths: Sequence[str]) -> str:
    """The folder, relative to the root, below which the images lie; the root if none is there."""
    folders = [release.root, *_subfolders(release.root)]
    for folder in folders:
        if any((folder / path).is_file() for path in paths[:PROBED_PATHS]):
            return release.relative(folder)
    return "."


def _subfolders(root: Path) -> list[Path]:
    first = sorted(folder for folder in root.iterdir() if folder.is_dir())
    second = sorted(f for parent in first for f in parent.iterdir() if f.is_dir())
    return [*first, *second]


def image_columns(
    unit: Unit, rows: Rows, used: NDArray[np.int64], first: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Identity, path and size of the images of some rows.

    Args:
        unit: of the release.
        rows: of its file.
        used: (M,) which images of the file's index.
        first: (M,) the first of `rows` that each is in.
    """
    index = image_index(rows.file)
    sequence = [index.sequence[i] for i in used.tolist()]
    frame = [index.frame[i] for i in used.tolist()]
    cameras = rows.entry("meta", "cam_id")
    camera = ["0"] * len(used) if cameras is None else cameras[first].tolist()
    folder = PurePosixPath(unit.key["pictures"])
    paths = [str(folder / index.paths[i]) for i in used.tolist()]
    split, release = split_of(unit, rows.file), unit.release
    height, width = _sizes(rows, first, release.root, paths)
    fps = rows.file.table("misc").get("fps")
    return {
        **image_identity(release.name, split, sequence, camera, frame, sequence),
        "image_path": np.asarray([*paths, None], object)[:-1],
        "height": height,
        "width": width,
        "orientation": np.ones(len(used), np.int64),
        **({} if fps is None else {"fps": np.full(len(used), float(fps))}),
        "source_file": repeat(release.relative(unit.files[0]), len(used)),
    }


def _sizes(
    rows: Rows, first: NDArray[np.int64], root: Path, paths: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Height and width of images: of their rows, of the file, or of the pictures themselves."""
    said = [
        next((v for name in names if (v := rows.entry("meta", name)) is not None), None)
        for names in (("height", "image_height"), ("width", "image_width"))
    ]
    if said[0] is not None and said[1] is not None:
        height, width = (numbers(v)[0][first, 0].astype(np.int64) for v in said if v is not None)
        return height, width
    shape = rows.file.table("misc").get("image_shape")
    if shape is not None and np.size(shape) >= 2 and np.ndim(shape) == 1:
        return np.full(len(first), int(shape[0])), np.full(len(first), int(shape[1]))
    sizes = [_stored_size(root / path, rows.file.path) for path in paths]
    measured = np.asarray(sizes, np.int64).reshape(-1, 2)
    return measured[:, 1], measured[:, 0]


def _stored_size(path: Path, source: Path) -> tuple[int, int]:
    """Width and height of a picture, from its header."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            return picture.size
    except FileNotFoundError as error:
        raise MissingFiles(
            f"{source} does not say how large its images are (meta height and width, misc "
            f"image_shape), and {path} is not there to be measured. Unpack the images below --root."
        ) from error
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(f"The image {path} cannot be read: {error}.") from error


def camera_columns(
    rows: Rows, width: NDArray[np.int64], height: NDArray[np.int64], *, metric: bool
) -> dict[str, NDArray[Any]]:
    """Camera columns of N people.

    A focal length without a principal point gets the centre of the image, and `camera_valid` False.

    Args:
        rows: of the file.
        width: (N,) of their images [px].
        height: (N,) [px].
        metric: whether the dataset's cameras are measured ones.
    """
    focal, has_focal = _pairs(rows, ("focal_length",), scalars=True)
    centre, has_centre = _pairs(rows, ("principal_point", "princpt"), scalars=False)
    middle = np.stack([width, height], 1) / 2
    kind = str(rows.file.table("misc").get("cam_param_type", ""))
    guessed = any(word in kind for word in GUESSED_CAMERAS)
    return {
        "focal": nullable(focal, has_focal),
        "principal_point": nullable(
            np.where(has_centre[:, None], centre, middle), has_focal | has_centre
        ),
        "camera_valid": has_focal & has_centre & metric & (not guessed),
    }


def _pairs(rows: Rows, names: Sequence[str], *, scalars: bool) -> tuple[Floats, Flags]:
    """(N, 2) values of the rows, else of the file, and (N,) where there is one.

    Args:
        rows: of the file.
        names: keys to look for, in `meta` and then in `misc`.
        scalars: one number stands for both axes.
    """
    count = len(rows)
    for table in ("meta", "misc"):
        for name in names:
            value: Any = rows.file.table(table).get(name)
            if value is None:
                continue
            each = rows.entry(table, name)
            # one pair for a file of two people is no list of two numbers
            single = np.shape(value) == (2,) and (table == "misc" or not scalars)
            if each is not None and not single:
                found, here = numbers(each)
                if found.shape[1] in (1, 2):
                    return np.broadcast_to(found, (count, 2)).copy(), here
            elif np.size(value) in (1, 2):
                pair = np.ravel(np.asarray(value, np.float64))
                return np.broadcast_to(pair, (count, 2)).copy(), np.ones(count, bool)
    return np.zeros((count, 2)), np.zeros(count, bool)


def lens_of_images(
    camera: dict[str, NDArray[Any]], image: NDArray[np.int64], first: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Focal length and principal point of images whose people all have the same.

    Args:
        camera: camera columns of N people.
        image: (N,) their images.
        first: (M,) the first person of each image.
    """
    columns: dict[str, NDArray[Any]] = {}
    for name in ("focal", "principal_point"):
        values = np.ma.getdata(camera[name])
        with np.errstate(invalid="ignore"):
            other = (values != values[first][image]).any(1)
        differs = np.bincount(image[other], minlength=len(first)) > 0
        here = ~np.ma.getmaskarray(camera[name])[first].any(1)
        columns[name] = nullable(values[first], here & ~differs)
    return columns
