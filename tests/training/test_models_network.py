"""The network: shapes, rotations, where learning starts."""

import pytest
import torch

from ehpsbench.training.models.network import network
from ehpsbench.training.models.prediction import SPAN, Prediction, standing
from ehpsbench.training.models.trunk import Trunk
from ehpsbench.training.recipe import names, recipe
from ehpsbench.training.rotations import from_six, rotation_z, to_six, turn_to_axis


def orthonormal(matrices):
    eye = torch.eye(3).expand_as(matrices)
    torch.testing.assert_close(matrices @ matrices.transpose(-1, -2), eye, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(matrices), torch.ones(matrices.shape[:-2]))


def test_any_six_numbers_make_a_rotation_and_a_rotation_makes_itself():
    torch.manual_seed(0)
    matrices = from_six(torch.randn(500, 6))
    orthonormal(matrices)
    torch.testing.assert_close(from_six(to_six(matrices)), matrices)


def test_a_quarter_turn_about_z_takes_x_to_y():
    turned = rotation_z(torch.tensor([torch.pi / 2])) @ torch.tensor([1.0, 0, 0])
    torch.testing.assert_close(turned, torch.tensor([[0.0, 1, 0]]))


def test_the_shortest_turn_takes_a_ray_to_the_axis_without_roll():
    ray = torch.tensor([[0.3, -0.2, 1.0]])
    turn = turn_to_axis(ray)
    orthonormal(turn)
    torch.testing.assert_close(turn @ (ray / ray.norm())[0], torch.tensor([[0.0, 0, 1]]))
    across = torch.tensor([0.2, 0.3, 0.0])  # square to the ray and the axis: the axis of the turn
    torch.testing.assert_close((turn @ across)[0], across)


START_SPREAD = 1e-3  # standard deviation of the weights that answers begin with


def lengths_of_what_answers_are_made_of(made):
    """Filled when the network is asked: |x| of each input of a linear W x with such weights."""
    found = []

    def keep(_, inputs):
        found.append(float(inputs[0].norm(dim=-1).max()))

    for layer in made.modules():
        if isinstance(layer, torch.nn.Linear) and layer.weight.std() < 1.1 * START_SPREAD:
            layer.register_forward_pre_hook(keep)
    return found


SMALL = [n for n in names() if recipe(n).model.dim < 1000]


@pytest.mark.parametrize("name", SMALL)
def test_every_small_recipe_builds_a_network_that_starts_at_the_standing_pose(name):
    plan = recipe(name)
    torch.manual_seed(0)
    made = network(plan)
    lengths = lengths_of_what_answers_are_made_of(made)
    with torch.no_grad():
        said = made(torch.rand(2, 3, plan.input.height, plan.input.width))
    assert said.rotations.shape == (2, 55, 3, 3)
    assert said.hand_root.shape == (2, 2, 3, 3)
    assert [said.betas.shape[1], said.expression.shape[1], said.camera.shape[1]] == [10, 10, 3]
    orthonormal(said.rotations)
    start, spread = standing(), START_SPREAD * max(lengths)
    off = (said.rotations[0] - start[:55]).abs()
    assert off.square().mean().sqrt() < spread
    # What an answer is made of grows with the width of the trunk: only rank-b's may be further off.
    largest = 3.5 * spread if name == "rank-b" else min(3.5 * spread, 0.2)
    assert off.max() < largest < 0.26
    # SMPLer-X's wrists come through eight joints of its body, each a little off.
    through = 0.5 if plan.model.head == "smpler-x" else largest
    torch.testing.assert_close(said.hand_root[0], start[55:], atol=through, rtol=0)


def test_the_specialist_is_the_foundation_network_and_answers_in_the_same_shapes():
    plan = recipe("specialist")
    assert plan.model == recipe("foundation").model
    with torch.device("meta"):
        said = network(plan)(torch.rand(2, 3, plan.input.height, plan.input.width))
    assert said.rotations.shape == (2, 55, 3, 3)
    assert [said.betas.shape[1], said.expression.shape[1], said.camera.shape[1]] == [10, 10, 3]


def test_the_micro_network_asks_with_one_token_a_group():
    assert network(recipe("micro-cpu")).tokens.shape[1] == 7


def test_the_trunk_hands_extra_tokens_back_apart_from_the_patches():
    settings = recipe("micro-cpu").model
    image, extra = Trunk(settings, 64, 48)(torch.rand(2, 3, 64, 48), torch.zeros(2, 5, 96))
    assert image.shape == (2, 12, 96)
    assert extra.shape == (2, 5, 96)


def test_extra_tokens_and_patches_see_each_other():
    trunk = Trunk(recipe("micro-cpu").model, 64, 48)
    images, extra = torch.rand(1, 3, 64, 48), torch.randn(1, 1, 96)
    plain, moved = trunk(images, extra), trunk(images, extra + torch.randn(1, 1, 96))
    assert (plain[0] - moved[0]).abs().max() > 1e-3
    darker = trunk(images / 2, extra)
    assert (plain[1] - darker[1]).abs().max() > 1e-3


def test_a_crop_that_spans_two_metres_at_a_half_height_of_a_tenth_is_ten_metres_away():
    camera = torch.tensor([[0.0, 0.5, -0.5]])
    empty = torch.zeros(1)
    said = Prediction(empty, empty, empty, empty, camera)
    expected = torch.tensor([[0.5 * 0.75 * SPAN / 2, -0.5 * SPAN / 2, 10.0]])
    torch.testing.assert_close(said.pelvis(torch.tensor([0.1]), 0.75), expected)


def test_the_same_seed_makes_the_same_weights():
    made = []
    for _ in range(2):
        torch.manual_seed(7)
        made.append(network(recipe("micro-cpu")).state_dict())
    assert all(torch.equal(made[0][k], made[1][k]) for k in made[0])
