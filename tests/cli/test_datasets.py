"""`datasets` and `ingest all` as a user meets them."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ehpsbench.cli.cards import file_tree
from ehpsbench.cli.main import app
from ehpsbench.dataset_adapters.files import read_pickle
from ehpsbench.samples import write_sample
from ehpsbench.store import Store


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, words)
    return done.exit_code, done.output


def test_cards_are_filtered_by_what_is_asked(tmp_path: Path) -> None:
    asked = ("--kind", "synthetic", "--has", "hands", "--has", "masks")
    code, output = run("datasets", *asked, "--store", str(tmp_path), "--json")
    rows = [row["name"] for row in json.loads(output)]
    assert code == 0
    assert "agora" in rows
    assert not {"bedlam", "arctic"} & set(rows)


def test_a_card_shows_all_of_its_fields_and_the_tree_of_files() -> None:
    code, output = run("datasets", "fit3d")
    lines = output.splitlines()
    assert code == 0
    for field in ("licence", "paper", "size", "camera", "frame interval", "doubts", "citation"):
        assert any(line.startswith(field) for line in lines)
    at = lines.index("  train/")
    assert [line.strip() for line in lines[at + 1 : at + 3]] == ["*/", "smplx/"]


def test_a_filter_beside_a_name_is_refused_and_not_passed_over() -> None:
    for asked in (("--kind", "real"), ("--has", "hands")):
        code, output = run("datasets", "agora", *asked)
        assert code == 2
        assert "leave out NAME" in output


def test_a_tree_joins_patterns_that_share_folders() -> None:
    files = [
        {"pattern": p, "what": w, "size": s, "required": r}
        for p, w, s, r in (("a/x", "one", "2 GB", True), ("a/b/y", "two", "unknown", False))
    ]
    assert [line.split() for line in file_tree(files)] == [
        ["a/"],
        ["x", "one,", "2", "GB"],
        ["b/"],
        ["y", "two,", "optional"],
    ]


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    for name in ("emdb", "lspet"):
        options = {"people": 4, "images": "none", "body": "open-small"}
        write_sample(name, tmp_path / "releases" / name, **options)
    return tmp_path / "releases"


def test_all_releases_of_a_folder_are_ingested_and_a_broken_one_does_not_stop_them(
    releases: Path, tmp_path: Path
) -> None:
    next(releases.glob("emdb/P0/*/*.pkl")).write_bytes(b"no pickle")
    store = tmp_path / "store"
    code, output = run("ingest", "all", "--root", str(releases), "--store", str(store), "--json")
    rows = {row["dataset"]: row for row in json.loads(output)}
    assert code == 1
    assert rows["lspet"]["what"] == "stored"
    assert "no pickle" in rows["emdb"]["what"] or "data.pkl" in rows["emdb"]["what"]
    assert Store(store).datasets() == ["lspet"]


def test_check_of_all_says_what_lies_there_and_reads_nothing(
    releases: Path, tmp_path: Path
) -> None:
    code, output = run("ingest", "all", "--root", str(releases), "--check", "--json")
    assert code == 0
    assert [row["datasets"] for row in json.loads(output)] == [["emdb"], ["lspet"]]
    code, output = run("ingest", "all", "--root", str(tmp_path / "releases" / "emdb" / "P0"))
    assert code == 1
    assert "No release lies in" in output


def test_check_names_what_a_release_lacks_that_can_be_read(tmp_path: Path) -> None:
    write_sample("freihand", tmp_path, people=4, images="flat", body="open-small")
    assert "lacks: people" not in run("ingest", "freihand", "--root", str(tmp_path), "--check")[1]
    for path in tmp_path.glob("training_*.json"):
        path.unlink()
    code, output = run("ingest", "freihand", "--root", str(tmp_path), "--check")
    assert code == 0
    assert "lacks: people of the training split (FreiHAND_pub_v2.zip)" in output


def test_folders_of_all_that_are_no_release_are_named(releases: Path) -> None:
    (releases / "body_models").mkdir()
    code, output = run("ingest", "all", "--root", str(releases), "--check")
    assert code == 0
    assert f"No release was found in {releases / 'body_models'}." in output


def test_a_release_of_which_nobody_is_stored_is_not_called_stored(
    releases: Path, tmp_path: Path
) -> None:
    for path in releases.glob("emdb/P*/*/*.pkl"):
        content = read_pickle(path)
        content["smpl"]["trans"] = np.full_like(content["smpl"]["trans"], np.nan)
        path.write_bytes(pickle.dumps(content))
    store = str(tmp_path / "store")
    code, output = run("ingest", "all", "--root", str(releases), "--store", store, "--json")
    rows = {row["dataset"]: row for row in json.loads(output)}
    assert code == 1
    assert rows["emdb"]["people"] == 0 < rows["emdb"]["refused"]
    assert rows["emdb"]["what"].startswith("no people stored")
