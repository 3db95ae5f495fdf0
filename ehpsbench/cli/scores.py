"""What `ehpsbench evaluate` prints of a result: its numbers, and why some have none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ehpsbench.evaluation.results import Result

NONE = "–"
HEAD = ("value", "95 %", "rows", "clusters")


def print_result(entry: str, result: Result, slices: bool) -> None:
    """Print notes, numbers, on demand slices, and who was not scored.

    Args:
        entry: who was scored.
        result: what of.
        slices: print the primary number of every part of the people too.
    """
    from ehpsbench.cli import console

    about = result.summary
    for note in about["notes"]:
        console.say(note)
    primary = f"{about['primary']} [{about['unit']}]"
    absent = {name: None for name in about["skipped"] if name not in about["numbers"]}
    title = f"{entry} on {about['benchmark']}: {primary}"
    _print_numbers(title, "number", about["numbers"] | absent)
    for line in reasons(about["skipped"]):
        console.out.print(line, soft_wrap=True)
    if slices:
        for name, parts in about["slices"].items():
            _print_numbers(f"{primary} by {name}", name, parts)
    hidden = {**about["left_out"], **about["removed_by_rule"]}
    if hidden:
        words = ", ".join(f"{why} {count:,}" for why, count in hidden.items())
        console.out.print(f"Not scored: {words}", soft_wrap=True)
    console.out.print(_scored(about), soft_wrap=True)


def reasons(skipped: Mapping[str, str]) -> list[str]:
    """A line for each reason why numbers are not defined."""
    names: dict[str, list[str]] = {}
    for name, why in skipped.items():
        names.setdefault(why, []).append(name)
    return [f"{NONE} {', '.join(those)}: {why}" for why, those in names.items()]


def digits(value: float) -> str:
    """Two decimals for millimetres and percent, four for shares and ratios."""
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.4f}"


def _print_numbers(title: str, what: str, numbers: Mapping[str, Any]) -> None:
    from ehpsbench.cli import console

    rows = [(name, *_cells(number)) for name, number in numbers.items()]
    console.print_table(title, (what, *HEAD), rows)


def _cells(number: Mapping[str, Any] | None) -> tuple[str, str, str, int | str]:
    """Value, interval, rows and clusters of a number; a dash for what it has not."""
    if number is None:
        return NONE, "", "0", 0
    value = NONE if number["value"] is None else digits(number["value"])
    return value, _interval(number), f"{number['count']:,}", number["clusters"]


def _interval(number: Mapping[str, Any]) -> str:
    known = number["low"] is not None and number["high"] is not None
    return f"{digits(number['low'])} to {digits(number['high'])}" if known else ""


def _scored(about: Mapping[str, Any]) -> str:
    there = about["scored"] - about["missing_predictions"]
    said = f"{there:,} of {about['scored']:,} scored"
    if about["task"] == "agora":
        said += f"; rows are these and the {about['images']:,} images, for false positives"
    return f"{said}; protocol {about['protocol_hash'][:12]}"
