"""AGORA's errors: MPJPE, MVE, NMJE, NMVE and F1 of bodies, hands, faces and children."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from ehpsbench.metrics.agora_columns import COLUMNS, ERRORS, PARTS, SUMS
from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.point_error import centred, mean_point_error
from ehpsbench.metrics.rounding import as_numpy, as_python

CARD = MetricCard(
    title="AGORA: errors of people who were found, and of finding them",
    unit="mm",
    better="lower",
    definition=(
        "MPJPE and MVE of a part: mean over people of the mean over joints or vertices of |p − g|, "
        "each side relative to its root (midpoint of the hips, wrist, neck). fullbody = body + "
        "(left hand + right hand + face) / 3. NMJE, NMVE = MPJPE, MVE / F1, with F1 = TP / (TP + "
        "(FP + FN) / 2). A detection is matched by `agora_matching`. `official`: hands and face "
        "are means over all valid people of images with predictions, 0 mm for those who are "
        "missed; F1, precision and recall rounded to 2 decimals, errors to 1, before they are "
        "divided. `matched`: means over those who are found, nothing rounded, children divided by "
        "their own F1."
    ),
    source="Patel et al. 2021 (AGORA); agora_evaluation 8c9dece, compute_average_error.py:214-632.",
    others=(
        "PVE of SMPLer-X and SMPLest-X on AGORA is given boxes and misses nobody: see pve. The "
        "official code divides kid-body errors by the children's F1 and kid-fullbody errors by "
        "everybody's, and counts everybody's false positives against the children."
    ),
    undefined=(
        "Errors are NaN where nobody is left to average (official hands and faces: no valid "
        "person in any image with predictions), normalised ones also where nobody is found; an "
        "F1 that rounds to 0 makes them infinite. Precision is NaN without any detection. With "
        "no valid person the official F1, precision and recall are 0, those of no children and "
        "all matched ones NaN. The official code stops with ZeroDivisionError or ValueError in "
        "these cases, except no children (NaN)."
    ),
)

Variant = Literal["official", "matched"]

HIPS = (1, 2)
JOINTS = {
    "body": (*range(22),),
    "left_hand": (20, *range(25, 40)),
    "right_hand": (21, *range(40, 55)),
    "face": (12, *range(76, 127)),
}
SMPL_BODY = (*range(24),)


def errors(
    joints: Tensor,
    vertices: Tensor,
    true_joints: Tensor,
    true_vertices: Tensor,
    vertex_ids: Mapping[str, Tensor],
    *,
    family: Literal["smplx", "smpl"] = "smplx",
) -> Tensor:
    """Errors of people who were found.

    The root of a hand or face is one of the joints averaged over, with no error.

    Args:
        joints: (B, 127, 3) SMPL-X joints, or (B, 24, 3) of SMPL [m].
        vertices: (B, V, 3) mesh [m].
        true_joints: (B, 127, 3) or (B, 24, 3) [m].
        true_vertices: (B, V, 3) [m].
        vertex_ids: of each of `PARTS` (of SMPL: of the body); AGORA's body leaves out head and
            hands.
        family: smpl has a body of 24 joints and no parts else.

    Returns:
        (B, 8) float64 in the order of `ERRORS` [mm]; NaN for parts that the family lacks, and
        where a point is not finite.

    Raises:
        ValueError: the shapes do not fit.

    Source:
        agora_evaluation 8c9dece, calculate_v2v_error.py:111-365.
    """
    columns: list[Tensor] = []
    for part in PARTS:
        if family == "smpl" and part != "body":
            columns += [torch.full_like(columns[0], torch.nan)] * 2
            continue
        used = list(SMPL_BODY if family == "smpl" else JOINTS[part])
        ids = vertex_ids[part].to(device=vertices.device, dtype=torch.int64)
        root, true_root = _root(joints, part), _root(true_joints, part)
        for p, g, chosen in ((joints, true_joints, used), (vertices, true_vertices, ids)):
            sides = centred(p[:, chosen], root), centred(g[:, chosen], true_root)
            columns.append(mean_point_error(*sides))
    return torch.stack(columns, -1)


def _root(joints: Tensor, part: str) -> Tensor:
    """(B, 3) float64: the midpoint of the hips, the wrist, or the neck."""
    points = joints.to(torch.float64)
    if part == "body":
        return (points[:, HIPS[0]] + points[:, HIPS[1]]) / 2
    return points[:, JOINTS[part][0]]


def score(
    errors: Tensor,
    *,
    found: Tensor,
    looked_at: Tensor,
    kid: Tensor,
    counted: Tensor | None = None,
    false_positives: Tensor | None = None,
) -> Tensor:
    """Rows of sufficient statistics: of people, and of images for their false positives.

    Args:
        errors: (B, 8) from `errors` [mm]; whatever stands there for people not found.
        found: (B,) who is matched to a detection.
        looked_at: (B,) whose image has a prediction at all.
        kid: (B,) children.
        counted: (B,) False for rows that are not valid people; None: all are. By the official
            code people count who are flagged valid, whatever their occlusion: one who is
            occluded too much to be matched is missed.
        false_positives: (B,) unmatched detections to enter in each row; None: none.

    Returns:
        (B, K) float64, columns `COLUMNS`, additive.

    Raises:
        ValueError: the shapes do not fit, or somebody is found in an image not looked at.
    """
    counted = torch.ones_like(found).bool() if counted is None else counted.bool()
    found, looked_at, kid = (x.bool() & counted for x in (found, looked_at, kid))
    if errors.shape != (len(found), len(ERRORS)):
        raise ValueError(f"errors must be ({len(found)}, 8), got {tuple(errors.shape)}.")
    if bool((found & ~looked_at).any()):
        raise ValueError("Somebody is found in an image without predictions.")
    extra = torch.zeros_like(found) if false_positives is None else false_positives
    values = torch.where(found[:, None], errors.detach().to(torch.float64), 0.0)
    everybody = torch.cat([torch.stack([counted, counted & ~found, looked_at], 1), values], 1)
    children = torch.where(kid[:, None], everybody, 0.0)
    return torch.cat([extra.to(values)[:, None], everybody, children], 1)


def numbers(sums: Tensor, variant: Variant = "official") -> dict[str, Tensor]:
    """AGORA's numbers from sums of rows.

    Args:
        sums: (…, K) sums, or whole-numbered weighted sums, of the rows of `score`.
        variant: `official`, digit for digit as the evaluator prints them, or `matched`.

    Returns:
        name → (…,) float64: `precision`, `recall`, `f1`; `mpjpe` and `mve` [mm] behind each of
        `body`, `left_hand`, `right_hand`, `face`, `fullbody`; `nmje` and `nmve` [mm] behind
        `body` and `fullbody` (matched: behind every part); all of it once more behind `kid_`.
        Degenerate cases are listed in the card.
    """
    if variant not in ("official", "matched"):
        raise ValueError(f"variant must be 'official' or 'matched', got {variant!r}.")
    if sums.shape[-1] != len(COLUMNS):
        raise ValueError(f"sums must be (…, {len(COLUMNS)}), got {tuple(sums.shape)}.")
    columns = dict(zip(COLUMNS, sums.to(torch.float64).unbind(-1), strict=True))
    f1 = None
    result: dict[str, Tensor] = {}
    for prefix in ("", "kid_"):
        values = {name: columns[f"{prefix}{name}"] for name in SUMS}
        rates = detection_rates(
            values["people"], values["missed"], columns["false_positives"], variant == "official"
        )
        if prefix or variant == "matched":
            rates = {n: torch.where(values["people"] > 0, v, torch.nan) for n, v in rates.items()}
        f1 = rates["f1"] if f1 is None else f1
        official = variant == "official"
        means = _official(values, rates["f1"], f1) if official else _matched(values, rates["f1"])
        result |= {f"{prefix}{name}": value for name, value in (rates | means).items()}
    return result


def detection_rates(
    people: Tensor, missed: Tensor, false_positives: Tensor, rounded: bool = True
) -> dict[str, Tensor]:
    """`precision`, `recall` and `f1`, (…,) each; rounded to 2 decimals as Python rounds.

    All are 0 without people, as in the official code; precision is NaN without detections.
    """
    found = people - missed
    rates = {
        "precision": found / (found + false_positives),
        "recall": found / people,
        "f1": found / (found + (false_positives + missed) / 2),
    }
    if rounded:
        rates = {name: as_python(rate, 2) for name, rate in rates.items()}
    return {name: torch.where(people == 0, 0.0, rate) for name, rate in rates.items()}


def _official(values: dict[str, Tensor], own_f1: Tensor, f1: Tensor) -> dict[str, Tensor]:
    """Rounded means, hands and face diluted by those who are missed."""
    found = values["people"] - values["missed"]
    means = {}
    for name in ERRORS:
        count = found if name.startswith("body") else values["looked_at"]
        means[name] = as_numpy(values[f"{name}_sum"] / count, 1)
    for error in ("mpjpe", "mve"):
        whole = as_numpy(_fullbody(means, error), 1)
        means[f"fullbody_{error}"] = whole
        means[_normalised(f"body_{error}")] = as_numpy(means[f"body_{error}"] / own_f1, 1)
        # children too are divided by everybody's F1 here, and by their own above
        means[_normalised(f"fullbody_{error}")] = as_numpy(whole / f1, 1)
    return means


def _matched(values: dict[str, Tensor], f1: Tensor) -> dict[str, Tensor]:
    """Means over those who are found, and all of them over F1."""
    found = values["people"] - values["missed"]
    means = {name: values[f"{name}_sum"] / found for name in ERRORS}
    means |= {f"fullbody_{error}": _fullbody(means, error) for error in ("mpjpe", "mve")}
    return means | {_normalised(name): value / f1 for name, value in means.items()}


def _fullbody(means: dict[str, Tensor], error: str) -> Tensor:
    body, left, right, face = (means[f"{part}_{error}"] for part in PARTS)
    return body + (1 / 3) * left + (1 / 3) * right + (1 / 3) * face


def _normalised(name: str) -> str:
    """body_mpjpe → body_nmje, body_mve → body_nmve."""
    part, _, error = name.rpartition("_")
    return f"{part}_{'nmje' if error == 'mpjpe' else 'nmve'}"
