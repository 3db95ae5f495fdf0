"""Trained weights from a local file into a network's trunk, with a report of what went where."""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ehpsbench.errors import InputError, MissingFiles, RefusedPickle
from ehpsbench.training.models.key_map import Vit, joined, own_name, vit
from ehpsbench.training.models.network import Network
from ehpsbench.training.models.trunk import Trunk

# Under which of these a checkpoint keeps its tensors; the first that is there counts.
_NESTS = ("state_dict", "model", "teacher", "network", "module")


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file of trained weights.

    Attributes:
        path: the file.
        kind: the family that it is of.
        matched: names of the trunk's tensors that came from the file.
        changed: in words, what was interpolated, resized or folded on the way.
        left: the network's modules that stay as they started.
        unused: names in the file that nothing was taken from.
    """

    path: Path
    kind: str
    matched: tuple[str, ...]
    changed: tuple[str, ...]
    left: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        lines = [
            f"{self.path.name}: all {len(self.matched)} tensors of the trunk come from {self.kind}."
        ]
        if self.changed:
            lines.append(f"  changed: {'; '.join(self.changed)}")
        lines.append(f"  left as they start: {', '.join(self.left) or 'nothing'}")
        lines.append(f"  not used from the file: {_counted(self.unused)}")
        return "\n".join(lines)


def load_pretrained(network: Network, path: Path | str, kind: str) -> Report:
    """Fill the trunk of a network with trained weights; nothing is changed unless all of it fits.

    Args:
        network: made by a recipe with `pretrained = kind`.
        path: a .safetensors file, or a checkpoint that torch can read without running code.
        kind: "vitpose", "mae", "dinov2" or "dinov3".

    Returns:
        What matched, was changed, left and not used; `str` of it is a few lines.

    Raises:
        MissingFiles: there is no such file.
        RefusedPickle: it holds more than tensors and plain containers.
        InputError: it is broken, of another size or family, or lacks a part of the trunk.
    """
    path, trunk = Path(path), network.trunk
    if kind != trunk.family:
        raise InputError(
            f"{path.name} is given as {kind} weights, but the recipe's trunk is made for "
            f'pretrained = "{trunk.family}". Change one of the two.'
        )
    found = vit(_tensors(path), path.name)
    _check_size(trunk, found, path.name)
    changed: list[str] = []
    state = {
        own_name(name): value
        for name, value in joined(_fitted(trunk, found, changed, path.name)).items()
    }
    wanted = trunk.state_dict()
    lacking = sorted(set(wanted) - set(state) - {"periods"})
    if lacking:
        raise InputError(
            f"{path.name} lacks {len(lacking)} of the trunk's {len(wanted)} tensors, for example "
            f"{', '.join(lacking[:3])}: it is no whole {kind} backbone. Give one that is."
        )
    for name in sorted(wanted):
        if name in state and state[name].shape != wanted[name].shape:
            raise InputError(
                f"{path.name}: {name} has shape {tuple(state[name].shape)}, the trunk's has "
                f"{tuple(wanted[name].shape)}. Give the file of the recipe's size."
            )
    if not all(bool(value.isfinite().all()) for value in state.values()):
        raise InputError(f"{path.name} holds numbers that are not finite. Get the file again.")
    trunk.load_state_dict(state, strict=False)
    left = tuple(name for name in _modules(network) if name != "trunk")
    return Report(path, kind, tuple(sorted(state)), tuple(changed), left, found.unused)


def _modules(network: Network) -> list[str]:
    """What a network has at its top: parameters, then modules."""
    own = [name for name, _ in network.named_parameters(recurse=False)]
    return own + [name for name, _ in network.named_children()]


def _tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a file by its name."""
    if not path.is_file():
        raise MissingFiles(f"There is no file {path}. Give a local file of trained weights.")
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path} is no safetensors file: {error}. Get it again.") from error
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        raise RefusedPickle(
            f"{path} holds more than tensors ({named[1] if named else 'a pickle of another kind'})"
            "; nothing in it was run. Save its state dict alone, or as safetensors, and give that."
        ) from error
    except Exception as error:  # whatever torch trips over in a file that is none of its own
        words = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise InputError(f"{path} is no checkpoint of torch: {words}. Get it again.") from error
    return _unnested(stored)


def _unnested(stored: Any) -> dict[str, Tensor]:
    """The tensors of a checkpoint, which may be kept a level deeper."""
    if not isinstance(stored, Mapping):
        return {}
    for nest in _NESTS:
        if isinstance(stored.get(nest), Mapping):
            return _unnested(stored[nest])
    return {str(name): value for name, value in stored.items() if isinstance(value, Tensor)}


def _check_size(trunk: Trunk, found: Vit, where: str) -> None:
    dim, depth = trunk.norm.normalized_shape[0], len(trunk.blocks)
    theirs = len(found.tensors["patch_embed.proj.weight"])
    if (theirs, found.depth) != (dim, depth):
        raise InputError(
            f"{where} holds a ViT of width {theirs} with {found.depth} blocks; the recipe's trunk "
            f"has width {dim} and {depth} blocks. Give the file of that size, or change [model]."
        )


def _fitted(trunk: Trunk, found: Vit, changed: list[str], where: str) -> dict[str, Tensor]:
    """Patches, positions, own tokens and rotary periods as the trunk holds them."""
    out = dict(found.tensors)
    learnt, token, registers, periods = (
        out.pop(name, None)
        for name in ("pos_embed", "cls_token", "register_tokens", "rope_embed.periods")
    )
    kernel = out["patch_embed.proj.weight"]
    if kernel.shape[-1] != trunk.patch:
        out["patch_embed.proj.weight"] = patch_kernel(kernel, trunk.patch)
        changed.append(f"patch kernel {kernel.shape[-1]} px → {trunk.patch} px")
    first = kernel.new_zeros(len(kernel))
    if trunk.position is not None and learnt is not None:
        first, out["position"] = _positions(trunk, learnt[0], changed, where)
        if trunk.prefix is None:
            # ViTPose has no class token, and adds its position to every patch.
            out["position"] = out["position"] + first
    if trunk.prefix is not None and token is not None:
        own = [token.reshape(1, 1, -1) + first]
        out["prefix"] = torch.cat(own if registers is None else [*own, registers], 1)
        _check_prefix(trunk.prefix, out["prefix"], where)
    if trunk.periods is not None and periods is not None:
        out["periods"] = periods
    elif trunk.periods is not None:
        changed.append("rotary periods from their formula: the file has none")
    return out


def _check_prefix(wanted: Tensor, found: Tensor, where: str) -> None:
    if found.shape != wanted.shape:
        raise InputError(
            f"{where} has {found.shape[1] - 1} register tokens, weights of this family that the "
            f"trunk takes have {wanted.shape[1] - 1}. Give the file with as many."
        )


def _positions(
    trunk: Trunk, learnt: Tensor, changed: list[str], where: str
) -> tuple[Tensor, Tensor]:
    """(N, D) learnt positions → (D,) of the class token and (1, P, D) of our patches."""
    for count in (len(learnt) - 1, len(learnt)):
        grid = _grid(count, trunk.grid)
        if grid is not None:
            break
    else:
        raise InputError(
            f"{where}: {len(learnt)} positions are no square grid, no 4:3 one and not the trunk's "
            f"{trunk.grid[0]}×{trunk.grid[1]}, with or without a class token."
        )
    patches = learnt[len(learnt) - count :]
    first = learnt[0] if count < len(learnt) else learnt.new_zeros(learnt.shape[1])
    if grid != trunk.grid:
        patches = interpolated(patches, grid, trunk.grid)
        old, new = ("×".join(map(str, g)) for g in (grid, trunk.grid))
        changed.append(f"positions {old} → {new}, bicubic")
    if count < len(learnt):
        where_to = "the class token" if trunk.prefix is not None else "every patch's"
        changed.append(f"class position added to {where_to}")
    return first, patches[None]


def _grid(count: int, ours: tuple[int, int]) -> tuple[int, int] | None:
    """Rows and columns of so many patches: as ours, square, or 4:3 as people are cropped."""
    if count == math.prod(ours):
        return ours
    side, third = math.isqrt(count), math.isqrt(count // 12)
    if side * side == count and count:
        return side, side
    return (4 * third, 3 * third) if count and 12 * third * third == count else None


def interpolated(positions: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """(P, D) learnt positions of one grid as (Q, D) of another that covers the same image."""
    plane = positions.T.reshape(1, -1, *old)
    found = functional.interpolate(plane, new, mode="bicubic", align_corners=False)
    return found[0].flatten(1).T


def patch_kernel(kernel: Tensor, size: int) -> Tensor:
    """A patch embedding (D, 3, P, P) for patches of another size.

    What it says of a patch that was linearly enlarged to `size` is what it said of the patch
    (exact when `size` is larger; the nearest in least squares when it is smaller).

    Source:
        Beyer et al. 2023 (FlexiViT), section 3.4.
    """
    old = kernel.shape[-1]
    resize = functional.interpolate(
        torch.eye(old, dtype=torch.float64)[None], size, mode="linear", align_corners=False
    )[0]
    back: Tensor = torch.linalg.pinv(resize)
    return (back @ kernel.double() @ back.T).to(kernel.dtype)


def _counted(names: tuple[str, ...]) -> str:
    """Names by what they begin with, and how many there are."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.split(".")[0], []).append(name)
    said = [
        f"{first} ({len(all_)})" if len(all_) > 1 else all_[0] for first, all_ in groups.items()
    ]
    return ", ".join(said) or "nothing"
