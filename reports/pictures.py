"""Small pictures of one person: the crop, the true body, a predicted one; or bones alone."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ehpsbench.drawing import Colour, Panel, mesh, panel, skeleton
from ehpsbench.in_view import in_view
from ehpsbench.schema import INSTANCES, Columns, from_arrow

if TYPE_CHECKING:
    from PIL.Image import Image

    from ehpsbench.body.bodies import BodySet
    from ehpsbench.reports.permission import Permission
    from ehpsbench.store import Store

Floats = NDArray[np.float64]

SIZE = (120, 160)  # px of a picture
PADDING = 1.25
QUALITY = 76  # of JPEG
PELVIS = 0
COLOURS: dict[str, Colour] = {"truth": (17, 128, 92), "said": (10, 105, 168)}
NEEDED = [name for name in INSTANCES.names if not name.startswith("keypoints")]


@dataclass(frozen=True, slots=True)
class Bones:
    """A skeleton as the path of an SVG; `kind` is `truth` or `said`."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One small picture: a data URI, or bones on plain ground.

    Attributes:
        alt: what it shows, for who does not see it.
        label: below it.
        image: data URI; empty for bones.
        bones: drawn over one another.
    """

    alt: str
    label: str
    image: str = ""
    bones: tuple[Bones, ...] = ()

    @property
    def width(self) -> int:
        """In px."""
        return SIZE[0]

    @property
    def height(self) -> int:
        """In px."""
        return SIZE[1]


def people(
    store: Store, dataset: str, splits: Sequence[str], ids: Sequence[str]
) -> dict[str, dict[str, NDArray[Any]]]:
    """Person → instance columns of length 1, without keypoints; those whom the splits have."""
    found: dict[str, dict[str, NDArray[Any]]] = {}
    wanted = set(ids)
    for split in splits:
        for path in store.parts("instances", dataset, split):
            if not wanted:
                return found
            chosen = [("instance_id", "in", sorted(wanted))]
            rows = pq.read_table(path, columns=NEEDED, filters=chosen, partitioning=None)
            for place, name in enumerate(rows["instance_id"].to_pylist()):
                found[name] = from_arrow(rows.slice(place, 1))
                wanted.discard(name)
    return found


def predicted(rows: pa.Table) -> dict[str, NDArray[Any]]:
    """A prediction (one row) as instance columns of the neutral SMPL-X body."""
    columns = from_arrow(rows)
    betas = np.zeros((1, 16))
    betas[:, :10] = np.ma.getdata(columns["betas"])[:, :10]
    plain = {"source_model": np.array(["smplx"], object), "gender": np.array(["neutral"], object)}
    return columns | plain | {"betas": betas, "transl": np.zeros((1, 3))}


@dataclass(frozen=True, slots=True)
class Stage:
    """Where one person is drawn.

    Attributes:
        store: with the release's place.
        dataset: whose person.
        row: instance columns of length 1.
        bodies: the body set.
        may: what may be shown.
        ground: the crop, or plain ground.
    """

    store: Store
    dataset: str
    row: Columns
    bodies: BodySet
    may: Permission
    ground: Panel

    @classmethod
    def of(
        cls, store: Store, dataset: str, row: Columns, bodies: BodySet, may: Permission
    ) -> Stage:
        """The stage of a person, with the crop where it may be shown.

        Somebody of whom there is no picture stands before a camera that sees all of the body.
        """
        if not store.pictured(dataset):
            row, may = in_view(row, bodies, store.release_root(dataset)), replace(may, images=False)
        picture = _opened(store, dataset, row) if may.images else None
        return cls(store, dataset, row, bodies, may, panel(row, picture, SIZE, PADDING))

    def crop(self) -> Picture | None:
        """The image alone; None where it may not be shown."""
        return _jpeg(self.ground, "The image.", "image") if self.may.images else None

    def truth(self, label: str = "truth") -> Picture:
        """The true body."""
        return self._body(self.row, np.zeros(3), label, "truth", "The true body")

    def said(self, columns: Columns, label: str) -> Picture:
        """A predicted body, its pelvis on the true one, as scored."""
        shift = self._joints(self.row)[PELVIS] - self._joints(columns)[PELVIS]
        return self._body(columns, shift, label, "said", "The predicted body")

    def _body(self, columns: Columns, shift: Floats, label: str, kind: str, what: str) -> Picture:
        if self.may.meshes:
            drawn = self._mesh(columns, shift, COLOURS[kind])
            return _jpeg(drawn, f"{what} as a mesh.", label)
        joints = self._joints(columns) + shift
        parents = self.bodies.model("smplx", "neutral").parents
        if self.may.images:
            drawn = skeleton(self.ground, joints, parents, COLOURS[kind])
            return _jpeg(drawn, f"{what} as a skeleton over the image.", label)
        bones = [Bones(bone_path(self.ground.camera.pixels(joints), parents), kind)]
        if kind == "said":
            true = self.ground.camera.pixels(self._joints(self.row))
            bones.insert(0, Bones(bone_path(true, parents), "truth"))
            what = "The predicted skeleton over the true one"
        return Picture(f"{what}, on plain ground.", label, bones=tuple(bones))

    def _joints(self, columns: Columns) -> Floats:
        from ehpsbench.body.posed import posed_joints

        root = self.store.release_root(self.dataset)
        joints, _ = posed_joints(columns, self.bodies, root)
        return np.asarray(joints[0], np.float64)

    def _mesh(self, columns: Columns, shift: Floats, colour: Colour) -> Panel:
        from ehpsbench.body.posed import posed_vertices

        root = self.store.release_root(self.dataset)
        points = posed_vertices(columns, self.bodies, root)[0] + shift
        family, gender = (str(columns[name][0]) for name in ("source_model", "gender"))
        return mesh(self.ground, points, self.bodies.model(family, gender).faces, colour)


def _opened(store: Store, dataset: str, row: Columns) -> Image:
    from ehpsbench.pictures import open_picture

    path = store.release_root(dataset) / str(row["image_path"][0])
    return open_picture(path, int(row["orientation"][0]))


def _jpeg(drawn: Panel, alt: str, label: str) -> Picture:
    stream = io.BytesIO()
    drawn.picture().save(stream, "JPEG", quality=QUALITY, optimize=True)
    text = base64.b64encode(stream.getvalue()).decode()
    return Picture(alt, label, f"data:image/jpeg;base64,{text}")


def bone_path(pixels: Floats, parents: NDArray[np.int32]) -> str:
    """SVG path of the bones between (J, 2) pixels; a bone without both ends is left out."""
    found = []
    for joint in range(1, len(pixels)):
        ends = pixels[[int(parents[joint]), joint]]
        if parents[joint] >= 0 and np.isfinite(ends).all() and np.abs(ends).max() < 1e4:
            (x, y), (u, v) = np.round(ends, 1).tolist()
            found.append(f"M{x:g} {y:g}L{u:g} {v:g}")
    return "".join(found)


def plain(pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    """Pictures as JSON can hold them."""
    return [
        {
            "alt": p.alt,
            "label": p.label,
            "image": p.image,
            "bones": [[b.path, b.kind] for b in p.bones],
        }
        for p in pictures
    ]


def of_plain(stored: Sequence[Mapping[str, Any]]) -> list[Picture]:
    """What `plain` made."""
    return [
        Picture(p["alt"], p["label"], p["image"], tuple(Bones(*b) for b in p["bones"]))
        for p in stored
    ]
