"""LSPET: EFT's fits, one person a still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.images import header_sizes, image_columns
from ehpsbench.dataset_adapters.readers.eft import eft_columns, read_eft
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

IMAGES = "hr-lspet"


def units(release: Release) -> Iterator[Unit]:
    """One unit per EFT file; what is not called test is train, as the first file was."""
    for path in release.find("eft_fit/LSPet*.json"):
        split = "test" if "test" in path.stem else "train"
        yield Unit(path.stem, release, (path,), {"split": split})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The fitted people of one file, and their images."""
    fits = read_eft(unit.files[0])
    root = unit.release.root
    name, first, image = np.unique(fits.image, return_index=True, return_inverse=True)
    paths = [_path(root, str(n)) for n in name]
    images = image_columns(
        unit,
        paths,
        header_sizes(root, paths),
        split=unit.key["split"],
        sequence=unit.key["split"],
        frame=[int("".join(filter(str.isdigit, Path(n).stem))) for n in name],
        source_row=first,
    )
    columns = person_identity(images, image, ["0"] * len(fits))
    size = np.stack([columns["width"], columns["height"]], -1)
    columns |= eft_columns(fits, size, bodies) | {"source_row": np.arange(len(fits))}
    columns["bbox"] = joint_boxes(columns, bodies, root)
    return Instances(columns, images)


def _path(root: Path, name: str) -> str:
    """The image as it is stored: .png, or .jpg in the first edition."""
    stem = Path(name).stem
    png, jpg = ((root / IMAGES / f"{stem}.{end}").is_file() for end in ("png", "jpg"))
    return f"{IMAGES}/{stem}.{'jpg' if jpg and not png else 'png'}"
