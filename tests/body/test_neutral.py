"""The neutral shape fitted to another body is the least-squares one."""

import numpy as np
import pytest
import torch

from ehpsbench.body.forward import forward
from ehpsbench.body.neutral import fit_neutral, neutral_mesh
from ehpsbench.errors import BodyMismatch, InputError


def rest(model, betas, kid=None):
    """(N, V, 3) meshes at rest through the whole forward pass."""
    return forward(model, betas=betas, kid=kid, dtype=torch.float64).vertices.numpy()


def brute_force(labelled, neutral, betas, kid=None):
    """Each row alone, with its translation as three more unknowns, through `lstsq`."""
    unit = rest(neutral, np.vstack([np.zeros(10), np.eye(10)]))
    moves = [np.tile(axis, (len(unit[0]), 1)) for axis in np.eye(3)]
    basis = np.stack([*(unit[1:] - unit[0]), *moves], -1).reshape(-1, 13)
    found, residual = [], []
    for mesh in rest(labelled, betas, kid):
        solution = np.linalg.lstsq(basis, (mesh - unit[0]).ravel(), rcond=None)[0]
        left = (mesh - unit[0]).ravel() - basis @ solution
        found.append(solution[:10])
        residual.append(1000 * np.sqrt((left.reshape(-1, 3) ** 2).sum(1).mean()))
    return np.array(found), np.array(residual)


@pytest.mark.parametrize(
    ("family", "gender", "width"),
    [("smplx", "male", 10), ("smplx", "female", 16), ("smpl", "male", 10)],
)
def test_the_fit_is_the_brute_force_one(bodies, family, gender, width):
    labelled, neutral = bodies.model(family, gender), bodies.model("smplx", "neutral")
    betas = 2 * np.random.default_rng(0).standard_normal((3, width))
    expected = brute_force(labelled, neutral, betas)
    found = fit_neutral(labelled, neutral_mesh(bodies, family), betas)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-8)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-8)


def test_a_child_is_fitted_as_far_as_an_adult_model_goes(bodies):
    model = bodies.model("smplx", "female")
    betas, kid = np.zeros((2, 10)), np.array([0.3, 0.0])
    expected = brute_force(model, bodies.model("smplx", "neutral"), betas, kid)
    betas, residual = fit_neutral(model, bodies.model("smplx", "neutral"), betas, kid=kid)
    np.testing.assert_allclose(betas, expected[0], atol=1e-8)
    np.testing.assert_allclose(residual, expected[1], atol=1e-8)
    assert residual[0] > residual[1]


def test_a_neutral_label_comes_back_as_it_is(bodies):
    model = bodies.model("smplx", "neutral")
    betas = 4 * np.random.default_rng(1).standard_normal((5, 10))
    found, residual = fit_neutral(model, model, betas)
    np.testing.assert_allclose(found, betas, atol=1e-9)
    np.testing.assert_allclose(residual, 0, atol=1e-9)


def test_a_smpl_body_on_the_same_mesh_is_reached_exactly_with_betas_of_its_own(bodies):
    """The open body's SMPL view spans the same bodies by other directions."""
    betas = np.random.default_rng(2).standard_normal((5, 10))
    smpl, mesh = bodies.model("smpl", "neutral"), neutral_mesh(bodies, "smpl")
    found, residual = fit_neutral(smpl, mesh, betas)
    assert np.abs(found - betas).max() > 1
    np.testing.assert_allclose(residual, 0, atol=1e-3)
    off = rest(smpl, betas) - rest(bodies.model("smplx", "neutral"), found)
    np.testing.assert_allclose(off - off.mean(1, keepdims=True), 0, atol=1e-6)


class OtherMesh:
    """A body set whose SMPL mesh is every second vertex of its SMPL-X mesh, as weights."""

    def __init__(self, bodies):
        self.bodies = bodies

    def model(self, *role):
        return self.bodies.model(*role)

    def smplx_to_smpl(self):
        return np.eye(self.model("smplx", "neutral").num_vertices)[::2]


def test_the_neutral_body_is_brought_to_smpl_s_mesh_by_the_set_s_own_weights(bodies):
    found, whole = neutral_mesh(OtherMesh(bodies), "smpl"), neutral_mesh(bodies, "smplx")
    np.testing.assert_allclose(found.template, whole.template[::2])
    np.testing.assert_allclose(found.directions, whole.directions[::2])


def test_two_meshes_that_are_not_one_are_refused(bodies):
    hand = bodies.model("mano", "left")
    with pytest.raises(BodyMismatch, match="one mesh"):
        fit_neutral(hand, bodies.model("smplx", "neutral"), np.zeros((1, 10)))


def test_a_child_without_a_template_of_its_own_is_an_error(bodies):
    from dataclasses import replace

    model = replace(bodies.model("smplx", "male"), kid_direction=None)
    with pytest.raises(InputError, match="kid"):
        fit_neutral(model, bodies.model("smplx", "neutral"), np.zeros((1, 10)), kid=np.ones(1))
