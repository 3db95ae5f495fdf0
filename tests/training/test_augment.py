"""Augmentation moves picture and targets together, and a mirrored body is the mirrored body."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from ehpsbench.training.augment import Batch, Draws, batch, mirror
from ehpsbench.training.crops import CropSize
from ehpsbench.training.estimate import skeleton
from ehpsbench.training.joints import MIRROR
from ehpsbench.training.recipe import Augmentation, Input
from ehpsbench.training.targets import targets
from ehpsbench.training.views import views

SETTINGS = Input(height=64, width=48)
STRONG = Augmentation(
    scale=0.25, shift=0.1, rotation_deg=30, rotation_probability=1, colour=0.2, flip=0.5
)


@pytest.fixture(scope="module")
def made(bodies, people):
    columns = people(6)
    where = views(columns, 0.75, 1.2)
    return targets(columns, where, bodies, None)


def crops_with_a_spot(made, joint):
    """Cached crops with a smooth spot where the joint is seen."""
    size = CropSize.of(SETTINGS)
    seen = (made.camera @ made.joints[:, joint, :, None])[..., 0]
    spot = seen[:, :2] / seen[:, 2:] / size.margin
    pixel = (spot + 1) / 2 * (size.width, size.height)
    y, x = np.mgrid[: size.height, : size.width] + 0.5
    square = (x - pixel[:, 0, None, None]) ** 2 + (y - pixel[:, 1, None, None]) ** 2
    light = 255 * np.exp(-square / (2 * 1.5**2))
    return np.repeat(light[..., None], 3, 3).astype(np.uint8)


def blank(made):
    size = CropSize.of(SETTINGS)
    return np.zeros((len(made), size.height, size.width, 3), np.uint8)


@pytest.mark.parametrize("joint", [0, 12, 4, 18])
def test_a_joint_lands_on_its_painted_spot_through_scale_shift_turn_and_mirror(made, joint):
    rng = np.random.default_rng(joint)
    draws = Draws.random(STRONG, len(made), rng)
    now = batch(crops_with_a_spot(made, joint), made, draws, SETTINGS)
    light = now.images.sum(1)
    y, x = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(48) + 0.5, indexing="ij")
    total = light.sum((1, 2))
    found = torch.stack([(light * x).sum((1, 2)), (light * y).sum((1, 2))], 1) / total[:, None]
    which = torch.where(draws.mirrored, int(MIRROR[joint]), joint)
    point = now.joints[torch.arange(len(made)), which]
    seen = (now.camera @ point[..., None])[..., 0]
    expected = (seen[:, :2] / seen[:, 2:] + 1) / 2 * torch.tensor([48.0, 64.0])
    pixels = (now.pixels[torch.arange(len(made)), which] + 1) / 2 * torch.tensor([48.0, 64.0])
    torch.testing.assert_close(pixels, expected, atol=1e-3, rtol=0)
    inside = ((expected > 6) & (expected < torch.tensor([42.0, 58.0]))).all(1)
    assert inside.any()
    assert draws.mirrored.any()
    torch.testing.assert_close(found[inside], expected[inside], atol=0.3, rtol=0)


def test_a_shifted_and_scaled_crop_is_as_far_off_as_one_that_was_cut_there(people, bodies):
    columns = people(6)
    where = views(columns, 0.75, 1.2)
    shift, scale = np.array([0.4, -0.2]), 1.2
    draws = replace(
        Draws.still(6),
        shift=torch.tensor(shift, dtype=torch.float32).expand(6, 2),
        scale=torch.full((6,), scale),
    )
    size = CropSize.of(SETTINGS)
    crops = np.zeros((6, size.height, size.width, 3), np.uint8)
    found = batch(crops, targets(columns, where, bodies, None), draws, SETTINGS)
    half = scale * where.half
    box = np.concatenate([where.centre + shift * where.half - half, 2 * half], 1)
    cut_there = views(columns | {"bbox": box}, 0.75, 1.0)
    assert (abs(cut_there.tangent / (scale * where.tangent) - 1) > 1e-3).any()
    np.testing.assert_allclose(found.tangent, cut_there.tangent, rtol=1e-4)


def test_no_draw_leaves_everything_as_it_was(made):
    now = batch(blank(made), made, Draws.still(len(made)), SETTINGS)
    for f in fields(made):
        torch.testing.assert_close(
            getattr(now, f.name), torch.from_numpy(getattr(made, f.name)), atol=1e-5, rtol=1e-5
        )


def test_a_turned_body_is_the_body_with_its_turned_rotations(made, bodies):
    now = batch(
        blank(made), made, Draws.random(STRONG, len(made), np.random.default_rng(1)), SETTINGS
    )
    assert_joints_follow_from_rotations(now, bodies)


def test_a_mirrored_body_is_the_mirror_image_of_the_body(made, bodies):
    plain = batch(blank(made), made, Draws.still(len(made)), SETTINGS)
    flipped = mirror(plain)
    assert_joints_follow_from_rotations(flipped, bodies)
    torch.testing.assert_close(
        flipped.joints[:, 20], plain.joints[:, 21] * torch.tensor([-1.0, 1, 1])
    )


def assert_joints_follow_from_rotations(now, bodies):
    joints = skeleton(bodies)(now.rotations, now.betas)
    off = (joints - joints[:, :1]) - (now.joints - now.joints[:, :1])
    body = off[:, [j for j in range(55) if j not in (22, 23, 24)]]  # expression moves the face
    assert body.abs().max() < 2e-4


def test_a_mirror_image_mirrored_is_the_original_but_teaches_no_expression(made):
    size = CropSize.of(SETTINGS)
    noise = np.random.default_rng(0).integers(0, 255, (len(made), size.height, size.width, 3))
    plain = batch(noise.astype(np.uint8), made, Draws.still(len(made)), SETTINGS)
    twice = mirror(mirror(plain))
    for f in fields(Batch):
        if f.name != "expression_known":
            assert torch.equal(getattr(twice, f.name), getattr(plain, f.name)), f.name
    assert plain.expression_known.all()
    assert not mirror(plain).expression_known.any()


def test_an_unlabelled_left_hand_is_an_unlabelled_right_hand_in_the_mirror(bodies, people):
    columns = people(2)
    columns["left_hand_valid"][:] = False
    made = targets(columns, views(columns, 0.75, 1.2), bodies, None)
    flipped = mirror(batch(blank(made), made, Draws.still(2), SETTINGS))
    assert not flipped.rotations_known[:, 40:].any()
    assert flipped.rotations_known[:, 25:40].all()
    assert flipped.hand_root_known.tolist() == [[True, False]] * 2


def test_draws_stay_within_the_recipe(made):
    draws = Draws.random(STRONG, 1000, np.random.default_rng(0))
    assert 0.75 <= draws.scale.min() < 0.8
    assert 1.2 < draws.scale.max() <= 1.25
    assert draws.angle.abs().max() <= np.radians(60) + 1e-6
    assert draws.shift.abs().max() <= 0.2
    assert 0.4 < draws.mirrored.float().mean() < 0.6
