"""Names of a ViT's tensors in other people's checkpoints → one spelling → the trunk's own names.

Understood: the names of timm, MAE, DINO and mmpose (`blocks.0.attn.qkv.weight`), and those of
transformers (`encoder.layer.0.attention.attention.query.weight`, in the spellings of its versions
4 and 5). What stands before them (`backbone.`, `vit.`, `module.`) is found by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from ehpsbench.errors import InputError

_ROOTS = (
    "patch_embed.proj.weight",
    "embeddings.patch_embeddings.projection.weight",
    "embeddings.patch_embeddings.weight",
)
_RENAMES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"^embeddings\.patch_embeddings\.(?:projection\.)?", "patch_embed.proj."),
        (r"^embeddings\.position_embeddings$", "pos_embed"),
        (r"^embeddings\.(cls_token|register_tokens)$", r"\1"),
        (r"^(?:storage_tokens|reg_token)$", "register_tokens"),
        (r"^(?:model\.)?(?:encoder\.)?layers?\.(\d+)\.", r"blocks.\1."),
        (r"^(?:last_norm|layernorm)\.", "norm."),
        (r"\.attention\.(?:attention\.)?(q|k|v)(?:uery|ey|alue|_proj)\.", r".attn.\1."),
        (r"\.attention\.(?:output\.dense|o_proj)\.", ".attn.proj."),
        (r"\.layernorm_before\.", ".norm1."),
        (r"\.layernorm_after\.", ".norm2."),
        (r"\.(?:intermediate\.dense|mlp\.up_proj)\.", ".mlp.fc1."),
        (r"\.(?:output\.dense|mlp\.down_proj)\.", ".mlp.fc2."),
        (r"\.layer_scale([12])\.lambda1$", r".ls\1.gamma"),
    )
)
_KNOWN = re.compile(
    r"(?:patch_embed\.proj|norm|blocks\.\d+\.(?:norm[12]|attn\.(?:qkv|[qkv]|proj)|mlp\.fc[12]))"
    r"\.(?:weight|bias)"
    r"|cls_token|pos_embed|register_tokens|rope_embed\.periods"
    r"|blocks\.\d+\.(?:ls[12]\.gamma|attn\.qkv\.bias_mask)"
)
_GATED = re.compile(r"\.mlp\.(?:w[123]|w12|gate_proj|weights_in)\.")
_OURS = (
    (".norm1.", ".norm."),
    (".norm2.", ".mlp_norm."),
    (".attn.q.", ".attention.query."),
    (".attn.kv.", ".attention.key_value."),
    (".attn.proj.", ".attention.out."),
    (".mlp.fc1.", ".mlp.0."),
    (".mlp.fc2.", ".mlp.2."),
    (".ls1.gamma", ".scale"),
    (".ls2.gamma", ".mlp_scale"),
    ("patch_embed.proj.", "stem."),
)


class Vit(NamedTuple):
    """A ViT found in a file.

    Attributes:
        tensors: by the names of timm, with `attn.q`, `attn.k`, `attn.v` apart.
        unused: names in the file that are not of it.
    """

    tensors: dict[str, Tensor]
    unused: tuple[str, ...]

    @property
    def depth(self) -> int:
        """How many blocks it has."""
        return len({name.split(".")[1] for name in self.tensors if name.startswith("blocks.")})


def vit(stored: Mapping[str, Tensor], where: str) -> Vit:
    """The one ViT among the tensors of a file.

    Raises:
        InputError: there is none, more than one, or one whose MLPs are gated.
    """
    before = _before(stored)
    if len(before) != 1:
        found = f"{len(before)} ViTs, below {', '.join(map(repr, before))}" if before else "no ViT"
        raise InputError(
            f"{where} holds {found}; expected the tensors of one, with {_ROOTS[0]} or "
            f"{_ROOTS[1]}. Its first names are {_some(stored)}. Give the file of the backbone."
        )
    renamed = {name: _renamed(name.removeprefix(before[0])) for name in stored}
    if any(_GATED.search(name) for name in renamed.values()):
        raise InputError(
            f"{where} holds a ViT with gated MLPs (SwiGLU), which the trunk has not. "
            "Give a size with plain MLPs: S, B or L."
        )
    ours = {
        name
        for name, new in renamed.items()
        if name.startswith(before[0]) and _KNOWN.fullmatch(new)
    }
    found_tensors = {renamed[name]: stored[name].float() for name in sorted(ours)}
    return Vit(_apart(found_tensors), tuple(name for name in stored if name not in ours))


def own_name(name: str) -> str:
    """A name of `Vit.tensors` as the trunk calls it."""
    for theirs, own in _OURS:
        name = name.replace(theirs, own)
    return name


def joined(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keys and values of each block under one name, `attn.kv`, as the trunk holds them."""
    out = {k: v for k, v in tensors.items() if ".attn.k." not in k and ".attn.v." not in k}
    for name, value in tensors.items():
        if ".attn.v." in name and (key := tensors.get(name.replace(".v.", ".k."))) is not None:
            out[name.replace(".v.", ".kv.")] = torch.cat([key, value])
    return out


def _before(stored: Iterable[str]) -> list[str]:
    """What stands before the names of each ViT in the file."""
    ends = [name.removesuffix(root) for name in stored for root in _ROOTS if name.endswith(root)]
    return sorted({end for end in ends if end == "" or end.endswith(".")})


def _renamed(name: str) -> str:
    for pattern, new in _RENAMES:
        name = pattern.sub(new, name)
    return name


def _apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Fused queries, keys and values apart; a key bias that is not there or masked is zero."""
    out = {name: value for name, value in tensors.items() if ".attn.qkv." not in name}
    for name, value in tensors.items():
        head, fused, kind = name.partition(".attn.qkv.")
        if not fused or kind == "bias_mask":
            continue
        mask = tensors.get(f"{head}.attn.qkv.bias_mask")
        if kind == "bias" and mask is not None:
            value = torch.where(mask == 0, 0, value)
        for part, piece in zip("qkv", value.chunk(3), strict=True):
            out[f"{head}.attn.{part}.{kind}"] = piece
    for name in [n for n in out if n.endswith(".attn.v.bias")]:
        out.setdefault(name.replace(".v.", ".k."), torch.zeros_like(out[name]))
    return out


def _some(names: Iterable[str]) -> str:
    first = list(names)[:3]
    return ", ".join(first) if first else "none"
