"""How long `ehpsbench report` takes, and how large its file is: 40 training sets × 5 benchmarks.

python benchmarks/report.py --out DIR

Two sets are written, read, trained for a moment and scored for real; the others are the people of
the first under other names, their cells its cell with errors that are drawn anew. Timed is the
whole command in a process of its own, twice: the first has nothing that a report kept.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from ehpsbench.body.bodies import open_bodies
from ehpsbench.demo.plan import read_plan
from ehpsbench.demo.run import SOURCE, planted_store
from ehpsbench.evaluation.predictions import file_name
from ehpsbench.evaluation.results import points_of, read_result, write_result
from ehpsbench.ingest import ingest
from ehpsbench.leaderboards.board import board
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.rankings import save_ranking
from ehpsbench.leaderboards.sweeps.rank_datasets import rank_datasets
from ehpsbench.reports.kept import FOLDER
from ehpsbench.store import Store
from ehpsbench.training.cells import cell_id
from ehpsbench.training.recipe import Budget, recipe

TRAINED = ("varied", "varied-twin")
BOARD = "ehps-five"
RECORDS = ("cell.json", "heldout.json", "evaluated.json", "best.json", "log.jsonl")
MOST_SECONDS, MOST_MB = 10.0, 5.0


def made(out: Path, sets: int, seeds: int, people: int, benchmark_people: int) -> Store:
    """A store with results of that many sets; a finished one is taken as it is."""
    done = out / "made.json"
    wanted = json.dumps([sets, seeds, people, benchmark_people])
    if done.is_file() and done.read_text(encoding="utf-8") == wanted:
        return Store(out / "demo" / "store")
    plan = read_plan().only(TRAINED, people=people, benchmark_people=benchmark_people)
    store = planted_store(out / "demo", plan, seed=0, workers=2, say=print)
    small = recipe("micro-cpu")
    small = small.model_copy(update={"budget": Budget(samples_seen=1920, batch=48)})
    rank_datasets(store, TRAINED, small, board(BOARD), open_bodies("small"))
    first, entrants = out / "demo" / "releases" / TRAINED[0], {}
    for place, name in enumerate([*TRAINED, *(f"set-{i:02}" for i in range(2, sets))]):
        if name not in store.datasets():
            ingest(SOURCE, first, store, alias=name, layout=plan.layout)
        for seed in range(seeds):
            entry = cell_id(name, small.name, seed)
            entrants[entry] = Entrant(name)
            if name not in TRAINED or seed > 0:
                source = cell_id(TRAINED[0], small.name, 0)
                _cell(store, source, entry, (name, seed), 0.8 + 0.01 * place)
        print(f"{place + 1} of {sets} sets", flush=True)
    save_ranking(store, board(BOARD), entrants)
    done.write_text(wanted, encoding="utf-8")
    return store


def _cell(store: Store, source: str, entry: str, whose: tuple[str, int], factor: float) -> None:
    """A cell like `source` with another set and seed, and errors near `factor` times its own."""
    folder = store.runs / entry
    folder.mkdir(parents=True, exist_ok=True)
    for name in RECORDS:
        if (store.runs / source / name).is_file():
            text = (store.runs / source / name).read_text(encoding="utf-8")
            (folder / name).write_text(text, encoding="utf-8")
    record = json.loads((folder / "cell.json").read_text(encoding="utf-8"))
    record |= {"id": entry, "dataset": whose[0], "parts": [whose[0]], "seed": whose[1]}
    (folder / "cell.json").write_text(json.dumps(record), encoding="utf-8")
    rng = np.random.default_rng([int(c) for c in entry.encode()])
    for protocol in board(BOARD).protocols:
        result = read_result(store, source, protocol)
        points = points_of(store, result.summary)
        summary = result.summary | {"entry": entry}
        rows = _drawn(result.rows, factor, rng)
        write_result(store, replace(result, rows=rows, summary=summary, points=points))
        path = store.predictions / entry / f"{file_name(protocol)}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((store.predictions / source / path.name).read_bytes())


def _drawn(rows: pa.Table, factor: float, rng: np.random.Generator) -> pa.Table:
    """Every number of every row near `factor` times what it was."""
    drawn = rng.normal(factor, 0.1, rows.num_rows)
    for place, field in enumerate(rows.schema):
        if pa.types.is_floating(field.type):
            values = np.asarray(rows[field.name]) * drawn
            rows = rows.set_column(place, field, pa.array(values, field.type))
    return rows


def main() -> None:
    """Print seconds and megabytes; ends with 1 where they are over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--people", type=int, default=200, help="in every training set")
    parser.add_argument("--benchmark-people", type=int, default=60)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    store = made(given.out, given.sets, given.seeds, given.people, given.benchmark_people)
    path = given.out / "report.html"
    shutil.rmtree(store.reports / FOLDER, ignore_errors=True)
    first, again = (_seconds(store, path) for _ in range(2))
    size = path.stat().st_size / 1e6
    took = f"{first:.1f} s, again {again:.1f} s"
    print(f"{given.sets} sets, {given.seeds} seeds: {took}, {size:.2f} MB")
    sys.exit(0 if max(first, again) < MOST_SECONDS and size < MOST_MB else 1)


def _seconds(store: Store, path: Path) -> float:
    """Of one report."""
    command = [sys.executable, "-m", "ehpsbench", "report", "--store", str(store.root)]
    start = time.perf_counter()
    subprocess.run([*command, "--out", str(path)], check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
