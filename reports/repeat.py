"""The commands that make the numbers of a board again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from ehpsbench.atomic import read_json
from ehpsbench.leaderboards.board import names as boards
from ehpsbench.reports.given import REMEDY, Given

Command = tuple[str, ...]


def commands(given: Given) -> list[tuple[str, list[str]]]:
    """(what it does, command lines) in the order to run them; folders stand as words in capitals.

    Cells that share recipe, budget and seeds are one `rank-datasets`; a mix and a cell that started
    from other weights are a `train` each; what was not trained here is evaluated from its file.
    """
    read = [_ingest(manifest) for manifest in given.datasets]
    trained = [*_ranked(given), *_single(given)]
    entries = [e for row in given.standings.rows for e in row.entries]
    cells = {cell["id"] for cell in given.cells}
    board = _board(given)
    sent = [_sent(given, entry, board) for entry in entries if entry not in cells]
    report = [("ehpsbench", "report", "--board", board)]
    steps = (
        ("Read the releases", read),
        ("Train and score", trained),
        ("Score what was not trained here", sent),
        ("Write this page", report),
    )
    return [(title, [_line(one) for one in lines]) for title, lines in steps if lines]


def _board(given: Given) -> str:
    """Its name, or the file that it was given by."""
    name = str(given.standings.board["name"])
    return name if name in boards() else f"{name}.toml"


def _line(command: Command) -> str:
    return shlex.join(command)


def _ingest(manifest: Mapping[str, Any]) -> Command:
    source, name = manifest["source_dataset"], manifest["dataset"]
    command = ["ehpsbench", "ingest", source, "--root", f"RELEASE_OF_{name}"]
    command += ["--as", name] if name != source else []
    command += ["--layout", manifest["layout"]] if manifest.get("layout") != "owners" else []
    command += ["--limit", str(manifest["limit"])] if manifest.get("limit") else []
    return tuple(command + _bodies(manifest.get("body_set")))


def _sent(given: Given, entry: str, board: str) -> Command:
    """An entry that came as predictions, with what is known to have trained it."""
    path = None if given.store is None else given.store.results / entry / "entry.json"
    known = (None if path is None else read_json(path, REMEDY)) or {}
    trained = [flag for name in known.get("datasets", ()) for flag in ("--trained-on", name)]
    command = ["ehpsbench", "leaderboard", "add", entry, "--board", board]
    return (*command, *trained, "--predictions", "PREDICTIONS")


def _recipe(cell: Mapping[str, Any]) -> list[str]:
    """The flags of a cell's recipe: a name that is shipped, with another budget or without."""
    from ehpsbench.training.cells import budgeted
    from ehpsbench.training.recipe import names, recipe

    name, _, samples = cell["recipe"].rpartition("-n")
    if cell["recipe"] in names() and recipe(cell["recipe"]).hash == cell["recipe_hash"]:
        return ["--recipe", cell["recipe"]]
    if name in names() and samples.isdecimal():
        made = budgeted(recipe(name), int(samples))
        if made.hash == cell["recipe_hash"]:
            return ["--recipe", name, "--budget", samples]
    return ["--recipe", f"{cell['recipe']}.toml"]


def _bodies(body_set: Mapping[str, Any] | None) -> list[str]:
    """The flag of licensed bodies; the open one needs none."""
    if body_set is None or str(body_set["name"]).startswith("open"):
        return []
    return ["--body-models", "BODY_MODELS"]


def _plain(cell: Mapping[str, Any]) -> bool:
    """One dataset, trained from the recipe's own start: what `rank-datasets` does."""
    return len(cell["parts"]) == 1 and cell["start"] is None


def _ranked(given: Given) -> list[Command]:
    """One command for each recipe, with the datasets that share its seeds."""
    seeds: dict[tuple[str, ...], dict[str, set[int]]] = {}
    for cell in filter(_plain, given.cells):
        drawn = seeds.setdefault(tuple(_recipe(cell)), {})
        drawn.setdefault(cell["dataset"], set()).add(int(cell["seed"]))
    board = _board(given)
    halved = ["--halving", "--top", str(given.halved["top"])] if given.halved else []
    found = []
    for recipe, datasets in seeds.items():
        for count in sorted({max(drawn) + 1 for drawn in datasets.values()}):
            named = [name for name, drawn in datasets.items() if max(drawn) + 1 == count]
            end = ["--board", board, *recipe, "--seeds", str(count), *halved]
            found.append(("ehpsbench", "rank-datasets", *named, *end))
    return found


def _single(given: Given) -> Iterable[Command]:
    """A command for each mix, and for each cell that started from other weights."""
    board = _board(given)
    for cell in given.cells:
        if _plain(cell):
            continue
        start = ["--start-from", "WEIGHTS"] if cell["start"] else []
        mix = ["--mix", cell["mix"]] if len(cell["parts"]) > 1 else []
        shares = [
            flag
            for part, weight in zip(cell["parts"], cell["weights"] or (), strict=False)
            for flag in ("--weight", f"{part}={weight:g}")
        ]
        seed = [*_recipe(cell), "--seed", str(cell["seed"])]
        yield ("ehpsbench", "train", *cell["parts"], *mix, *shares, *seed, *start)
        yield ("ehpsbench", "evaluate", "--board", board, "--entry", cell["id"])
