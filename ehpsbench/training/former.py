"""What a folder holds of another run of the same name: refused if finished, or replaced."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ehpsbench.atomic import canonical_json, intact_json
from ehpsbench.errors import InputError
from ehpsbench.training import cells

if TYPE_CHECKING:
    from ehpsbench.store import Store
    from ehpsbench.training.recipe import Recipe

_FIELDS = {
    "rows": ("parts", "splits", "data"),
    "mix": ("mix", "weights"),
    "weights it starts from": ("pretrained", "start"),
    "body set": ("body_set",),
    "version of the training code": ("code_version",),
}
_NAMED = 3  # settings of a recipe that a message names


def refuse_finished(store: Store, wanted: cells.Cell, recipe: Recipe) -> None:
    """Do not train over a finished run of other content: its weights and scores would be gone.

    Raises:
        InputError: there is one; says in what it differs.
    """
    if not cells.trained(store, wanted.id):
        return
    record = cells.record(store, wanted.id)
    if record["hash"] != wanted.hash:
        raise InputError(
            f"{wanted.id} is finished, with other content; not the same: "
            f"{', '.join(_differences(record, wanted, recipe))}. Rename the recipe to keep "
            "both, or train with --replace: the finished run and its scores are then removed."
        )


def forget_scores(store: Store, wanted: cells.Cell) -> None:
    """Remove predictions and results of the cell, and of its rungs, that are of other content."""
    for entry in _entries(store, wanted.id):
        if intact_json(cells.record_path(store, entry)).get("hash") != wanted.hash:
            for kind in (store.results, store.predictions):
                shutil.rmtree(kind / entry, ignore_errors=True)


def _entries(store: Store, cell: str) -> set[str]:
    """The cell and its rungs, where a ranking could find them."""
    folders = [path for kind in (store.results, store.predictions) for path in kind.glob("*")]
    return {path.name for path in folders if path.name.partition("@")[0] == cell}


def _differences(record: dict[str, Any], wanted: cells.Cell, recipe: Recipe) -> list[str]:
    """In words, what is not the same."""
    now = json.loads(canonical_json(asdict(wanted)))  # as the record holds it: lists, no tuples
    found = [
        words for words, names in _FIELDS.items() if any(record.get(n) != now[n] for n in names)
    ]
    if record.get("recipe_hash") != wanted.recipe_hash:
        before = _flat(record.get("recipe_content", {}))
        after = _flat(recipe.model_dump(mode="json", exclude={"about"}))
        changed = [name for name in after if before.get(name) != after[name]][:_NAMED]
        found.insert(0, f"recipe ({', '.join(changed)})" if changed else "recipe")
    return found or ["content hash"]


def _flat(content: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Settings by their dotted names."""
    out: dict[str, Any] = {}
    for name, value in content.items():
        inner = isinstance(value, dict)
        out |= _flat(value, f"{above}{name}.") if inner else {f"{above}{name}": value}
    return out
