"""Trained weights that a trunk does not take: each says why, and changes nothing."""

import argparse

import pytest
import torch

from ehpsbench.errors import InputError, MissingFiles, RefusedPickle
from ehpsbench.training.models.weights import load_pretrained

DIM = 48


def with_a_third_block(state):
    more = {k.replace("blocks.1.", "blocks.2."): v for k, v in state.items() if "blocks.1." in k}
    return state | more


def without(state, name):
    return {k: v for k, v in state.items() if k != name}


@pytest.mark.parametrize(
    ("spoilt", "word"),
    [
        (lambda s: without(s, "blocks.1.mlp.fc2.bias"), "lacks 1 of the trunk's 33 tensors"),
        (lambda s: without(s, "blocks.1.attn.qkv.weight"), r"lacks 2 of .*attention.query.weight"),
        (lambda s: {f"{k}.x": v for k, v in s.items()}, "holds no ViT"),
        (lambda s: s | {f"ema.{k}": v for k, v in s.items()}, "holds 2 ViTs, below '', 'ema.'"),
        (lambda s: s | {"blocks.0.mlp.w12.weight": torch.zeros(2)}, "gated MLPs"),
        (with_a_third_block, "width 48 with 3 blocks; .* 48 and 2 blocks"),
        (lambda s: s | {"norm.weight": torch.zeros(47)}, r"norm.weight has shape \(47,\)"),
        (lambda s: s | {"pos_embed": torch.zeros(1, 12 + 3, DIM)}, "15 positions are no square"),
        (lambda s: s | {"norm.bias": torch.full((DIM,), torch.nan)}, "not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_nothing_is_changed(
    small_network, stored_weights, tmp_path, spoilt, word
):
    torch.save(spoilt(stored_weights("vitpose")), tmp_path / "w.pth")
    made = small_network("vitpose")
    before = {k: v.clone() for k, v in made.state_dict().items()}
    with pytest.raises(InputError, match=word):
        load_pretrained(made, tmp_path / "w.pth", "vitpose")
    assert all(torch.equal(v, before[k]) for k, v in made.state_dict().items())


def test_registers_that_the_trunk_has_no_place_for_are_refused(
    small_network, stored_weights, tmp_path
):
    torch.save(
        stored_weights("dinov2") | {"register_tokens": torch.zeros(1, 4, DIM)}, tmp_path / "w.pth"
    )
    with pytest.raises(InputError, match=r"4 register tokens.* trunk takes have 0"):
        load_pretrained(small_network("dinov2"), tmp_path / "w.pth", "dinov2")


def test_weights_of_another_family_than_the_recipes_are_refused(small_network, tmp_path):
    with pytest.raises(InputError, match=r'given as mae .* pretrained = "vitpose"'):
        load_pretrained(small_network("vitpose"), tmp_path / "w.pth", "mae")


def test_a_pickle_that_names_a_class_is_refused_by_its_name(
    small_network, stored_weights, tmp_path
):
    torch.save(
        {"model": stored_weights("mae"), "args": argparse.Namespace(lr=1)}, tmp_path / "w.pth"
    )
    with pytest.raises(RefusedPickle, match=r"argparse\.Namespace"):
        load_pretrained(small_network("mae"), tmp_path / "w.pth", "mae")


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_broken_file_and_a_missing_one_are_told_apart(small_network, tmp_path, name):
    with pytest.raises(MissingFiles, match="no file"):
        load_pretrained(small_network("mae"), tmp_path / name, "mae")
    (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(InputError, match=r"is no .*Get it again|holds more than"):
        load_pretrained(small_network("mae"), tmp_path / name, "mae")


@pytest.mark.parametrize(
    "content", [b"", b".", b"0" * 64, b"ehf images\n", b"\x80\x02a.", b"PK\x03\x04"]
)
def test_whatever_is_no_checkpoint_is_one_message(small_network, tmp_path, content):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"w\.pth (is no checkpoint of torch|holds more)") as error:
        load_pretrained(small_network("mae"), tmp_path / "w.pth", "mae")
    assert "\n" not in str(error.value)
