"""The body that errors are painted on: the open one, or the owners' where that was asked for."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.openbody import open_arrays
from ehpsbench.reports.kept import kept_array
from ehpsbench.skeleton.human_data import NAMES

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.body.model import BodyModel
    from ehpsbench.store import Store

Floats = NDArray[np.float64]

JOINTS = 55
VERSION = 1  # of the pose
SHOULDERS = ((15, -0.85), (16, 0.85))  # of the 21 body joints: arms down, about z [rad]
UNKNOWN = 255  # in place of an error
LEVELS = 254
SOME = 0.5  # share of a vertex's weight on joints with an error, below which it has none
# viridis: errors keep their order for who does not see red or green, and in grey
COLOURS = ("#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725")
GREY = (160, 165, 172)
VIEW = (230, 330)  # px of a static picture, front and back side by side


@dataclass(frozen=True, slots=True)
class DisplayBody:
    """A body in a calm pose, and how errors come onto it.

    Attributes:
        vertices: (V, 3), y up, facing +z [m].
        faces: (F, 3).
        weights: (V, 55) of its skin.
        names: in words, whose body it is.
        own: (V,) which vertices of the body set's own mesh these are; None: another mesh, errors
            come over by part.
        parts: (V',) the joint that moves each vertex of the body set's mesh most.
    """

    vertices: Floats
    faces: NDArray[np.int32]
    weights: Floats
    names: str
    own: NDArray[np.int64] | None
    parts: NDArray[np.int64]

    def of_vertices(self, errors: Floats) -> Floats:
        """(V,) errors of (V',) errors on the body set's SMPL-X mesh; NaN where none is known."""
        if self.own is not None:
            return errors[self.own]
        known = np.isfinite(errors)
        count = np.bincount(self.parts[known], minlength=JOINTS)
        with np.errstate(invalid="ignore"):
            means = np.bincount(self.parts[known], errors[known], JOINTS) / count
        return self._spread(means)

    def of_joints(self, names: list[str], errors: Floats) -> Floats:
        """(V,) errors of named joints; limbs past the last one have its error."""
        given = dict(zip(names, errors.tolist(), strict=True))
        found = np.array([given.get(name, np.nan) for name in NAMES[:JOINTS]])
        for joint, parent in enumerate(_parents()):
            below_a_limb = parent >= 4 and parent not in (6, 9)
            if np.isnan(found[joint]) and below_a_limb:
                found[joint] = found[parent]
        return self._spread(found)

    def _spread(self, joints: Floats) -> Floats:
        known = np.isfinite(joints)
        share = self.weights[:, known].sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mixed = self.weights[:, known] @ joints[known] / share
        return np.asarray(np.where(share >= SOME, mixed, np.nan))


def _parents() -> list[int]:
    return [int(p) for p in open_arrays("small")["parents"]]


def display_body(bodies: BodySet, embed: bool, store: Store | None = None) -> DisplayBody:
    """The body that errors of a body set are painted on.

    Args:
        bodies: the set of the numbers.
        embed: whether the owners' mesh may be put into the page.
        store: that keeps the pose of the open body; None: it is worked out.
    """
    from ehpsbench.body.bodies import open_bodies

    model = bodies.model("smplx", "neutral")
    parts = np.asarray(model.weights.argmax(1), np.int64)
    if embed and not bodies.name.startswith("open"):
        every = np.arange(model.num_vertices)
        words = "the body model of the numbers"
        return _standing(model, _posed(model), words, every, parts)
    small = open_bodies("small").model("smplx", "neutral")
    own = None
    if bodies.name == "open":
        own = np.asarray(open_arrays("small")["full_vertex_ids"], np.int64)
    elif bodies.name == "open-small":
        own = np.arange(small.num_vertices)
    words = "the open body" if own is not None else "the open body, as means of its parts"
    of = ["display body", VERSION, small.hash, SHOULDERS]
    posed = _posed(small) if store is None else kept_array(store, of, lambda: _posed(small))
    return _standing(small, posed, words, own, parts)


def _standing(
    model: BodyModel,
    vertices: Floats,
    names: str,
    own: NDArray[np.int64] | None,
    parts: NDArray[np.int64],
) -> DisplayBody:
    """Its middle in the origin."""
    low, high = vertices.min(0), vertices.max(0)
    return DisplayBody(vertices - (low + high) / 2, model.faces, model.weights, names, own, parts)


def _posed(model: BodyModel) -> Floats:
    """(V, 3) vertices [m] with the arms down."""
    from ehpsbench.body.forward import forward

    pose = np.zeros((1, 21, 3))
    for joint, angle in SHOULDERS:
        pose[0, joint, 2] = angle
    found = forward(model, body_pose=pose.reshape(1, 63)).vertices
    return np.asarray(found[0] if found is not None else model.v_template, np.float64)


def packed(values: NDArray[np.generic]) -> str:
    """Base64 of the little-endian bytes of an array."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def mesh_json(body: DisplayBody) -> dict[str, object]:
    """The mesh for the viewer: (V, 3) int16 shares of `extent` [m], and uint16 or uint32 faces."""
    extent = float(np.abs(body.vertices).max())
    small = len(body.vertices) < 2**16
    return {
        "extent": extent,
        "vertices": packed(np.round(body.vertices / extent * 32767).astype("<i2")),
        "faces": packed(body.faces.astype("<u2" if small else "<u4")),
        "wide": not small,
    }


def levels(errors: Floats) -> tuple[str, float]:
    """Errors as one byte each, and the error that the highest byte stands for [mm]."""
    known = np.isfinite(errors)
    top = float(errors[known].max()) if known.any() else 1.0
    found = np.full(len(errors), UNKNOWN, np.uint8)
    found[known] = np.round(errors[known] / max(top, 1e-9) * LEVELS).astype(np.uint8)
    return packed(found), top


def static_view(body: DisplayBody, errors: Floats, top: float) -> str:
    """Data URI of a picture of the painted body from the front and from behind."""
    from PIL import Image

    sides = [_side(body, errors, top, turn) for turn in (1.0, -1.0)]
    picture = Image.fromarray(np.concatenate(sides, axis=1))
    stream = io.BytesIO()
    picture.quantize(64).save(stream, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _side(body: DisplayBody, errors: Floats, top: float, turn: float) -> NDArray[np.uint8]:
    """(H, W, 4) from the front (1) or from behind (−1), by a long lens."""
    from ehpsbench.world.camera import Camera
    from ehpsbench.world.rasteriser import rasterise, vertex_normals

    width, height = VIEW
    away = 20.0
    points = body.vertices * [turn, -1, -turn] + [0, 0, away]
    focal = 0.94 * height / np.ptp(body.vertices[:, 1]) * away
    camera = Camera(
        rotation=np.eye(3),
        translation=np.zeros(3),
        focal=np.full(2, focal),
        principal_point=np.array([width / 2, height / 2]),
        height=height,
        width=width,
    )
    shown = rasterise(points, body.faces, camera)
    light = shown.interpolate(vertex_normals(points, body.faces), body.faces)[:, 2:]
    colours = shown.interpolate(colours_of(errors, top), body.faces)
    canvas = np.zeros((height * width, 4))
    canvas[shown.pixel, :3] = colours * (0.72 + 0.28 * np.clip(-light, 0, 1))
    canvas[shown.pixel, 3] = 255
    return np.asarray(canvas.reshape(height, width, 4), np.uint8)


def colours_of(errors: Floats, top: float) -> Floats:
    """(V, 3) RGB 0–255 of errors on a scale from 0 to `top`; grey where none is known."""
    stops = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in COLOURS], np.float64)
    share = np.clip(np.nan_to_num(errors) / max(top, 1e-9), 0, 1) * (len(stops) - 1)
    mixed = [np.interp(share, np.arange(len(stops)), stops[:, axis]) for axis in range(3)]
    return np.where(np.isfinite(errors)[:, None], np.stack(mixed, 1), np.array(GREY, np.float64))
