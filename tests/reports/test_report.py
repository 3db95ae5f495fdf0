"""The page, made from standings with known numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

from ehpsbench.reports.build import page
from ehpsbench.reports.certainty import percent
from ehpsbench.reports.given import Given
from ehpsbench.reports.levels import level_among, level_of_share

Tables = dict[str, list[list[str]]]


def _column(table: list[list[str]], head: str) -> list[str]:
    place = table[0].index(head)
    return [row[place] for row in table[1:]]


def test_the_ranking_shows_means_of_60_and_160_mm_best_first(tables: Tables) -> None:
    table = tables["ranking-table"]
    assert _column(table, "Rank") == ["1", "2", "–"]
    assert _column(table, "MPE [mm]") == ["60.0", "160.0", "–"]
    assert _column(table, "Training set") == ["good", "bad & <ugly>", "partial|lacks two"]


def test_the_matrix_shows_every_error_and_a_dash_where_there_is_none(tables: Tables) -> None:
    rows = tables["matrix-table"][1:]
    assert [row[1].split("|")[0] for row in rows] == ["50.0", "150.0", "60.0"]
    assert rows[2][2].split("|")[0] == "–"


def test_names_are_escaped_everywhere(text: str) -> None:
    assert "<ugly>" not in text
    assert "bad &amp; &lt;ugly&gt;" in text
    found = re.search(r'id="standings">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    names = [row["name"] for row in json.loads(found.group(1))["rows"]]
    assert names == ["good", "bad & <ugly>", "partial"]


def test_a_dataset_named_like_a_script_adds_no_element(many: Given) -> None:
    text = page(many)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    kinds = re.findall(r"<script([^>]*)>", text)
    assert kinds == [' type="application/json" id="standings"', ""]


def test_nothing_is_fetched_from_a_network(text: str) -> None:
    loaded = re.findall(r"""(?:src|href)=["'](?!#|data:)([^"']+)""", text)
    assert loaded == []
    assert "@import" not in text
    assert 'Content-Security-Policy" content="default-src &#39;none&#39;' in text


def test_every_id_is_there_once_and_every_reference_leads_somewhere(text: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    named = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)|aria-labelledby="([^"]+)"', text)
    wanted = {word for found in named for part in found for word in part.split()}
    assert wanted <= set(ids)


def test_a_second_board_has_ids_of_its_own(data: Given) -> None:
    text = page(data, replace(data, prefix="other-"))
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert "other-ranking-table" in ids


def test_a_set_that_does_not_beat_its_mean_pose_is_said_so(tables: Tables) -> None:
    rows = tables["in-domain-table"][1:]
    assert rows[0][-1] == "✓ beats the mean pose"
    assert rows[1][-1] == "✗ does not beat the mean pose"


def test_held_out_people_of_recordings_that_were_trained_on_are_said_so(tables: Tables) -> None:
    assert _column(tables["in-domain-table"], "Of recordings") == [
        "of their own",
        "also trained on",
    ]


def test_a_marked_row_keeps_its_rank_and_its_reasons_stand_in_it(tables: Tables) -> None:
    table = tables["ranking-table"]
    assert table[2][0] == "2"
    assert _column(table, "Doubts") == ["", 'learnt "nothing" & <worse>and failed', ""]


def test_who_was_trained_on_a_benchmark_is_called_in_domain_there(tables: Tables) -> None:
    assert _column(tables["ranking-table"], "Domain") == ["in-domain|one", "zero-shot", "zero-shot"]


def test_the_pairs_say_how_often_the_row_is_better(tables: Tables) -> None:
    rows = tables["pairs-table"]
    assert rows == [["Better", "1", "2"], ["1 good", "", ">99"], ["2 bad & <ugly>", "<1", ""]]


def test_shares_of_resamples_are_never_called_certain() -> None:
    assert [percent(x) for x in (0, 0.005, 0.5, 0.994, 0.995)] == ["<1", "<1", "50", "99", ">99"]
    assert [level_of_share(x) for x in (0.0, 0.5, 0.6, 1.0)] == [-5, 0, 0, 5]


def test_the_best_of_a_column_is_5_the_median_0_and_the_worst_minus_5() -> None:
    column = [10.0, 20.0, 60.0, float("nan")]
    assert [level_among(v, column, "lower") for v in column[:3]] == [5, 0, -5]
    assert [level_among(v, column, "higher") for v in column[:3]] == [-5, 0, 5]
    assert level_among(7, [7.0]) == 0


def test_ranks_without_each_benchmark_stand_beside_the_rank(tables: Tables) -> None:
    assert tables["left-out-table"][1:] == [
        ["good", "1", "1", "1"],
        ["bad & <ugly>", "2", "2", "2"],
        ["Kendall's tau with the order of all", "", "1.00", "1.00"],
    ]


def test_the_mean_out_of_domain_leaves_out_the_benchmark_that_trained_the_set(
    tables: Tables,
) -> None:
    values = _column(tables["ranking-table"], "MPE [mm]|out of domain")
    assert values[:2] == ["70.0", "160.0"]  # `good` without `one`, at 50 mm


def test_a_curve_that_still_falls_is_said_so_with_its_slope(tables: Tables) -> None:
    rows = tables["endings-table"][1:]
    assert rows == [["good--s0", "60.0", "−6.00", "0.00", "−10.00", "✗ still falling"]]


def test_equal_data_give_equal_bytes(data: Given, text: str) -> None:
    assert page(data) == text


def test_who_stopped_by_halving_stands_below_the_ranking(
    data: Given, tables: Tables, tables_of: Callable[[str], Tables]
) -> None:
    assert "halving-table" not in tables
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
    assert tables_of(text)["halving-table"][1:] == [
        ["a", "1,000", "60.0", "1", "ran to the end"],
        ["c", "100", "90.2", "2–3", "stopped: its rank interval 2–3 cannot reach the top 1"],
        ["d", "100", "–", "–", "not judged: 1 of its cells failed"],
    ]
