"""Errors of predicted bodies: known beforehand, by what moved, and which points count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.forward import forward
from ehpsbench.body.posed import posed_vertices
from ehpsbench.errors import BodyMismatch
from ehpsbench.evaluation.mesh.points import LSP_FROM_SMPL
from ehpsbench.evaluation.mesh.scoring import errors
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.geometry import compose, project, rotation_matrix
from ehpsbench.schema import nullable

Make = Callable[..., Any]
AGORA, UBODY, PW3D = "agora-val@made@test", "ubody-intra-test@made@test", "pw3d-test@made@test"
MICROMETRE = 1e-3  # mm: what float32 meshes four metres away allow


def scored(
    truth: dict[str, Any], said: dict[str, Any], benchmark: str, bodies: BodySet, **options: Any
) -> dict[str, np.ndarray]:
    parameters = {n: v for n, v in said.items() if n != "instance_id"}
    return errors(truth, parameters, protocol(benchmark), bodies, **options).columns


def mesh_of(said: dict[str, Any], bodies: BodySet) -> np.ndarray:
    parameters = {n: v for n, v in said.items() if n != "instance_id"}
    vertices = forward(bodies.model("smplx"), **parameters, dtype=torch.float64).vertices
    assert vertices is not None
    return vertices.numpy()


def test_repeating_the_truth_has_no_error_in_any_column(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(5)
    found = scored(truth, repeat_truth(truth), AGORA, bodies)
    assert list(found)[:4] == ["pve", "pve_hands", "pve_hands_left", "pve_hands_right"]
    assert len(found) == 15
    assert all(np.abs(values).max() < MICROMETRE for values in found.values())


def test_where_a_person_stands_does_not_matter(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(3)
    said = repeat_truth(truth)
    said["transl"] += [1.0, -2.0, 3.0]
    assert np.abs(scored(truth, said, AGORA, bodies)["pve"]).max() < MICROMETRE
    del said["transl"]
    assert np.abs(scored(truth, said, AGORA, bodies)["pve"]).max() < MICROMETRE


def test_a_body_turned_by_30_degrees_has_the_pve_of_turning_its_mesh_about_the_pelvis(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(4)
    said = repeat_truth(truth)
    turn = rotation_matrix([0, np.pi / 6, 0])
    said["global_orient"] = compose(turn, said["global_orient"])
    found = scored(truth, said, AGORA, bodies)
    mesh = np.stack(posed_vertices(truth, bodies))
    pelvis = bodies.model("smplx").joint_regressor[0] @ mesh
    arms = mesh - pelvis[:, None]
    expected = np.linalg.norm(arms @ turn.T - arms, axis=-1).mean(1) * 1000
    np.testing.assert_allclose(found["pve"], expected, atol=2e-3)
    assert np.abs(found["pa_pve"]).max() < MICROMETRE
    assert found["pve"].min() > 50


def test_a_wrong_left_hand_is_an_error_of_that_hand_and_half_of_it_of_the_hands(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(3)
    said = repeat_truth(truth)
    said["left_hand_pose"] += 0.3
    found = scored(truth, said, AGORA, bodies)
    assert found["pve_hands_left"].min() > 5
    assert np.abs(found["pve_hands_right"]).max() < MICROMETRE
    np.testing.assert_allclose(found["pve_hands"], found["pve_hands_left"] / 2, atol=MICROMETRE)
    assert np.abs(found["pa_mpjpe"]).max() < 0.1
    assert found["pa_mpjpe_hands"].min() > 1


def test_a_hand_whose_flag_is_off_does_not_count(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(3)
    truth["right_hand_valid"][0] = False
    truth["left_hand_valid"][2] = truth["right_hand_valid"][2] = False
    truth["face_valid"] = nullable([True, True, True], [True, False, True])
    said = repeat_truth(truth)
    said["left_hand_pose"] += 0.3
    found = scored(truth, said, AGORA, bodies)
    assert np.isnan(found["pve_hands_right"]).tolist() == [True, False, True]
    assert found["pve_hands"][0] == found["pve_hands_left"][0]
    assert np.isnan(found["pve_hands"]).tolist() == [False, False, True]
    assert np.isnan(found["pve_face"]).tolist() == [False, True, False]
    assert np.isfinite(found["pve"]).all()


def test_ubody_averages_over_the_vertices_whose_truth_is_inside_the_image(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(3)
    truth["transl"][1] += [2.1, 0.0, 0.0]  # half of the body is past the right border
    truth["transl"][2] += [9.0, 0.0, 0.0]  # all of it
    said = repeat_truth(truth)
    said["body_pose"] += 0.1
    found = scored(truth, said, UBODY, bodies)
    true, pred = np.stack(posed_vertices(truth, bodies)), mesh_of(said, bodies)
    regressor = bodies.model("smplx").joint_regressor[0]
    moved = pred - (regressor @ pred)[:, None] + (regressor @ true)[:, None]
    distance = np.linalg.norm(moved - true, axis=-1) * 1000
    pixels = project(true, truth["focal"], truth["principal_point"])
    seen = ((pixels > 0) & (pixels < [640, 480])).all(-1)
    assert seen[0].all()
    assert 0.1 < seen[1].mean() < 0.9
    expected = [distance[i][seen[i]].mean() for i in range(2)]
    np.testing.assert_allclose(found["pve"][:2], expected, atol=2e-3)
    assert found["pve"][1] != pytest.approx(distance[1].mean(), abs=0.1)
    assert np.isnan([values[2] for values in found.values()]).all()


def test_ubody_fits_similarities_to_all_points_and_does_not_ask_the_flags_of_hands(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(1)
    truth["left_hand_valid"][:] = False
    truth["transl"][0] += [2.1, 0.0, 0.0]
    said = repeat_truth(truth)
    said["global_orient"] = compose(rotation_matrix([0, 0.5, 0]), said["global_orient"])
    found = scored(truth, said, UBODY, bodies)
    assert found["pa_pve"][0] < MICROMETRE
    assert np.isfinite(found["pve_hands_left"]).all() or np.isfinite(found["pve_hands_right"]).all()


def test_a_point_behind_the_camera_is_not_seen(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(1)
    truth["transl"][0] = [0.0, 0.0, -4.0]
    assert np.isnan(scored(truth, repeat_truth(truth), UBODY, bodies)["pve"]).all()


def test_3dpw_compares_14_kinematic_joints_of_two_models_each_centred_on_its_own_pelvis(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(3, family="smpl")
    truth["gender"][:] = ["female", "male", "male"]
    said = repeat_truth(truth)
    said["body_pose"] += 0.05
    found = scored(truth, said, PW3D, bodies)
    true = bodies.model("smpl").joint_regressor @ np.stack(posed_vertices(truth, bodies))
    pred = bodies.model("smplx").joint_regressor @ mesh_of(said, bodies)
    joints = list(LSP_FROM_SMPL)
    difference = (pred - pred[:, :1])[:, joints] - (true - true[:, :1])[:, joints]
    expected = np.linalg.norm(difference, axis=-1).mean(1) * 1000
    assert list(found) == ["mpjpe", "pa_mpjpe"]
    np.testing.assert_allclose(found["mpjpe"], expected, atol=2e-3)
    assert (found["pa_mpjpe"] < found["mpjpe"]).all()
    assert joints == [1, 2, 4, 5, 7, 8, 12, *range(15, 22)]


def test_a_gendered_truth_is_posed_with_its_own_model(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(2)
    truth["gender"][1] = "male"
    found = scored(truth, repeat_truth(truth), AGORA, bodies)
    assert found["pve"][0] < MICROMETRE
    assert found["pve"][1] > 1


def test_scoring_two_at_a_time_changes_nothing(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(5)
    said = repeat_truth(truth)
    said["body_pose"] += 0.1
    steps: list[tuple[int, int]] = []
    few = scored(truth, said, AGORA, bodies, chunk=2, progress=lambda *s: steps.append(s))
    many = scored(truth, said, AGORA, bodies)
    assert steps == [(2, 5), (4, 5), (5, 5)]
    for name, values in many.items():
        np.testing.assert_allclose(few[name], values, atol=MICROMETRE)


def test_labels_made_with_another_body_are_refused(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(2) | {"body_hash": np.array(["0123456789abcdef", None], object)}
    with pytest.raises(BodyMismatch, match="labels belong to the smplx/neutral body 0123456789ab"):
        scored(truth, repeat_truth(truth), AGORA, bodies)


def test_a_vertex_error_against_smpl_labels_is_refused(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(2, family="smpl")
    rules = protocol(AGORA)
    rules = rules.model_copy(
        update={"rows": rules.rows.model_copy(update={"source_model": "smpl"})}
    )
    said = {n: v for n, v in repeat_truth(truth).items() if n != "instance_id"}
    with pytest.raises(BodyMismatch, match="A vertex error needs equal topology"):
        errors(truth, said, rules, bodies)
