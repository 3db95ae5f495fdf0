"""The images of a split that have a true map, and the predicted maps of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.map_files import (
    MapFolder,
    map_folder,
    read_map,
    turned,
    whole_numbers,
)
from ehpsbench.evaluation.predictions import file_name
from ehpsbench.evaluation.protocol import Protocol
from ehpsbench.evaluation.request import Request

if TYPE_CHECKING:
    from ehpsbench.store import Store

Kind = Literal["parts", "depth", "normals"]
Pixels = Literal["person", "all"]
Array = NDArray[Any]
Mask = NDArray[np.bool_]
IDENTITY = ("image_id", "cluster", "sequence", "camera", "image_path")
SIZE = ("height", "width", "orientation")


@dataclass(frozen=True, slots=True)
class MapImages:
    """Images that are scored, in the stored order.

    Attributes:
        kind: of the maps.
        table: their rows.
        root: the release's folder.
        people: image_id → values of its people in the mask; an image that is not there has none.
            None: no person of the split has a value, and all of a mask but 0 is people.
        masked: whether only pixels of people count.
        left_out: images that are not scored, by reason.
    """

    kind: Kind
    table: pa.Table
    root: Path
    people: Mapping[str, list[int]] | None
    masked: bool
    left_out: Mapping[str, int]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def row(self, image: int) -> dict[str, Any]:
        """All that is stored of an image."""
        found: dict[str, Any] = self.table.slice(image, 1).to_pylist()[0]
        return found

    def column(self, name: str) -> list[Any]:
        """One column of all images."""
        values: list[Any] = self.table[name].to_pylist()
        return values


@dataclass(frozen=True, slots=True)
class Truth:
    """A true map as stored.

    Attributes:
        path: its file.
        values: (H, W) or (H, W, C).
        valid: (H, W) where it says something, of a person where only people count.
        scale: stored value × scale = label.
        classes: class set, or axes of normals.
    """

    path: Path
    values: Array
    valid: Mask
    scale: float
    classes: str | None


def map_images(store: Store, rules: Protocol, kind: Kind, pixels: Pixels) -> MapImages:
    """The images of a benchmark that have the truth that it needs.

    Raises:
        InputError: none has.
    """
    columns = [f"{kind}_{what}" for what in ("path", "scale", "invalid", "classes")]
    masks = ["mask_path", "mask_scale", "mask_invalid"]
    table = store.images(rules.dataset, rules.split, [*IDENTITY, *SIZE, *columns, *masks])
    needed = [f"{kind}_path"] + ["mask_path"] * (pixels == "person")
    left_out: dict[str, int] = {}
    for column in needed:
        here = pc.is_valid(table[column])
        if lacking := table.num_rows - int(pc.sum(here).as_py() or 0):
            left_out[f"no {column}"] = lacking
        table = table.filter(here)
    if not table.num_rows:
        why = ", ".join(f"{reason} ({count:,})" for reason, count in left_out.items())
        raise InputError(
            f"{rules.name} scores {kind} maps, but no image of {rules.dataset}/{rules.split} has "
            f"{' and '.join(needed)}: {why or 'it has no images'}."
        )
    people = _people(store, rules) if pixels == "person" else None
    root = store.release_root(rules.dataset)
    return MapImages(kind, table, root, people, pixels == "person", left_out)


def predicted_maps(
    store: Store, entry: str, rules: Protocol, images: MapImages, request: Request
) -> MapFolder:
    """The entry's maps of these images: the folder asked for, or the one in the store.

    Raises:
        InputError: an image has no map, or two.
        MissingFiles: there is no folder of maps.
    """
    path = request.predictions
    if path is None:
        path = store.predictions / file_name(entry) / file_name(rules.name)
    folder = map_folder(path, images.column("image_id"), images.column("image_path"))
    missing = [i for i, file in enumerate(folder.files) if file is None]
    if missing and not request.allow_missing:
        example = images.column("image_id")[missing[0]]
        raise InputError(
            f"{path} has no map for {len(missing)} of the {len(images)} images that {rules.name} "
            f"scores, for example {example} (as {example.replace('/', '__')}.npy or .png). "
            "Predict all of them; to score an incomplete entry all the same, give --allow-missing."
        )
    return folder


def true_map(images: MapImages, image: int) -> Truth:
    """The true map of an image, turned as its picture is.

    Raises:
        MissingFiles: a map or mask is not there.
        InputError: it has another size than the image, or cannot be turned.
    """
    row = images.row(image)
    path, code = images.root / row[f"{images.kind}_path"], row["orientation"] or 1
    if images.kind == "normals" and code != 1:
        raise InputError(f"{path}: normals of a turned image (orientation {code}) are not turned.")
    values = read_map(path, code)
    size = values.shape[-2:] if values.ndim == 3 and values.shape[-1] > 4 else values.shape[:2]
    if row["height"] is not None and size != (row["height"], row["width"]):
        raise InputError(f"{path} is {size}, its image {(row['height'], row['width'])} px.")
    scale, invalid = decimal(row[f"{images.kind}_scale"]), row[f"{images.kind}_invalid"]
    valid = np.ones(size, bool)
    if invalid is not None:
        same = values == np.float32(invalid)
        axis = 0 if size != values.shape[:2] else -1
        valid = ~(same if values.ndim == 2 else same.all(axis))
    if images.masked:
        valid &= _person_mask(images, row, size)
    return Truth(path, values, valid, scale, row[f"{images.kind}_classes"])


def check_prediction(values: Array, truth: Truth, path: Path) -> None:
    """Refuse a predicted map (..., H, W) of another size, or not finite where it is scored.

    Raises:
        InputError: says which.
    """
    size = truth.valid.shape
    if values.shape[-2:] != size:
        raise InputError(
            f"{path} is {values.shape[-2:]}, the true map {truth.path} is {size}. Predict at the "
            "size of the image."
        )
    finite = np.isfinite(values) if values.ndim == 2 else np.isfinite(values).all(0)
    if broken := int((truth.valid & ~finite).sum()):
        raise InputError(f"{path} has {broken} pixels that are scored and are not finite.")


def decimal(scale: float | None) -> float:
    """The decimal that a scale stored as float32 was written as; 1 for null."""
    return 1.0 if scale is None else float(str(np.float32(scale)))


def _people(store: Store, rules: Protocol) -> dict[str, list[int]] | None:
    rows = store.instances(rules.dataset, rules.split, ["image_id", "mask_id"])
    rows = rows.filter(pc.is_valid(rows["mask_id"]))
    if not rows.num_rows:
        return None
    found: dict[str, list[int]] = {}
    for image, value in zip(rows["image_id"].to_pylist(), rows["mask_id"].to_pylist(), strict=True):
        found.setdefault(image, []).append(int(value))
    return found


def _read_mask(path: Path, orientation: int) -> Array:
    """Values of a person mask, which some releases have as JPEG: grey, also where it is coloured.

    Raises:
        MissingFiles: there is no such file.
        InputError: it is broken or of a kind that is not read.
    """
    if path.suffix.lower() not in (".jpg", ".jpeg") or not path.is_file():
        return read_map(path, orientation)
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return turned(np.asarray(picture.convert("L")), orientation)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"The mask {path} cannot be read ({error}).") from error


def _person_mask(images: MapImages, row: Mapping[str, Any], size: tuple[int, ...]) -> Mask:
    path = images.root / row["mask_path"]
    stored = whole_numbers(_read_mask(path, row["orientation"] or 1), path)
    if stored.shape != size:
        raise InputError(f"{path} is {stored.shape}, the {images.kind} map of the image is {size}.")
    values = stored if row["mask_scale"] is None else np.rint(stored * decimal(row["mask_scale"]))
    if images.people is None:
        inside = values != 0
    else:
        inside = np.isin(values, images.people.get(row["image_id"], []))
    if row["mask_invalid"] is not None:
        inside &= stored != np.float32(row["mask_invalid"])
    return np.asarray(inside)
