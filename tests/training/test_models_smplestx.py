"""SMPLest-X as published: its tokens, its size, its decoder, and what learns."""

import numpy as np
import pytest
import torch

from ehpsbench.training.augment import Draws, batch
from ehpsbench.training.crops import CropSize
from ehpsbench.training.estimate import skeleton
from ehpsbench.training.losses import losses, total
from ehpsbench.training.models.attention import HmrBlock
from ehpsbench.training.models.families import FAMILIES
from ehpsbench.training.models.network import network
from ehpsbench.training.models.smplestx import LAYOUT
from ehpsbench.training.recipe import recipe
from ehpsbench.training.targets import targets
from ehpsbench.training.views import views

FOUNDATION = recipe("foundation")
# As published, but small: one size of the trunk's and the decoder's layers.
TINY = FOUNDATION.model_copy(
    update={
        "input": recipe("micro-cpu").input,
        "model": FOUNDATION.model.model_copy(
            update={
                "pretrained": "none",
                "dim": 32,
                "depth": 2,
                "heads": 2,
                "drop_path": 0.0,
                "decoder_depth": 2,
                "decoder_heads": 2,
                "decoder_head_dim": 8,
                "head_dim": 16,
            }
        ),
    }
)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_80_task_tokens_in_the_published_order():
    assert list(LAYOUT["all"].values()) == [1, 21, 10, 1, 2, 30, 2, 1, 10, 1, 1]
    with torch.device("meta"):
        assert network(FOUNDATION).tokens.shape == (1, 80, 1280)


def test_the_foundation_network_has_687_million_parameters():
    with torch.device("meta"):
        made = network(FOUNDATION)
    # ViT-H by hand: 32 blocks, patches of 16 × 16 × 3, 192 positions, the last norm.
    block = 4 * 1280 * 1280 + 2 * 4 * 1280 * 1280 + 4 * 1280 + 5 * 1280 + 4 * 1280
    assert parameters(made.trunk) == 32 * block + (768 + 1) * 1280 + 192 * 1280 + 2 * 1280
    published_only = (80 + 1) * 1280 + (1024 * 6 + 6) + (512 * 6 + 6) + (512 * 3 + 3) + 1280
    assert parameters(made) == 687_107_425
    assert round((parameters(made) + published_only) / 1e6) == 687


def test_the_decoder_sees_80_tokens_and_192_patches_and_looks_at_the_patches_six_times():
    seen = []
    with torch.device("meta"):
        made = network(FOUNDATION)
        for block in made.decoder:
            block.register_forward_hook(lambda _, ins, out: seen.append([*ins, out]))
        made(torch.rand(1, 3, 256, 192))
    sizes = {tuple(x.shape for x in call) for call in seen}
    assert len(seen) == 6
    assert sizes == {((1, 272, 1280), (1, 192, 1280), (1, 272, 1280))}


def test_the_published_decoder_block_is_hmrs():
    torch.manual_seed(0)
    block = HmrBlock(24, 3, 5, 1)
    x, image = torch.randn(2, 7, 24), torch.randn(2, 11, 24)

    def attended(part, x, context):
        q = part.query(x).unflatten(-1, (3, 5))
        k, v = part.key_value(context).unflatten(-1, (2, 3, 5)).unbind(2)
        weight = torch.einsum("bqhd,bkhd->bhqk", q, k).div(5**0.5).softmax(-1)
        return part.out(torch.einsum("bhqk,bkhd->bqhd", weight, v).flatten(2))

    y = block.norm(x)
    y = x + attended(block.attention, y, y)
    y = y + attended(block.cross, block.cross_norm(y), image)
    y = y + block.mlp(block.mlp_norm(y))
    torch.testing.assert_close(block(x, image), y)
    assert block.attention.query.bias is None
    assert block.mlp[0].out_features == 24


@pytest.mark.parametrize("pretrained", list(FAMILIES))
def test_the_losses_reach_every_parameter(people, bodies, pretrained):
    model = TINY.model.model_copy(update={"pretrained": pretrained})
    torch.manual_seed(0)
    made = network(TINY.model_copy(update={"model": model}))
    size = CropSize.of(TINY.input)
    columns = people(3)
    aims = targets(columns, views(columns, 0.75, 1.2), bodies, None)
    pixels = np.random.default_rng(0).integers(0, 255, (3, size.height, size.width, 3), np.uint8)
    now = batch(pixels, aims, Draws.still(3), TINY.input)
    terms = losses(made(now.images), now, skeleton(bodies), 0.75)
    total(terms, FOUNDATION.loss).backward()
    still = [n for n, p in made.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert still == []


def test_the_four_tokens_without_an_answer_learn_because_the_others_look_at_them():
    torch.manual_seed(0)
    made = network(TINY)
    made(torch.rand(2, 3, 64, 48)).camera.square().sum().backward()
    unread = [65, 66, 67, 79]  # hand cameras, face root, face camera
    assert (made.tokens.grad[0, unread].abs().sum(1) > 0).all()
