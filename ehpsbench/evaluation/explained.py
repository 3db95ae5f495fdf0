"""A protocol in words."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from ehpsbench.evaluation.protocol import Protocol

HEAD = ("name", "task", "version", "title", "about", "source", "dataset", "split", "unit")
HEAD_END = ("primary", "better")


def explained(rules: Protocol) -> list[tuple[str, str]]:
    """(what, in words) of everything that a protocol fixes, the prose left to its own fields.

    Each choice stands with the field's description; nested rules are named `rows.kids`.
    """
    known = {*HEAD, *HEAD_END}
    return [
        line
        for name in type(rules).model_fields
        if name not in known
        for line in _lines(name, getattr(rules, name), _description(rules, name))
    ]


def _description(rules: BaseModel, name: str) -> str:
    return type(rules).model_fields[name].description or ""


def _lines(name: str, value: Any, description: str) -> list[tuple[str, str]]:
    if isinstance(value, BaseModel):
        return [
            line
            for inner in type(value).model_fields
            for line in _lines(f"{name}.{inner}", getattr(value, inner), _description(value, inner))
        ]
    if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        return [(f"{name}.{_title(item)}", _sentence(item)) for item in value]
    words = f"{_words(value)}  ({description})" if description else _words(value)
    return [(name, words)]


def _title(item: BaseModel) -> str:
    return str(getattr(item, "name", type(item).__name__))


def _sentence(item: BaseModel) -> str:
    said = {n: getattr(item, n) for n in type(item).model_fields if n != "name"}
    return ", ".join(f"{n} {_words(v)}" for n, v in said.items() if v is not None)


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
