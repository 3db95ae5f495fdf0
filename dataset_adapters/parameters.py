"""Body parameters of a release → the columns of the store: camera frame, absolute hands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.dataset_adapters.card import Card
from ehpsbench.dataset_adapters.identity import repeat, text
from ehpsbench.dataset_adapters.pose_vectors import (
    FIT_SIZES,
    ORDERS,
    Fit,
    flat,
    joined_pose,
    split_pose,
)
from ehpsbench.errors import InputError, MissingBody
from ehpsbench.geometry import axis_angle, body_to_camera
from ehpsbench.schema import Columns, nullable
from ehpsbench.schema import present as not_null

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.body.model import BodyModel

__all__ = [
    "BODY_ONLY",
    "FIT_SIZES",
    "ORDERS",
    "PARTS",
    "WHOLE_BODY",
    "Labels",
    "absolute_hand",
    "body_columns",
    "hand_columns",
    "hand_components",
    "joined_pose",
    "split_pose",
    "spread",
    "validity",
]

Floats = NDArray[np.float64]

BETAS, EXPRESSION = 16, 10  # in the columns; the rest goes to betas_more, expression_more
PARTS = ("body", "left_hand", "right_hand", "face", "shape", "camera")
BODY_ONLY = ("body", "camera")
WHOLE_BODY = PARTS


@dataclass(frozen=True, slots=True)
class Labels:
    """Who made the parameters and in what convention; mostly `Labels.of(card)`.

    Attributes:
        family: smplx, smplh, smpl or mano.
        hands: "absolute"; "relative": the model's mean hand has to be added; "none".
        source: owners, eft, neuralannot, …
        annotation: mocap, pseudo or synthetic.
    """

    family: str
    hands: str
    source: str
    annotation: str

    @classmethod
    def of(cls, card: Card) -> Labels:
        """As the dataset's card has it."""
        return cls(card.body.family, card.body.hands, card.labels, card.annotation)


def absolute_hand(pose: ArrayLike, model: BodyModel | None, side: str, convention: str) -> Floats:
    """Hand poses (N, 45) [rad] with a flat hand at zero.

    Args:
        pose: (N, 45) angles or (N, n) principal components.
        model: of the gender that they belong to.
        side: left or right.
        convention: "relative" adds the model's mean hand.
    """
    values = np.asarray(pose, np.float64)
    if values.shape[1] < 45:
        values = values @ hand_components(model, side, values.shape[1])
    if convention == "relative":
        values = values + _needed(model, "a mean hand").hand_mean(side)
    return values


def hand_components(model: BodyModel | None, side: str, count: int) -> Floats:
    """(count, 45) the first principal components of a model's hand.

    Raises:
        InputError: the model file has none.
    """
    known = _needed(model, "hand components")
    space = known.left_hand_components if side == "left" else known.right_hand_components
    if space is None:
        raise InputError(
            f"{known.name} has no hand components (hands_components{side[0]}), which the labels' "
            "hands need. Use the SMPL-X v1.1 files with hands."
        )
    return space[:count]


def body_columns(
    fit: Fit,
    gender: str | ArrayLike,
    labels: Labels,
    bodies: BodySet | None,
    world: Columns | None = None,
    *,
    pelvis: ArrayLike | None = None,
) -> dict[str, NDArray[Any]]:
    """Columns of N whole bodies.

    Args:
        fit: parameters by the names of the schema, each (N, …): axis-angles (N, k) or (N, J, 3),
            or rotation matrices (N, J, 3, 3); hands also as principal components (N, n);
            `betas` (N, k) or (k,) of one person; `expression`, `transl`, `kid`. What the release
            lacks is left out. Hands that a "relative" release lacks are the mean hand.
        gender: of the body model: one for all or (N,).
        labels: who made them and how.
        bodies: the body set of the labels; None only where nothing of a model is needed.
        world: columns with `world_rotation` and `world_translation` of each person's image, if
            the bodies are in the world; None: they are in the camera frame already.
        pelvis: (N, 3) rest pelvis [m] where a personal mesh takes the place of betas.
    """
    body = {name: _vectors(name, values) for name, values in fit.items()}
    count = len(body["global_orient"])
    genders = repeat(gender, count) if isinstance(gender, str) else text(np.asarray(gender))
    betas = body.get("betas", np.zeros((1, 0)))
    body["betas"] = np.array(np.broadcast_to(betas, (count, betas.shape[-1])))
    models = {str(each): _model(bodies, labels.family, str(each)) for each in sorted(set(genders))}
    columns = _hands(body, genders, labels, models)
    if world is not None:
        rest = _pelvis(body, genders, models) if pelvis is None else np.asarray(pelvis, np.float64)
        columns |= _to_camera(body, world, np.broadcast_to(rest, (count, 3)))
    columns |= _cut(body, "betas", BETAS) | _cut(body, "expression", EXPRESSION)
    if pelvis is None:
        columns["num_betas"] = np.full(count, body["betas"].shape[1])
    else:
        del columns["betas"]
    words = {"source_model": labels.family, "labels": labels.source}
    words["annotation"] = labels.annotation
    columns |= {name: repeat(word, count) for name, word in words.items()} | {"gender": genders}
    if all(model is not None for model in models.values()):
        columns["body_hash"] = text(_needed(models[g], "a hash").hash for g in genders)
    done = {"betas", "expression", *columns}
    return {**{name: values for name, values in body.items() if name not in done}, **columns}


def hand_columns(
    fit: Fit, side: str, labels: Labels, bodies: BodySet, world: Columns | None = None
) -> dict[str, NDArray[Any]]:
    """Columns of one hand of N people, for rows without a body (MANO).

    Args:
        fit: `global_orient` (N, 3), `hand_pose` (N, 45 or n), `betas` (N, 10), `transl` (N, 3).
        side: left or right.
        labels: who made them and how.
        bodies: the body set of the labels.
        world: as in `body_columns`; a MANO hand turns about its rest wrist.
    """
    body = {name: _vectors(name, values) for name, values in fit.items()}
    model = bodies.model("mano", side)
    count = len(body["global_orient"])
    betas = np.array(np.broadcast_to(body["betas"], (count, body["betas"].shape[-1])))
    if world is not None:
        body |= _to_camera(body, world, model.rest_joints(betas)[:, 0])
    words = {"source_model": "mano", "labels": labels.source, "annotation": labels.annotation}
    return {
        **{name: repeat(word, count) for name, word in words.items()},
        "body_hash": repeat(model.hash, count),
        f"{side}_hand_orient": body["global_orient"],
        f"{side}_hand_pose": absolute_hand(body["hand_pose"], model, side, labels.hands),
        f"{side}_hand_betas": np.pad(betas, ((0, 0), (0, 10 - betas.shape[1]))),
        f"{side}_hand_transl": body["transl"],
    }


def validity(
    count: int, parts: tuple[str, ...] = PARTS, **flags: ArrayLike
) -> dict[str, NDArray[Any]]:
    """The flags of N people: true for the parts named, false for the others.

    Args:
        count: N.
        parts: of `PARTS`; `BODY_ONLY` for SMPL, whose hands, face and shape are not SMPL-X's.
        **flags: `body`, `left_hand`, `hands`, `owner`, …: (N,) values that say it of each person.
    """
    columns = {f"{part}_valid": np.full(count, part in parts) for part in PARTS}
    for name, values in flags.items():
        for part in ("left_hand", "right_hand") if name == "hands" else (name,):
            columns[f"{part}_valid"] = np.array(np.broadcast_to(np.asarray(values, bool), count))
    return columns


def spread(columns: Columns, present: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Columns of those for whom `present` (N,) is true → columns of all N, null for the others.

    Flags of validity are false, not null, for the others; what is null already stays so.
    """
    rows = np.where(present, np.cumsum(present) - 1, 0)
    result: dict[str, NDArray[Any]] = {}
    for name, values in columns.items():
        wide = values[rows]
        flags = name.endswith("_valid")
        result[name] = wide & present if flags else nullable(wide, present & not_null(wide))
    return result


def _vectors(name: str, values: ArrayLike) -> Floats:
    """(N, k) of angles, matrices or other vectors; (k,) betas become (1, k), `kid` stays (N,)."""
    array = np.asarray(values, np.float64)
    if name == "betas" and array.ndim == 1:
        return array[None]
    if name == "kid":
        return array.reshape(-1)
    if array.ndim >= 3 and array.shape[-2:] == (3, 3):
        array = axis_angle(array)
    return flat(array)


def _model(bodies: BodySet | None, family: str, gender: str) -> BodyModel | None:
    return bodies.model(family, gender) if bodies and bodies.has(family, gender) else None


def _needed(model: BodyModel | None, what: str) -> BodyModel:
    if model is None:
        raise MissingBody(
            f"The labels need {what} of the body model. Name it in `needs` of the dataset's card, "
            "so that ingest asks for the file first."
        )
    return model


def _hands(
    body: dict[str, Floats],
    genders: NDArray[Any],
    labels: Labels,
    models: Mapping[str, BodyModel | None],
) -> dict[str, NDArray[Any]]:
    """Absolute hands; each of the model of its gender."""
    if labels.hands == "none":
        return {}
    columns: dict[str, NDArray[Any]] = {}
    for side in ("left", "right"):
        name = f"{side}_hand_pose"
        if name not in body and labels.hands == "absolute":
            continue
        pose = body.get(name, np.zeros((len(genders), 45)))
        columns[name] = np.empty((len(genders), 45))
        for gender, model in models.items():
            rows = genders == gender
            columns[name][rows] = absolute_hand(pose[rows], model, side, labels.hands)
    return columns


def _pelvis(
    body: dict[str, Floats], genders: NDArray[Any], models: Mapping[str, BodyModel | None]
) -> Floats:
    """(N, 3) the point that each body turns about, at rest [m]."""
    pelvis = np.empty((len(genders), 3))
    kid = body.get("kid", np.zeros(len(genders)))
    for gender, model in models.items():
        rows = genders == gender
        found = _needed(model, "the rest pelvis").rest_joints(body["betas"][rows], kid[rows])
        pelvis[rows] = found[:, 0]
    return pelvis


def _to_camera(body: dict[str, Floats], world: Columns, pelvis: Floats) -> dict[str, NDArray[Any]]:
    orient, transl = body_to_camera(
        np.ma.getdata(world["world_rotation"]).reshape(-1, 3, 3),
        np.ma.getdata(world["world_translation"]),
        body["global_orient"],
        body["transl"],
        pelvis,
    )
    return {"global_orient": orient, "transl": transl}


def _cut(body: dict[str, Floats], name: str, width: int) -> dict[str, NDArray[Any]]:
    """A vector padded to the column's width; what is past it goes to the column `…_more`."""
    if name not in body:
        return {}
    values = body[name]
    padded = np.pad(values[:, :width], ((0, 0), (0, max(width - values.shape[1], 0))))
    if values.shape[1] <= width:
        return {name: padded}
    return {name: padded, f"{name}_more": text(row.tolist() for row in values[:, width:])}
