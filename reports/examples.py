"""Example people of every benchmark: the crop, the true body, and what the models say."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ehpsbench.leaderboards.table import Standings
from ehpsbench.schema import from_arrow
from ehpsbench.store import Store

if TYPE_CHECKING:
    from PIL.Image import Image

    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.camera import Camera

Floats = NDArray[np.float64]

HEIGHT, WIDTH = 240, 180  # px of a panel
PADDING = 1.25
TRUE_COLOUR = np.array([58, 158, 106])
PREDICTED_COLOUR = np.array([66, 126, 196])
PELVIS = 0


@dataclass(frozen=True, slots=True)
class Panel:
    """One small picture: a data URI, and what it shows."""

    image: str
    alt: str
    label: str
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Example:
    """One person: crop, truth and predictions side by side.

    Attributes:
        benchmark: where the person is from.
        instance_id: who.
        panels: pictures.
        drawn: "mesh" over the crop, or "skeleton" on white where the licence allows no more.
    """

    benchmark: str
    instance_id: str
    panels: tuple[Panel, ...]
    drawn: str


@dataclass(frozen=True, slots=True)
class _View:
    """How a person's crop is seen: its camera and its picture."""

    camera: Camera
    picture: Image | None


def examples(
    store: Store,
    standings: Standings,
    bodies: BodySet,
    *,
    embed_images: bool = False,
    embed_meshes: bool = False,
) -> list[Example]:
    """One person of every benchmark, at the median error of the leading training set.

    Images and meshes of a licensed release are drawn only when asked for and when its card allows
    it; miniature releases are ours to show.

    Args:
        store: with images' roots, predictions and results.
        standings: whose first and last ranked rows are shown.
        bodies: the body set of the numbers.
        embed_images: show images of releases whose licence allows it.
        embed_meshes: the same for meshes.
    """
    ranked = [row for row in standings.rows if row.tie_group is not None]
    shown = [ranked[0], ranked[-1]] if len(ranked) > 1 else ranked
    found = []
    for benchmark in standings.benchmarks:
        entries = {row.name: row.entries[0] for row in shown}
        if entries:
            example = _example(store, benchmark, entries, bodies, embed_images, embed_meshes)
            found.append(example)
    return found


def _example(
    store: Store,
    benchmark: Any,
    entries: Mapping[str, str],
    bodies: BodySet,
    embed_images: bool,
    embed_meshes: bool,
) -> Example:
    from ehpsbench.evaluation.results import read_rows, read_summary

    first = next(iter(entries.values()))
    errors = {
        name: read_rows(store, entry, benchmark.id).select(["instance_id", benchmark.primary])
        for name, entry in entries.items()
    }
    person = _median_person(errors[next(iter(entries))], benchmark.primary)
    dataset = read_summary(store, first, benchmark.id)["dataset"]
    manifest = store.manifest(dataset)
    may = bool(manifest["redistribute"])
    images = may and (embed_images or manifest["miniature"])
    meshes = may and (embed_meshes or manifest["miniature"])
    row = _row(store.instances(dataset), person)
    view = _view(store, dataset, row, images)
    draw = _Draw(bodies, store, dataset, view, meshes)
    panels = [_panel(view.picture, "the crop", "image")] if view.picture is not None else []
    panels.append(draw.panel(row, None, TRUE_COLOUR, "truth"))
    for name, entry in entries.items():
        error = _row(errors[name], person)[benchmark.primary][0]
        said = _predicted(store, entry, benchmark.id, person, row)
        label = f"{name}: {error:.0f} mm"
        panels.append(draw.panel(said, row, PREDICTED_COLOUR, label))
    return Example(benchmark.id, person, tuple(panels), "mesh" if meshes else "skeleton")


def _median_person(rows: pa.Table, primary: str) -> str:
    errors = np.asarray(rows[primary], np.float64)
    order = np.argsort(np.where(np.isfinite(errors), errors, np.inf))
    middle = order[np.count_nonzero(np.isfinite(errors)) // 2]
    return str(rows["instance_id"][int(middle)].as_py())


def _row(table: pa.Table, person: str) -> dict[str, NDArray[Any]]:
    """The columns of one person, each of length 1."""
    return from_arrow(table.filter(pc.equal(table["instance_id"], person)))


def _predicted(
    store: Store, entry: str, benchmark: str, person: str, row: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """A prediction as instance columns of the neutral SMPL-X body."""
    from ehpsbench.evaluation.predictions import read_predictions

    columns = _row(read_predictions(store, entry, benchmark), person)
    betas = np.zeros((1, 16))
    betas[:, :10] = np.ma.getdata(columns["betas"])[:, :10]
    columns["betas"] = betas
    columns["source_model"] = np.array(["smplx"], object)
    columns["gender"] = np.array(["neutral"], object)
    columns["transl"] = np.zeros((1, 3))
    return columns


def _view(store: Store, dataset: str, row: Mapping[str, NDArray[Any]], images: bool) -> _View:
    """The camera of a person's padded crop, and the crop itself where it may be shown."""
    from ehpsbench.pictures import open_picture
    from ehpsbench.world.camera import Camera

    box = np.ma.getdata(row["bbox"])[0].astype(np.float64)
    centre = box[:2] + box[2:] / 2
    height = PADDING * max(box[3], box[2] * HEIGHT / WIDTH)
    corner = centre - np.array([height * WIDTH / HEIGHT, height]) / 2
    scale = HEIGHT / height
    camera = Camera(
        rotation=np.eye(3),
        translation=np.zeros(3),
        focal=np.ma.getdata(row["focal"])[0] * scale,
        principal_point=(np.ma.getdata(row["principal_point"])[0] - corner) * scale,
        height=HEIGHT,
        width=WIDTH,
    )
    if not images:
        return _View(camera, None)
    path = store.release_root(dataset) / str(row["image_path"][0])
    picture = open_picture(path, int(row["orientation"][0]))
    return _View(camera, cut(picture, corner, np.array([WIDTH, HEIGHT]) / scale))


def cut(picture: Image, corner: Floats, size: Floats) -> Image:
    """The part of a picture at `corner`, of `size` [px], as a panel; black past the border."""
    from PIL.Image import Resampling

    low, high = np.floor(corner).astype(int) - 1, np.ceil(corner + size).astype(int) + 1
    around = picture.crop((int(low[0]), int(low[1]), int(high[0]), int(high[1])))
    start, end = corner - low, corner + size - low
    box = (float(start[0]), float(start[1]), float(end[0]), float(end[1]))
    return around.resize((WIDTH, HEIGHT), Resampling.BICUBIC, box=box, reducing_gap=3.0)


@dataclass(frozen=True, slots=True)
class _Draw:
    """Draws bodies into one view."""

    bodies: BodySet
    store: Store
    dataset: str
    view: _View
    meshes: bool

    def panel(
        self,
        body: Mapping[str, NDArray[Any]],
        truth: Mapping[str, NDArray[Any]] | None,
        colour: NDArray[np.int64],
        label: str,
    ) -> Panel:
        """A body over the crop; a prediction stands with its pelvis on the true one, as scored."""
        from ehpsbench.body.posed import posed_joints

        root = self.store.release_root(self.dataset)
        joints = posed_joints(body, self.bodies, root)[0][0]
        shift = np.zeros(3)
        if truth is not None:
            shift = posed_joints(truth, self.bodies, root)[0][0, PELVIS] - joints[PELVIS]
        if self.meshes:
            picture = self._mesh(body, shift, colour)
        else:
            picture = self._skeleton(joints + shift, colour)
        return _panel(
            picture, f"{label}, drawn as a {'mesh' if self.meshes else 'skeleton'}", label
        )

    def _mesh(
        self, body: Mapping[str, NDArray[Any]], shift: Floats, colour: NDArray[np.int64]
    ) -> Image:
        from PIL import Image

        from ehpsbench.body.posed import posed_vertices
        from ehpsbench.world.rasteriser import rasterise, vertex_normals

        root = self.store.release_root(self.dataset)
        points = posed_vertices(body, self.bodies, root)[0] + shift
        faces = self._faces(body)
        shown = rasterise(points, faces, self.view.camera)
        facing = shown.interpolate(vertex_normals(points, faces), faces)
        length = np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-9)
        light = 0.35 + 0.65 * np.abs(facing / length)[:, 2:]
        canvas = self._canvas()
        flat = canvas.reshape(-1, 3)
        flat[shown.pixel] = 0.15 * flat[shown.pixel] + 0.85 * colour * light
        return Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))

    def _faces(self, body: Mapping[str, NDArray[Any]]) -> NDArray[np.int32]:
        family = body["source_model"][0] if "source_model" in body else "smplx"
        gender = body["gender"][0] if "gender" in body else "neutral"
        return self.bodies.model(str(family), str(gender)).faces

    def _skeleton(self, joints: Floats, colour: NDArray[np.int64]) -> Image:
        from PIL import Image, ImageDraw

        parents = self.bodies.model("smplx", "neutral").parents
        pixels = self.view.camera.pixels(joints)
        picture = Image.fromarray(self._canvas().astype(np.uint8))
        pen = ImageDraw.Draw(picture)
        for joint in range(1, len(joints)):
            ends = pixels[[int(parents[joint]), joint]]
            if np.isfinite(ends).all():
                pen.line([tuple(p) for p in ends.tolist()], fill=tuple(colour.tolist()), width=3)
        return picture

    def _canvas(self) -> Floats:
        """The crop, paler, or white."""
        if self.view.picture is None:
            return np.full((HEIGHT, WIDTH, 3), 255.0)
        return 0.75 * np.asarray(self.view.picture, np.float64) + 0.25 * 255


def _panel(picture: Image, alt: str, label: str) -> Panel:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=85)
    text = base64.b64encode(stream.getvalue()).decode()
    return Panel(f"data:image/jpeg;base64,{text}", alt, label)
