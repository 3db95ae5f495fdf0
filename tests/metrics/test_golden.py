"""Errors of bodies against all that the field's own evaluators returned for the same meshes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.metrics import mpjpe, pa_mpjpe, pa_pve, pve
from ehpsbench.metrics.hand_mean import hand_mean

GOLDEN = Path(__file__).parent / "golden"
PELVIS, NECK, WRIST = 0, 12, {"left": 20, "right": 21}
PERSONS, EQUAL = "ehps_mesh_eval.persons12", "ehps_mesh_eval.degenerate_identical"
H36M_EVALUATED = [1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16]
SMPLEST = "SMPLest-X.HumanDataset.evaluate"
HANDS = {"left": "l_hand", "right": "r_hand"}
FLOAT32_MM = 5e-3


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


def joints_of(arrays: dict[str, np.ndarray], regressor: str) -> tuple[torch.Tensor, torch.Tensor]:
    pred, true = (regressed(arrays, regressor, mesh) for mesh in meshes(arrays))
    return pred, true


def rooted(pred: torch.Tensor, true: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"pred_root": pred, "target_root": true}


def body_mpjpe_of(arrays: dict[str, np.ndarray]) -> torch.Tensor:
    """J14 relative to the pelvis of the mesh's own regressor, as SMPLest-X takes it."""
    pelvis = [joints[:, PELVIS] for joints in joints_of(arrays, "J_regressor")]
    return mpjpe.score(*joints_of(arrays, "j14_regressor"), **rooted(*pelvis))


def hand_errors(arrays: dict[str, np.ndarray], side: str, first: int) -> dict[str, torch.Tensor]:
    """(B,) errors of one hand; `first` 1 leaves its wrist out of the joints."""
    pred, true = (joints[:, first:] for joints in joints_of(arrays, f"hand_{side}"))
    return {
        "mpvpe": pve_of(arrays, f"{side}_hand", WRIST[side]),
        "pa_mpvpe": pa_pve_of(arrays, f"{side}_hand"),
        "pa_mpjpe": pa_mpjpe.score(pred, true),
    }


def all_errors(
    arrays: dict[str, np.ndarray], *, first: int = 0, flagged: bool = False
) -> dict[str, torch.Tensor]:
    """Every error that OSX, SMPLer-X and SMPLest-X print, NaN for hands that do not count."""
    found = {
        "mpvpe_all": pve_of(arrays, "all", PELVIS),
        "mpvpe_face": pve_of(arrays, "face", NECK),
        "pa_mpvpe_all": pa_pve_of(arrays, "all"),
        "pa_mpvpe_face": pa_pve_of(arrays, "face"),
        "pa_mpjpe_body": pa_mpjpe.score(*joints_of(arrays, "j14_regressor")),
        "mpjpe_body": body_mpjpe_of(arrays),
    }
    for side, short in HANDS.items():
        counts = torch.from_numpy(arrays[f"{short[0]}hand_valid"]) > 0
        for name, values in hand_errors(arrays, side, first).items():
            kept = torch.where(counts, values, torch.nan) if flagged else values
            found[f"{name}_{short}"] = kept
    for name in ("mpvpe", "pa_mpvpe", "pa_mpjpe"):
        left, right = (found[f"{name}_{short}"] for short in HANDS.values())
        found[f"{name}_hand"] = hand_mean(left, right)
    return found


def agree(found: torch.Tensor, expected: Any, atol: float = 1e-9) -> None:
    """Peers leave people without a value out of their lists."""
    np.testing.assert_allclose(found[~found.isnan()], expected, rtol=1e-9, atol=atol)


@pytest.mark.parametrize(
    ("name", "peer"),
    [
        (PERSONS, "SMPLer-X.HumanDataset.evaluate"),
        (PERSONS, "OSX.EHF.evaluate"),
        (EQUAL, "SMPLer-X.HumanDataset.evaluate"),
    ],
)
def test_every_error_of_smplerx_and_osx_is_ours(name: str, peer: str) -> None:
    arrays, peers = case(name)
    errors = all_errors(arrays)
    for error, expected in peers[peer]["output"].items():
        agree(errors[error], expected)


@pytest.mark.parametrize("name", [PERSONS, EQUAL])
def test_every_error_of_smplestx_is_ours_with_its_flags_and_20_joints(name: str) -> None:
    arrays, peers = case(name)
    errors = all_errors(arrays, first=1, flagged=True) | uncentred_hands(arrays)
    for error, expected in peers[SMPLEST]["output"].items():
        agree(errors[error], expected)


def uncentred_hands(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """A bug of SMPLest-X: hands of the truth stay where they stand in the camera.

    The prediction is moved by the wrist of the mesh's regressor, on the pelvis-aligned mesh.
    """
    found = {}
    for side, short in HANDS.items():
        pred, true = (joints[:, 1:] for joints in joints_of(arrays, f"hand_{side}"))
        wrist = joints_of(arrays, f"hand_{side}")[0][:, 0]
        counts = torch.from_numpy(arrays[f"{short[0]}hand_valid"]) > 0
        errors = mpjpe.score(pred, true, pred_root=wrist)
        found[f"mpjpe_{short}"] = torch.where(counts, errors, torch.nan)
    return found | {"mpjpe_hand": hand_mean(*found.values())}


@pytest.mark.parametrize("name", [PERSONS, EQUAL])
def test_hands_centred_on_both_wrists_do_not_have_the_3_metres_of_smplestx(name: str) -> None:
    arrays, peers = case(name)
    pred, true = joints_of(arrays, "hand_left")
    ours = mpjpe.score(pred[:, 1:], true[:, 1:], **rooted(pred[:, 0], true[:, 0]))
    theirs = peers[SMPLEST]["output"]["mpjpe_l_hand"]
    assert min(theirs) > 2500
    assert ours.max() < (100 if name == PERSONS else 1e-9)


def test_12_persons_have_the_means_that_the_protocol_page_prints() -> None:
    means = {n: round(v.mean().item(), 2) for n, v in all_errors(case(PERSONS)[0]).items()}
    printed = {
        "mpvpe_all": 119.15,
        "mpvpe_hand": 40.08,
        "mpvpe_face": 40.26,
        "pa_mpvpe_all": 35.84,
        "pa_mpvpe_hand": 17.52,
        "pa_mpvpe_face": 18.22,
        "pa_mpjpe_body": 30.65,
        "pa_mpjpe_hand": 10.64,
    }
    assert {name: means[name] for name in printed} == printed


@pytest.mark.parametrize("peer", ["SMPLer-X.Human36M.evaluate", "OSX.Human36M.evaluate"])
def test_human36m_joints_are_scored_as_smplerx_and_osx_score_them(peer: str) -> None:
    arrays, peers = case(PERSONS)
    true = torch.from_numpy(arrays["h36m_joint_cam_mm"]) / 1000
    pred = regressed(arrays, "h36m_regressor", meshes(arrays)[0])
    roots = rooted(pred[:, 0], true[:, 0])
    pred, true = pred[:, H36M_EVALUATED], true[:, H36M_EVALUATED]
    found = {"mpjpe": mpjpe.score(pred, true, **roots), "pa_mpjpe": pa_mpjpe.score(pred, true)}
    for error, expected in peers[peer]["output"].items():
        agree(found[error], expected)


@pytest.mark.parametrize("name", [PERSONS, EQUAL])
def test_every_pooled_number_of_mmhuman3d_is_the_mean_of_ours_without_its_alignment(
    name: str,
) -> None:
    arrays, peers = case(name)
    j14 = joints_of(arrays, "j14_regressor")
    hips = [joints[:, 2:4].mean(1) for joints in j14]
    ours = {"pa-mpjpe|J14": pa_mpjpe.score(*j14), "mpjpe|J14": mpjpe.score(*j14, **rooted(*hips))}
    for part, ids in (("", "all"), *((f"{s}_hand", f"{s}_hand") for s in HANDS), ("face", "face")):
        ours[f"pa-pve|{part}"] = pa_pve_of(arrays, ids)
        chosen = slice(None) if ids == "all" else torch.from_numpy(arrays[f"{ids}_idx"])
        ours[f"pve|{part}"] = pve.score(*(mesh[:, chosen] for mesh in meshes(arrays)))
    for key, found in peers["mmhuman3d.HumanImageSMPLXDataset(EHF)"]["output"].items():
        of_joints = FLOAT32_MM if "J14" in key else 1e-9  # regressed in float32 there
        agree(ours[key].mean(), found["output"], of_joints)


def test_no_peer_is_passed_over() -> None:
    tested = {
        SMPLEST,
        "SMPLer-X.HumanDataset.evaluate",
        "mmhuman3d.HumanImageSMPLXDataset(EHF)",
    }
    assert set(case(EQUAL)[1]) == tested
    human36m = {"SMPLer-X.Human36M.evaluate", "OSX.Human36M.evaluate"}
    assert set(case(PERSONS)[1]) == tested | human36m | {"OSX.EHF.evaluate"}
