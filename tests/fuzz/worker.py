"""Reads damaged files in a process of its own, with little memory; one answer a line.

Asked `{"kind": ..., "path": ...}` it answers "read", "refused: …" for an error of ours, or
"failed: …" for anything else. Run as a script.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.readers.cdf import cdf_variable
from ehpsbench.errors import EhpsbenchError
from ehpsbench.ingest import ingest
from ehpsbench.meshes import read_mesh
from ehpsbench.restricted_pickle import load, load_npy, load_npz
from ehpsbench.store import Store

MEMORY = 1 << 30  # bytes more than the program itself


def read(question: dict[str, Any]) -> None:
    """Read what is asked for, whole."""
    path = Path(question["path"])
    match question["kind"]:
        case "release":
            with tempfile.TemporaryDirectory() as store:
                ingest(question["name"], path, Store(Path(store)), layout=question["layout"])
        case "npz":
            dict(load_npz(path))
        case "npy":
            load_npy(path)
        case "pkl":
            load(path, encoding="latin1")
        case "cdf":
            cdf_variable(path, "Pose")
        case "mesh":
            read_mesh(path)


def answer(question: dict[str, Any]) -> str:
    """What became of one question."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            read(question)
    except EhpsbenchError as error:
        out_of_memory = "MemoryError" in str(error) or "Unable to allocate" in str(error)
        return f"failed: {error}" if out_of_memory else f"refused: {error}"
    except BaseException:
        return f"failed: {traceback.format_exc()}"
    return "read"


def main() -> None:
    """Answer until nobody asks."""
    import torch

    torch.set_num_threads(1)
    for name in catalogue.names():
        catalogue.adapter(name)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
