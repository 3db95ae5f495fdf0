"""Weights, and the states that a killed run goes on from: safetensors, each with a JSON beside it.

The tensors are written first, then the JSON with their checksum: a state exists once its JSON does.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ehpsbench.atomic import intact_json, read_json, replacing, write_json
from ehpsbench.errors import InputError, StoreError
from ehpsbench.training.cells import RECORD, WEIGHTS, Cell

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from ehpsbench.training.journal import Say

BEST = "best"
_KEPT = 2


def save_weights(path: Path, network: nn.Module, cell: Cell) -> None:
    """Write the network's weights; the metadata say which cell and body set they are of."""
    save_tensors(
        path, network.state_dict(), {"cell": cell.id, "hash": cell.hash, "body": cell.body_set}
    )


def load_weights(path: Path, network: nn.Module) -> None:
    """Fill the network with weights that `save_weights` wrote.

    Raises:
        InputError: the file is not there, broken, or of another network.
    """
    tensors = load_tensors(path)
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    if found != expected:
        wrong = sorted(n for n in expected | found if expected.get(n) != found.get(n))
        raise InputError(
            f"The weights {path} are of another network than the recipe's: {len(wrong)} arrays "
            f"differ, for example {wrong[0]} is {found.get(wrong[0], 'not there')}, expected "
            f"{expected.get(wrong[0], 'no such array')}."
        )
    network.load_state_dict(tensors)


def save_state(
    folder: Path, network: nn.Module, optimiser: Optimizer, cell: Cell, about: dict[str, Any]
) -> None:
    """Write all that the next step depends on, beside the seed; the last two states are kept.

    `about` must hold `samples_seen`; whatever else it holds comes back from `load_state`.
    """
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value for name, value in state.items()}
    path = folder / f"state-{about['samples_seen']}.safetensors"
    save_tensors(path, tensors, {"hash": cell.hash})
    written = {"hash": cell.hash, "checksum": _checksum(path), **about}
    write_json(path.with_suffix(".json"), written)
    for old in _states(folder)[_KEPT:]:
        _remove(old)


def load_state(folder: Path, network: nn.Module, optimiser: Optimizer, say: Say) -> dict[str, Any]:
    """Restore the newest whole state; the folder holds none of other cells, see `clear`.

    Returns:
        Its `about`; `{"samples_seen": 0}` where there is none.
    """
    for path in _states(folder):
        try:
            about = read_json(path, "It is not gone on from.") or {}
            tensors = _whole(path, about)
        except (InputError, KeyError, ValueError) as error:
            say(f"The state {path.stem} is broken and left out: {error}")
            continue
        _restore(tensors, network, optimiser)
        return about
    return {"samples_seen": 0}


def passed(folder: Path, end: int) -> bool:
    """True where a run is past `end`, so that it cannot go on to there."""
    return (folder / RECORD).is_file() or any(int(p.stem[6:]) > end for p in _states(folder))


def clear(folder: Path, cell: Cell | None = None) -> None:
    """Remove what a killed run, or one with other content, left in the folder.

    Args:
        folder: of the run.
        cell: keep what belongs to it; default: keep all but the states.
    """
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)
    for path in folder.glob("*.json"):
        kind = path.stem.partition("-")[0]
        stale = kind == "state" if cell is None else intact_json(path).get("hash") != cell.hash
        if kind in ("state", "at", BEST) and stale:
            _remove(path)
    for path in folder.glob("state-*.safetensors"):
        if not path.with_suffix(".json").is_file():
            path.unlink(missing_ok=True)
    record = folder / RECORD
    if cell is not None and not (
        intact_json(record).get("hash") == cell.hash and (folder / WEIGHTS).is_file()
    ):
        record.unlink(missing_ok=True)


def save_best(folder: Path, network: nn.Module, cell: Cell, seen: int, error: float | None) -> None:
    """Keep the weights if no earlier ones were better on the training set's own held-out rows."""
    path = folder / f"{BEST}.json"
    if error is None:
        return
    if intact_json(path).get("heldout_mpjpe_mm", math.inf) <= error:
        return
    path.unlink(missing_ok=True)
    save_weights(path.with_suffix(".safetensors"), network, cell)
    write_json(path, {"hash": cell.hash, "samples_seen": seen, "heldout_mpjpe_mm": error})


def _states(folder: Path) -> list[Path]:
    """The JSON files of the states, newest first."""
    found = [p for p in folder.glob("state-*.json") if p.stem[6:].isdigit()]
    return sorted(found, key=lambda p: int(p.stem[6:]), reverse=True)


def _remove(path: Path) -> None:
    """Remove a JSON file, then the tensors it speaks of."""
    path.unlink(missing_ok=True)
    path.with_suffix(".safetensors").unlink(missing_ok=True)


def _whole(path: Path, about: dict[str, Any]) -> dict[str, Tensor]:
    stored = path.with_suffix(".safetensors")
    if not stored.is_file() or _checksum(stored) != about["checksum"]:
        raise InputError(f"{stored.name} is not what was written.")
    return load_tensors(stored)


def _checksum(path: Path) -> int:
    """CRC-32 of a file: against broken disks, not against people, and fast for gigabytes."""
    found = 0
    with path.open("rb") as stream:
        while piece := stream.read(1 << 22):
            found = zlib.crc32(piece, found)
    return found


def _restore(tensors: dict[str, Tensor], network: nn.Module, optimiser: Optimizer) -> None:
    of_network = {k.removeprefix("network."): v for k, v in tensors.items() if k[0] == "n"}
    network.load_state_dict(of_network)
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            _, index, name = key.split(".")
            state.setdefault(int(index), {})[name] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def save_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, str]) -> None:
    """Write tensors in one step.

    Raises:
        StoreError: the disk is full, or the file cannot be written for another reason.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    own = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    try:
        with replacing(path) as temporary:
            save_file(own, temporary, about)
    except (OSError, SafetensorError) as error:
        raise StoreError(
            f"{path} cannot be written: {error}. Make room on the disk; the same command goes on "
            "from the state before."
        ) from error


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file.

    Raises:
        InputError: the file is not there or broken.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as stored:
            tensors: dict[str, torch.Tensor] = {k: stored.get_tensor(k) for k in stored.keys()}  # noqa: SIM118
            return tensors
    except (OSError, SafetensorError) as error:
        raise InputError(f"The checkpoint {path} cannot be read: {error}. Train again.") from error
