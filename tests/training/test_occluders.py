"""Occluders: they cover what they say, come from their own draws, and leave the targets alone."""

from dataclasses import fields

import numpy as np
import torch

from ehpsbench.training.augment import Draws, batch
from ehpsbench.training.crops import CropSize
from ehpsbench.training.occluders import LARGEST, SMALLEST, Occluders
from ehpsbench.training.recipe import Augmentation, Input
from ehpsbench.training.targets import Targets, targets
from ehpsbench.training.views import views

SETTINGS = Input(height=64, width=48)


def drawn(share, count, seed=0):
    return Occluders.random(share, count, np.random.default_rng(seed))


def placed(middle, half, round_, noise=True):
    """One occluder."""
    found = drawn(1.0, 1)
    values = {"middle": [middle], "half": [half], "round": [round_], "noise": [noise]}
    changed = {name: torch.tensor(value) for name, value in values.items()}
    return Occluders(**{f.name: changed.get(f.name, getattr(found, f.name)) for f in fields(found)})


def test_a_box_covers_its_pixels_and_an_ellipse_pi_quarters_of_them():
    box = placed([0.5, 0.0], [0.25, 0.5], False).mask(64, 48)[0, 0]
    rows, columns = torch.where(box)
    assert (columns.min(), columns.max()) == (30, 41)  # 0.25 … 0.75 of ±1 across 48
    assert (rows.min(), rows.max()) == (16, 47)
    assert box.sum() == 12 * 32
    ellipse = placed([0.0, 0.0], [0.5, 0.5], True).mask(640, 480)
    assert abs(float(ellipse.float().mean()) - np.pi / 16) < 1e-3


def test_the_share_of_covered_rows_and_their_sizes_are_the_recipe_s():
    found = drawn(0.3, 4000)
    assert abs(float(found.present.float().mean()) - 0.3) < 0.03
    assert found.half.min() >= SMALLEST
    assert found.half.max() <= LARGEST
    assert abs(float(found.round.float().mean()) - 0.5) < 0.05
    assert not drawn(0.0, 50).present.any()


def test_noise_or_a_piece_of_the_crop_is_put_on_it_and_nothing_beside_it():
    images = torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    for noise in (True, False):
        one = placed([0.2, -0.1], [0.4, 0.3], True, noise)
        covered = one.over(images)
        inside = one.mask(64, 48).expand_as(images)
        assert torch.equal(covered[~inside], images[~inside])
        assert (covered[inside] != images[inside]).float().mean() > 0.9
        taken = torch.isin(covered[inside], images.flatten())
        assert taken.all() != noise


def test_a_part_of_the_batch_is_covered_as_it_is_in_the_whole_batch():
    images = torch.rand(6, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    found = drawn(1.0, 6)
    part = slice(2, 5)
    assert torch.equal(found[part].over(images[part]), found.over(images)[part])


def test_a_covered_batch_teaches_what_it_taught_and_other_draws_stay(bodies, people):
    columns = people(6)
    where = views(columns, 0.75, 1.2)
    made, size = targets(columns, where, bodies, None), CropSize.of(SETTINGS)
    crops = np.full((6, size.height, size.width, 3), 128, np.uint8)
    plain = Augmentation(scale=0.2, flip=0.5, rotation_deg=20, colour=0.1)
    covering = plain.model_copy(update={"occlude": 1.0})
    first, second = (
        batch(crops, made, Draws.random(how, 6, np.random.default_rng(1)), SETTINGS)
        for how in (plain, covering)
    )
    for f in fields(Targets):
        assert torch.equal(getattr(first, f.name), getattr(second, f.name)), f.name
    changed = (first.images != second.images).flatten(1).any(1)
    assert changed.sum() >= 2  # those of noise; upside down, a grey crop is a grey crop
