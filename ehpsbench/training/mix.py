"""Which row of which dataset comes next: a pure function of the position in the run.

Every dataset's rows come in one fresh permutation after the other, so that each is seen once before
any is seen twice and a long dataset is walked through to its end.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ehpsbench.definitions import Definition, read_definition

Strategy = Literal["balanced", "weighted", "concat"]
Rows = NDArray[np.intp]
_BLOCK = 1024  # draws that are shuffled together, at least
_PARTS = 1 << 20  # shares are counted in millionths, so that quotas are exact integers


class Mix(Definition):
    """Datasets that are trained on together; `select` writes one, `train` reads it."""

    name: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$",
        max_length=120,
        description="of the cells; default: the parts and the strategy",
    )
    about: str = ""
    parts: tuple[str, ...] = Field(min_length=1, description="datasets of the store")
    strategy: Strategy = Field(
        default="balanced", description="equal shares, `weights`, or as many as there are rows"
    )
    weights: tuple[Annotated[float, Field(gt=0)], ...] | None = Field(
        default=None, description="of each part, when weighted; any scale"
    )
    splits: dict[str, tuple[str, ...]] = Field(
        default={}, description="of a part; default: those called train…"
    )

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        if isinstance(given, dict) and "name" not in given and given.get("parts"):
            strategy = given.get("strategy", "balanced")
            name = "+".join(map(str, given["parts"]))
            plain = strategy == "balanced" or len(given["parts"]) == 1
            return {**given, "name": name if plain else f"{name}-{strategy}"}
        return given

    @model_validator(mode="after")
    def _fits(self) -> Mix:
        if len(set(self.parts)) < len(self.parts):
            raise ValueError(f"a part is named twice in {list(self.parts)}")
        if unknown := sorted(set(self.splits) - set(self.parts)):
            raise ValueError(f"splits of {unknown[0]}, which is no part")
        if (self.strategy == "weighted") != (self.weights is not None):
            raise ValueError("weights belong to the strategy weighted, and it needs them")
        if self.weights is not None:
            if len(self.weights) != len(self.parts):
                raise ValueError(f"{len(self.weights)} weights for {len(self.parts)} parts")
            if min(self.weights) < sum(self.weights) / _PARTS:
                raise ValueError("a weight is less than a millionth of all")
        return self


def read_mix(path: Path) -> Mix:
    """The mix in a TOML file.

    Raises:
        InputError: the file is broken, or a field is missing, unknown or out of range.
    """
    return read_definition(Mix, path, "mix")


def draws(
    mix: Mix, sizes: Sequence[int], stream: Sequence[int], start: int, count: int
) -> tuple[Rows, Rows]:
    """The draws `start` to `start + count` of a run.

    Balanced: each part once in every round of as many draws as there are parts. Concat: each row
    of all parts once an epoch. Weighted: shares by `weights`, off by less than a block's length.

    Args:
        mix: the parts and how they are mixed.
        sizes: rows of each part.
        stream: seeds of everything random here.
        start: first draw.
        count: how many.

    Returns:
        Which part (count,), and which of its rows (count,).
    """
    if len(sizes) != len(mix.parts) or min(sizes) < 1:
        raise ValueError(f"{len(mix.parts)} parts with rows are needed, sizes are {list(sizes)}")
    which, nth = np.zeros(count, np.intp), np.arange(start, start + count)
    if len(sizes) > 1:
        which, nth = _which(mix, sizes, stream, start, count)
    row = np.empty(count, np.intp)
    for part in np.unique(which):
        here = which == part
        own = [*stream, int(part) + 1] if len(sizes) > 1 else [*stream]
        row[here] = _walk(own, sizes[part], nth[here], 2 * sum(sizes))
    return which, row


def _walk(stream: list[int], size: int, nth: Rows, room: int) -> Rows:
    """Rows of a part's ascending `nth` draws: one permutation of it an epoch."""
    out = np.empty(len(nth), np.intp)
    epochs, places = np.divmod(nth, size)
    for epoch in np.unique(epochs):
        key = ("rows", *stream, int(epoch), size)
        # 64 bits are shuffled, so that the order does not depend on how it is kept.
        shuffled = _memo(key, room, partial(_permutation, stream, int(epoch), size))
        here = epochs == epoch
        out[here] = shuffled[places[here]]
    return out


def _which(
    mix: Mix, sizes: Sequence[int], stream: Sequence[int], start: int, count: int
) -> tuple[Rows, Rows]:
    """The part of each draw, and how many draws that part had before."""
    shares, length = _shares(mix, sizes)
    which, nth = [], []
    while count > 0:
        block, first = divmod(start, length)
        key = ("parts", mix.strategy, *stream, block, *shares)
        make = partial(_shuffled, mix.strategy, shares, length, stream, block)
        labels, ranks = _memo(key, 16 * length, make)
        before = _drawn(shares, length * block)
        taken = slice(first, min(first + count, length))
        which.append(labels[taken].astype(np.intp))
        nth.append(before[which[-1]] + ranks[taken])
        start, count = start + len(which[-1]), count - len(which[-1])
    return np.concatenate(which), np.concatenate(nth)


def _shares(mix: Mix, sizes: Sequence[int]) -> tuple[list[int], int]:
    """Integer shares of the parts, and the length of a block, in which each has a draw or more."""
    if mix.strategy == "concat":
        return list(sizes), sum(sizes)
    if mix.weights is None:
        return [1] * len(sizes), len(sizes) * -(-_BLOCK // len(sizes))
    shares = [max(round(w / sum(mix.weights) * _PARTS), 1) for w in mix.weights]
    return shares, max(_BLOCK, -(-sum(shares) // min(shares)))


def _drawn(shares: list[int], start: int) -> Rows:
    """(P,) draws that each part has had at the start of a block: quotas that add up exactly."""
    ends = [sum(shares[: part + 1]) * start // sum(shares) for part in range(len(shares))]
    return np.asarray(ends, np.intp) - np.asarray([0, *ends[:-1]], np.intp)


def _shuffled(
    strategy: Strategy, shares: list[int], length: int, stream: Sequence[int], block: int
) -> NDArray[np.int64]:
    """(2, length) the part of each draw of a block, and its draws before in this block."""
    rng = _rng([*stream, 0], block)
    if strategy == "balanced":
        rounds = np.tile(np.arange(len(shares)), (length // len(shares), 1))
        labels = rng.permuted(rounds, axis=1).reshape(-1)
    else:
        counts = _drawn(shares, length * (block + 1)) - _drawn(shares, length * block)
        labels = rng.permutation(np.repeat(np.arange(len(shares)), counts))
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels, minlength=len(shares))
    ranks = np.empty(length, np.int64)
    ranks[order] = np.arange(length) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.stack([labels, ranks])


def _permutation(stream: list[int], epoch: int, size: int) -> NDArray[np.int64]:
    return _rng(stream, epoch).permutation(size)


def _rng(stream: Sequence[int], position: int) -> np.random.Generator:
    return np.random.default_rng([*stream, int(position)])


_kept: OrderedDict[tuple[Any, ...], NDArray[np.int64]] = OrderedDict()


def _memo(
    key: tuple[Any, ...], room: int, make: Callable[[], NDArray[np.int64]]
) -> NDArray[np.int64]:
    """The array of a key, made when not at hand; about `room` numbers of its kind are kept."""
    if key not in _kept:
        kind = [k for k in _kept if k[0] == key[0]]
        held = sum(_kept[k].size for k in kind)
        for old in kind:
            if held <= room:
                break
            held -= _kept.pop(old).size
        _kept[key] = make()
    _kept.move_to_end(key)
    return _kept[key]
