"""Pictures in an export: only where asked for and allowed; upright, their pixels untouched."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.pictures import open_picture

__all__ = ["PictureFiles", "check_embedding", "suffix", "upright"]

JPEG, EXIF = b"\xff\xd8", b"Exif\x00\x00"
APP1 = 0xE1


def check_embedding(manifest: Mapping[str, Any], embed: bool) -> None:
    """Pictures may leave the release only where its card says so.

    Raises:
        InputError: the licence forbids it, or there are none.
    """
    if embed and not manifest.get("pictured", True):
        raise InputError(
            f"{manifest['dataset']} holds motions without pictures: leave --embed-images out."
        )
    if embed and not manifest["redistribute"]:
        raise InputError(
            f"The card of {manifest['source_dataset']} does not allow its images to be passed on. "
            "Leave --embed-images out: the export then names the image files of the release."
        )


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """Upright copies of a release's pictures, in its own folders below `folder`."""

    folder: Path
    root: Path

    def add(self, paths: NDArray[Any], orientations: NDArray[Any]) -> NDArray[Any]:
        """(N,) paths of the copies, relative to `folder`; each picture is copied once."""
        pairs = zip(paths.tolist(), np.ma.filled(orientations, 1).tolist(), strict=True)
        return np.asarray([*(self._copy(path, int(turn)) for path, turn in pairs), None])[:-1]

    def _copy(self, path: str, orientation: int) -> str:
        if ".." in Path(path).parts or Path(path).is_absolute():
            raise InputError(f"The image {path} lies outside its release; it cannot be copied.")
        source = self.root / path
        name = Path(path).with_suffix(suffix(source, orientation)).as_posix()
        target = self.folder / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(upright(source, orientation))
        return name


def suffix(path: Path, orientation: int) -> str:
    """What the upright picture of a file is called at its end."""
    return path.suffix.lower() if orientation == 1 or _is_jpeg(path) else ".png"


def upright(path: Path, orientation: int) -> bytes:
    """The bytes of a picture that every viewer shows as the labels mean it.

    A JPEG keeps its pixels and is told its orientation (its own EXIF data go); other pictures
    that have to be turned become PNG.

    Raises:
        MissingFiles: there is no such file.
        InputError: it is no picture.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingFiles(f"The image {path} is not there; is the release complete?") from error
    except OSError as error:
        raise InputError(f"The image {path} cannot be read: {error}.") from error
    if raw.startswith(JPEG):
        return _told(raw, orientation)
    if orientation == 1:
        return raw
    stream = io.BytesIO()
    open_picture(path, orientation).save(stream, "PNG")
    return stream.getvalue()


def _is_jpeg(path: Path) -> bool:
    return path.suffix.lower() in (".jpg", ".jpeg")


def _told(raw: bytes, orientation: int) -> bytes:
    """A JPEG with this EXIF orientation and no other EXIF data."""
    parts, place = [JPEG], 2
    if orientation != 1:
        entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
        tiff = b"MM\x00*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
        block = EXIF + tiff
        parts.append(struct.pack(">BBH", 0xFF, APP1, len(block) + 2) + block)
    while place + 4 <= len(raw) and raw[place] == 0xFF and 0xE0 <= raw[place + 1] <= 0xEF:
        end = place + 2 + struct.unpack(">H", raw[place + 2 : place + 4])[0]
        if not (raw[place + 1] == APP1 and raw[place + 4 :].startswith(EXIF)):
            parts.append(raw[place:end])
        place = end
    return b"".join([*parts, raw[place:]])
