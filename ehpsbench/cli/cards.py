"""How a dataset's card is shown: every field, and the tree of files that ingest expects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from ehpsbench.cli import console

__all__ = ["file_tree", "print_card"]

LISTS = ("overlaps", "errata", "doubts")
LAST = ("files", "citation", *LISTS)


def print_card(card: dict[str, Any]) -> None:
    """Write a card: a line per field, lists below them, the tree of files, the citation."""
    for key, value in card.items():
        if key not in LAST:
            _print_field(key, str(value) if key == "year" else value)
    for key in LISTS:
        if card[key]:
            console.out.print(key, style="bold")
            for item in card[key]:
                console.out.print(f"  - {_line(item)}", soft_wrap=True)
    console.out.print("files", style="bold")
    for line in file_tree(card["files"]):
        console.out.print(f"  {line}", soft_wrap=True)
    console.out.print("citation", style="bold")
    console.out.print(card["citation"].strip(), soft_wrap=True)


def file_tree(files: Sequence[dict[str, Any]]) -> list[str]:
    """The expected files as a tree, a line each.

    Args:
        files: `pattern`, `what`, `size`, `required` of each.
    """
    tree: dict[str, Any] = {}
    for file in files:
        *folders, name = file["pattern"].split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(f"{folder}/", {})
        place[name] = file
    return _branches(tree, "")


def _branches(tree: dict[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for name, inside in tree.items():
        if "pattern" not in inside:
            lines += [f"{indent}{name}", *_branches(inside, indent + "    ")]
            continue
        size = "" if inside["size"] == "unknown" else f", {inside['size']}"
        need = "" if inside["required"] else ", optional"
        need += f"; or {' or '.join(inside['instead'])}" if inside.get("instead") else ""
        lines.append(f"{indent}{name:<{max(44 - len(indent), 1)}} {inside['what']}{size}{need}")
    return lines


def _print_field(key: str, value: Any) -> None:
    name = Text(f"{key.replace('_', ' '):<16} ", "bold")
    if isinstance(value, dict):
        known = {k: v for k, v in value.items() if v not in (None, "")}
        value = "; ".join(f"{k.replace('_', ' ')}: {_words(v)}" for k, v in known.items())
    console.out.print(name + _words(value).strip(), soft_wrap=True)


def _line(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    note = f" ({item['note']})" if item["note"] else ""
    return f"{item['dataset']}: same {item['shares']}{note}"


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)
