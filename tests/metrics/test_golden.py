"""The metrics against what the field's own evaluators returned on the same input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.metrics import mpjpe, pa_mpjpe, pa_pve, pve
from ehpsbench.metrics.hand_mean import hand_mean
from ehpsbench.metrics.rigid_alignment import aligned, similarity

GOLDEN = Path(__file__).parent / "golden"
ALIGNED = (
    "joints14",
    "hand21",
    "degenerate_identical",
    "degenerate_reflected",
    "verts1500_float32_stored",
)
PELVIS, NECK, WRIST = 0, 12, {"left": 20, "right": 21}


def case(name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    arrays = dict(np.load(GOLDEN / f"{name}.npz"))
    return arrays, json.loads((GOLDEN / f"{name}.json").read_text())["results"]


def regressed(arrays: dict[str, np.ndarray], name: str, vertices: torch.Tensor) -> torch.Tensor:
    rows, columns = arrays[f"{name}_row"], arrays[f"{name}_col"]
    matrix = np.zeros((rows.max() + 1, vertices.shape[1]))
    matrix[rows, columns] = arrays[f"{name}_val"]
    return torch.einsum("jv,bvd->bjd", torch.from_numpy(matrix), vertices)


def meshes(arrays: dict[str, np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    return (
        torch.from_numpy(arrays["pred_verts"]).double(),
        torch.from_numpy(arrays["gt_verts"]).double(),
    )


def pve_of(arrays: dict[str, np.ndarray], part: str, root: int) -> torch.Tensor:
    pred, true = meshes(arrays)
    ids = slice(None) if part == "all" else torch.from_numpy(arrays[f"{part}_idx"])
    roots = [regressed(arrays, "J_regressor", mesh)[:, root] for mesh in (pred, true)]
    return pve.score(pred[:, ids], true[:, ids], pred_root=roots[0], target_root=roots[1])


def pa_pve_of(arrays: dict[str, np.ndarray], part: str) -> torch.Tensor:
    pred, true = meshes(arrays)
    ids = slice(None) if part == "all" else torch.from_numpy(arrays[f"{part}_idx"])
    return pa_pve.score(pred[:, ids], true[:, ids])


def pa_mpjpe_of(arrays: dict[str, np.ndarray], regressor: str) -> torch.Tensor:
    pred, true = meshes(arrays)
    return pa_mpjpe.score(*(regressed(arrays, regressor, mesh) for mesh in (pred, true)))


def all_errors(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    def sides(function: Any) -> torch.Tensor:
        return hand_mean(function("left"), function("right"))

    return {
        "mpvpe_all": pve_of(arrays, "all", PELVIS),
        "mpvpe_hand": sides(lambda side: pve_of(arrays, f"{side}_hand", WRIST[side])),
        "mpvpe_face": pve_of(arrays, "face", NECK),
        "pa_mpvpe_all": pa_pve_of(arrays, "all"),
        "pa_mpvpe_hand": sides(lambda side: pa_pve_of(arrays, f"{side}_hand")),
        "pa_mpvpe_face": pa_pve_of(arrays, "face"),
        "pa_mpjpe_body": pa_mpjpe_of(arrays, "j14_regressor"),
        "pa_mpjpe_hand": sides(lambda side: pa_mpjpe_of(arrays, f"hand_{side}")),
    }


@pytest.mark.parametrize("peer", ["SMPLer-X.HumanDataset.evaluate", "OSX.EHF.evaluate"])
def test_12_persons_have_the_errors_of_smplerx_and_osx(peer: str) -> None:
    arrays, peers = case("ehps_mesh_eval.persons12")
    errors = all_errors(arrays)
    for name, values in errors.items():
        np.testing.assert_allclose(values, peers[peer]["output"][name], rtol=1e-9, atol=1e-9)


def test_12_persons_have_the_means_that_the_protocol_page_prints() -> None:
    means = {n: round(v.mean().item(), 2) for n, v in all_errors(case(PERSONS)[0]).items()}
    assert means == {
        "mpvpe_all": 119.15,
        "mpvpe_hand": 40.08,
        "mpvpe_face": 40.26,
        "pa_mpvpe_all": 35.84,
        "pa_mpvpe_hand": 17.52,
        "pa_mpvpe_face": 18.22,
        "pa_mpjpe_body": 30.65,
        "pa_mpjpe_hand": 10.64,
    }


PERSONS = "ehps_mesh_eval.persons12"
H36M_EVALUATED = [1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16]


def test_human36m_joints_are_scored_as_smplerx_scores_them() -> None:
    arrays, peers = case(PERSONS)
    expected = peers["SMPLer-X.Human36M.evaluate"]["output"]
    true = torch.from_numpy(arrays["h36m_joint_cam_mm"]) / 1000
    pred = regressed(arrays, "h36m_regressor", meshes(arrays)[0])
    roots = {"pred_root": pred[:, 0], "target_root": true[:, 0]}
    pred, true = pred[:, H36M_EVALUATED], true[:, H36M_EVALUATED]
    np.testing.assert_allclose(mpjpe.score(pred, true, **roots), expected["mpjpe"], atol=1e-9)
    np.testing.assert_allclose(pa_mpjpe.score(pred, true), expected["pa_mpjpe"], atol=1e-9)


def test_equal_meshes_have_no_error() -> None:
    errors = all_errors(case("ehps_mesh_eval.degenerate_identical")[0] | NO_J14)
    assert all(values.abs().max() < 1e-9 for values in errors.values())


# the stored case carries no J14 regressor; three single vertices stand in for it
NO_J14 = {
    "j14_regressor_row": np.arange(3),
    "j14_regressor_col": np.array([0, 100, 200]),
    "j14_regressor_val": np.ones(3),
}


@pytest.mark.parametrize("name", ALIGNED)
def test_the_similarity_is_that_of_smplerx(name: str) -> None:
    arrays, peers = case(f"rigid_align_pa.{name}")
    pairs = [pair["output"] for pair in peers["SMPLer-X.rigid_align"]["per_pair"]]
    source, target = torch.from_numpy(arrays["src"]), torch.from_numpy(arrays["tgt"])
    found = similarity(source, target)
    expected = {k: np.asarray([p[k] for p in pairs]) for k in pairs[0]}
    errors = pa_mpjpe.score(source, target)
    np.testing.assert_allclose(errors, expected["pa_error_mm"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.scale, expected["scale"], rtol=1e-9)
    np.testing.assert_allclose(found.rotation, expected["R"], atol=1e-9)
    np.testing.assert_allclose(found.translation, expected["t"], atol=1e-9)


def test_a_single_point_has_no_similarity_as_in_smplerx() -> None:
    arrays, peers = case("rigid_align_pa.degenerate_single_point")
    assert np.isnan(peers["SMPLer-X.rigid_align"]["per_pair"][0]["output"]["pa_error_mm"])
    source, target = torch.from_numpy(arrays["src"]), torch.from_numpy(arrays["tgt"])
    assert aligned(source, target).isnan().all()


def test_pooling_the_rows_over_valid_joints_gives_the_masked_errors_of_mmhuman3d() -> None:
    arrays, peers = case("rigid_align_pa.mpjpe_pooling_and_masks")
    pred, true = (torch.from_numpy(arrays[k]) / 1000 for k in ("pred_mm", "gt_mm"))
    valid = torch.from_numpy(arrays["mask"])
    rows = mpjpe.score(pred, true, valid)
    pooled = (rows * valid.sum(1)).sum() / valid.sum()
    expected = peers["mmhuman3d.keypoint_mpjpe(none,masked)"]["output"]
    np.testing.assert_allclose(pooled, expected, rtol=1e-9)


def test_unaligned_rows_are_those_of_vibe() -> None:
    arrays, peers = case("rigid_align_pa.mpjpe_pooling_and_masks")
    pred, true = (torch.from_numpy(arrays[k]) / 1000 for k in ("pred_mm", "gt_mm"))
    expected = peers["VIBE.compute_error_verts"]["output"]
    np.testing.assert_allclose(pve.score(pred, true), expected, rtol=1e-9)


def test_rows_centred_on_the_middle_of_two_hips_are_those_of_vibe() -> None:
    arrays, peers = case("rigid_align_pa.mpjpe_pooling_and_masks")
    pred, true = (torch.from_numpy(arrays[k]) / 1000 for k in ("pred_mm", "gt_mm"))
    roots = {"pred_root": pred[:, 2:4].mean(1), "target_root": true[:, 2:4].mean(1)}
    expected = peers["VIBE.compute_errors"]["output"][0]
    np.testing.assert_allclose(mpjpe.score(pred, true, **roots), expected, rtol=1e-9)
