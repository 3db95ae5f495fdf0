"""Trained weights: the features of each family's ViT, written out anew here, come out of ours."""

import math

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from ehpsbench.training.models.key_map import vit
from ehpsbench.training.models.weights import interpolated, load_pretrained, patch_kernel

DIM, DEPTH, HEADS = 48, 2, 4
MEAN, DEVIATION = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]
FAMILIES = ("vitpose", "mae", "dinov2", "dinov3")


def reference(kind, state, images):
    """(B, P, D) features of such a state dict: a plain ViT with fused queries, keys and values."""
    grid = [n // 16 for n in images.shape[2:]]
    x = functional.conv2d(
        (images - MEAN) / DEVIATION,
        state["patch_embed.proj.weight"],
        state["patch_embed.proj.bias"],
        stride=16,
        padding=2 if kind == "vitpose" else 0,
    )
    x = x.flatten(2).mT
    if kind == "vitpose":
        x = x + state["pos_embed"][:, 1:] + state["pos_embed"][:, :1]
    else:
        own = torch.cat([state["cls_token"], state.get("storage_tokens", x[:1, :0])], 1)
        x = torch.cat([own.expand(len(x), -1, -1), x], 1)
        x = x + state.get("pos_embed", torch.zeros(1))
    eps = 1e-5 if kind == "dinov3" else 1e-6
    for block in range(DEPTH):
        part = {k.split(".", 2)[2]: v for k, v in state.items() if f"blocks.{block}." in k}
        x = x + attended(part, normed(x, part, "norm1", eps), grid) * part.get("ls1.gamma", 1)
        hidden = functional.gelu(linear(normed(x, part, "norm2", eps), part, "mlp.fc1"))
        x = x + linear(hidden, part, "mlp.fc2") * part.get("ls2.gamma", 1)
    return normed(x, state, "norm", eps)[:, -math.prod(grid) :]


def normed(x, state, name, eps):
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt()
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def linear(x, state, name):
    return x @ state[f"{name}.weight"].mT + state[f"{name}.bias"]


def attended(part, x, grid):
    count, tokens, _ = x.shape
    bias = part["attn.qkv.bias"] * part.get("attn.qkv.bias_mask", 1)
    whole = (x @ part["attn.qkv.weight"].mT + bias).reshape(count, tokens, 3, HEADS, -1)
    query, key, value = whole.permute(2, 0, 3, 1, 4)
    if "attn.qkv.bias_mask" in part:
        query, key = turned(query, grid), turned(key, grid)
    weight = (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1)
    return linear((weight @ value).transpose(1, 2).reshape(count, tokens, -1), part, "attn.proj")


def turned(x, grid):
    """DINOv3's rotary embedding of the patches, channel by channel, with the periods 1, 4, 20."""
    x = x.clone()
    places = [(i, j) for i in range(grid[0]) for j in range(grid[1])]
    for token, place in zip(range(-len(places), 0), places, strict=True):
        for channel in range(6):  # pairs (c, c + 6): three periods down, then three across
            along = 2 * (place[channel // 3] + 0.5) / grid[channel // 3] - 1
            angle = 2 * math.pi * along / (1.0, 4.0, 20.0)[channel % 3]
            first, second = x[:, :, token, channel].clone(), x[:, :, token, channel + 6].clone()
            x[:, :, token, channel] = first * math.cos(angle) - second * math.sin(angle)
            x[:, :, token, channel + 6] = second * math.cos(angle) + first * math.sin(angle)
    return x


def features(made, images):
    with torch.no_grad():
        return made.trunk.eval()(images, torch.zeros(len(images), 0, DIM))[0]


def nested(kind, state):
    """The file as the family's own code saves it, with something beside the backbone."""
    if kind == "vitpose":
        names = {
            k: f"backbone.{k.replace('norm.', 'last_norm.') if k[0] == 'n' else k}" for k in state
        }
        whole = {names[k]: v for k, v in state.items()} | {"keypoint_head.bias": torch.zeros(17)}
        return {"meta": {"epoch": 210}, "state_dict": whole}
    if kind == "mae":
        return {"model": state | {"decoder_blocks.0.attn.qkv.weight": torch.zeros(3, 3)}}
    return state | {"mask_token": torch.zeros(1, DIM)}


@pytest.mark.parametrize("kind", FAMILIES)
def test_features_are_those_of_the_familys_own_forward_pass(
    small_network, stored_weights, tmp_path, kind
):
    state = stored_weights(kind)
    torch.save(nested(kind, state), tmp_path / "weights.pth")
    made, images = small_network(kind), torch.rand(2, 3, 64, 48)
    report = load_pretrained(made, tmp_path / "weights.pth", kind)
    torch.testing.assert_close(
        features(made, images), reference(kind, state, images), atol=1e-5, rtol=1e-5
    )
    assert set(report.matched) == set(made.trunk.state_dict())
    assert len(report.unused) == 1
    assert report.left == ("tokens", "decoder_position", "decoder", "neck", "heads")


def in_transformers(name):
    """A name of timm in the spelling of transformers 4."""
    for old, new in (
        ("patch_embed.proj", "embeddings.patch_embeddings.projection"),
        ("pos_embed", "embeddings.position_embeddings"),
        ("cls_token", "embeddings.cls_token"),
        ("blocks.", "encoder.layer."),
        ("attn.proj", "attention.output.dense"),
        ("norm1", "layernorm_before"),
        ("norm2", "layernorm_after"),
        ("mlp.fc1", "intermediate.dense"),
        ("mlp.fc2", "output.dense"),
    ):
        name = name.replace(old, new)
    return "vit." + name.replace("norm.", "layernorm.") if name[:4] == "norm" else "vit." + name


def test_the_names_of_transformers_are_understood_in_a_safetensors_file(
    small_network, stored_weights, tmp_path
):
    state, said = stored_weights("mae"), {}
    for name, value in state.items():
        if ".qkv." in name:
            pieces = zip(("query", "key", "value"), value.chunk(3), strict=True)
            new = in_transformers(name)
            said |= {new.replace("attn.qkv", f"attention.attention.{n}"): p for n, p in pieces}
        else:
            said[in_transformers(name)] = value
    save_file({k: v.contiguous() for k, v in said.items()}, tmp_path / "mae.safetensors")
    made, images = small_network("mae"), torch.rand(1, 3, 64, 48)
    report = load_pretrained(made, tmp_path / "mae.safetensors", "mae")
    torch.testing.assert_close(
        features(made, images), reference("mae", state, images), atol=1e-5, rtol=1e-5
    )
    assert report.unused == ()


def test_positions_of_another_grid_are_interpolated_and_the_class_position_is_none_of_them(
    small_network, stored_weights, tmp_path
):
    state = stored_weights("mae", patches=49)
    down = torch.linspace(-0.5, 0.5, 8).unfold(0, 2, 1).mean(-1)  # centres of seven rows
    plane = torch.stack([down[:, None].expand(7, 7), down[None].expand(7, 7)], -1).reshape(49, 2)
    state["pos_embed"] = torch.full((1, 50, DIM), 9.0)
    state["pos_embed"][0, 1:, :2] = plane
    torch.save(state, tmp_path / "w.pth")
    made = small_network("mae", 64, 48)
    report = load_pretrained(made, tmp_path / "w.pth", "mae")
    found = made.trunk.position[0].detach()
    rows, columns = torch.tensor([-1.5, -0.5, 0.5, 1.5]) / 4, torch.tensor([-1.0, 0, 1]) / 3
    inner = found[3:9]  # away from the rim, where a ramp has to bend
    expected = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).reshape(12, 2)[3:9]
    torch.testing.assert_close(inner[:, :2], expected, atol=0.015, rtol=0)
    torch.testing.assert_close(made.trunk.prefix[0, 0], state["cls_token"][0, 0] + 9.0)
    assert "positions 7×7 → 4×3, bicubic" in str(report)


def test_a_position_that_is_the_same_everywhere_stays_so():
    torch.testing.assert_close(
        interpolated(torch.full((37 * 37, 2), 3.0), (37, 37), (16, 12)), torch.full((192, 2), 3.0)
    )


def test_a_patch_of_14_px_enlarged_to_16_says_what_it_said():
    torch.manual_seed(0)
    kernel, patch = torch.randn(5, 3, 14, 14), torch.randn(1, 3, 14, 14)
    larger = functional.interpolate(patch, 16, mode="bilinear", align_corners=False)
    said = (kernel * patch).sum((1, 2, 3))
    torch.testing.assert_close((patch_kernel(kernel, 16) * larger).sum((1, 2, 3)), said)


def test_patches_of_14_px_are_loaded_into_16_and_the_report_says_so(
    small_network, stored_weights, tmp_path
):
    torch.save(stored_weights("dinov2", patch=14), tmp_path / "w.pth")
    report = load_pretrained(small_network("dinov2"), tmp_path / "w.pth", "dinov2")
    assert report.changed[0] == "patch kernel 14 px → 16 px"


def test_a_report_is_a_few_lines(small_network, stored_weights, tmp_path):
    torch.save(nested("vitpose", stored_weights("vitpose")), tmp_path / "vitpose-s.pth")
    report = load_pretrained(small_network("vitpose"), tmp_path / "vitpose-s.pth", "vitpose")
    assert str(report).splitlines() == [
        "vitpose-s.pth: all 33 tensors of the trunk come from vitpose.",
        "  changed: class position added to every patch's",
        "  left as they start: tokens, decoder_position, decoder, neck, heads",
        "  not used from the file: keypoint_head.bias",
    ]


def test_gated_heads_beside_the_backbone_are_no_matter(stored_weights):
    found = vit(stored_weights("mae") | {"decoder.mlp.fc1.weight": torch.zeros(2)}, "w.pth")
    assert found.unused == ("decoder.mlp.fc1.weight",)
