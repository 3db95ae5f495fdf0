"""Peak memory of `evaluate` on a benchmark of few people and of many.

    python benchmarks/evaluation_memory.py [--people 2000 16000] [--benchmark agora-val]

A small BEDLAM sample is ingested, and its rows are repeated under new ids until there are so many;
the predictions are the truth with another pose. Each size is evaluated in a process of its own,
first with predictions that lie in the store, then with the same from a file.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from ehpsbench.body.bodies import open_bodies
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.predictions import SIZES, predictions_path, write_predictions
from ehpsbench.ingest import ingest
from ehpsbench.samples import write_sample
from ehpsbench.schema import INSTANCES, from_arrow
from ehpsbench.store import Store

DATASET, SPLIT, SAMPLE = "bedlam", "train", 500
ROW_GROUP = 4096


def fill(store: Store, benchmark: str, people: int) -> None:
    """Ingest a sample, repeat its rows, and predict everybody."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "release"
        write_sample(DATASET, root, people=SAMPLE, images="none", body="open-small")
        ingest(DATASET, root, store)
    rows = store.instances(DATASET, SPLIT)
    parts = store.parts("instances", DATASET, SPLIT)
    times = -(-people // rows.num_rows)
    ids = [f"{name}~{k}" for k in range(times) for name in rows["instance_id"].to_pylist()]
    table = pa.concat_tables([rows] * times).slice(0, people).unify_dictionaries()
    table = table.set_column(0, INSTANCES.field(0), pa.array(ids[:people], pa.string()))
    pq.write_table(table, parts[0], compression="zstd", row_group_size=ROW_GROUP)
    for part in parts[1:]:
        pq.write_table(INSTANCES.empty_table(), part)
    given = ["instance_id", *(n for n in SIZES if n != "focal")]
    columns = from_arrow(table.select(given))
    said = {n: np.ma.filled(v, 0.0) if n in SIZES else v for n, v in columns.items()}
    said["betas"] = said["betas"][:, :10]
    said["body_pose"] = said["body_pose"] + 0.1
    write_predictions(store, "model", benchmark, said, open_bodies("small"))


def measured(root: Path, benchmark: str, from_file: bool) -> dict[str, float]:
    """Peak resident memory [MB] of this process before and after, and seconds."""
    torch.set_num_threads(1)
    store, bodies = Store(root), open_bodies("small")
    file = predictions_path(store, "model", benchmark) if from_file else None
    bodies.model("smplx", "neutral")
    before = _peak()
    started = time.perf_counter()
    evaluate(store, "copy" if file else "model", benchmark, bodies, predictions=file)
    return {"before": before, "peak": _peak(), "seconds": time.perf_counter() - started}


def _peak() -> float:
    """Of this program alone; `ru_maxrss` would begin with the parent's, whose copy it was."""
    line = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(line[1]) / 1024 if line else float("nan")


def main() -> None:
    """Print one line per size and source of predictions."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, nargs="+", default=[2_000, 16_000])
    parser.add_argument("--benchmark", default="agora-val")
    parser.add_argument("--measure", type=Path, help="a store that this script filled")
    parser.add_argument("--file", action="store_true", help="with --measure: predictions of a file")
    options = parser.parse_args()
    benchmark = f"{options.benchmark}@{DATASET}@{SPLIT}"
    if options.measure:
        print(json.dumps(measured(options.measure, benchmark, options.file)))
        return
    print(f"{'people':>8}  {'predictions':<12}{'before [MB]':>12}{'peak [MB]':>12}{'people/s':>10}")
    for people in options.people:
        with tempfile.TemporaryDirectory() as folder:
            fill(Store(Path(folder)), benchmark, people)
            for source in ("store", "file"):
                command = [sys.executable, __file__, "--measure", folder]
                command += ["--benchmark", options.benchmark, *(["--file"] * (source == "file"))]
                said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                found = json.loads(said.splitlines()[-1])
                numbers = f"{found['before']:>12,.0f}{found['peak']:>12,.0f}"
                rate = people / found["seconds"]
                print(f"{people:>8,}  {source:<12}{numbers}{rate:>10,.0f}", flush=True)


if __name__ == "__main__":
    main()
