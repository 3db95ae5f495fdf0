"""3DPCK, its area, and joint angles: the peers' numbers, loops, and rotations known beforehand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from ehpsbench.metrics import mpjae, pck3d
from ehpsbench.metrics.rigid_alignment import aligned

GOLDEN = Path(__file__).parent / "golden"
CASE = "rigid_align_pa.mpjpe_pooling_and_masks"


def golden() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, float]]:
    arrays = {k: torch.from_numpy(v) for k, v in np.load(GOLDEN / f"{CASE}.npz").items()}
    peers = json.loads((GOLDEN / f"{CASE}.json").read_text())["results"]
    numbers = {k: v["output"] for k, v in peers.items() if "output" in v}
    return arrays["pred_mm"] / 1000, arrays["gt_mm"] / 1000, arrays["mask"], numbers


@pytest.mark.parametrize("alignment", ["none", "procrustes"])
@pytest.mark.parametrize("masked", [False, True])
def test_pck_and_auc_are_those_of_mmhuman3d(alignment: str, masked: bool) -> None:
    pred, true, mask, peers = golden()
    rows = pck3d.score(
        pred, true, procrustes=alignment == "procrustes", counted=mask if masked else None
    )
    found = pck3d.numbers(rows.sum(0))
    key = f"({alignment},{'masked' if masked else 'full'})"
    # the peer's mean is a float32 one
    assert found["pck"].item() == pytest.approx(peers[f"mmhuman3d.keypoint_3d_pck{key}"], rel=1e-6)
    assert found["auc"].item() == pytest.approx(peers[f"mmhuman3d.keypoint_3d_auc{key}"], rel=1e-6)


def test_3dpws_rule_is_that_of_its_loops() -> None:
    pred, true, _, _ = golden()
    major = [joint for joint in pck3d.PW3D_MAJOR if joint < 14]
    error = np.linalg.norm((pred - pred[:, :1]) - (true - true[:, :1]), axis=-1)[:, major] * 1000
    curve = [np.mean(np.mean(error <= t, axis=1)) for t in np.arange(0.0, 200.0)]
    rows = pck3d.score(
        pred[:, major],
        true[:, major],
        pred_root=pred[:, 0],
        target_root=true[:, 0],
        rule=pck3d.PW3D,
    )
    found = pck3d.numbers(rows.sum(0))
    assert found["pck"].item() == pytest.approx(100 * np.mean(error <= 50.0))
    assert found["auc"].item() == pytest.approx(100 * np.trapezoid(curve, dx=1 / 199))


def test_a_joint_at_the_threshold_counts_for_3dpw_only() -> None:
    true = torch.zeros(1, 1, 3, dtype=torch.float64)
    place = torch.tensor([[[1.0, 0.0, 0.0]]], dtype=torch.float64)
    at_50, at_150 = (
        pck3d.score(0.05 * place, true, rule=pck3d.PW3D),
        pck3d.score(0.15 * place, true),
    )
    assert pck3d.numbers(at_50[0])["pck"].item() == 100
    assert pck3d.numbers(at_150[0])["pck"].item() == 0


def test_broken_people_and_those_without_a_similarity_are_left_out_and_counted() -> None:
    pred, true, _, _ = golden()
    pred[0, 3, 1] = math.nan
    pred[1] = 0.5
    rows = pck3d.score(pred, true, procrustes=True)
    assert rows[:, 3].tolist() == [1.0, 1.0, *[0.0] * 14]
    torch.testing.assert_close(rows.sum(0)[:3], rows[2:].sum(0)[:3])
    empty = pck3d.score(pred, true, torch.zeros(16, 14, dtype=torch.bool))
    assert pck3d.numbers(empty.sum(0))["pck"].isnan()


def test_numbers_of_resampled_sums_are_those_of_the_resampled_people() -> None:
    pred, true, mask, _ = golden()
    rows = pck3d.score(pred, true, mask)
    chosen = torch.tensor([[0, 0, 5, 7], [1, 2, 3, 3]])
    weights = torch.zeros(2, 16, dtype=torch.float64)
    weights.scatter_add_(1, chosen, torch.ones(2, 4, dtype=torch.float64))
    found = pck3d.numbers(weights @ rows)["auc"]
    again = [pck3d.score(pred[c], true[c], mask[c]).sum(0) for c in chosen]
    torch.testing.assert_close(found, torch.stack([pck3d.numbers(a)["auc"] for a in again]))


def turn(degrees: float, axis: int = 2) -> torch.Tensor:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    found = torch.eye(3, dtype=torch.float64)
    i, j = [k for k in range(3) if k != axis]
    found[i, i], found[i, j], found[j, i], found[j, j] = c, -s, s, c
    return found


@pytest.mark.parametrize("degrees", [0.0, 1e-6, 30.0, 90.0, 179.999999, 180.0])
def test_the_angle_between_rotations_is_found_at_both_ends(degrees: float) -> None:
    base = turn(40, 0) @ turn(25, 1)
    found = mpjae.angles(base @ turn(degrees), base)
    assert found.item() == pytest.approx(degrees, abs=1e-7)


def test_one_joint_of_nine_turned_by_90_degrees_is_10() -> None:
    true = torch.stack([turn(10.0 * k, k % 3) for k in range(9)])[None]
    pred = true.clone()
    pred[0, 4] = turn(90, 1) @ pred[0, 4]
    assert len(mpjae.ORIENTED) == 9
    found = mpjae.numbers(mpjae.score(pred, true).sum(0))
    assert found["mpjae"].item() == pytest.approx(10)
    assert found["pa_mpjae"].isnan()


def test_a_whole_body_turned_has_an_angle_error_that_alignment_takes_away() -> None:
    rng = np.random.default_rng(0)
    joints = torch.from_numpy(rng.normal(size=(2, 24, 3)))
    true = torch.stack([turn(7.0 * k, k % 3) for k in range(18)]).reshape(2, 9, 3, 3)
    whole = turn(35, 1)
    moved = 0.8 * joints @ whole.T + 2.0
    rows = mpjae.score(whole @ true, true, pred_joints=moved, target_joints=joints)
    found = mpjae.numbers(rows.sum(0))
    assert found["mpjae"].item() == pytest.approx(35)
    assert found["pa_mpjae"].item() == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(aligned(moved, joints), joints)


def test_matrices_that_are_almost_rotations_are_made_so_and_mirrors_left_out() -> None:
    true = torch.eye(3).expand(1, 2, 3, 3)
    pred = torch.stack([1.01 * turn(20), torch.diag(torch.tensor([1.0, 1.0, -1.0])).double()])
    rows = mpjae.score(pred[None], true)
    assert rows[0].tolist() == pytest.approx([20, 1, 0, 0])
    pred[0, 0, 0] = math.nan
    assert mpjae.numbers(mpjae.score(pred[None], true)[0])["mpjae"].isnan()


def test_a_singular_matrix_is_near_no_rotation_and_left_out() -> None:
    flat = torch.outer(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 0.0, 1.0]))
    flat = flat + torch.outer(torch.rand(3), torch.rand(3)).float()
    pred = torch.stack([torch.zeros(3, 3), flat, turn(20).float()])[None]
    true = turn(0).expand(1, 3, 3, 3)
    assert mpjae.angles(pred, true).isnan().tolist() == [[True, True, False]]
    assert mpjae.angles(true, pred).isnan().tolist() == [[True, True, False]]
    joints = torch.rand(1, 5, 3)
    rows = mpjae.score(pred, true, pred_joints=joints, target_joints=joints)
    assert rows[0].tolist() == pytest.approx([20, 1, 20, 1], abs=1e-4)
    assert mpjae.numbers(mpjae.score(pred[:, :1], true[:, :1])[0])["mpjae"].isnan()


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(B, J, 3, 3\)"):
        mpjae.score(torch.zeros(2, 9, 3), torch.zeros(2, 9, 3))
    eye = torch.eye(3).expand(2, 9, 3, 3)
    with pytest.raises(ValueError, match="valid must be"):
        mpjae.score(eye, eye, torch.ones(2, dtype=torch.bool))
    with pytest.raises(ValueError, match="must both be"):
        pck3d.score(torch.zeros(2, 9, 3), torch.zeros(2, 8, 3))
