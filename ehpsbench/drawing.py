"""A person's crop with what the labels say drawn over it: mesh, skeleton, keypoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.schema import BOX_COLUMNS, present

if TYPE_CHECKING:
    from PIL.Image import Image

    from ehpsbench.world.camera import Camera

Floats = NDArray[np.float64]
Colour = tuple[int, int, int]

PALE = 0.25  # of white over a picture, so that what is drawn stands out
OPAQUE = 0.6  # of the mesh's colour over the picture
PLAIN = (236, 238, 242)  # the ground where there is no picture

__all__ = ["Colour", "Panel", "crop_camera", "cut", "dots", "mesh", "outline", "panel", "skeleton"]


@dataclass(frozen=True, slots=True)
class Panel:
    """What is drawn on: pixels, and the camera that they are seen with.

    Attributes:
        pixels: (H, W, 3) 0–255.
        camera: of the crop.
        scale: panel pixels per image pixel.
        corner: (2,) image pixel of the panel's upper left corner.
    """

    pixels: Floats
    camera: Camera
    scale: float
    corner: Floats

    def placed(self, points: ArrayLike) -> Floats:
        """(..., 2) image pixels → pixels of the panel."""
        return (np.asarray(points, np.float64) - self.corner) * self.scale

    def picture(self) -> Image:
        """What was drawn."""
        from PIL import Image

        return Image.fromarray(np.clip(self.pixels, 0, 255).astype(np.uint8))


def panel(
    row: Mapping[str, NDArray[Any]], picture: Image | None, size: tuple[int, int], padding: float
) -> Panel:
    """The panel of one person.

    Args:
        row: instance columns of length 1; without a box the whole image is shown, without a camera
            nothing in 3D is placed.
        picture: the whole image, upright; None: a plain ground.
        size: width and height of the panel [px].
        padding: how much larger than the person's box.
    """
    corner, scale = _crop(row, size, padding)
    camera = crop_camera(row, corner, scale, size)
    if picture is None:
        pixels = np.broadcast_to(np.asarray(PLAIN, np.float64), (size[1], size[0], 3)).copy()
        return Panel(pixels, camera, scale, corner)
    shown = cut(picture, corner, np.asarray(size) / scale, size)
    return Panel((1 - PALE) * np.asarray(shown, np.float64) + PALE * 255, camera, scale, corner)


def _crop(
    row: Mapping[str, NDArray[Any]], size: tuple[int, int], padding: float
) -> tuple[Floats, float]:
    """Upper left corner in the image [px], and panel pixels per image pixel."""
    if "bbox" in row and present(row["bbox"])[0]:
        box = np.ma.getdata(row["bbox"])[0].astype(np.float64)
    else:  # nobody said where: the whole image
        box = np.array([0, 0, row["width"][0], row["height"][0]], np.float64)
    scale = min(size[0] / max(box[2], 1.0), size[1] / max(box[3], 1.0)) / padding
    return box[:2] + box[2:] / 2 - np.asarray(size) / scale / 2, float(scale)


def crop_camera(
    row: Mapping[str, NDArray[Any]], corner: Floats, scale: float, size: tuple[int, int]
) -> Camera:
    """The row's camera as it sees a part of the image."""
    from ehpsbench.world.camera import Camera

    known = "focal" in row and bool(present(row["focal"])[0])
    lens = "distortion" in row and bool(present(row["distortion"])[0])
    focal = np.ma.getdata(row["focal"])[0] if known else np.full(2, np.nan)
    centre = np.ma.getdata(row["principal_point"])[0] if known else np.full(2, np.nan)
    return Camera(
        rotation=np.eye(3),
        translation=np.zeros(3),
        focal=focal * scale,
        principal_point=(centre - corner) * scale,
        height=size[1],
        width=size[0],
        distortion=np.ma.getdata(row["distortion"])[0] if lens else None,
    )


def cut(picture: Image, corner: Floats, size: Floats, shape: tuple[int, int]) -> Image:
    """The part of a picture at `corner`, of `size` [px], as `shape`; black past the border."""
    from PIL.Image import Resampling

    low, high = np.floor(corner).astype(int) - 1, np.ceil(corner + size).astype(int) + 1
    around = picture.crop((int(low[0]), int(low[1]), int(high[0]), int(high[1])))
    start, end = corner - low, corner + size - low
    box = (float(start[0]), float(start[1]), float(end[0]), float(end[1]))
    return around.resize(shape, Resampling.BICUBIC, box=box, reducing_gap=3.0)


def mesh(on: Panel, vertices: Floats, faces: NDArray[np.int32], colour: Colour) -> Panel:
    """The panel with a shaded mesh, (V, 3) in the camera frame [m], over it."""
    from ehpsbench.world.rasteriser import rasterise, vertex_normals

    shown = rasterise(vertices, faces, on.camera)
    facing = shown.interpolate(vertex_normals(vertices, faces), faces)
    length = np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-9)
    light = 0.35 + 0.65 * np.abs(facing / length)[:, 2:]
    pixels = on.pixels.copy()
    flat = pixels.reshape(-1, 3)
    flat[shown.pixel] = (1 - OPAQUE) * flat[shown.pixel] + OPAQUE * np.asarray(colour) * light
    return Panel(pixels, on.camera, on.scale, on.corner)


def skeleton(on: Panel, joints: Floats, parents: NDArray[np.int32], colour: Colour) -> Panel:
    """The panel with the bones between (J, 3) joints in the camera frame [m]; NaN is no joint."""
    from PIL import ImageDraw

    pixels = on.camera.pixels(joints)
    pixels[joints[:, 2] <= 0] = np.nan
    picture = on.picture()
    pen = ImageDraw.Draw(picture)
    for joint in range(1, len(joints)):
        ends = pixels[[int(parents[joint]), joint]]
        if parents[joint] >= 0 and np.isfinite(ends).all() and np.abs(ends).max() < 1e5:
            pen.line([tuple(end) for end in ends.tolist()], fill=colour, width=2)
    return Panel(np.asarray(picture, np.float64), on.camera, on.scale, on.corner)


def dots(on: Panel, points: Floats, colour: Colour, radius: float = 1.5) -> Panel:
    """The panel with a dot on each of (K, 2) image pixels; NaN is none."""
    from PIL import ImageDraw

    picture = on.picture()
    pen = ImageDraw.Draw(picture)
    placed = on.placed(points)
    for x, y in placed[np.isfinite(placed).all(1)].tolist():
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return Panel(np.asarray(picture, np.float64), on.camera, on.scale, on.corner)


def outline(on: Panel, row: Mapping[str, NDArray[Any]], colour: Colour) -> Panel:
    """The panel with the tight boxes of the person, the hands and the face that are known."""
    from PIL import ImageDraw

    picture = on.picture()
    pen = ImageDraw.Draw(picture)
    for name in BOX_COLUMNS:
        if name in row and present(row[name])[0]:
            box = np.ma.getdata(row[name])[0].astype(np.float64)
            low, high = on.placed(box[:2]), on.placed(box[:2] + box[2:])
            pen.rectangle((*low.tolist(), *high.tolist()), outline=colour, width=1)
    return Panel(np.asarray(picture, np.float64), on.camera, on.scale, on.corner)
