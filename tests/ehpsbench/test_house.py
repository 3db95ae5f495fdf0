"""The house itself: imports go one way, the wheel holds the tree, start-up stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SISTERS = ("dataset_adapters", "metrics", "leaderboards", "reports")
ROOMS = {  # lower number = lower floor; a room may import its own floor and those below
    "errors": 0,
    "devices": 1,
    "atomic": 0,
    "collector": 0,
    "sql": 0,
    "definitions": 1,
    "executors": 1,
    "geometry": 1,
    "schema": 1,
    "restricted_pickle": 1,
    "meshes": 1,
    "ply": 1,
    "pictures": 1,
    "processes": 1,
    "resampling": 1,
    "skeleton": 1,
    "metrics": 1,
    "body": 2,
    "world": 3,
    "checks": 3,
    "dataset_adapters": 4,
    "store": 4,
    "staging": 4,
    "merge": 4,
    "ingest": 4,
    "release_check": 4,
    "label_bodies": 4,
    "samples": 4,
    "loading": 4,
    "drawing": 4,
    "in_view": 4,
    "motions": 4,
    "evaluation": 5,
    "training": 5,
    "curation": 5,
    "leaderboards": 6,
    "overview": 6,
    "reports": 7,
    "demo": 8,
    "cli": 9,
    "__main__": 10,
}


def _sources() -> list[Path]:
    folders = [ROOT / "ehpsbench", *(ROOT / s for s in SISTERS)]
    return sorted(p for f in folders for p in f.rglob("*.py"))


def _room(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    inside = parts[1:] if parts[0] == "ehpsbench" else parts
    return inside[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return {name.split(".")[1] for name in found if name.startswith("ehpsbench.")}


def test_imports_go_one_way() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {room}"
        for path in _sources()
        if (here := _room(path)) != "__init__"
        for room in _imports(path)
        if room in ROOMS and ROOMS[room] > ROOMS[here]
    ]
    assert wrong == []


def test_every_room_has_its_floor() -> None:
    rooms = {_room(path) for path in _sources()} - {"__init__"}
    assert rooms <= set(ROOMS), "a new room needs a floor in ROOMS"


def test_only_evaluation_imports_metrics_and_metrics_imports_none() -> None:
    users = {_room(p) for p in _sources() if "metrics" in _imports(p)} - {"metrics"}
    assert users <= {"evaluation"}
    inside = {room for p in _sources() if _room(p) == "metrics" for room in _imports(p)}
    assert inside <= {"metrics", "errors"}


@pytest.mark.parametrize("statement", ["import ehpsbench", "import ehpsbench.cli.main"])
def test_starting_up_imports_neither_torch_nor_pandas(statement: str) -> None:
    heavy = "{'torch', 'pandas', 'matplotlib'}"
    code = f"{statement}; import sys; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_wheel_holds_what_the_tree_holds(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "-w", str(tmp_path), str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {n for n in archive.namelist() if ".dist-info/" not in n}
    tree = set()
    for folder in ("ehpsbench", *SISTERS):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                inside = path.relative_to(ROOT).as_posix()
                tree.add(inside if folder == "ehpsbench" else f"ehpsbench/{inside}")
    assert packed == tree
