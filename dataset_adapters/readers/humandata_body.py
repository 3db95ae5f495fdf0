"""HumanData's body parameters: SMPL-X, SMPL or SMPL-H rows of any shape, hands made absolute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.card import Card
from ehpsbench.dataset_adapters.identity import repeat
from ehpsbench.dataset_adapters.readers.humandata_file import Rows, numbers
from ehpsbench.errors import InputError, MissingBody
from ehpsbench.schema import nullable

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["body_columns"]

MODELS = ("smplx", "smpl", "smplh")  # the first that a file has
POSES = {
    "global_orient": 3,
    "body_pose": 63,
    "left_hand_pose": 45,
    "right_hand_pose": 45,
    "jaw_pose": 3,
    "leye_pose": 3,
    "reye_pose": 3,
    "transl": 3,
}
PARTS = ("body_pose", "left_hand_pose", "right_hand_pose", "jaw_pose")
SMPL_POSE = 69
WRISTS = {"left_hand_orient": "lhand_root", "right_hand_orient": "rhand_root"}
SOURCES = {  # `smplx_source` → our word for who made the labels; the typo is real
    "nerual_annot": "neuralannot",
    "neural_annot": "neuralannot",
    "osx_annot": "osx",
    "cliff_annot": "cliff",
}
BETAS, EXPRESSIONS = 16, 10

Columns = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]


def body_columns(rows: Rows, card: Card, bodies: BodySet | None) -> Columns:
    """Parameters and validity of N people; no parameters where the file has no body model.

    Raises:
        InputError: an array has another width than its name asks for.
        MissingBody: hands are relative to the model's mean, and no model is at hand.
    """
    model = next((name for name in MODELS if _value(rows, name, "global_orient") is not None), "")
    values = _poses(rows, model)
    columns: Columns = {**values, **_gender(rows, card), **_labels(rows, model, card)}
    if model:
        columns["source_model"] = repeat(model, len(rows))
        columns |= _shape(rows, model) | _expression(rows, model)
        columns |= _hashes(model, columns["gender"], bodies)
    columns |= _validity(rows, model, columns)
    if not _flat_hands(rows, card):
        _add_mean(columns, model, bodies)
    return columns


def _value(rows: Rows, model: str, name: str) -> Floats | None:
    """(N, k) values; None where the file has not one for every row, or empty ones."""
    found = rows.entry(model, name) if model else None
    if found is None:
        return None
    values, here = numbers(found)
    return values if values.shape[1] and here.any() else None


def _poses(rows: Rows, model: str) -> Columns:
    """Pose columns; SMPL's 23 joints are 21 of the body and 2 of the hands."""
    columns: Columns = {}
    for name, size in POSES.items():
        values = _value(rows, model, name)
        if values is None:
            continue
        if name == "body_pose" and values.shape[1] >= SMPL_POSE:
            if model == "smpl":
                columns["smpl_hand_pose"] = values[:, size:SMPL_POSE]
            values = values[:, :size]
        if values.shape[1] != size:
            raise InputError(
                f"{rows.file.path}: {model}[{name!r}] has {values.shape[1]} numbers a person, "
                f"expected {size}."
            )
        columns[name] = values
    if "transl" in columns:  # nobody stands in the camera: zeros say that it is not known
        columns["transl"] = nullable(columns["transl"], _any(columns["transl"]))
    for name, key in WRISTS.items():
        wrist = _value(rows, model, key)
        if wrist is not None and wrist.shape[1] == 3:
            columns[name] = nullable(wrist, _any(wrist))
    return columns


def _any(values: Floats) -> NDArray[np.bool_]:
    """(N,) rows that are not all zero."""
    return np.asarray((values != 0).any(1))


def _gender(rows: Rows, card: Card) -> Columns:
    """`meta.gender` names the body model only where the card says that models are gendered."""
    said = rows.entry("meta", "gender")
    letters = np.asarray(
        [] if said is None else [(str(g) or "n")[0].lower() for g in said.tolist()], str
    )
    if said is None:
        return {"gender": repeat("neutral", len(rows))}
    whole = np.full(len(rows), "neutral", object)
    whole[letters == "m"], whole[letters == "f"] = "male", "female"
    columns: Columns = {"subject_gender": nullable(whole, whole != "neutral")}
    gendered = card.body.gender == "gendered"
    return columns | {"gender": whole if gendered else repeat("neutral", len(rows))}


def _labels(rows: Rows, model: str, card: Card) -> Columns:
    """Who made the labels; what is not the dataset's own is a pseudo label."""
    source = str(rows.file.table("misc").get(f"{model}_source", "") or "original")
    own = source == "original"
    return {
        "labels": repeat(card.labels if own else SOURCES.get(source, source), len(rows)),
        "annotation": repeat(card.annotation if own else "pseudo", len(rows)),
    }


def _shape(rows: Rows, model: str) -> Columns:
    columns: Columns = {}
    betas = _value(rows, model, "betas")
    if betas is not None:
        columns |= _parted("betas", betas, BETAS)
        columns["num_betas"] = np.full(len(rows), betas.shape[1])
    neutral = _value(rows, model, "betas_neutral")
    if neutral is not None:
        columns["betas_neutral"] = _padded(neutral, 10)
    kid = _value(rows, model, "betas_extra")
    if kid is not None:
        columns["kid"] = kid[:, 0]
    return columns


def _expression(rows: Rows, model: str) -> Columns:
    values = _value(rows, model, "expression")
    return {} if values is None else _parted("expression", values, EXPRESSIONS)


def _parted(name: str, values: Floats, size: int) -> Columns:
    """The first `size` components, and the others where they are not all zero."""
    columns: Columns = {name: _padded(values, size)}
    more = values[:, size:]
    if more.any():
        column = np.empty(len(values), object)
        for row, components in enumerate(more.tolist()):
            column[row] = components
        columns[f"{name}_more"] = column
    return columns


def _padded(values: Floats, size: int) -> Floats:
    head = values[:, :size]
    return np.pad(head, ((0, 0), (0, size - head.shape[1])))


def _hashes(model: str, gender: NDArray[Any], bodies: BodySet | None) -> Columns:
    known = {
        g: bodies.model(model, g).hash
        for g in sorted(set(gender.tolist()))
        if bodies is not None and bodies.has(model, g)
    }
    if not known:
        return {}
    column = np.asarray([*(known.get(g) for g in gender.tolist()), None], object)[:-1]
    return {"body_hash": column}


def _validity(rows: Rows, model: str, columns: Columns) -> Columns:
    """What can be trained on: given, not all zero, and not refused by a flag of the row.

    Call it before hands become absolute: zeros are zeros in the file.
    """
    nobody = np.zeros(len(rows), bool)
    given = {name: _any(values) for name, values in columns.items() if name in PARTS}
    face = given.get("jaw_pose", nobody) | (
        _any(columns["expression"]) if "expression" in columns else nobody
    )
    shape = _any(columns["betas"]) if "betas" in columns and model == "smplx" else nobody
    valid = {
        "body_valid": given.get("body_pose", nobody),
        "left_hand_valid": given.get("left_hand_pose", nobody),
        "right_hand_valid": given.get("right_hand_pose", nobody),
        "face_valid": face,
        "shape_valid": shape,
    }
    for part, flag in (
        ("left_hand", "lefthand_valid"),
        ("right_hand", "righthand_valid"),
        ("face", "face_valid"),
    ):
        said = rows.entry("meta", flag)
        if said is not None:
            valid[f"{part}_valid"] = valid[f"{part}_valid"] & (numbers(said)[0][:, 0] != 0)
    return {**valid}


def _flat_hands(rows: Rows, card: Card) -> bool:
    """Whether hands are absolute: as the file says, else as the dataset's card knows."""
    said = rows.file.table("misc").get("flat_hand_mean")
    return card.humandata_flat_hands if said is None else bool(said)


def _add_mean(columns: Columns, model: str, bodies: BodySet | None) -> None:
    """Hands relative to the model's mean become absolute."""
    hands = [side for side in ("left", "right") if f"{side}_hand_pose" in columns]
    if not hands:
        return
    if bodies is None:
        raise MissingBody(
            f"The hands in this {model} file are relative to the model's mean pose. Give the "
            "folder of the body models with --body-models or EHPSBENCH_BODY_MODELS."
        )
    family = model if bodies.has(model, "neutral") else "smplx"  # all have MANO's mean
    gender = columns["gender"]
    for side in hands:
        for name in sorted(set(gender.tolist())):
            mean = bodies.model(family, name).hand_mean(side)
            pose = columns[f"{side}_hand_pose"]
            columns[f"{side}_hand_pose"] = np.where((gender == name)[:, None], pose + mean, pose)
