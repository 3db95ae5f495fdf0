"""Pictures of a scene: colour, depth, normals, parts and person ids from one camera."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.world.backgrounds import background
from ehpsbench.world.camera import Camera
from ehpsbench.world.looks import surface
from ehpsbench.world.people import model_of, posed
from ehpsbench.world.rasteriser import Fragments, rasterise, vertex_normals
from ehpsbench.world.scenes import Occluder, Scene, posed_people

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]

__all__ = ["Frame", "flat_frame", "rasterise", "render", "rendered"]

_BOX_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
_BOX_FACES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture with its dense labels, which speak of people only.

    Attributes:
        rgb: (H, W, 3) uint8.
        depth: (H, W) float32, z of the visible person [m]; 0 where there is none.
        normals: (H, W, 3) float32, unit, camera frame, toward the camera: the product with the
            ray is negative, so a surface that faces the camera has z = −1; 0 where there is none.
        parts: (H, W) uint8 into `looks.PARTS`.
        person_ids: (H, W) int16: 0 nobody, i + 1 the scene's person i.
        visible: (N,) pixels that show each person.
        unoccluded: (N,) pixels each would have without the others and without occluders.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    normals: NDArray[np.float32]
    parts: NDArray[np.uint8]
    person_ids: NDArray[np.int16]
    visible: NDArray[np.int64]
    unoccluded: NDArray[np.int64]

    @property
    def occlusion(self) -> Floats:
        """(N,) share of each person's pixels that something hides, 0–1; NaN outside the image."""
        with np.errstate(invalid="ignore"):
            return np.asarray(1 - self.visible / self.unoccluded)


def render(
    scene: Scene,
    camera: Camera,
    bodies: BodySet,
    *,
    vertices: Sequence[NDArray[np.floating]] | None = None,
) -> Frame:
    """Draw a scene.

    Args:
        scene: people, occluders, background.
        camera: the view, one of the scene's or any other.
        bodies: the body models.
        vertices: what `posed_people` gave for this scene, to save posing again.
    """
    meshes = posed_people(scene, bodies) if vertices is None else vertices
    mesh = _joined(scene, meshes, bodies)
    points = camera.to_camera(mesh.vertices)
    shown = rasterise(points, mesh.faces, camera, groups=mesh.group)
    facing = _normals(points, mesh.faces, shown, camera)
    rng = np.random.default_rng(scene.seed)
    rgb = background(scene.background, camera, rng)
    rgb.reshape(-1, 3)[shown.pixel] = _lit(mesh.colours[shown.face], facing, camera, rng)
    person = shown.face < mesh.people_end
    return _frame(rgb, shown, facing, person, mesh, len(scene.people))


def rendered(scenes: Sequence[Scene], bodies: BodySet, *, batch: int = 64) -> Iterator[Frame]:
    """The first camera's picture of every scene; posing many at once is what saves time.

    Args:
        scenes: what to draw.
        bodies: the body models.
        batch: scenes posed together.
    """
    for start in range(0, len(scenes), batch):
        part = scenes[start : start + batch]
        meshes = iter(posed([person for scene in part for person in scene.people], bodies))
        for scene in part:
            own = list(islice(meshes, len(scene.people)))
            yield render(scene, scene.cameras[0], bodies, vertices=own)


def flat_frame(camera: Camera, colour: tuple[int, int, int] = (128, 128, 128)) -> NDArray[np.uint8]:
    """A picture of one colour, for when only its size matters: (H, W, 3) uint8."""
    return np.full((camera.height, camera.width, 3), colour, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class _Mesh:
    """Everybody and everything as one mesh; people come first, `people_end` triangles of them."""

    vertices: Floats
    faces: NDArray[np.int64]
    group: NDArray[np.int64]
    parts: NDArray[np.uint8]
    colours: NDArray[np.uint8]
    people_end: int


def _joined(scene: Scene, meshes: Sequence[NDArray[np.floating]], bodies: BodySet) -> _Mesh:
    faces, parts, colours = [], [], []
    start = 0
    for person, vertices in zip(scene.people, meshes, strict=True):
        model = model_of(person, bodies)
        skin = surface(model, bodies)
        faces.append(model.faces.astype(np.int64) + start)
        parts.append(skin.parts)
        colours.append(person.look.palette[skin.materials])
        start += len(vertices)
    ends = [len(rows) for rows in faces]
    boxes = [_box(occluder) for occluder in scene.occluders]
    for occluder in scene.occluders:
        faces.append(_BOX_FACES + start)
        colours.append(np.broadcast_to(occluder.colour, (12, 3)))
        parts.append(np.zeros(12, np.uint8))
        start += 8
    group = np.repeat(np.arange(len(faces)), [len(rows) for rows in faces])
    return _Mesh(
        vertices=np.concatenate([*meshes, *boxes]).astype(np.float64),
        faces=np.concatenate(faces),
        group=group,
        parts=np.concatenate(parts),
        colours=np.concatenate(colours),
        people_end=sum(ends),
    )


def _box(occluder: Occluder) -> Floats:
    return np.asarray((_BOX_CORNERS * occluder.half) @ occluder.axes.T + occluder.centre)


def _normals(points: Floats, faces: NDArray[np.int64], shown: Fragments, camera: Camera) -> Floats:
    """(P, 3) smooth normals; the triangle's own where a smooth one would turn away."""
    smooth = vertex_normals(points, faces).astype(np.float32)
    normals = shown.interpolate(smooth, faces)
    row, column = np.divmod(shown.pixel, camera.width)
    x = (column.astype(np.float32) + 0.5 - camera.principal_point[0]) / camera.focal[0]
    y = (row.astype(np.float32) + 0.5 - camera.principal_point[1]) / camera.focal[1]
    away = np.flatnonzero(normals[:, 0] * x + normals[:, 1] * y + normals[:, 2] >= -1e-6)
    corners = points[faces[shown.face[away]]]
    normals[away] = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.asarray(normals / np.sqrt(np.einsum("pk,pk->p", normals, normals))[:, None])


def _lit(
    colours: NDArray[np.uint8], normals: Floats, camera: Camera, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Diffuse light from above and from the camera's side, with a little grain."""
    direction = np.array([rng.uniform(-0.8, 0.8), -rng.uniform(0.4, 1.0), -rng.uniform(0.3, 1.0)])
    turned = camera.rotation @ (direction / np.linalg.norm(direction))
    facing = normals @ turned.astype(np.float32)
    shade = 0.5 + 0.55 * np.maximum(facing, 0)
    grain = rng.integers(-4, 5, len(colours), dtype=np.int8).astype(np.float32)
    lit = np.clip(colours * shade[:, None] + grain[:, None], 0, 255)
    return np.asarray(lit, np.uint8)


def _frame(
    rgb: NDArray[np.uint8],
    shown: Fragments,
    normals: Floats,
    person: NDArray[np.bool_],
    mesh: _Mesh,
    count: int,
) -> Frame:
    """Spread the visible surface over whole images."""
    shape = rgb.shape[:2]
    depth = np.zeros(shape, np.float32)
    directions = np.zeros((*shape, 3), np.float32)
    parts, ids = np.zeros(shape, np.uint8), np.zeros(shape, np.int16)
    pixel, face = shown.pixel[person], shown.face[person]
    depth.reshape(-1)[pixel] = shown.depth[person]
    directions.reshape(-1, 3)[pixel] = normals[person]
    parts.reshape(-1)[pixel] = mesh.parts[face]
    ids.reshape(-1)[pixel] = mesh.group[face] + 1
    visible = np.bincount(mesh.group[face], minlength=count)
    return Frame(rgb, depth, directions, parts, ids, visible, shown.covered[:count])
