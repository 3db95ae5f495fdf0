"""Who in a store takes part in a board: seeds in groups, rungs left out, boards that choose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.entrants import NOT_KNOWN, entrants_in
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.schema import SCHEMA_VERSION
from ehpsbench.store import Store
from ehpsbench.training.cells import record_path

EHF = Board.of("one", "One", {"ehf": "pve"})


def cell(store: Store, name: str, *parts: str) -> None:
    """What a finished run, or a rung of it, and a result leave."""
    mix, recipe, _ = name.split("--")
    record = {"dataset": mix, "parts": parts, "recipe": recipe}
    path = record_path(store, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))
    result(store, name)


def result(store: Store, name: str, benchmark: str = "ehf") -> None:
    path = store.results / name / f"{benchmark}.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path)
    for name in ("agora", "ehf"):
        manifest = {"schema_version": SCHEMA_VERSION, "source_dataset": name, "splits": {}}
        manifest |= {"release_root": "", "body_set": None, "rejects": {}}
        made.manifest_path(name).parent.mkdir(parents=True)
        made.manifest_path(name).write_text(json.dumps(manifest))
    for name in ("agora--tiny--s0", "agora--tiny--s1", "agora--tiny--s1@48"):
        cell(made, name, "agora")
    cell(made, "both--tiny--s0", "agora", "ehf")
    result(made, "agora--mean-pose")
    result(made, "model")
    result(made, "elsewhere", "pw3d-test")
    return made


def test_seeds_are_one_group_and_rungs_and_other_boards_do_not_take_part(store: Store) -> None:
    assert entrants_in(store, EHF) == {
        "agora--tiny--s0": Entrant("agora"),
        "agora--tiny--s1": Entrant("agora"),
        "both--tiny--s0": Entrant("both", frozenset({"ehf"})),
        "agora--mean-pose": Entrant("agora--mean-pose", cell=False),
        "model": Entrant("model", cell=False, doubt=NOT_KNOWN),
    }


def test_a_second_recipe_is_named(store: Store) -> None:
    cell(store, "agora--large--s0", "agora")
    groups = {entrant.group for entrant in entrants_in(store, EHF).values()}
    assert {"agora (tiny)", "agora (large)", "both (tiny)"} <= groups


@pytest.mark.parametrize(
    ("takes", "names"),
    [
        ("single datasets", ["agora--tiny--s0", "agora--tiny--s1"]),
        ("mixes", ["both--tiny--s0"]),
    ],
)
def test_a_board_may_take_only_cells_of_one_dataset_or_of_several(
    store: Store, takes: str, names: list[str]
) -> None:
    assert list(entrants_in(store, EHF.model_copy(update={"takes": takes}))) == names
