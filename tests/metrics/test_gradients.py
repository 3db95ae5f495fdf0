"""Metrics measure and are not trained by: tensors that require a gradient score as others do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from ehpsbench.metrics import (
    acceleration_error,
    agora,
    body_measurements,
    body_shape,
    freihand,
    jitter,
    keypoint_ap,
    mpjae,
    mpjpe,
    oks,
    pa_mpjpe,
    pa_pve,
    pck,
    pck3d,
    pve,
    silhouette_iou,
)
from ehpsbench.metrics.body_measurements import Landmark
from ehpsbench.metrics.rigid_alignment import aligned

VALID = torch.tensor([[True] * 6, [True, False] * 3, [False] * 3 + [True] * 3])
CORNERS = torch.combinations(torch.arange(6), 3)
NAMES = ("head_top", "heel", *body_measurements.GIRTHS)
MARKS = {name: Landmark((i,)) for i, name in enumerate(NAMES)}

Sides = dict[str, torch.Tensor]


def similarities(x: Sides) -> torch.Tensor:
    people, box = x["b"][..., :2], x["n"].abs().T.expand(3, 4)
    seen = VALID & torch.tensor([[True], [False], [True]])
    return oks.score(x["a"][..., :2], people, seen, x["n"][0].abs(), [0.5] * 6, box=box)


SCORES: dict[str, Callable[[Sides], Any]] = {
    "pve": lambda x: pve.score(x["a"], x["b"]),
    "pve, rooted": lambda x: pve.score(x["a"], x["b"], VALID, pred_root=x["r"], target_root=x["s"]),
    "mpjpe": lambda x: mpjpe.score(x["a"], x["b"], VALID, pred_root=x["r"]),
    "pa_mpjpe": lambda x: pa_mpjpe.score(x["a"], x["b"], VALID),
    "pa_pve": lambda x: pa_pve.score(x["a"], x["b"]),
    "aligned": lambda x: aligned(x["a"], x["b"]),
    "pck3d": lambda x: pck3d.score(x["a"], x["b"], target_root=x["s"], procrustes=True),
    "body_shape": lambda x: body_shape.score(x["a"], x["b"]),
    "freihand": lambda x: freihand.score(x["a"], x["b"], x["b"], x["a"]),
    "acceleration_error": lambda x: acceleration_error.score(x["a"], x["b"], pred_root=x["r"]),
    "jitter": lambda x: jitter.score(torch.cat([x["a"], x["b"]]), fps=30.0),
    "mpjae": lambda x: mpjae.score(
        x["m"], x["m"].flip(1), pred_joints=x["a"], target_joints=x["b"]
    ),
    "pck": lambda x: pck.score(x["a"][..., :2], x["b"][..., :2], VALID, x["r"][:, 0].abs()),
    "oks": similarities,
    "keypoint_ap": lambda x: (
        keypoint_ap.score(torch.sigmoid(x["a"][None, :, :3, 0]), x["s"][:1], x["n"], x["n"]).scores
    ),
    "agora": lambda x: agora.score(
        x["a"].flatten(1)[:, :8], found=VALID[:, 3], looked_at=VALID[:, 3], kid=VALID[:, 0]
    ),
    "agora errors": lambda x: agora.errors(
        x["body"], x["a"], x["body"] + 1, x["b"], {"body": torch.arange(6)}, family="smpl"
    ),
    "body_measurements": lambda x: body_measurements.score(x["a"], x["b"], CORNERS, MARKS),
    "silhouette_iou": lambda x: silhouette_iou.score(x["a"] > 0, x["b"] > 0),
}


def sides(gradient: bool) -> Sides:
    made = torch.Generator().manual_seed(3)
    shapes = {"a": (3, 6, 3), "b": (3, 6, 3), "r": (3, 3), "s": (3, 3), "m": (3, 2, 3, 3)}
    shapes |= {"n": (1, 3), "body": (3, 24, 3)}
    drawn = {k: torch.randn(s, generator=made, dtype=torch.float64) for k, s in shapes.items()}
    drawn["m"] = torch.linalg.matrix_exp(drawn["m"] - drawn["m"].transpose(-1, -2))
    return {name: tensor.requires_grad_(gradient) for name, tensor in drawn.items()}


@pytest.mark.parametrize("name", SCORES)
def test_a_gradient_neither_stops_a_metric_nor_comes_out_of_it(name: str) -> None:
    given = sides(gradient=True)
    before = {k: v.detach().clone() for k, v in given.items()}
    found = SCORES[name](given)
    assert not found.requires_grad
    torch.testing.assert_close(found, SCORES[name](sides(gradient=False)), equal_nan=True)
    assert found.isfinite().any()
    assert all(torch.equal(given[k], v) for k, v in before.items())
