"""The command line as a user meets it: real processes, exit codes, one message an error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ehpsbench.store import Store


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ehpsbench", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_names_every_verb() -> None:
    done = run("--help")
    verbs = "doctor datasets sample ingest query train evaluate rank-datasets report demo".split()
    assert done.returncode == 0
    assert all(verb in done.stdout for verb in verbs)


def test_datasets_as_json_lists_cards_and_what_is_stored(bedlam_store: Store) -> None:
    done = run("datasets", "--json", "--store", str(bedlam_store.root))
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert {"agora", "arctic", "bedlam", "ehf", "freihand", "pw3d", "ubody"} <= set(rows)
    people = bedlam_store.instances("bedlam").num_rows
    assert sum(rows["bedlam"]["stored"]["bedlam"].values()) == people


def test_a_card_is_shown_with_its_files_and_citation() -> None:
    done = run("datasets", "ehf")
    assert done.returncode == 0
    assert "align.ply" in done.stdout
    assert "@" in done.stdout


def test_sample_then_ingest_then_query(tmp_path: Path) -> None:
    root, store = str(tmp_path / "x"), str(tmp_path / "store")
    small = ("--people", "6", "--images", "flat", "--body", "open-small")
    assert run("sample", "freihand", "--out", root, *small).returncode == 0
    done = run("ingest", "freihand", "--root", root, "--store", store, "--json")
    assert done.returncode == 0, done.stderr
    people = sum(json.loads(done.stdout)["instances"].values())
    sql = "SELECT count(*) AS n FROM instances"
    asked = run("query", sql, "--store", store, "--json")
    assert json.loads(asked.stdout) == [{"n": people}]


def test_check_ends_with_1_where_a_file_is_missing(tmp_path: Path, bedlam_release: Path) -> None:
    assert run("ingest", "bedlam", "--root", str(bedlam_release), "--check").returncode == 0
    done = run("ingest", "bedlam", "--root", str(tmp_path), "--check")
    assert done.returncode == 1
    assert "missing" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ingest", "agorra", "--root", "."), "Did you mean agora"),
        (("sample", "agora", "--out", "/proc/x", "--images", "painted"), "rendered, flat, none"),
        (("query", "SELECT 1", "--store", "/nowhere/at/all"), "holds nothing to ask"),
        (("train", "agora", "--store", "/nowhere/at/all"), "holds no datasets"),
        (("rank-datasets", "a", "b", "--board", "mpee"), "Did you mean mpe"),
        (("evaluate", "me", "agora-vall"), "Did you mean agora-val"),
        (("report", "--store", "/nowhere/at/all"), "Nothing was ranked"),
        (("demo", "--out", "/proc"), "not a demo"),
    ],
)
def test_wrong_use_is_one_message_and_exit_code_2(words: tuple[str, ...], message: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert message in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
