"""The command line as a user meets it: real processes, exit codes, one message an error."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.core import TyperGroup
from typer.main import get_command

from ehpsbench.cli.main import app
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.store import Store


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ehpsbench", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_names_every_verb() -> None:
    done = run("--help")
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    verbs = set(command.commands)
    assert {"ingest", "train", "evaluate", "rank-datasets", "select", "scaling"} <= verbs
    assert done.returncode == 0
    listed = {words[1] for line in done.stdout.splitlines() if len(words := line.split()) > 2}
    assert verbs <= listed


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
        (("rank-datasets", "a", "b", "--board", "ehps-fiv"), "Did you mean ehps-five"),
        (("evaluate", "--entry", "me", "--benchmark", "agora-vall"), "Did you mean agora-val"),
        (("evaluate", "--benchmark", "ehf"), "Whom to score"),
        (("protocol", "show", "ehff"), "Did you mean ehf"),
        (("report", "--store", "/nowhere/at/all"), "Nothing was ranked"),
        (("demo", "--out", "/proc"), "not a demo"),
        (("ingest", "ehf", "--root", ".", "--as", ".."), "cannot name a dataset"),
    ],
)
def test_wrong_use_is_one_message_and_exit_code_2(words: tuple[str, ...], message: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert message in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_to_is_one_message(
    bedlam_store: Store, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    sheet = tmp_path / "file" / "sheet.png"
    done = run("validate", "bedlam", "--store", str(bedlam_store.root), "--sheet", str(sheet))
    assert done.returncode == 2
    assert str(tmp_path / "file") in done.stderr
    assert "name another place" in done.stderr
    assert "Traceback" not in done.stderr


def test_long_names_are_whole_where_there_is_no_terminal(bedlam_store: Store) -> None:
    name = "a[b]:smile:" * 40
    shown = run("query", f"SELECT '{name}' AS a, 1 AS b", "--store", str(bedlam_store.root))
    assert name in shown.stdout
    assert (
        "**/i*n_[0-9]*.pkl"
        in run("datasets", "agora").stdout
        + run("query", "SELECT '**/i*n_[0-9]*.pkl'", "--store", str(bedlam_store.root)).stdout
    )


def test_json_is_valid_whatever_the_rows_hold(bedlam_store: Store) -> None:
    sql = "SELECT ['Infinity'::DOUBLE, 1] a, 'ab'::BLOB b, {'x': 2.5} c, DATE '2020-01-02' d"
    asked = run("query", sql, "--store", str(bedlam_store.root), "--json")
    assert json.loads(asked.stdout) == [
        {"a": [None, 1.0], "b": "6162", "c": {"x": 2.5}, "d": "2020-01-02"}
    ]


def test_brackets_in_data_are_text_and_json_is_valid(bedlam_store: Store) -> None:
    sql = "SELECT '[/x]' AS a, 'NaN'::FLOAT AS n, 1.5::DECIMAL(4, 2) AS d"
    asked = run("query", sql, "--store", str(bedlam_store.root), "--json")
    assert json.loads(asked.stdout) == [{"a": "[/x]", "n": None, "d": 1.5}]
    assert "[/x]" in run("query", sql, "--store", str(bedlam_store.root)).stdout
    shown = run("ingest", "agora", "--root", str(bedlam_store.root), "--check").stdout
    assert "smplx_gt" in shown


@pytest.mark.parametrize("sql", ["", "COPY (SELECT 1) TO 'evil.csv'", "SELECT * FROM 'x.csv'"])
def test_a_statement_may_only_read_the_store(sql: str, bedlam_store: Store) -> None:
    done = run("query", sql, "--store", str(bedlam_store.root))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not Path("evil.csv").exists()


def test_wide_rows_are_shown_one_value_a_line(bedlam_store: Store) -> None:
    done = run("query", "SELECT * FROM instances LIMIT 1", "--store", str(bedlam_store.root))
    assert "instance_id" in done.stdout.splitlines()[0]
    assert "bedlam/" in done.stdout.splitlines()[0]


def test_doctor_goes_on_past_a_broken_manifest_and_a_missing_folder(tmp_path: Path) -> None:
    broken = tmp_path / "instances" / "agora" / "manifest.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{}")
    nowhere = str(tmp_path / "nowhere")
    done = run("doctor", "--json", "--store", str(tmp_path), "--body-models", nowhere)
    lines = {line["what"]: line for line in json.loads(done.stdout)}
    assert done.returncode == 1
    assert "lacks" in lines["stored agora"]["detail"]
    assert lines["licensed bodies"]["state"] == "missing"
    assert "`ehpsbench ingest ehf` comes first" in lines["benchmarks on ehf/test"]["detail"]


def test_doctor_tells_data_to_ingest_from_data_that_nothing_here_reads(
    bedlam_store: Store,
) -> None:
    done = run("doctor", "--json", "--store", str(bedlam_store.root))
    lines = {line["what"]: line["detail"] for line in json.loads(done.stdout)}
    waiting = {what.split()[-1]: line for what, line in lines.items() if " on " in what}
    unread = {data.split("/")[0] for data, line in waiting.items() if "no adapter" in line}
    assert unread == {d.split("/")[0] for d in waiting} - set(catalogue.names())
    assert waiting["hint/test"].endswith("hint-pck@NAME@SPLIT")


def test_datasets_marks_a_broken_one_and_lists_the_others(tmp_path: Path) -> None:
    broken = tmp_path / "instances" / "agora" / "manifest.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{}")
    done = run("datasets", "--store", str(tmp_path))
    assert done.returncode == 0
    assert "agora: broken" in done.stdout
    assert "bedlam" in done.stdout
    assert "Ingest agora again" in done.stderr


def test_doctor_names_missing_files_and_what_they_block(tmp_path: Path) -> None:
    (tmp_path / "MANO_SMPLX_vertex_ids.pkl").write_bytes(b"")
    np.save(tmp_path / "smpl_kid_template.npy", np.zeros((6890, 3)))
    done = run("doctor", "--json", "--store", str(tmp_path / "s"), "--body-models", str(tmp_path))
    lines = {line["detail"].split()[0].strip(","): line for line in json.loads(done.stdout)}
    assert "benchmark ehf" in lines["SMPLX_to_J14.pkl"]["detail"]
    assert "dataset pw3d" in lines["smpl/SMPL_MALE.pkl"]["detail"]
    assert lines["smplx_kid_template.npy"]["state"] == "note"
    assert "MANO_SMPLX_vertex_ids.pkl" not in lines


def test_the_printed_ingest_quotes_the_path(tmp_path: Path) -> None:
    root = tmp_path / "my release"
    small = ("--people", "4", "--images", "none", "--body", "open-small")
    assert f"--root '{root}'" in run("sample", "ehf", "--out", str(root), *small).stdout


def test_an_ingest_without_people_ends_with_1_and_says_so(
    bedlam_release: Path, tmp_path: Path
) -> None:
    release = Path(shutil.copytree(bedlam_release, tmp_path / "release"))
    for path in release.glob("**/*.npz"):
        with np.load(path, allow_pickle=True) as file:
            columns = {key: file[key] for key in file.files if key != "allow_pickle"}
        if "pose_cam" in columns:
            np.savez(path, **(columns | {"pose_cam": columns["pose_cam"] * np.nan}))
    done = run("ingest", "bedlam", "--root", str(release), "--store", str(tmp_path / "store"))
    assert done.returncode == 1
    assert "No people of bedlam were stored" in done.stderr
    assert done.stdout.count("rejects/bedlam.parquet") == 1


def test_an_interrupt_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    board = tmp_path / "board.toml"
    os.mkfifo(board)
    command = [sys.executable, "-m", "ehpsbench", "rank-datasets", "a", "b", "--board", str(board)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    with board.open("w"):  # opens once the command reads it
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert "stopped" in said


def test_a_protocol_is_shown_in_words_with_its_hash_and_source() -> None:
    shown = run("protocol", "show", "pw3d-test").stdout
    listed = json.loads(run("protocol", "list", "--json").stdout)
    one = next(p for p in listed if p["name"] == "pw3d-test")
    assert one["hash"] in shown
    assert one["source"] in shown
    assert "points lsp14" in shown
