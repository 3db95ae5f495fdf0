"""Weights, and the state that a killed run goes on from, as safetensors written in one step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ehpsbench.atomic import replacing
from ehpsbench.errors import InputError
from ehpsbench.training.cells import Cell
from ehpsbench.training.models.network import Network

if TYPE_CHECKING:
    from torch.optim import Optimizer


def save_weights(path: Path, network: Network, cell: Cell) -> None:
    """Write the network's weights; the metadata say which cell and body set they are of."""
    _save(path, network.state_dict(), {"cell": cell.id, "hash": cell.hash, "body": cell.body_set})


def load_weights(path: Path, network: Network) -> None:
    """Fill the network with weights that `save_weights` wrote.

    Raises:
        InputError: the file is not there, broken, or of another network.
    """
    network.load_state_dict(_load(path)[0])


def save_state(
    path: Path, network: Network, optimiser: Optimizer, cell: Cell, samples_seen: int
) -> None:
    """Write all that the next step depends on, beside the seed."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value for name, value in state.items()}
    _save(path, tensors, {"hash": cell.hash, "samples_seen": str(samples_seen)})


def load_state(path: Path, network: Network, optimiser: Optimizer, cell: Cell) -> int:
    """Restore a state of the same cell; returns the samples seen, 0 where there is none."""
    if not path.is_file():
        return 0
    tensors, about = _load(path)
    if about["hash"] != cell.hash:
        return 0
    of_network = {k.removeprefix("network."): v for k, v in tensors.items() if k[0] == "n"}
    network.load_state_dict(of_network)
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            _, index, name = key.split(".")
            state.setdefault(int(index), {})[name] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
    return int(about["samples_seen"])


def _save(path: Path, tensors: dict[str, Tensor], about: dict[str, str]) -> None:
    from safetensors.torch import save_file

    own = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with replacing(path) as temporary:
        save_file(own, temporary, about)


def _load(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as stored:
            tensors: dict[str, torch.Tensor] = {k: stored.get_tensor(k) for k in stored.keys()}  # noqa: SIM118
            return tensors, dict(stored.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise InputError(f"The checkpoint {path} cannot be read: {error}. Train again.") from error
