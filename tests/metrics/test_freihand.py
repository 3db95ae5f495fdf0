"""FreiHAND's numbers: the official ones, brute force, mirrors and degenerate hands."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.metrics import freihand
from ehpsbench.metrics.f_score import f_scores, nearest
from ehpsbench.metrics.hand_alignment import hand_alignment
from ehpsbench.metrics.pck_curve import Curve
from ehpsbench.metrics.rigid_alignment import aligned

GOLDEN = Path(__file__).parent / "golden"
MM = 1e-4  # what the 1e-8 in the official norm allows, in mm


def golden() -> tuple[list[torch.Tensor], dict[str, Any]]:
    arrays = np.load(GOLDEN / "freihand_eval.hands10.npz")
    names = ("xyz_pred", "xyz", "verts_pred", "verts")
    results = json.loads((GOLDEN / "freihand_eval.hands10.json").read_text())["results"]
    return [torch.from_numpy(arrays[n]) for n in names], results


def column(rows: torch.Tensor, name: str) -> torch.Tensor:
    return rows[:, freihand.COLUMNS.index(name)]


def hands(count: int = 3, points: int = 21, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(0.05 * np.random.default_rng(seed).normal(size=(count, points, 3)))


def numbers(*inputs: torch.Tensor, reflect: bool = True) -> dict[str, float]:
    found = freihand.numbers(freihand.score(*inputs, reflect=reflect).sum(0))
    return {name: value.item() for name, value in found.items()}


def test_ten_hands_have_the_unrounded_numbers_of_the_official_code() -> None:
    arrays, results = golden()
    expected = results["freihand functions, unrounded"]["output"]
    found = numbers(*arrays)
    sets = {"xyz": ("", "mpjpe", "joint"), "xyz_al": ("pa_", "mpjpe", "joint")}
    sets |= {"mesh": ("", "mpvpe", "vertex"), "mesh_al": ("pa_", "mpvpe", "vertex")}
    for key, (aligned_, error, points) in sets.items():
        assert found[aligned_ + error] == pytest.approx(1000 * expected[key]["mean3d_m"], abs=MM)
        auc = found[f"{aligned_}{points}_auc"]
        assert auc == pytest.approx(expected[key]["auc3d"], rel=1e-9)
    for key, value in expected["mean_fscore"].items():
        assert found[key.replace("f_al_", "pa_f_")] == pytest.approx(value, rel=1e-9)


def test_each_hand_has_its_official_error_and_f_scores() -> None:
    arrays, results = golden()
    rows = freihand.score(*arrays)
    expected = results["freihand functions, unrounded"]["output"]
    errors = 1000 * np.asarray(expected["per_sample PA-MPJPE_m"])
    np.testing.assert_allclose(column(rows, "pa_mpjpe"), errors, atol=MM)
    for key, values in expected["per_sample [fscore, precision, recall]"].items():
        found = column(rows, key.replace("f_al_", "pa_f_"))
        np.testing.assert_allclose(found, np.asarray(values)[:, 0], rtol=1e-9)


def test_scores_txt_is_the_same_in_centimetres_with_six_decimals() -> None:
    arrays, results = golden()
    output = results["freihand.eval.main"]["output"]
    found = numbers(*arrays)
    names = {"xyz_mean3d": "mpjpe", "xyz_al_mean3d": "pa_mpjpe", "mesh_mean3d": "mpvpe"}
    names |= {"mesh_al_mean3d": "pa_mpvpe", "xyz_auc3d": "joint_auc", "mesh_auc3d": "vertex_auc"}
    names |= {"xyz_al_auc3d": "pa_joint_auc", "mesh_al_auc3d": "pa_vertex_auc"}
    names |= {
        f"f{a}_score_{mm}": f"{b}f_{mm}" for a, b in (("", ""), ("_al", "pa_")) for mm in (5, 15)
    }
    for name, printed in output["scores.txt (6 decimals, cm)"].items():
        per_mm = 10 if name.endswith("mean3d") else 1
        assert round(found[names[name]] / per_mm, 6) == printed, name


def test_every_curve_and_median_of_the_official_code_is_that_of_the_distances() -> None:
    arrays, results = golden()
    curves = results["freihand.eval.main"]["output"]["pck_curves[thresholds_cm, pck]"]
    whole = results["freihand functions, unrounded"]["output"]
    pairs = {"xyz": arrays[:2], "mesh": arrays[2:]}
    for name, (pred, true) in pairs.items():
        pred, true = pred.double(), true.double()
        for key, points in ((name, pred), (f"{name}_al", hand_alignment(pred, true)(pred))):
            distance = (points - true).norm(dim=-1)
            thresholds, shares = (np.asarray(row) for row in curves[key])
            at = freihand.CURVE.thresholds(distance)
            np.testing.assert_allclose(100 * at, thresholds, rtol=1e-12)
            hits = (distance[..., None] <= at).double().mean((0, 1))
            np.testing.assert_allclose(hits, shares, rtol=1e-9)
            area = freihand.CURVE.areas(distance).mean()
            np.testing.assert_allclose(area, np.trapezoid(shares, thresholds) / 5, rtol=1e-12)
            middle = np.median(distance.numpy(), axis=0).mean()  # of each point, then their mean
            assert middle == pytest.approx(whole[key]["median3d_m"], abs=MM / 1000)


def test_precision_and_recall_behind_each_f_score_are_the_official_ones() -> None:
    arrays, results = golden()
    pred, true = (mesh.double() for mesh in arrays[2:])
    expected = results["freihand functions, unrounded"]["output"][
        "per_sample [fscore, precision, recall]"
    ]
    seen = set()
    for prefix, points in (("f_", pred), ("f_al_", hand_alignment(pred, true)(pred))):
        to_true, to_pred = (torch.cdist(a, b).amin(2) for a, b in ((points, true), (true, points)))
        for mm in (5, 15):
            shares = [(d < mm / 1000).double().mean(1) for d in (to_pred, to_true)]
            rows = np.asarray(expected[f"{prefix}{mm}"])
            seen.add(f"{prefix}{mm}")
            both = np.stack([share.numpy() for share in shares], 1)
            np.testing.assert_allclose(np.sort(both, 1), np.sort(rows[:, 1:], 1), rtol=1e-9)
    assert seen == set(expected)


def test_a_perfect_hand_has_auc_1_and_494949_less_when_it_was_aligned() -> None:
    joints, mesh = hands(), hands(points=60)
    found = numbers(joints, joints, mesh, mesh)
    assert (found["joint_auc"], found["f_5"], found["mpjpe"]) == (1.0, 1.0, 0.0)
    assert found["pa_joint_auc"] == pytest.approx(1 - 0.5 / 99)
    assert 0 < found["pa_mpjpe"] < 1e-4


def test_a_mirrored_hand_has_no_error_with_mirrors_and_the_usual_one_without() -> None:
    true = hands()
    pred = true * torch.tensor([-1.0, 1.0, 1.0])
    assert numbers(pred, true)["pa_mpjpe"] < MM
    rows = freihand.score(pred, true, reflect=False)
    usual = (aligned(pred, true) - true).norm(dim=-1).mean(-1) * 1000
    np.testing.assert_allclose(column(rows, "pa_mpjpe"), usual, atol=MM)
    assert usual.min() > 10


def test_alignment_finds_a_similarity_again_for_joints_and_vertices_apart() -> None:
    true, mesh = hands(), hands(points=50, seed=1)
    turn = torch.linalg.qr(hands(1, 3, 5)[0])[0]
    found = numbers(1.7 * true @ turn + 0.3, true, 0.4 * mesh @ turn.T - 1, mesh)
    assert found["pa_mpjpe"] < MM
    assert found["pa_mpvpe"] < MM
    assert found["pa_f_5"] == 1


def test_nearest_neighbours_are_those_of_two_loops() -> None:
    pred, true = hands(2, 9), hands(2, 14, 1)
    there, back = nearest(pred, true)
    for i in range(2):
        loop = [min(math.dist(p, t) for t in true[i].tolist()) for p in pred[i].tolist()]
        assert there[i].tolist() == pytest.approx(loop, rel=1e-12)
        loop = [min(math.dist(p, t) for p in pred[i].tolist()) for t in true[i].tolist()]
        assert back[i].tolist() == pytest.approx(loop, rel=1e-12)


def test_f_scores_do_not_depend_on_the_chunk_nor_on_the_order_of_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pred, true = hands(5, 30), hands(5, 40, 1)
    expected = f_scores(pred, true, (0.02, 0.04))
    monkeypatch.setattr("ehpsbench.metrics.f_score.CHUNK", 30 * 40)
    torch.testing.assert_close(f_scores(pred[:, torch.randperm(30)], true, (0.02, 0.04)), expected)


def test_exactly_5_mm_is_not_near_and_a_little_less_is() -> None:
    true = torch.tensor([[[0.0, 0, 0], [1.0, 0, 0]]], dtype=torch.float64)
    step = torch.tensor([0.005, 0, 0], dtype=torch.float64)
    assert f_scores(true[:, :1] + step, true[:, :1], (0.005,)).item() == 0
    assert f_scores(true + 0.999 * step, true, (0.005,)).item() == 1
    half = f_scores(true[:, :1], true, (0.005,)).item()
    assert half == pytest.approx(2 * 1 * 0.5 / 1.5)


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("area", ["trapezoid", "mean"])
def test_the_area_of_a_distance_is_that_under_its_step(inclusive: bool, area: Any) -> None:
    curve = Curve(50.0, 101, inclusive, area)
    distance = torch.tensor([0.0, 0.25, 10.0, 33.3, 50.0, 50.1, 1e9], dtype=torch.float64)
    limits = torch.linspace(0, 50, 101, dtype=torch.float64)
    hit = distance[:, None] <= limits if inclusive else distance[:, None] < limits
    steps = hit.double()
    expected = torch.trapezoid(steps, dx=0.01) if area == "trapezoid" else steps.mean(-1)
    torch.testing.assert_close(curve.areas(distance), expected)


def test_an_all_zero_hand_is_finite_and_a_broken_one_is_left_out_and_counted() -> None:
    true, mesh = hands(), hands(points=30)
    pred = true.clone()
    pred[0] = 0
    rows = freihand.score(pred, true, mesh, mesh)
    assert rows.isfinite().all()
    radius = (true[0] - true[0].mean(0)).norm(dim=-1).mean().item() * 1000
    assert column(rows, "pa_mpjpe")[0].item() == pytest.approx(radius)
    expected = freihand.numbers(rows[[0, 2]].sum(0))["pa_mpjpe"]
    pred[1, 4, 2] = math.nan
    rows = freihand.score(pred, true, mesh, mesh)
    assert column(rows, "undefined").tolist() == [0, 1, 0]
    assert freihand.numbers(rows.sum(0))["pa_mpjpe"].item() == pytest.approx(expected.item())


def test_a_mesh_of_another_topology_is_moved_by_the_joints_and_has_an_f_score_only() -> None:
    true, mesh = hands(), hands(points=40)
    turn = torch.linalg.qr(hands(1, 3, 5)[0])[0]
    found = numbers(2 * true @ turn + 0.3, true, 2 * mesh[:, :25] @ turn + 0.3, mesh[:, :25])
    assert found["pa_f_5"] == 1
    found = numbers(2 * true @ turn + 0.3, true, 2 * mesh[:, :25] @ turn + 0.3, mesh)
    assert found["pa_f_5"] == pytest.approx(2 * (25 / 40) / (1 + 25 / 40), abs=0.05)
    assert math.isnan(found["mpvpe"])
    assert found["pa_mpjpe"] < MM


def test_joints_alone_and_no_hands_at_all_have_undefined_numbers() -> None:
    found = numbers(hands(), hands(seed=1))
    assert math.isnan(found["f_5"])
    assert found["pa_mpjpe"] > 1
    assert all(math.isnan(v) for v in numbers(hands(0), hands(0)).values())


def test_float32_hands_are_compared_in_float64() -> None:
    pred, true = hands().float(), hands(seed=1).float()
    torch.testing.assert_close(
        freihand.score(pred, true), freihand.score(pred.double(), true.double())
    )


def test_the_alignment_is_an_orthogonal_map() -> None:
    found = hand_alignment(hands(), hands(seed=3))
    product = found.map @ found.map.transpose(1, 2)
    torch.testing.assert_close(product, torch.eye(3, dtype=torch.float64).expand(3, 3, 3))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="pred and target must both be"):
        freihand.score(hands(), hands(points=20))
    with pytest.raises(ValueError, match="vertices of both sides"):
        freihand.score(hands(), hands(), hands())
    with pytest.raises(ValueError, match="true vertices must be"):
        freihand.score(hands(), hands(), hands(), hands(2))
