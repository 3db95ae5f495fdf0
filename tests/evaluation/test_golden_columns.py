"""Columns of a benchmark, on meshes and vertex ids, have the errors of the official evaluators."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.evaluation.mesh.columns import Column, column_errors
from ehpsbench.evaluation.mesh.points import Figures, Pair, Picker, Weighted
from ehpsbench.evaluation.mesh.rules import ErrorColumn
from ehpsbench.metrics.hand_mean import hand_mean

CASE = Path(__file__).parents[1] / "metrics" / "golden" / "ehps_mesh_eval.persons12"
PEER = "SMPLer-X.HumanDataset.evaluate"
SIDES = {"left": ("l_hand", 20), "right": ("r_hand", 21)}
PELVIS, NECK = 0, 12


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    return dict(np.load(f"{CASE}.npz"))


@pytest.fixture(scope="module")
def peers() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(f"{CASE}.json").read_text())
    return {peer: stored["output"] for peer, stored in found["results"].items()}


def rows(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    """(P, V) of a regressor."""
    matrix = np.zeros((arrays[f"{name}_row"].max() + 1, arrays["gt_verts"].shape[1]))
    matrix[arrays[f"{name}_row"], arrays[f"{name}_col"]] = arrays[f"{name}_val"]
    return matrix


def column(arrays: dict[str, np.ndarray], name: str, points: Any, root: Any) -> list[Column]:
    """A PVE or MPJPE and, on the same points, what is left of it after a similarity.

    `points` are vertex ids, the name of a regressor, or None for the whole mesh.
    """
    regressor = Weighted.of(rows(arrays, points)) if isinstance(points, str) else None
    ids = None if points is None or regressor is not None else torch.from_numpy(points)
    metric, kind = ("mpjpe", "j14") if regressor is not None else ("pve", "vertices")
    joint = Weighted.of(rows(arrays, "J_regressor")[[root]])
    made = []
    for prefix, at in (("", "pelvis"), ("pa_", "none")):
        error = ErrorColumn(name=prefix + name, metric=prefix + metric, points=kind, root=at)
        picker = Picker(regressor, ids, joint if at == "pelvis" else None)
        made.append(Column(error, name, Pair(picker, picker)))  # a side keeps sets apart
    return made


def columns(arrays: dict[str, np.ndarray]) -> list[Column]:
    found = column(arrays, "mpvpe_all", None, PELVIS)
    found += column(arrays, "mpvpe_face", arrays["face_idx"], NECK)
    found += column(arrays, "mpjpe_body", "j14_regressor", PELVIS)
    for side, (short, wrist) in SIDES.items():
        found += column(arrays, f"mpvpe_{short}", arrays[f"{side}_hand_idx"], wrist)
        found += column(arrays, f"mpjpe_{short}", f"hand_{side}", wrist)
    return found


@pytest.mark.parametrize("pred", [torch.float32, torch.float64])
@pytest.mark.parametrize("true", [torch.float32, torch.float64])
def test_ids_and_precisions_in_any_mixture_give_the_errors_of_the_peers(
    arrays: dict[str, np.ndarray], peers: dict[str, Any], pred: torch.dtype, true: torch.dtype
) -> None:
    said = Figures(torch.from_numpy(arrays["pred_verts"]).to(pred))
    known = Figures(torch.from_numpy(arrays["gt_verts"]).to(true))
    made = columns(arrays)
    by_name = column_errors(made, said, known)
    found = {each.error.name: by_name[each.name] for each in made}
    for error in ("mpvpe", "pa_mpvpe", "pa_mpjpe"):
        found[f"{error}_hand"] = hand_mean(found[f"{error}_l_hand"], found[f"{error}_r_hand"])
    expected = peers[PEER] | {"mpjpe_body": peers["SMPLest-X.HumanDataset.evaluate"]["mpjpe_body"]}
    for error, values in expected.items():
        np.testing.assert_allclose(found[error], values, rtol=1e-9, atol=1e-9, err_msg=error)
