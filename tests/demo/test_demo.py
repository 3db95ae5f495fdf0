"""The demo in small: pairs that lie far apart come out in order, and the report says so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.demo.plan import Plan, read_plan
from ehpsbench.demo.run import DemoReport, run_demo
from ehpsbench.demo.verdict import verdict
from ehpsbench.errors import InputError
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.in_domain import InDomain
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.training.recipe import FOLDER


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Two sets that lie far apart: clean labels, and labels of somebody else."""
    whole = read_plan()
    small = whole.only(("varied", "shuffled"), people=400, benchmark_people=16)
    return small.model_copy(update={"seeds": 1})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "out"


@pytest.fixture(scope="module")
def recipe(folder: Path) -> Path:
    """The micro recipe with half its budget."""
    text = (FOLDER / "micro-cpu.toml").read_text()
    path = folder.parent / "half.toml"
    path.write_text(
        text.replace('name = "micro-cpu"', 'name = "half"').replace(
            "samples_seen = 12000", "samples_seen = 6000"
        )
    )
    return path


@pytest.fixture(scope="module")
def report(folder: Path, plan: Plan, recipe: Path) -> DemoReport:
    return run_demo(folder, seed=5, workers=1, plan=plan, recipe=recipe)


def test_clean_labels_rank_before_shuffled_ones(report: DemoReport) -> None:
    claims = {claim["claim"]: claim["held"] for claim in report.verdict["claims"]}
    assert claims["varied before shuffled"]
    assert [row.name for row in report.standings.rows] == ["varied", "shuffled"]


def test_the_page_names_sets_benchmarks_and_the_open_body(report: DemoReport) -> None:
    text = report.path.read_text()
    for words in ("varied", "shuffled", "agora-val", "pw3d-test", "open-small", "half"):
        assert words in text
    assert text.count("data:image/jpeg") >= 5 * 3


def test_a_second_run_trains_nothing_again_and_writes_the_same_page(
    report: DemoReport, folder: Path, plan: Plan, recipe: Path
) -> None:
    before = report.path.read_bytes()
    weights = sorted((folder / "store" / "runs").glob("*/checkpoint.safetensors"))
    times = [path.stat().st_mtime_ns for path in weights]
    again = run_demo(folder, seed=5, workers=1, plan=plan, recipe=recipe)
    assert [path.stat().st_mtime_ns for path in weights] == times
    assert again.path.read_bytes() == before


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path, plan: Plan) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="not a demo"):
        run_demo(tmp_path, plan=plan)
    assert (tmp_path / "thesis.tex").exists()


def test_the_table_claims_that_good_sets_come_first_and_shuffled_labels_last() -> None:
    whole = read_plan()
    pairs = set(whole.pairs())
    others = {s.name for s in whole.sets} - {"shuffled"}
    assert {(name, "shuffled") for name in others} <= pairs
    assert ("varied", "few-poses") in pairs
    assert whole.settings(whole.sets[0]) == whole.settings(whole.sets[1])


def test_a_verdict_tells_a_broken_order_and_a_broken_tie() -> None:
    rng = np.random.default_rng(0)
    people = np.array([f"p{i}" for i in range(60)])

    def rows(mean: float) -> dict[str, ErrorRows]:
        return {"one": ErrorRows(people, people, mean + rng.normal(0, 1, 60))}

    means = {"varied": 50.0, "varied-twin": 70.0, "shuffled": 60.0}
    standings = rank(
        {name: rows(mean) for name, mean in means.items()},
        Board.of("b", "B", {"one": "pve"}),
        entrants={name: Entrant(name) for name in means},
        samples=200,
    )
    plan = read_plan().only(tuple(means), people=10, benchmark_people=10)
    checks = [
        InDomain("varied", 5, 40.0, 80.0, "PVE"),
        InDomain("varied-twin", 5, 90.0, 80.0, "PVE"),
    ]
    found = verdict(plan, standings, checks)
    held = {claim["claim"]: claim["held"] for claim in found["claims"]}
    assert held == {
        "varied before shuffled": True,
        "varied-twin before shuffled": False,
        "varied and varied-twin tie": False,
        "varied beats its mean pose on its own held-out people": True,
        "varied-twin beats its mean pose on its own held-out people": False,
    }
    assert not found["recovered"]
    assert "3 of 5 planted claims did not come out" in found["text"]
    json.dumps(found)
