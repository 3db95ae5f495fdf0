"""Maps of labels, depth or normals in files: one image each, and folders of predicted ones.

A predicted map is named after its image, without the suffix: the image_id (its slashes are folders,
or written as `__`), or the image's path in the release, or its file name where no other image has
the same. `.npy` holds the values; `.png` has 8 or 16 bits, grey or colours. What the values of a
folder are, the file `maps.toml` in it may say; see `Declared`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ehpsbench.definitions import Definition, read_definition
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.other_kinds import kind_of

Array = NDArray[Any]
SUFFIXES = (".npy", ".png")
DECLARATION = "maps.toml"
LITTER = ("thumbs.db", "ehthumbs.db", "desktop.ini")
TEXTS = ("readme", "license", "licence")
PROSE = ("", ".md", ".txt", ".rst")
MOST_NAMED = 3  # strange files in a message
SIDES = {"right": (0, 1), "left": (0, -1), "down": (1, 1), "up": (1, -1)}
SIDES |= {"forward": (2, 1), "backward": (2, -1)}
AXES = {"opencv": "right-down-forward", "opengl": "right-up-backward"}


class Declared(Definition):
    """What the maps of a folder are: maps.toml, every field of which may be left out."""

    scale: float = Field(default=1.0, gt=0, description="stored value × scale = depth [m]")
    space: Literal["depth", "disparity"] = "depth"
    axes: str = Field(default="opencv", description="of normals: x, y, z of the stored vector")


@dataclass(frozen=True, slots=True)
class MapFolder:
    """Predicted maps of an entry.

    Attributes:
        path: the folder.
        files: of each image asked for; None where there is none.
        unused: maps of no image asked for.
        declared: what their values are.
    """

    path: Path
    files: tuple[Path | None, ...]
    unused: int
    declared: Declared


def map_folder(
    path: Path, image_ids: Sequence[str], image_paths: Sequence[str | None]
) -> MapFolder:
    """The maps of some images in a folder.

    Args:
        path: of the folder; subfolders are looked through.
        image_ids: (N,) of the images.
        image_paths: (N,) their files in the release.

    Raises:
        MissingFiles: there is no such folder, or no map in it.
        InputError: an image has two maps, a file is of a kind that is not read, or maps.toml is
            not valid.
    """
    if not path.is_dir():
        kind = kind_of(path) if path.exists() else "not there"
        raise MissingFiles(
            f"Predicted maps are expected in a folder, {', '.join(SUFFIXES)}; {path} is {kind}."
        )
    found = _files(path)
    if not found:
        raise MissingFiles(f"{path} holds no maps ({', '.join(SUFFIXES)}).")
    stems = Counter(PurePosixPath(p).stem for p in image_paths if p)
    chosen = []
    for image, source in zip(image_ids, image_paths, strict=True):
        keys = [image, image.replace("/", "__")]
        if source:
            pure = PurePosixPath(source)
            keys += [str(pure.with_suffix(""))] + [pure.stem] * (stems[pure.stem] == 1)
        matches = sorted({found[key] for key in keys if key in found})
        if len(matches) > 1:
            raise InputError(f"{image} has the maps {matches[0]} and {matches[1]}; remove one.")
        chosen.append(matches[0] if matches else None)
    twice = [p for p, n in Counter(p for p in chosen if p).items() if n > 1]
    if twice:
        raise InputError(f"{twice[0]} is the map of several images; name maps by image_id.")
    place = path / DECLARATION
    declared = read_definition(Declared, place, "declaration") if place.is_file() else Declared()
    used = sum(p is not None for p in chosen)
    return MapFolder(path, tuple(chosen), len(found) - used, declared)


def read_map(path: Path, orientation: int = 1) -> Array:
    """The stored values of a map (H, W) or (H, W, C), turned as EXIF `orientation` (1–8) says.

    Raises:
        MissingFiles: there is no such file.
        InputError: it is broken or of a kind that is not read.
    """
    if not path.is_file():
        raise MissingFiles(f"The map {path} is not there.")
    if path.suffix.lower() == ".npy":
        return turned(_npy(path), orientation)
    if path.suffix.lower() == ".png":
        from ehpsbench.evaluation.png_maps import read_png

        return turned(read_png(path), orientation)
    raise InputError(_other_kind(path))


def turned(values: Array, orientation: int) -> Array:
    """The rows and columns of (H, W, ...) values turned as EXIF `orientation` (1–8) says."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)


def whole_numbers(values: Array, path: Path) -> Array:
    """Labels (H, W) as integers.

    Raises:
        InputError: they have another shape, or are no whole numbers.
    """
    values = _plane(values, path)
    if values.dtype == bool:
        return values.astype(np.uint8)
    if values.dtype.kind == "f":
        if not (np.isfinite(values) & (values == np.rint(values))).all():
            raise InputError(f"{path} must hold whole numbers as labels; some values are not.")
        return values.astype(np.int64)
    if values.dtype == np.uint8:
        return values
    return values.astype(np.int64)


def real_numbers(values: Array, scale: float, path: Path) -> Array:
    """Depth (H, W), stored values × scale, float32 as stored or float64.

    Raises:
        InputError: they have another shape.
    """
    values = _plane(values, path)
    if values.dtype == np.float32 and scale == 1.0:
        return values
    return np.asarray(values.astype(np.float64) * scale)


def vectors(values: Array, axes: str, path: Path) -> Array:
    """Normals (3, H, W), x right, y down, z forward; whole numbers are 0 to full = −1 to 1.

    Raises:
        InputError: they have another shape, or `axes` names no axes.
    """
    if values.ndim != 3 or 3 not in (values.shape[0], values.shape[-1]):
        raise InputError(f"{path} must hold normals (H, W, 3), it is {values.shape}.")
    planes = np.moveaxis(values, -1, 0) if values.shape[-1] == 3 else values
    if planes.dtype.kind == "u":
        full = float(np.iinfo(planes.dtype).max)
        said = (planes != 0).any(0)  # black says nothing
        planes = np.where(said, planes.astype(np.float32) * (2 / full) - 1, 0.0)
    found = np.empty(planes.shape, np.float64 if planes.dtype == np.float64 else np.float32)
    for axis, (place, sign) in enumerate(axes_of(axes)):
        found[place] = sign * planes[axis]
    return found


def axes_of(name: str) -> list[tuple[int, int]]:
    """Axis of the camera (right, down, forward) and sign of each coordinate of a vector.

    Raises:
        InputError: the name is not like `right-down-forward`, opencv or opengl.
    """
    words = AXES.get(name, name).split("-")
    found = [SIDES[word] for word in words if word in SIDES]
    if len(words) != 3 or sorted(place for place, _ in found) != [0, 1, 2]:
        raise InputError(
            f"{name!r} names no axes of normals; write opencv (right-down-forward), opengl "
            "(right-up-backward), or what x, y and z point to, such as left-up-forward."
        )
    return found


def _files(path: Path) -> dict[str, Path]:
    files = sorted(p for p in path.rglob("*") if p.is_file() and not _litter(p.relative_to(path)))
    _refuse_others(path, [p for p in files if p.suffix.lower() not in SUFFIXES])
    found: dict[str, Path] = {}
    for file in files:
        key = str(PurePosixPath(file.relative_to(path).with_suffix("")))
        if key in found:
            raise InputError(f"{found[key]} and {file} are maps of one image; remove one.")
        found[key] = file
    return found


def _refuse_others(path: Path, others: list[Path]) -> None:
    """Refuse files that are no maps: one may be the map of an image, in another kind of file."""
    if others:
        names = ", ".join(str(p.relative_to(path)) for p in others[1:MOST_NAMED])
        more = f" Of {len(others)} such files, others are {names}." if names else ""
        raise InputError(f"{_other_kind(others[0])} Move away what is none.{more}")


def _litter(path: PurePath) -> bool:
    """Whether a file beside maps is none of them: the declaration, hidden, previews, read-me."""
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    prose = path.stem.lower() in TEXTS and path.suffix.lower() in PROSE
    return hidden or prose or path.name.lower() in (DECLARATION, *LITTER)


def _other_kind(path: Path) -> str:
    return (
        f"{path} is no map that is read here; expected {' or '.join(SUFFIXES)}. Write OpenEXR and "
        "others as .npy (the float array), or as 16-bit .png with its scale in maps.toml."
    )


def _npy(path: Path) -> Array:
    try:
        values: Array = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"The map {path} cannot be read: {error}.") from error
    if values.dtype.kind not in "biuf":
        raise InputError(f"The map {path} must hold numbers, it holds {values.dtype}.")
    return values


def _plane(values: Array, path: Path) -> Array:
    plane = values.squeeze() if values.ndim == 3 and 1 in values.shape else values
    if plane.ndim != 2:
        raise InputError(f"{path} must hold one value a pixel (H, W), it is {values.shape}.")
    return plane
