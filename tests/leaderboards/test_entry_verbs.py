"""`leaderboard add` and `leaderboard check` as a user meets them, and their page of the docs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from ehpsbench.cli.leaderboard import app
from ehpsbench.cli.main import app as main
from ehpsbench.errors import InputError, UnknownName
from ehpsbench.leaderboards.filled import shown
from ehpsbench.store import Store

BENCHMARK = "agora-val@bedlam@train"
PAGE = Path(__file__).parents[2] / "docs" / "send-an-entry.md"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def test_an_entry_is_added_and_its_folder_checked(
    entry_store: Store, predict: Callable[[str, float], Path], tmp_path: Path
) -> None:
    store, file = str(entry_store.root), str(predict(BENCHMARK, 0.1))
    where = ("--predictions", file, "--benchmark", BENCHMARK, "--store", store)
    assert isinstance(run("add", "../x", *where, "--trained-on", "agora").exception, InputError)
    done = run("add", "mine", *where, "--trained-on", "bedlam", "--parameters", "10")
    assert done.exit_code == 0, done.output
    assert "in-domain" in done.output
    again = run("add", "mine", *where, "--json")
    assert json.loads(again.stdout)["entry"]["parameters"] == 10

    folder = shutil.copytree(entry_store.results, tmp_path / "board")
    assert run("check", str(folder)).exit_code == 0
    (folder / "mine" / "run.sh").touch()
    checked = run("check", str(folder), "--json")
    assert checked.exit_code == 1
    [finding] = json.loads(checked.stdout)["findings"]
    assert (finding["path"], finding["rule"]) == ("mine/run.sh", "layout")
    assert isinstance(run("check", str(tmp_path / "nowhere")).exception, InputError)


def test_a_board_that_was_filled_by_add_alone_has_a_report(
    entry_store: Store, predict: Callable[[str, float], Path], tmp_path: Path
) -> None:
    store = ("--store", str(entry_store.root))
    where = ("--predictions", str(predict(BENCHMARK, 0.1)), "--benchmark", BENCHMARK)
    assert run("add", "mine", *where, "--trained-on", "agora", *store).exit_code == 0
    board, out = tmp_path / "parts.toml", tmp_path / "report.html"
    columns = f'[[benchmarks]]\nid = "{BENCHMARK}"\nprimary = "pve"\n'
    board.write_text(f'title = "Never ranked"\n{columns}', encoding="utf-8")
    words = ("report", "--board", str(board), "--out", str(out), *store)
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    rows = out.read_text(encoding="utf-8").split('id="standings">')[1].split("</script>")[0]
    assert [row["name"] for row in json.loads(rows)["rows"]] == ["mine"]
    with pytest.raises(UnknownName, match="depth"):
        shown(entry_store, "dept")
    with pytest.raises(InputError, match="Nobody in"):
        shown(entry_store, "parts")


def test_the_page_names_every_option_by_its_right_name() -> None:
    text = PAGE.read_text(encoding="utf-8")
    known = "".join(run(verb, "--help").output for verb in ("add", "check", "show"))
    said = {word.strip("`,.:;\\") for word in text.split() if word.startswith(("--", "`--"))}
    git = {"--create", "--message", "--set-upstream", "--out", "--people", "--root"}
    assert said - git
    assert not [option for option in said - git if option not in known]
