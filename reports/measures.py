"""What is measured of each person in the store, and on which axis it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.geometry import rotation_matrix
from ehpsbench.schema import Columns, present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]
Values = NDArray[np.float32]

BINS = 30
LITRES = 1000.0  # in a cubic metre
CHUNK = 32  # meshes at a time
NEEDED = (
    "bbox", "focal", "principal_point", "width", "height", "global_orient", "body_pose", "betas",
    "kid", "occlusion", "truncation", "source_model", "template_path", "vertices_path",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a person.

    Attributes:
        name: key.
        title: a few words.
        unit: behind a number.
        low: left end of the axis.
        high: right end.
        digits: after the point.
        about: what it is, in a sentence.
        logarithmic: whether the axis is.
    """

    name: str
    title: str
    unit: str
    low: float
    high: float
    about: str
    digits: int = 0
    logarithmic: bool = False

    @property
    def edges(self) -> Floats:
        """(BINS + 1,) of the bins."""
        if self.logarithmic:
            return np.geomspace(self.low, self.high, BINS + 1)
        return np.linspace(self.low, self.high, BINS + 1)

    def place(self, value: float) -> float:
        """Where a value lies on the axis, 0 to 1."""
        ends = np.array([self.low, value, self.high])
        low, here, high = np.log(np.maximum(ends, 1e-9)) if self.logarithmic else ends
        return float(np.clip((here - low) / (high - low), 0, 1))


MEASURES = (
    Measure(
        "size", "Person size", "px", 16, 4096, "Longer side of the tight box.", logarithmic=True
    ),
    Measure("view", "Field of view", "°", 0, 120, "Of the camera along the image's longer side."),
    Measure(
        "azimuth", "Seen from", "°", -180, 180,
        "Where the camera stands around the pelvis: 0° is in front, 90° at the left side.",
    ),
    Measure(
        "elevation", "From above", "°", -90, 90,
        "How high the camera stands over the pelvis, in the body's own frame.",
    ),
    Measure(
        "bend", "Bent joints", "°", 0, 60, "Mean angle of the 21 body joints away from the T-pose."
    ),
    Measure("occlusion", "Occluded", "%", 0, 100, "Share of the person that something hides."),
    Measure("truncation", "Cut off", "%", 0, 100, "Share of the person outside the image."),
    Measure("stature", "Stature", "m", 0.8, 2.2, "Height of the body in the T-pose.", digits=2),
    Measure("volume", "Volume", "L", 0, 180, "Of the body's mesh in the T-pose."),
)  # fmt: skip
SHARES = ("occlusion", "truncation")


def measured(columns: Columns, rows: int) -> Iterator[tuple[str, Values]]:
    """(name, (n,) values of those of whom it is known) of what needs no body model.

    Args:
        columns: `NEEDED` of some people.
        rows: how many people.
    """
    for name in SHARES:
        if name in columns:
            known = np.ma.getdata(columns[name])[present(columns[name])]
            yield name, (100 * known).astype(np.float32)
    if "bbox" in columns:
        sides = np.ma.getdata(columns["bbox"])[present(columns["bbox"]), 2:]
        yield "size", sides.max(1).astype(np.float32)
    if "focal" in columns:
        yield "view", _view(columns)
    if "body_pose" in columns:
        joints = np.ma.getdata(columns["body_pose"])[present(columns["body_pose"])]
        angles = np.linalg.norm(joints.reshape(-1, 21, 3), axis=2)
        turned = np.abs((angles + np.pi) % (2 * np.pi) - np.pi)  # a full turn is none
        yield "bend", np.degrees(turned.mean(1)).astype(np.float32)
    if {"focal", "principal_point", "bbox", "global_orient"} <= set(columns):
        azimuth, elevation = _bearing(columns)
        yield "azimuth", azimuth
        yield "elevation", elevation


def _view(columns: Columns) -> Values:
    here = present(columns["focal"])
    size = np.stack([np.ma.getdata(columns[n]) for n in ("width", "height")], 1)[here]
    focal = np.ma.getdata(columns["focal"])[here]
    half = size / 2 / np.maximum(focal, 1e-9)
    return np.asarray(np.degrees(2 * np.arctan(half.max(1))), np.float32)


def _bearing(columns: Columns) -> tuple[Values, Values]:
    """Where the camera stands, seen from the body, by the ray through the middle of the box."""
    names = ("focal", "principal_point", "bbox", "global_orient")
    here = np.logical_and.reduce([present(columns[name]) for name in names])
    focal, centre, box, root = (np.ma.getdata(columns[name])[here] for name in names)
    middle = (box[:, :2] + box[:, 2:] / 2 - centre) / np.maximum(focal, 1e-9)
    ray = np.concatenate([middle, np.ones((len(middle), 1))], 1)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    toward = -np.einsum("nji,nj->ni", rotation_matrix(root), ray)
    azimuth = np.degrees(np.arctan2(toward[:, 0], toward[:, 2]))
    elevation = np.degrees(np.arcsin(np.clip(toward[:, 1], -1, 1)))
    return azimuth.astype(np.float32), elevation.astype(np.float32)


def statures(columns: Columns, bodies: BodySet) -> tuple[Values, Values]:
    """Height [m] and volume [L] of the bodies of some people in the T-pose.

    People of whom only a mesh or a hand is known are left out.

    Args:
        columns: `NEEDED` and `gender`.
        bodies: the set of the labels.

    Raises:
        MissingBody: a model is not there.
    """
    if "betas" not in columns or "source_model" not in columns:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    family = np.asarray(columns["source_model"], object)
    gender = np.asarray(columns.get("gender", np.full(len(family), "neutral", object)), object)
    whole = present(columns["betas"]) & np.isin(family, ("smplx", "smpl"))
    for name in ("template_path", "vertices_path"):
        if name in columns:
            whole &= ~present(columns[name])
    found = [
        _extents(columns, np.flatnonzero(whole & (family == f) & (gender == g)), bodies, (f, g))
        for f in ("smplx", "smpl")
        for g in ("neutral", "female", "male")
    ]
    tall, litres = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return tall, litres


def _extents(
    columns: Columns, rows: NDArray[np.intp], bodies: BodySet, role: tuple[str, str]
) -> tuple[Values, Values]:
    tall, litres = np.zeros(len(rows), np.float32), np.zeros(len(rows), np.float32)
    if not len(rows):
        return tall, litres
    model = bodies.model(*role)
    betas = np.ma.getdata(columns["betas"])[rows, : model.num_betas]
    kid = np.zeros(len(rows))
    if "kid" in columns and model.kid_direction is not None:
        kid = np.nan_to_num(np.ma.filled(columns["kid"], 0)[rows].astype(np.float64))
    shape = model.shapedirs[..., : betas.shape[1]].reshape(-1, betas.shape[1]).astype(np.float32)
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        moved = (betas[part].astype(np.float32) @ shape.T).reshape(-1, *model.v_template.shape)
        meshes = model.v_template.astype(np.float32) + moved
        if kid[part].any() and model.kid_direction is not None:
            meshes += (kid[part, None, None] * model.kid_direction).astype(np.float32)
        tall[part] = np.ptp(meshes[..., 1], axis=1)
        litres[part] = LITRES * _volumes(meshes, model.faces)
    return tall, litres


def _volumes(meshes: Values, faces: NDArray[np.int32]) -> Values:
    """(n,) volume of closed (n, V, 3) meshes: a sixth of the sum of the faces' determinants."""
    x, y, z = (np.ascontiguousarray(meshes[..., axis]) for axis in range(3))
    a, b, c = faces.T
    crossed = x[:, a] * (y[:, b] * z[:, c] - z[:, b] * y[:, c])
    crossed += y[:, a] * (z[:, b] * x[:, c] - x[:, b] * z[:, c])
    crossed += z[:, a] * (x[:, b] * y[:, c] - y[:, b] * x[:, c])
    return np.asarray(crossed.sum(1, dtype=np.float64) / 6, np.float32)
