"""Joint sets, roots, the way to SMPL's mesh and dropped hands, each computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.forward import forward
from ehpsbench.body.model import BodyModel
from ehpsbench.body.posed import posed_vertices, smpl_joints
from ehpsbench.body.sources import OpenSource
from ehpsbench.errors import BodyMismatch
from ehpsbench.evaluation.mesh.landmarks import body_landmarks
from ehpsbench.evaluation.mesh.points import H36M_EVALUATED, LSP_FROM_SMPL
from ehpsbench.metrics import pa_mpjpe
from ehpsbench.metrics.body_measurements import measurements

Make = Callable[..., Any]
People = tuple[dict[str, Any], dict[str, Any]]  # truth and predictions
MICROMETRE = 1e-3  # mm: what float32 meshes four metres away allow


@dataclass(frozen=True)
class Turned(OpenSource):
    """The open body whose SMPL mesh lists its vertices the other way round."""

    def model(self, family: str, gender: str) -> BodyModel:
        found = super().model(family, gender)
        if family != "smpl":
            return found
        return replace(
            found,
            v_template=found.v_template[::-1].copy(),
            shapedirs=found.shapedirs[::-1].copy(),
            expression_dirs=found.expression_dirs[::-1].copy(),
            joint_regressor=found.joint_regressor[:, ::-1].copy(),
            weights=found.weights[::-1].copy(),
            faces=found.num_vertices - 1 - found.faces,
        )

    def regressor(self, name: str) -> np.ndarray:
        found = super().regressor(name)
        return found[:, ::-1].copy() if name.startswith("smpl/") else found

    def smplx_to_smpl(self) -> np.ndarray:
        return np.eye(super().model("smpl", "neutral").num_vertices, dtype=np.float32)[::-1]


def mean_mm(difference: np.ndarray) -> np.ndarray:
    return np.linalg.norm(difference, axis=-1).mean(1) * 1000


@pytest.fixture(scope="module")
def smpl_people(make_people: Make, repeat_truth: Make) -> People:
    truth = make_people(4, family="smpl")
    truth["gender"][:] = ["female", "male", "male", "neutral"]
    truth["smpl_hand_pose"] = np.full((4, 6), 0.3)
    said = repeat_truth(truth)
    said["body_pose"] += 0.05
    return truth, said


def test_h36m14_is_centred_between_the_hips_of_its_own_regressor(
    bodies: BodySet,
    smpl_people: People,
    rules_of: Make,
    scored: Make,
    pred_mesh: Make,
) -> None:
    truth, said = smpl_people
    found = scored(truth, said, rules_of("pw3d-h36m14"), bodies)
    true = bodies.regressor("smpl/h36m") @ np.stack(posed_vertices(truth, bodies))
    pred = bodies.regressor("h36m") @ pred_mesh(said, bodies)
    hips = [(x[:, 1] + x[:, 4]) / 2 for x in (pred, true)]
    places = [1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16]
    difference = (pred - hips[0][:, None]) - (true - hips[1][:, None])
    np.testing.assert_allclose(found["mpjpe"], mean_mm(difference[:, places]), atol=MICROMETRE)
    assert list(H36M_EVALUATED) == places
    tensors = [torch.from_numpy(x[:, places]) for x in (pred, true)]
    np.testing.assert_allclose(found["pa_mpjpe"], pa_mpjpe.score(*tensors), atol=MICROMETRE)


def test_human36ms_root_is_joint_0_of_the_17(
    bodies: BodySet,
    smpl_people: People,
    rules_of: Make,
    scored: Make,
    pred_mesh: Make,
) -> None:
    truth, said = smpl_people
    column = {"name": "mpjpe", "metric": "mpjpe", "points": "h36m14", "root": "first_joint"}
    found = scored(truth, said, rules_of("pw3d-h36m14", errors=[column]), bodies)
    true = bodies.regressor("smpl/h36m") @ np.stack(posed_vertices(truth, bodies))
    pred = bodies.regressor("h36m") @ pred_mesh(said, bodies)
    difference = ((pred - pred[:, :1]) - (true - true[:, :1]))[:, list(H36M_EVALUATED)]
    np.testing.assert_allclose(found["mpjpe"], mean_mm(difference), atol=MICROMETRE)


def test_the_challenge_compares_the_posed_joints_of_the_gendered_model(
    bodies: BodySet,
    smpl_people: People,
    rules_of: Make,
    scored: Make,
    pred_mesh: Make,
) -> None:
    truth, said = smpl_people
    found = scored(truth, said, rules_of("pw3d-challenge24"), bodies)
    true = smpl_joints(truth, bodies)
    pred = bodies.model("smpl").joint_regressor @ pred_mesh(said, bodies)
    assert true.shape == pred.shape == (4, 24, 3)
    difference = (pred - pred[:, :1]) - (true - true[:, :1])
    np.testing.assert_allclose(found["mpjpe"], mean_mm(difference), atol=MICROMETRE)
    tensors = torch.from_numpy(pred), torch.from_numpy(true)
    np.testing.assert_allclose(found["pa_mpjpe"], pa_mpjpe.score(*tensors), atol=MICROMETRE)


def test_smpls_own_joints_are_those_of_its_forward_pass_and_none_of_other_families(
    bodies: BodySet, smpl_people: People, make_people: Make
) -> None:
    truth, _ = smpl_people
    names = ("global_orient", "body_pose", "smpl_hand_pose", "betas", "transl")
    row = {name: truth[name][1:2] for name in names}
    row["betas"] = row["betas"][:, :10]
    expected = forward(bodies.model("smpl", "male"), **row, dtype=torch.float64).joints
    np.testing.assert_allclose(smpl_joints(truth, bodies)[1], expected[0])
    assert np.isnan(smpl_joints(make_people(2), bodies)).all()


def test_smplestx_centres_on_smplxs_pelvis_and_compares_on_smpls_mesh(
    bodies: BodySet,
    smpl_people: People,
    rules_of: Make,
    scored: Make,
    pred_mesh: Make,
) -> None:
    truth, said = smpl_people
    found = scored(truth, said, rules_of("pw3d-smplestx"), bodies)
    true, pred = np.stack(posed_vertices(truth, bodies)), pred_mesh(said, bodies)
    smpl, smplx = (bodies.model(family).joint_regressor for family in ("smpl", "smplx"))
    moved = pred - (smplx[0] @ pred)[:, None] + (smpl[0] @ true)[:, None]
    np.testing.assert_allclose(found["pve"], mean_mm(moved - true), atol=MICROMETRE)
    places = list(LSP_FROM_SMPL)
    difference = (smpl @ moved - smpl @ true)[:, places]
    np.testing.assert_allclose(found["mpjpe"], mean_mm(difference), atol=MICROMETRE)


@pytest.mark.parametrize("benchmark", ["pw3d-smplestx", "pw3d-challenge24", "pw3d-h36m14"])
def test_another_order_of_smpls_vertices_changes_nothing(
    bodies: BodySet,
    smpl_people: People,
    rules_of: Make,
    scored: Make,
    benchmark: str,
) -> None:
    rules = rules_of(benchmark)
    straight = scored(*smpl_people, rules, bodies)
    turned = scored(*smpl_people, rules, BodySet(Turned("small")))
    for name, values in straight.items():
        np.testing.assert_allclose(turned[name], values, atol=MICROMETRE, err_msg=name)


def test_without_the_way_to_smpls_mesh_its_vertices_cannot_be_compared(
    bodies: BodySet,
    smpl_people: People,
    rules_of: Make,
    all_errors: Make,
) -> None:
    column = {"name": "mpjpe", "metric": "pve", "points": "vertices", "root": "pelvis"}
    rules = rules_of("pw3d-test", errors=[column])
    with pytest.raises(BodyMismatch, match="or prediction_mesh = 'smpl'"):
        all_errors(*smpl_people, rules, bodies)


def test_j14_between_the_hips_and_vertices_in_the_camera_are_mmhuman3ds(
    bodies: BodySet,
    make_people: Make,
    repeat_truth: Make,
    rules_of: Make,
    scored: Make,
    pred_mesh: Make,
) -> None:
    truth = make_people(3)
    said = repeat_truth(truth)
    said["body_pose"] += 0.05
    said["transl"] += [0.0, 0.0, 0.2]
    columns = [
        {"name": "pve", "metric": "pve", "points": "vertices", "root": "camera"},
        {"name": "mpjpe", "metric": "mpjpe", "points": "j14", "root": "hip_midpoint"},
    ]
    found = scored(truth, said, rules_of("agora-val", errors=columns), bodies)
    true, pred = np.stack(posed_vertices(truth, bodies)), pred_mesh(said, bodies)
    np.testing.assert_allclose(found["pve"], mean_mm(pred - true), atol=2e-3)
    assert found["pve"].min() > 150
    j14 = [bodies.regressor("j14") @ mesh for mesh in (pred, true)]
    centred = [x - x[:, 2:4].mean(1, keepdims=True) for x in j14]
    np.testing.assert_allclose(found["mpjpe"], mean_mm(centred[0] - centred[1]), atol=MICROMETRE)


def hands(bodies: BodySet, make_people: Make, repeat_truth: Make) -> tuple[Any, Any]:
    truth = make_people(4)
    said = repeat_truth(truth)
    rng = np.random.default_rng(1)
    for name in ("left_hand_pose", "right_hand_pose"):
        said[name] = said[name] + 0.4 * rng.normal(size=said[name].shape)
    return truth, said


def test_fingers_are_hand_joints_without_the_wrist(
    bodies: BodySet, make_people: Make, repeat_truth: Make, rules_of: Make, scored: Make
) -> None:
    columns = [
        {"name": name, "metric": metric, "points": points, "root": root}
        for metric, root in (("mpjpe", "wrist"), ("pa_mpjpe", "none"))
        for name, points in ((f"{metric}_21", "hand_joints"), (f"{metric}_20", "finger_joints"))
    ]
    rules = rules_of("ehf-smplestx-compat", errors=columns, primary="mpjpe_20")
    found = scored(*hands(bodies, make_people, repeat_truth), rules, bodies)
    # the wrist has no error of its own in the mean of 21
    np.testing.assert_allclose(found["mpjpe_21"] * 21, found["mpjpe_20"] * 20, rtol=1e-6)
    assert (np.abs(found["pa_mpjpe_21"] - found["pa_mpjpe_20"]) > 0.01).any()


def test_a_dropped_hand_takes_the_mean_with_it_and_a_left_one_the_right_one_too(
    bodies: BodySet, make_people: Make, repeat_truth: Make, rules_of: Make, scored: Make
) -> None:
    people = hands(bodies, make_people, repeat_truth)
    column = {"name": "h", "metric": "pa_mpjpe", "points": "finger_joints", "root": "none"}
    whole = scored(*people, rules_of("ehf", errors=[column], primary="h"), bodies)
    limit = float(np.median([whole["h_left"], whole["h_right"]]))
    dropping = column | {"drop_hands_above_mm": limit}
    found = scored(*people, rules_of("ehf", errors=[dropping], primary="h"), bodies)
    left, right = whole["h_left"] > limit, whole["h_right"] > limit
    assert left.any()
    assert (right & ~left).any()
    assert np.isnan(found["h_left"]).tolist() == left.tolist()
    assert np.isnan(found["h_right"]).tolist() == (left | right).tolist()
    assert np.isnan(found["h"]).tolist() == (left | right).tolist()


@pytest.mark.parametrize("gender", ["neutral", "female", "male"])
def test_the_open_body_is_measured_where_a_tape_would_be(bodies: BodySet, gender: str) -> None:
    model = bodies.model("smplx", gender)
    mesh = torch.from_numpy(model.v_template)[None]
    faces = torch.from_numpy(model.faces.astype(np.int64))
    found = measurements(mesh, faces, body_landmarks(bodies))
    size = {name: value.item() for name, value in found.items()}
    assert 1.55 < size["height"] < 1.85
    assert 0.75 < size["waist"] < 0.95
    assert size["waist"] < size["hips"] < 1.1
    assert size["waist"] < size["chest"] < 1.1
    assert 50 < size["mass"] < 80
    assert body_landmarks(bodies, "smpl") == body_landmarks(bodies)
