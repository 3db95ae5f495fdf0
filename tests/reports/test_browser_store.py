"""The report of a store with real results, as the command writes it, in a browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from ehpsbench.body.bodies import BodySet
from ehpsbench.cli.main import app
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.mesh.rules import MeshProtocol
from ehpsbench.evaluation.mesh.selection import select
from ehpsbench.evaluation.predictions import SIZES, write_predictions
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.evaluation.results import write_result
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.rankings import save_ranking
from ehpsbench.schema import from_arrow
from ehpsbench.store import Store

Open = Callable[..., Any]
BENCHMARK = "agora-val@bedlam@train"
OFF = {"near": 0.05, "far": 0.3}  # rad, in every joint


@pytest.fixture(scope="module")
def ranked(bedlam_store: Store, bodies: BodySet, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store where two entries were scored and ranked on two boards."""
    root = tmp_path_factory.mktemp("ranked") / "store"
    shutil.copytree(bedlam_store.root, root)
    store, rules = Store(root), protocol(BENCHMARK)
    assert isinstance(rules, MeshProtocol)
    ids = select(store, rules, bodies).people["instance_id"].to_pylist()
    table = store.instances(rules.dataset, rules.split)
    where = {name: place for place, name in enumerate(table["instance_id"].to_pylist())}
    people = from_arrow(table.take([where[name] for name in ids]))
    said = {n: np.asarray(people[n], float)[:, :k] for n, k in SIZES.items() if n != "focal"}
    for entry, off in OFF.items():
        columns = {"instance_id": np.asarray(ids, object), **said}
        columns["body_pose"] = said["body_pose"] + off
        write_predictions(store, entry, BENCHMARK, columns, bodies)
        write_result(store, evaluate(store, entry, BENCHMARK, bodies))
    entrants = {entry: Entrant(entry, cell=False) for entry in OFF}
    for name, primary in (("by-pve", "pve"), ("by-joints", "mpjpe")):
        save_ranking(store, Board.of(name, f"Ranked by {primary}", {BENCHMARK: primary}), entrants)
    return store


@pytest.fixture(scope="module")
def written(ranked: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `ehpsbench report` wrote."""
    out = tmp_path_factory.mktemp("written") / "report.html"
    done = CliRunner().invoke(app, ["report", "--store", str(ranked.root), "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out


def test_all_ranked_boards_stand_on_one_page(open_page: Open, written: Path) -> None:
    opened = open_page(written)
    opened.page.wait_for_load_state("networkidle")
    assert (opened.asked, opened.said) == ([], [])
    shown = opened.page.locator("p.board").all_inner_texts()
    assert sorted(shown) == ["Board: Ranked by mpjpe", "Board: Ranked by pve"]
    names = opened.page.locator("table[id$=ranking-table] tbody th").all_inner_texts()
    assert names == ["near", "far", "near", "far"]


def test_one_board_is_shown_when_asked_for(ranked: Store, tmp_path: Path) -> None:
    out = tmp_path / "one.html"
    arguments = ["--store", str(ranked.root), "--board", "by-pve", "--out", str(out)]
    assert CliRunner().invoke(app, ["report", *arguments]).exit_code == 0
    text = out.read_text(encoding="utf-8")
    assert "Ranked by mpjpe" not in text
    found = text.split('id="standings">')[1].split("</script>")[0]
    assert json.loads(found)["board"]["name"] == "by-pve"


def test_the_viewer_draws_turns_and_paints_another_row(open_page: Open, written: Path) -> None:
    page = open_page(written).page
    canvas = page.locator("canvas[data-viewer]")
    canvas.scroll_into_view_if_needed()
    page.wait_for_selector("canvas[data-viewer][data-ready=true]")
    front = canvas.screenshot()
    canvas.focus()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(150)
    turned = canvas.screenshot()
    assert turned != front
    page.locator("[data-pick=row]").select_option("1")
    page.wait_for_timeout(150)
    assert canvas.screenshot() != turned


def test_rows_that_are_stored_are_what_is_shown(
    open_page: Open, written: Path, ranked: Store
) -> None:
    page = open_page(written, "#?ranking.sort=name").page
    shown = page.locator("table[id$=ranking-table]").first.locator("td.main").all_inner_texts()
    first = page.locator("p.board").first.inner_text().rpartition(" ")[2]
    means = [
        np.nanmean(np.asarray(pq.read_table(path)[first]))
        for path in (ranked.results / entry / f"{BENCHMARK}.parquet" for entry in ("far", "near"))
    ]
    assert sorted(shown) == sorted(f"{mean:.1f}" for mean in means)


def test_axe_finds_no_serious_problem_in_any_section(open_page: Open, written: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(written).page
    found = Axe().run(page).response["violations"]
    grave = [f for f in found if f["impact"] in ("serious", "critical")]
    assert [(f["id"], [node["html"][:120] for node in f["nodes"][:3]]) for f in grave] == []
