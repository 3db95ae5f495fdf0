from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench import geometry
from ehpsbench.body.bodies import BodySet
from ehpsbench.body.forward import forward, rotation_matrices
from ehpsbench.errors import InputError


def _people(rng: np.random.Generator, count: int) -> dict[str, Any]:
    return {
        "betas": rng.standard_normal((count, 16)),
        "expression": rng.standard_normal((count, 10)),
        "global_orient": rng.standard_normal((count, 3)),
        "body_pose": 0.3 * rng.standard_normal((count, 63)),
        "left_hand_pose": 0.3 * rng.standard_normal((count, 45)),
        "jaw_pose": 0.1 * rng.standard_normal((count, 3)),
        "transl": rng.standard_normal((count, 3)),
        "kid": rng.choice([0.0, 0.7], count),
    }


def test_joints_alone_are_the_joints_of_the_full_pass(
    small: BodySet, rng: np.random.Generator
) -> None:
    given = _people(rng, 7)
    whole = forward(small.model("smplx"), **given, dtype=torch.float64)
    alone = forward(small.model("smplx"), **given, dtype=torch.float64, joints_only=True)
    assert alone.vertices is None
    torch.testing.assert_close(alone.joints, whole.joints, rtol=0, atol=1e-12)


def test_chunks_change_nothing(small: BodySet, rng: np.random.Generator) -> None:
    given = _people(rng, 7)
    given["template"] = small.model("smplx", "male").v_template + 0.01 * rng.random((7, 1504, 3))
    model = small.model("smplx")
    once = forward(model, **given, dtype=torch.float64)
    often = forward(model, **given, dtype=torch.float64, chunk=2)
    torch.testing.assert_close(often.vertices, once.vertices, rtol=0, atol=1e-12)
    torch.testing.assert_close(often.joints, once.joints, rtol=0, atol=1e-12)


def test_float32_is_good_to_a_hundredth_of_a_millimetre(
    small: BodySet, rng: np.random.Generator
) -> None:
    given = _people(rng, 20)
    exact = forward(small.model("smplx"), **given, dtype=torch.float64)
    quick = forward(small.model("smplx"), **given)
    assert float((quick.vertices - exact.vertices).abs().max()) < 1e-5


@pytest.mark.parametrize("family", ["smplx", "smpl"])
def test_global_orient_turns_the_body_about_its_rest_pelvis(
    family: str, small: BodySet, rng: np.random.Generator
) -> None:
    model, betas = small.model(family, "female"), rng.standard_normal((1, 10))
    turn = np.array([[0.3, 2.0, -1.0]])
    rest = forward(model, betas=betas, dtype=torch.float64)
    turned = forward(model, betas=betas, global_orient=turn, dtype=torch.float64)
    pelvis = model.rest_joints(betas)[0, 0]
    expected = (rest.vertices[0].numpy() - pelvis) @ geometry.rotation_matrix(turn[0]).T + pelvis
    np.testing.assert_allclose(turned.vertices[0], expected, rtol=0, atol=1e-7)


def test_bending_the_elbow_moves_the_wrist_on_a_circle_about_it(small: BodySet) -> None:
    model, pose = small.model("smplx"), np.zeros((1, 63))
    pose[0, 17 * 3 + 1] = -np.pi / 2  # left elbow is joint 18, the root is not in body_pose
    rest = model.rest_joints(np.zeros((1, 10)))[0]
    bent = forward(model, body_pose=pose, dtype=torch.float64).joints[0].numpy()
    x, y, z = rest[20] - rest[18]
    np.testing.assert_allclose(bent[20] - bent[18], [-z, y, x], atol=1e-12)
    assert bent[20, 2] > rest[20, 2] + 0.2  # the forearm points forward


def test_rotations_are_those_of_the_numpy_rodrigues(rng: np.random.Generator) -> None:
    vectors = rng.standard_normal((50, 3)) * np.logspace(-9, 0.5, 50)[:, None]
    ours = rotation_matrices(torch.tensor(vectors))[:, 0].numpy()
    np.testing.assert_allclose(ours, geometry.rotation_matrix(vectors), atol=1e-12)


def test_gradients_are_those_of_finite_differences(small: BodySet) -> None:
    model = small.model("smplx")

    def left_wrist(pose: torch.Tensor, betas: torch.Tensor) -> torch.Tensor:
        posed = forward(model, body_pose=pose, betas=betas, dtype=torch.float64, joints_only=True)
        return posed.joints[:, 20]

    pose = 0.2 * torch.ones(1, 63, dtype=torch.float64)
    betas = torch.ones(1, 10, dtype=torch.float64)
    assert torch.autograd.gradcheck(left_wrist, (pose.requires_grad_(), betas.requires_grad_()))


def test_the_gradient_at_rest_is_finite(small: BodySet) -> None:
    pose = torch.zeros(1, 63, requires_grad=True)
    forward(small.model("smplx"), body_pose=pose).vertices.square().sum().backward()
    assert bool(torch.isfinite(pose.grad).all())
    assert float(pose.grad.abs().max()) > 0


def test_ten_thousand_skeletons_fit_in_memory(small: BodySet, rng: np.random.Generator) -> None:
    given = _people(rng, 10_000)
    joints = forward(small.model("smplx"), **given, joints_only=True).joints
    assert joints.shape == (10_000, 55, 3)
    assert bool(torch.isfinite(joints).all())


def test_rest_joints_are_those_of_the_forward_pass(
    small: BodySet, rng: np.random.Generator
) -> None:
    model, betas, kid = small.model("smplx", "male"), rng.standard_normal((4, 16)), np.ones(4) / 2
    template = small.model("smplx", "female").v_template
    posed = forward(model, betas=betas, kid=kid, template=template, dtype=torch.float64)
    rest = model.rest_joints(betas, kid, template)
    np.testing.assert_allclose(rest, posed.joints, atol=1e-12)
    np.testing.assert_allclose(rest, model.joint_regressor @ posed.vertices.numpy(), atol=1e-4)


def test_a_template_takes_the_place_of_the_models_own_mesh(small: BodySet) -> None:
    template = small.model("smplx", "male").v_template
    body = forward(small.model("smplx", "female"), template=template, dtype=torch.float64)
    np.testing.assert_allclose(body.vertices[0], template, atol=1e-12)


def test_no_bodies_are_no_bodies(small: BodySet) -> None:
    posed = forward(small.model("smplx"), betas=np.zeros((0, 10)))
    assert posed.vertices.shape == (0, 1504, 3)
    assert posed.joints.shape == (0, 55, 3)


def test_numbers_of_bodies_that_differ_are_refused(small: BodySet) -> None:
    with pytest.raises(InputError, match=r"different numbers of bodies.*betas.*3.*transl.*2"):
        forward(small.model("smplx"), betas=np.zeros((3, 10)), transl=np.zeros((2, 3)))


def test_a_pose_of_the_wrong_width_is_refused(small: BodySet) -> None:
    with pytest.raises(InputError, match="body_pose should have 63 numbers a body and has 69"):
        forward(small.model("smpl"), body_pose=np.zeros((2, 69)))


def test_betas_that_the_model_lacks_are_refused_unless_zero(small: BodySet) -> None:
    betas = np.zeros((1, 16))
    forward(small.model("smpl"), betas=betas, joints_only=True)
    betas[0, 12] = 0.5
    with pytest.raises(InputError, match="has 10 shape directions"):
        forward(small.model("smpl"), betas=betas, joints_only=True)
