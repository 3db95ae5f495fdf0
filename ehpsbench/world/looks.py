"""Clothes, skin and hair: a palette per person, and which triangle of a body wears what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.body.model import BodyModel

Floats = NDArray[np.float64]

__all__ = ["PARTS", "Look", "Surface", "looks", "surface"]

PARTS: tuple[str, ...] = (
    "background", "hair", "face", "neck", "torso", "hips",
    "left_upper_arm", "right_upper_arm", "left_forearm", "right_forearm", "left_hand",
    "right_hand", "left_thigh", "right_thigh", "left_shin", "right_shin", "left_foot",
    "right_foot",
)  # fmt: skip
_SIDES = ("left", "right")
_JOINTS = (
    "hips", "left_thigh", "right_thigh", "torso", "left_shin", "right_shin", "torso",
    "left_foot", "right_foot", "torso", "left_foot", "right_foot", "neck", "torso", "torso",
    "face", "left_upper_arm", "right_upper_arm", "left_forearm", "right_forearm", "left_hand",
    "right_hand",
)  # fmt: skip
_PART_OF_SMPL_JOINT = np.array([PARTS.index(name) for name in (*_JOINTS, *_JOINTS[20:])])
_PART_OF_JOINT = np.array(
    [PARTS.index(name) for name in (*_JOINTS, *["face"] * 3)]
    + [PARTS.index(f"{side}_hand") for side in _SIDES for _ in range(15)]
)
# materials: rows of a palette
SKIN, HAIR, TOP, BOTTOM, SHOES, ACCENT, EYES, UPPER_SLEEVE, LOWER_SLEEVE, THIGH, SHIN = range(11)
_MATERIALS = {
    "hair": HAIR, "torso": TOP, "hips": BOTTOM, "upper_arm": UPPER_SLEEVE,
    "forearm": LOWER_SLEEVE, "thigh": THIGH, "shin": SHIN, "foot": SHOES,
}  # fmt: skip
_MATERIAL_OF_PART = np.array(
    [_MATERIALS.get(name.removeprefix("left_").removeprefix("right_"), SKIN) for name in PARTS]
)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Colours of one person: (11, 3) uint8, a row a material."""

    palette: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """What each triangle of a body is: its part (`PARTS`) and its material, (F,) uint8."""

    parts: NDArray[np.uint8]
    materials: NDArray[np.uint8]


_SKINS = np.array([[241, 204, 178], [224, 172, 136], [189, 134, 98], [150, 100, 70], [116, 74, 52]])
_HAIRS = np.array([[28, 24, 22], [62, 42, 28], [110, 76, 44], [150, 110, 62], [175, 172, 170]])
# hair has to differ from skin, or front and back of a head look the same
_PAIRS = np.array(
    [
        *((0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 4)),
        *((2, 0), (2, 1), (2, 4), (3, 0), (3, 0), (3, 4), (4, 0), (4, 4)),
    ]
)


def looks(count: int, rng: np.random.Generator, clothing: str = "colourful") -> list[Look]:
    """Random looks; `plain` clothing is grey for everyone."""
    pair = _PAIRS[rng.integers(len(_PAIRS), size=count)]
    skin = _SKINS[pair[:, 0]] + rng.integers(-8, 9, (count, 1))
    hair = _HAIRS[pair[:, 1]] + rng.integers(-8, 9, (count, 1))
    cloth = rng.integers(20, 236, (count, 4, 3))
    if clothing == "plain":
        cloth[:] = np.array([150, 90, 45, 60])[:, None]
    long = rng.random((count, 3)) < [0.85, 0.5, 0.75]  # upper sleeve, lower sleeve, trousers
    palette = np.empty((count, 11, 3))
    palette[:, SKIN], palette[:, HAIR] = skin, hair
    palette[:, TOP : ACCENT + 1] = cloth
    palette[:, EYES] = 30
    palette[:, UPPER_SLEEVE] = np.where(long[:, :1], cloth[:, 0], skin)
    palette[:, LOWER_SLEEVE] = np.where(long[:, :1] & long[:, 1:2], cloth[:, 0], skin)
    palette[:, THIGH] = cloth[:, 1]
    palette[:, SHIN] = np.where(long[:, 2:], cloth[:, 1], skin)
    return [Look(row) for row in np.clip(palette, 0, 255).astype(np.uint8)]


def surface(model: BodyModel, bodies: BodySet) -> Surface:
    """Parts and materials of a model's triangles, kept for the next call."""
    side = {"left": "mano_left", "right": "mano_right"}.get(model.gender)
    if model.family == "mano" and side is not None:
        return _hand_surface(len(model.faces), PARTS.index(f"{model.gender}_hand"))
    # views on the same vertices wear the same; SMPL alone knows neither eyes nor jaw
    whole = bodies.model("smplx") if bodies.has("smplx", "neutral") else model
    same = len(whole.v_template) == len(model.v_template)
    return _body_surface(whole if same else model)


@lru_cache(maxsize=8)
def _hand_surface(faces: int, part: int) -> Surface:
    return Surface(np.full(faces, part, np.uint8), np.full(faces, SKIN, np.uint8))


_SURFACES: dict[str, Surface] = {}


def _body_surface(model: BodyModel) -> Surface:
    if model.hash not in _SURFACES:
        _SURFACES[model.hash] = _painted(model)
    return _SURFACES[model.hash]


def _painted(model: BodyModel) -> Surface:
    """Paint the rest mesh: nearest joint by weight, then hair, eyes and a placket on the chest."""
    joint = np.argmax(model.weights[model.faces].sum(1), 1)
    table = _PART_OF_JOINT if len(model.parents) == 55 else _PART_OF_SMPL_JOINT
    rest = np.asarray(model.joint_regressor @ model.v_template)
    corners = np.asarray(model.v_template)[model.faces]
    centre = corners.mean(1)
    parts = table[joint]
    head = joint == 15
    above, behind = centre[:, 1] - rest[15, 1], centre[:, 2] - rest[15, 2]
    if len(rest) == 55:
        above, behind = centre[:, 1] - rest[23, 1], centre[:, 2] - rest[23, 2]
    parts[head & ((above > 0.045) | (behind < -0.06))] = PARTS.index("hair")
    materials = _MATERIAL_OF_PART[parts]
    if len(rest) == 55:
        materials[np.isin(joint, (23, 24))] = EYES
    outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2]
    chest = (parts == PARTS.index("torso")) & (np.abs(centre[:, 0]) < 0.04) & (outward > 0)
    materials[chest] = ACCENT
    return Surface(parts.astype(np.uint8), materials.astype(np.uint8))
