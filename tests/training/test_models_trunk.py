"""The trunk: its published sizes, what it does to colours, and branches that are left out."""

import math

import pytest
import torch

from ehpsbench.training.models.attention import Block, Details, DropPath
from ehpsbench.training.models.families import FAMILIES
from ehpsbench.training.models.trunk import Trunk
from ehpsbench.training.recipe import recipe

PUBLISHED = recipe("foundation").model


@pytest.mark.parametrize(
    ("dim", "millions"), [(384, 21.7), (768, 85.8), (1024, 303.3), (1280, 630.9)]
)
def test_the_vits_of_vitpose_have_their_published_sizes(dim, millions):
    depth, heads = FAMILIES["vitpose"].sizes[dim]
    settings = PUBLISHED.model_copy(update={"dim": dim, "depth": depth, "heads": heads})
    with torch.device("meta"):
        trunk = Trunk(settings, 256, 192)
        image, extra = trunk(torch.rand(2, 3, 256, 192), torch.rand(2, 80, dim))
    assert sum(p.numel() for p in trunk.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)
    assert (image.shape, extra.shape) == ((2, 192, dim), (2, 80, dim))


@pytest.mark.parametrize("kind", FAMILIES)
def test_extra_tokens_come_back_in_their_order_whatever_tokens_the_family_has(kind):
    update = {"pretrained": kind, "dim": 16, "depth": 1, "heads": 2}
    trunk = Trunk(PUBLISHED.model_copy(update=update), 64, 48).eval()
    extra = torch.randn(1, 3, 16)
    with torch.no_grad():
        image, said = trunk(torch.rand(1, 3, 64, 48), extra)
        swapped = trunk(torch.rand(1, 3, 64, 48), extra.flip(1))[1]
    assert image.shape == (1, 12, 16)
    assert said.shape == (1, 3, 16)
    assert (swapped.flip(1) - said).abs().max() < (swapped - said).abs().max()


def test_imagenet_normalisation_takes_the_mean_colour_to_zero():
    trunk = Trunk(PUBLISHED.model_copy(update={"dim": 16, "depth": 1, "heads": 2}), 64, 48)
    seen = []
    trunk.stem.register_forward_hook(lambda _, ins, out: seen.append(ins[0]))
    colour = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    redder = colour + torch.tensor([0.229, 0, 0.225])[:, None, None]
    trunk(redder.expand(1, 3, 64, 48), torch.zeros(1, 0, 16))
    torch.testing.assert_close(seen[0][0, :, 5, 5], torch.tensor([1.0, 0.0, 1.0]))


def test_a_dropped_branch_leaves_a_row_as_it_was_and_the_others_make_up_for_it():
    torch.manual_seed(0)
    kept = DropPath(0.25)(torch.ones(4000, 1, 2))
    assert kept.unique().tolist() == pytest.approx([0, 4 / 3])
    assert kept.mean().item() == pytest.approx(1, abs=0.03)
    assert (kept[..., 0] == kept[..., 1]).all()


def test_nothing_is_dropped_when_a_network_is_asked_and_not_taught():
    block, x = Block(8, 2, 2, Details(drop_path=0.9)).eval(), torch.randn(16, 3, 8)
    torch.testing.assert_close(block(x), block(x))
    assert not torch.equal(block.train()(x), block(x))


def test_drop_path_grows_linearly_from_none_to_the_last_block():
    update = {"dim": 16, "depth": 5, "heads": 2, "drop_path": 0.4}
    trunk = Trunk(PUBLISHED.model_copy(update=update), 64, 48)
    rates = [block.drop_path.rate for block in trunk.blocks]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_rotary_angles_turn_patches_by_their_place_and_leave_tokens_alone():
    update = {"pretrained": "dinov3", "dim": 16, "depth": 1, "heads": 2}
    trunk = Trunk(PUBLISHED.model_copy(update=update), 64, 48)
    cos, sin = trunk._rotary(trunk.periods, 5 + 12)
    torch.testing.assert_close(cos[:5], torch.ones(5, 8))
    torch.testing.assert_close(sin[:5], torch.zeros(5, 8))
    # The first patch of 4 × 3 is at (−3/4, −2/3); its periods are 1 and 10.
    down, across = -3 / 4 * 2 * math.pi, -2 / 3 * 2 * math.pi
    expected = torch.tensor([down, down / 10, across, across / 10] * 2).cos()
    torch.testing.assert_close(cos[5], expected)
