"""The crop cache: people are cut once, by several processes, and only those that are asked for.

A row is known by the hash of what decides it, so that a changed label, box or image file is cut
anew and nothing else is. What was cut before a build was killed stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import digest
from ehpsbench.errors import MissingFiles
from ehpsbench.processes import completed
from ehpsbench.training.codec import encoded
from ehpsbench.training.crops import CropSize, checked_size, cut, orientations, oriented
from ehpsbench.training.lens import Lens
from ehpsbench.training.lock import alone
from ehpsbench.training.recipe import Input
from ehpsbench.training.rows import FILES, read_rows
from ehpsbench.training.shards import Arrays, Flags, Index, Int32, Reader, write_shard
from ehpsbench.training.targets import Targets, targets
from ehpsbench.training.views import Views, views

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

CUT_VERSION = 3  # raise when the pixels of a crop, its view or its targets change
SHARD = 512  # people; what a killed worker loses at most

Columns = Mapping[str, NDArray[Any]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What all pieces of a cache share.

    Attributes:
        folder: of the shards.
        root: the release root.
        settings: the recipe's input.
        bodies: of the labels; None for crops without targets.
        parts: Parquet files of the rows.
    """

    folder: Path
    root: Path
    settings: Input
    bodies: BodySet | None
    parts: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls,
        cache: Path,
        root: Path,
        settings: Input,
        bodies: BodySet | None = None,
        parts: Sequence[Path] = (),
    ) -> Plan:
        """The plan of a dataset's cache; every kind of crop has its own folder there."""
        said = settings.model_dump(exclude={"quality"} if settings.store == "raw" else None)
        kind = digest([CUT_VERSION, said, None if bodies is None else bodies.id])[:12]
        name = f"{settings.height}x{settings.width}-{settings.store}-{kind}"
        return cls(cache / name, root, settings, bodies, tuple(parts))


@dataclass(frozen=True, slots=True)
class Wanted:
    """N people to cut: where they stand and what is hashed of them.

    Attributes:
        content: a hash of each row.
        files: for each of `rows.FILES` the path of each row, or None.
        part: (N,) part of the store, and
        place: (N,) row in it; or
        columns: the rows themselves.
    """

    content: Sequence[bytes]
    files: Mapping[str, Sequence[str | None]]
    part: NDArray[np.intp] | None = None
    place: NDArray[np.intp] | None = None
    columns: Columns | None = None

    def keys(self, root: Path) -> list[bytes]:
        """The key of each row: its content, and size and time of the files that it names.

        Raises:
            MissingFiles: one of them is not there.
        """
        named = list(zip(*(self.files[name] for name in FILES), strict=True))
        stamps = _stamps(root, dict.fromkeys(path for paths in named for path in paths if path))
        return [
            hashlib.blake2b(
                content + b"".join(stamps[path] if path else b"-" for path in paths),
                digest_size=16,
            ).digest()
            for content, paths in zip(self.content, named, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _Piece:
    """The people of one shard."""

    keys: tuple[bytes, ...]
    part: NDArray[np.intp] | None
    place: NDArray[np.intp] | None
    columns: Columns | None


@dataclass(frozen=True, slots=True)
class _Way:
    """With how many processes crops are cut, and who is told how far it is."""

    workers: int
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class Found:
    """Where N people lie in the shards.

    Attributes:
        reader: of the shards.
        shard: (N,).
        place: (N,).
        teaches: (N,) people with any target.
    """

    reader: Reader
    shard: Int32
    place: Int32
    teaches: Flags


def cut_all(
    plan: Plan, wanted: Wanted, *, workers: int = 1, progress: Progress | None = None
) -> Found:
    """Cut the people who are not in the cache yet, and say where all of them are.

    Args:
        plan: of the cache.
        wanted: the people.
        workers: processes.
        progress: called with (people done, people to cut).

    Raises:
        MissingFiles: a file that a row names is not there.
        InputError: an image cannot be decoded, or has another size than its labels say.
        StoreError: a worker died; the same call goes on.
    """
    keys = wanted.keys(plan.root)
    index = Index.open(plan.folder)
    found = index.find(keys)
    if (found[0] < 0).any():
        with alone(plan.folder):
            index = Index.open(plan.folder)  # another process may have cut some meanwhile
            _cut_missing(plan, wanted, keys, index, _Way(workers, progress))
            index = Index.open(plan.folder)
        found = index.find(keys)
    return Found(Reader(plan.folder, index.names), *found)


def _cut_missing(plan: Plan, wanted: Wanted, keys: list[bytes], index: Index, how: _Way) -> None:
    missing = np.flatnonzero(index.find(keys)[0] < 0)
    images = wanted.files["image_path"]
    pieces = [
        _Piece(
            keys=tuple(keys[row] for row in rows),
            part=None if wanted.part is None else wanted.part[rows],
            place=None if wanted.place is None else wanted.place[rows],
            columns=wanted.columns and {k: v[rows] for k, v in wanted.columns.items()},
        )
        for rows in _pieces(missing, [str(images[row]) for row in missing.tolist()])
    ]
    done, whole = 0, sum(len(piece.keys) for piece in pieces)
    workers = min(how.workers, max(len(pieces), 1))
    with closing(completed(_cut_piece, plan, pieces, workers)) as ended:
        for _, count in ended:
            done += count
            if how.progress is not None:
                how.progress(done, whole)


def _pieces(rows: NDArray[np.intp], images: Sequence[str]) -> Iterator[NDArray[np.intp]]:
    """Rows in shards of about `SHARD`, the people of one image together."""
    of_image: dict[str, list[int]] = {}
    for row, image in zip(rows.tolist(), images, strict=True):
        of_image.setdefault(image, []).append(row)
    piece: list[int] = []
    for people in of_image.values():
        piece += people
        if len(piece) >= SHARD:
            yield np.asarray(piece)
            piece = []
    if piece:
        yield np.asarray(piece)


def _cut_piece(plan: Plan, piece: _Piece) -> int:
    """Cut the people of a shard and write it; how many they are."""
    columns = piece.columns
    if columns is None:
        columns = read_rows(plan.parts, _given(piece.part), _given(piece.place))
    settings = plan.settings
    where = views(columns, settings.width / settings.height, settings.padding)
    lens, size = Lens.of(columns), CropSize.of(settings)
    arrays = geometry(columns, where, lens, size)
    if plan.bodies is not None:
        made = targets(columns, where, plan.bodies, plan.root)
        arrays |= {f.name: getattr(made, f.name) for f in fields(Targets)}
        seen = np.concatenate([made.joints_known, made.pixels_known], 1)
        arrays["teaches"] = np.asarray(seen.any(1))
    pictures = [b""] * len(piece.keys)
    for row, picture in crops(columns, where, lens, size, plan.root):
        pictures[row] = encoded(picture, settings)
    write_shard(plan.folder, piece.keys, pictures, arrays)
    return len(pictures)


def _given(values: NDArray[np.intp] | None) -> NDArray[np.intp]:
    if values is None:
        raise TypeError("a piece has rows, or says where they are")
    return values


def geometry(columns: Columns, where: Views, lens: Lens, size: CropSize) -> Arrays:
    """What a crop says of itself, by name.

    `image_x`, `image_y` (N, 3): affine from pixels of the cached crop to pixels of the upright
    image (of the pinhole's where `undistorted`); `orientation` turned the stored file upright, and
    `mirrored` it where that is so; `focal`, `principal_point` [px]; and the fields of `Views`.
    """
    codes = orientations(columns)
    margin = np.asarray(size.margin)
    step = 2 * where.half * margin / (size.width, size.height)
    low = where.centre - where.half * margin
    zero = np.zeros(len(low))
    return {
        "image_x": np.stack([step[:, 0], zero, low[:, 0]], 1),
        "image_y": np.stack([zero, step[:, 1], low[:, 1]], 1),
        "orientation": codes.astype(np.int8),
        "mirrored": np.isin(codes, (2, 4, 5, 7)),
        "undistorted": lens.bent,
        "focal": lens.focal,
        "principal_point": lens.principal,
        **{f"view_{f.name}": getattr(where, f.name) for f in fields(Views)},
    }


def crops(
    columns: Columns, where: Views, lens: Lens, size: CropSize, root: Path
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Each row and its crop; an image is decoded once for all its people."""
    of_image: dict[str, list[int]] = {}
    for row, name in enumerate(columns["image_path"].tolist()):
        of_image.setdefault(name, []).append(row)
    codes = orientations(columns)
    for name, rows in of_image.items():
        image = oriented(root / name, int(codes[rows[0]]))
        for row in rows:
            checked_size(image, columns, row, root / name)
            yield row, cut(image, where, row, size, lens)


def _stamps(root: Path, paths: Sequence[str] | dict[str, None]) -> dict[str, bytes]:
    """Size and time of files; many at a time, as a network drive answers slowly."""
    names = list(paths)
    with ThreadPoolExecutor(16) as pool:
        return dict(zip(names, pool.map(lambda name: _stamp(root / name), names), strict=True))


def _stamp(path: Path) -> bytes:
    try:
        found = path.stat()
    except OSError as error:
        raise MissingFiles(
            f"The file {path} is not there. Training reads the images of the release: put it "
            "back, or ingest the release again from where it lies now."
        ) from error
    return f"{found.st_size}:{found.st_mtime_ns};".encode()
