"""Detections from AGORA's prediction pickles: one file a person, in a folder or a zip."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.agora.images import SMALL, Images
from ehpsbench.evaluation.agora.pickled_body import PickledBody, body_of, posed_bodies
from ehpsbench.evaluation.agora.posed import MATCHED, Posed, joint_boxes
from ehpsbench.restricted_pickle import load

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]

FILE = re.compile(r"(.+)_personId_(\d+)\.pkl")


@dataclass(frozen=True, slots=True)
class PickleFolder:
    """Prediction files.

    Attributes:
        path: the folder or zip.
        files: of each image, in the order of their names, as the official code reads them.
        images: of the split.
        bodies: the body set of the parameters.
    """

    path: Path
    files: Mapping[int, tuple[str, ...]]
    images: Images
    bodies: BodySet

    @classmethod
    def of(cls, path: Path, images: Images, bodies: BodySet, *, lenient: bool) -> PickleFolder:
        """List the files; none is opened.

        Args:
            path: a folder with Image_personId_0.pkl … (or its folder `predictions`), or a zip.
            images: of the split.
            bodies: the body set of the parameters.
            lenient: pass over files of images that are not of the split.

        Raises:
            MissingFiles: there is no prediction file.
            InputError: a file's name, or the image that it names, is not known.
        """
        rows = images.by_name(path)
        files: dict[int, list[str]] = {}
        strange = []
        for name in _listed(path):
            match = FILE.fullmatch(PurePosixPath(name).name)
            if match is None:
                raise InputError(
                    f"{path}: {name} is not called IMAGE_personId_NUMBER.pkl, as the owners want."
                )
            row = rows.get(match[1].removesuffix(SMALL))
            if row is None:
                strange.append(name)
            else:
                files.setdefault(row, []).append(name)
        if strange and not lenient:
            raise InputError(
                f"{path}: {len(strange)} files are of images that are not of the split, for "
                f"example {strange[0]}; its images are called like {images.names[0]}. Allow "
                "missing predictions to pass over such files."
            )
        if not files:
            raise MissingFiles(
                f"{path} holds no prediction of an image of the split; expected files such as "
                f"{images.names[0]}_personId_0.pkl."
            )
        sorted_files = {row: tuple(sorted(names)) for row, names in files.items()}
        return cls(path, sorted_files, images, bodies)

    def counts(self) -> NDArray[np.int64]:
        """(M,) how many there are in each image."""
        counts = np.zeros(len(self.images.ids), np.int64)
        for row, names in self.files.items():
            counts[row] = len(names)
        return counts

    def read(self, rows: Sequence[int]) -> Posed:
        """Those of some images."""
        image: list[int] = []
        people: list[PickledBody] = []
        with ExitStack() as stack:
            archive = None
            if self.path.is_file():
                archive = stack.enter_context(zipfile.ZipFile(self.path))
            for row in rows:
                for name in self.files.get(row, ()):
                    image.append(row)
                    people.append(self._person(name, archive))
        joints, vertices = posed_bodies(people, self.bodies)
        joints2d = [person.joints2d for person in people]
        return Posed(
            image=np.asarray(image, np.int64),
            joints2d=_stacked([j[:MATCHED] for j in joints2d], (MATCHED, 2)),
            boxes=_stacked([joint_boxes(j) for j in joints2d], (4,)),
            joints=joints,
            vertices=vertices,
        )

    def _person(self, name: str, archive: zipfile.ZipFile | None) -> PickledBody:
        where = f"{self.path}: {name}"
        if archive is None:
            return body_of(load(self.path / name, encoding="latin1"), where, self.bodies)
        source = io.BytesIO(archive.read(name))
        source.name = where
        return body_of(load(source, encoding="latin1"), where, self.bodies)


def _listed(path: Path) -> Iterator[str]:
    """Names of the pickles below a folder's or zip's top, or in its folder `predictions`."""
    if path.is_dir():
        folder = path / "predictions" if (path / "predictions").is_dir() else path
        for file in sorted(folder.glob("*.pkl")):
            yield file.relative_to(path).as_posix()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from sorted(n for n in archive.namelist() if n.endswith(".pkl"))
    else:
        raise MissingFiles(f"There is no {path}; expected a folder or .zip of prediction pickles.")


def _stacked(arrays: list[Any], shape: tuple[int, ...]) -> Floats:
    return np.stack(arrays) if arrays else np.zeros((0, *shape))
