"""The best datasets of a ranking as a mix that can be trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ehpsbench.errors import InputError
from ehpsbench.leaderboards.table import Standing, Standings, Value
from ehpsbench.training.mix import Mix, Strategy

By = Literal["mpe", "zero-shot"]


@dataclass(frozen=True, slots=True)
class Selection:
    """The first datasets of a ranking.

    Attributes:
        mix: of them, best first.
        tied_out: datasets left out that the ranking cannot tell from one that is in.
        unranked: datasets without a rank, which could not be chosen.
    """

    mix: Mix
    tied_out: tuple[str, ...]
    unranked: tuple[str, ...]


def select_top(
    found: Standings,
    top: int,
    *,
    by: By = "mpe",
    strategy: Strategy = "balanced",
    name: str | None = None,
    stopped: Mapping[str, int] | None = None,
) -> Selection:
    """The mix of a ranking's best datasets.

    Args:
        found: the ranking; its rows are datasets.
        top: how many.
        by: over all benchmarks, or the zero-shot reading, which leaves out those that a dataset's
            own data are in.
        strategy: of the mix; weighted is for a hand.
        stopped: datasets that halving stopped before the ranking, and at how many samples.
        name: of the mix; default: `top-<n>-of-<board>`, `top-<n>-zero-shot-of-<board>`.

    Raises:
        InputError: fewer datasets have a rank.
    """
    ranked = sorted(
        (row for row in found.rows if _value(row, by).rank is not None),
        key=lambda row: (_value(row, by).mean, row.name),
    )
    if not 1 <= top <= len(ranked):
        raise InputError(
            f"--top {top}: the ranking on {found.board['name']} holds {len(ranked)} datasets with "
            f"a rank; give a number between 1 and that.{_halved(stopped or {})}"
        )
    kind = "" if by == "mpe" else f"-{by}"
    chosen = [row.name for row in ranked[:top]]
    mix = Mix(
        name=name or f"top-{top}{kind}-of-{found.board['name']}",
        about=f"The best {top} of {len(ranked)} datasets on {found.board['title']}, by {by}.",
        parts=tuple(chosen),
        strategy=strategy,
    )
    left = tuple(row.name for row in found.rows if row not in ranked)
    return Selection(mix, tuple(_tied(found, chosen, [r.name for r in ranked[top:]])), left)


def mix_toml(mix: Mix) -> str:
    """The mix as TOML, as `train --mix-file` reads it."""
    lines = [f"name = {_text(mix.name)}", f"about = {_text(mix.about)}", "parts = ["]
    lines += [f"  {_text(part)}," for part in mix.parts]
    lines += ["]", f"strategy = {_text(mix.strategy)}"]
    if mix.weights is not None:
        lines.append(f"weights = {list(mix.weights)}")
    if mix.splits:
        lines.append("[splits]")
        for part, splits in mix.splits.items():
            lines.append(f"{_text(part)} = [{', '.join(map(_text, splits))}]")
    return "\n".join(lines) + "\n"


def _halved(stopped: Mapping[str, int]) -> str:
    if not stopped:
        return ""
    names = ", ".join(f"{name} at {samples:,} samples" for name, samples in stopped.items())
    return f" Halving left others out: {names}. A full sweep, without --halving, ranks them too."


def _value(row: Standing, by: By) -> Value:
    return row.mpe if by == "mpe" else row.zero_shot


def _tied(found: Standings, chosen: list[str], others: list[str]) -> list[str]:
    """Who of the others is in a tie group of one of the chosen."""
    groups = {found.row(name).tie_group for name in chosen} - {None}
    return [name for name in others if found.row(name).tie_group in groups]


def _text(value: str) -> str:
    """A TOML string: a name or a line, with nothing in it but what quotes need escaped."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{"".join(c if c.isprintable() else " " for c in escaped)}"'
