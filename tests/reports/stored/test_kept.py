"""What a report draws is kept in the store: the next page is the same, and made without PyTorch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ehpsbench.reports.build import page
from ehpsbench.reports.given import Given
from ehpsbench.reports.kept import kept_array, kept_pictures
from ehpsbench.reports.pictures import Bones, Picture
from ehpsbench.reports.sections import gallery
from ehpsbench.store import Store

REPORT = """
import sys
from ehpsbench.cli.main import app
app(["report", *sys.argv[1:]], standalone_mode=False)
print("torch" in sys.modules)
"""
BONES = [Picture("a person", "truth", bones=(Bones("M0 0L1 1", "truth"),))]


@pytest.fixture
def own(scored: Store, tmp_path: Path) -> Store:
    """The store, with nothing kept by a report."""
    shutil.copytree(scored.root, tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "reports", ignore_errors=True)
    return Store(tmp_path / "store")


def test_the_second_report_is_the_same_and_does_not_import_torch(
    own: Store, tmp_path: Path
) -> None:
    board = tmp_path / "tiny.toml"
    text = 'title = "Tiny"\n[[benchmarks]]\nid = "agora-val"\nprimary = "pve"\n'
    board.write_text(text, encoding="utf-8")
    out = tmp_path / "page.html"
    words = ["--board", str(board), "--store", str(own.root), "--out", str(out)]
    command = [sys.executable, "-c", REPORT, *words]

    def made() -> tuple[str, str]:
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        return run.stdout.splitlines()[-1], out.read_text(encoding="utf-8")

    (first, drawn), (second, kept) = made(), made()
    assert (first, second) == ("True", "False")
    assert kept == drawn
    assert "data:image/jpeg" in drawn


def test_other_predictions_are_drawn_anew(
    board: Given, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = replace(board, store=own)
    before = page(given)
    read = gallery.read_predictions

    def bowed(store: Store, entry: str, benchmark: str) -> pa.Table:
        table = read(store, entry, benchmark)
        poses = np.asarray(table["body_pose"].to_pylist(), np.float32) + 0.5
        column = pa.array(poses.tolist(), table.schema.field("body_pose").type)
        place = table.column_names.index("body_pose")
        return table.set_column(place, table.schema.field("body_pose"), column)

    monkeypatch.setattr(gallery, "read_predictions", bowed)
    assert page(given) != before
    monkeypatch.undo()
    assert page(given) == before


def test_nothing_drawn_is_not_kept_and_what_is_broken_is_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert kept_pictures(store, ["a"], list) == []
    assert kept_pictures(store, ["a"], lambda: BONES) == BONES
    assert kept_pictures(store, ["a"], list) == BONES
    assert kept_pictures(store, ["b"], list) == []
    ones = np.ones((2, 3))
    assert (kept_array(store, ["c"], lambda: ones) == ones).all()
    assert (kept_array(store, ["c"], lambda: 2 * ones) == ones).all()
    for path in (store.reports / "summaries").iterdir():
        path.write_bytes(b"")
    assert kept_pictures(store, ["a"], list) == []
    assert (kept_array(store, ["c"], lambda: 2 * ones) == 2 * ones).all()
