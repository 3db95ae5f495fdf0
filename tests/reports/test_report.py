"""The page, made from standings with known numbers."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.convergence import Curve, ending
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.in_domain import InDomain
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.leaderboards.table import Standings
from ehpsbench.reports.build import page
from ehpsbench.reports.certainty import opposed, percent
from ehpsbench.reports.given import Given
from ehpsbench.reports.figures import heat, learning_curves


@pytest.fixture(scope="module")
def standings() -> Standings:
    """`good` at 50 and 70 mm, `bad & <ugly>` 100 mm worse, `partial` lacks a benchmark."""
    rng = np.random.default_rng(0)
    board = Board.of("tiny", "Tiny board", {"one": "pve", "two": "mpjpe"})
    people = np.array([f"p{i}" for i in range(40)])
    clusters = np.array([f"c{i // 2}" for i in range(40)])
    noise = rng.normal(0, 1, 40)
    noise -= noise.mean()

    def rows(mean: float) -> ErrorRows:
        return ErrorRows(people, clusters, mean + noise)

    found = {
        "good": {"one": rows(50), "two": rows(70)},
        "bad": {"one": rows(150), "two": rows(170)},
        "partial": {"one": rows(60)},
    }
    entrants = {
        "good": Entrant("good", frozenset({"one"})),
        "bad": Entrant("bad & <ugly>"),
        "partial": Entrant("partial"),
    }
    return rank(found, board, entrants=entrants, samples=200)


FALLING = Curve("good", "good--s0", (400, 800, 1000, 1200), (120.0, 80.0, 70.0, 60.0))


@pytest.fixture(scope="module")
def data(standings: Standings) -> Given:
    good, bad, partial = standings.rows
    end = ending(FALLING)
    assert end is not None
    rows = (
        replace(good, own_people=InDomain("good", 30, 40.0, 80.0, "PVE"), endings=(end,)),
        replace(
            bad,
            own_people=InDomain("bad & <ugly>", 30, 90.0, 80.0, "PVE", independent=False),
            marks=('learnt "nothing" & <worse>', "and failed"),
        ),
        partial,
    )
    return Given(
        title="A title",
        standings=replace(standings, rows=rows),
        curves=(FALLING,),
        datasets=(),
        cells=(),
        protocols=(),
    )


class _Cells(HTMLParser):
    """Text of table cells by table id."""

    def __init__(self) -> None:
        super().__init__()
        self.table = ""
        self.rows: dict[str, list[list[str]]] = {}
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.table = str(dict(attrs).get("id"))
            self.rows[self.table] = []
        elif tag == "tr":
            self.rows[self.table].append([])
        elif tag in ("td", "th"):
            self.rows[self.table][-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[self.table][-1][-1] += data.strip()


def _tables(text: str) -> dict[str, list[list[str]]]:
    parser = _Cells()
    parser.feed(text)
    return parser.rows


def test_the_ranking_shows_means_of_60_and_160_mm_best_first(data: Given) -> None:
    rows = _tables(page(data))["ranking-table"][1:]
    assert [row[0] for row in rows] == ["1", "2", "–"]
    assert [row[2] for row in rows] == ["60.0", "160.0", "–"]
    assert [row[1] for row in rows] == ["good", "bad & <ugly>", "partialno MPE: lacks two"]


def test_the_matrix_shows_every_error_and_a_dash_where_there_is_none(data: Given) -> None:
    rows = _tables(page(data))["matrix-table"][1:]
    starts = ("50.0", "150.0", "60.0")
    assert all(row[1].startswith(start) for row, start in zip(rows, starts, strict=True))
    assert rows[2][2] == "–"


def test_names_are_escaped_everywhere(data: Given) -> None:
    text = page(data)
    assert "<ugly>" not in text
    assert "bad &amp; &lt;ugly&gt;" in text
    found = re.search(r'id="standings">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    names = [row["name"] for row in json.loads(found.group(1))["rows"]]
    assert names == ["good", "bad & <ugly>", "partial"]


def test_nothing_is_fetched_from_a_network(data: Given) -> None:
    text = page(data)
    loaded = re.findall(r"""(?:src|href)=["'](?!#|data:)([^"']+)""", text)
    assert loaded == []
    assert "@import" not in text


def test_a_set_that_does_not_beat_its_mean_pose_is_said_so(data: Given) -> None:
    rows = _tables(page(data))["in-domain-table"][1:]
    assert rows[0][-1] == "✓ beats the mean pose"
    assert rows[1][-1] == "✗ does not beat the mean pose"


def test_held_out_people_of_recordings_that_were_trained_on_are_said_so(data: Given) -> None:
    rows = _tables(page(data))["in-domain-table"][1:]
    assert [row[5] for row in rows] == ["of their own", "also trained on"]


def test_a_marked_row_keeps_its_rank_and_its_reasons_stand_below(data: Given) -> None:
    text = page(data)
    assert _tables(text)["ranking-table"][2][0] == "2"
    reasons = "learnt &#34;nothing&#34; &amp; &lt;worse&gt;; and failed"
    assert f'href="#mark-2" data-tip="{reasons}"' in text
    assert f"<b>bad &amp; &lt;ugly&gt;</b>: {reasons}.</li>" in text
    assert text.count('class="mark" href') == 1


def test_the_pairs_say_how_often_the_row_is_better(data: Given) -> None:
    rows = _tables(page(data))["beats-table"]
    assert rows == [["Better", "1", "2"], ["1 good", "", ">99"], ["2 bad & <ugly>", "<1", ""]]


def test_shares_of_resamples_are_never_called_certain() -> None:
    assert [percent(x) for x in (0, 0.005, 0.5, 0.994, 0.995)] == ["<1", "<1", "50", "99", ">99"]
    assert opposed(0.5) == "rgb(255,255,255)"
    assert opposed(1.0) == "rgb(126,172,218)"


def test_ranks_without_each_benchmark_stand_beside_the_rank(data: Given) -> None:
    rows = _tables(page(data))["left-out-table"]
    assert rows[1:] == [
        ["good", "1", "1", "1"],
        ["bad & <ugly>", "2", "2", "2"],
        ["Kendall's tau with the order of all", "", "1.00", "1.00"],
    ]


def test_the_mean_out_of_domain_leaves_out_the_benchmark_that_trained_the_set(
    data: Given,
) -> None:
    rows = _tables(page(data))["ranking-table"][1:]
    assert rows[0][7].startswith("70.0")  # without `one`, at 50 mm
    assert rows[1][7].startswith("160.0")


def test_a_curve_that_still_falls_is_said_so_with_its_slope(data: Given) -> None:
    rows = _tables(page(data))["endings-table"][1:]
    assert rows == [["good--s0", "60.0", "−6.00", "0.00", "−10.00", "✗ still falling"]]


def test_equal_data_give_equal_bytes(data: Given) -> None:
    assert page(data) == page(data)


def test_the_best_of_a_column_is_lightest_and_the_worst_darkest() -> None:
    assert heat(50, 50, 150) == ("rgb(234,244,238)", "#1c2430")
    assert heat(150, 50, 150) == ("rgb(178,62,54)", "#fff")
    assert heat(7, 7, 7)[0] == "rgb(234,244,238)"


def test_the_curves_of_forty_sets_fit_and_are_told_apart_by_dashes() -> None:
    names = [f"set-{i}" for i in range(40)]
    svg = learning_curves([replace(FALLING, group=name) for name in names], names)
    assert all(f">{name}</text>" in svg for name in names)
    assert svg.count("stroke-dasharray") == 2 * 32  # all but the first eight: line and legend


def test_who_stopped_by_halving_stands_below_the_ranking(data: Given) -> None:
    assert "halving-table" not in _tables(page(data))
    places = [
        ("a", 1000, 60.0, 1, 1, False, "ran to the end", True),
        ("c", 100, 90.25, 2, 3, True, "its rank interval 2–3 cannot reach the top 1", True),
        ("d", 100, None, 0, 0, False, "not judged: 1 of its cells failed", False),
    ]
    names = ("name", "samples", "mpe_mm", "rank_low", "rank_high", "stopped", "why", "judged")
    halved = {
        "top": 1,
        "samples": 1100,
        "full_samples": 3000,
        "places": [dict(zip(names, place, strict=True)) for place in places],
    }
    text = page(replace(data, halved=halved))
    assert "1,100 samples instead of a full sweep's 3,000 (37 %)" in text.replace("&#39;", "'")
    assert _tables(text)["halving-table"][1:] == [
        ["a", "1,000", "60.0", "1", "ran to the end"],
        ["c", "100", "90.2", "2–3", "stopped: its rank interval 2–3 cannot reach the top 1"],
        ["d", "100", "–", "–", "not judged: 1 of its cells failed"],
    ]
