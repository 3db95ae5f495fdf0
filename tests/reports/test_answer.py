"""What the page answers in words, from standings with known numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ehpsbench.leaderboards.digits import digits
from ehpsbench.leaderboards.table import Standings
from ehpsbench.reports.given import Given
from ehpsbench.reports.places import places
from ehpsbench.reports.sections import answer, defence, worth
from ehpsbench.reports.words import number


def _tied(standings: Standings, groups: list[int | None]) -> Standings:
    rows = [replace(r, tie_group=g) for r, g in zip(standings.rows, groups, strict=True)]
    return replace(standings, rows=tuple(rows))


def test_one_leader_is_named(data: Given) -> None:
    found = answer.section(data).context
    assert found["headline"] == "good leads 2 ranked sets, and can be told from every other."
    assert found["next"].startswith("Next comes bad & <ugly> (rank 2): 100.0 mm behind good")


def test_several_followers_share_their_ranks_and_the_gap_is_that_of_their_best(
    many: Given,
) -> None:
    tied = replace(many, standings=_tied(many.standings, [1, 2, 2, *[3] * 9]))
    first, second, third = many.names[:3]
    rows = many.standings.rows
    gap = number(rows[1].mpe.mean - rows[0].mpe.mean)
    assert (
        answer.section(tied)
        .context["next"]
        .startswith(
            f"Next come {second} and {third} (share ranks 2 to 3): "
            f"{second} is {gap} mm behind {first}, interval"
        )
    )


def test_without_anybody_apart_there_is_no_answer(data: Given) -> None:
    tied = replace(data, standings=_tied(data.standings, [1, 1, None]))
    found = answer.section(tied).context
    assert found["headline"].startswith("No answer yet: none of the 2 ranked sets")
    assert found["next"] == ""


def test_what_is_unfinished_is_said(data: Given) -> None:
    caveats = answer.section(data).context["caveats"]
    assert any(c.startswith("good: trained on data of benchmarks") for c in caveats)
    assert "Not ranked yet, results are missing: partial." in caveats


def test_a_tie_of_two_behind_one_shares_rank_2(many: Given) -> None:
    groups = [1, 2, 2, *[3] * 9]
    found = list(places(_tied(many.standings, groups)).values())
    assert [p.text for p in found[:4]] == ["1", "2=", "2=", "4="]
    assert found[1].words == "shares ranks 2 to 3"
    assert (found[3].first, found[3].last) == (4, 12)


def test_who_is_not_ranked_has_no_place(data: Given) -> None:
    assert places(data.standings)["partial"].text == "–"


def test_questions_are_answered_no_where_nothing_holds(data: Given) -> None:
    made = defence.section(data)
    assert made is not None
    found = {q["question"]: q["answer"] for q in made.context["questions"]}
    assert found["Is everybody there?"] == "partly"
    assert found["Had every cell converged?"] == "no"
    assert found["Does every set teach its own people?"] == "partly"
    assert found["Are the benchmarks unseen?"] == "partly"
    assert found["Does the order hold without any one benchmark?"] == "yes"


def test_an_order_that_one_benchmark_turns_over_is_not_called_steady(data: Given) -> None:
    turned = replace(data.standings, agreement={"one": -1.0, "two": 1.0})
    made = defence.section(replace(data, standings=turned))
    assert made is not None
    [steady] = [q for q in made.context["questions"] if "without any one" in q["question"]]
    assert steady["answer"] == "no"
    assert steady["words"].endswith("at least −1.00 (without one)")


@pytest.mark.parametrize(("value", "text"), [(-0.04, "0.0"), (0.0, "0.0"), (-0.06, "−0.1")])
def test_zero_has_no_sign(value: float, text: str) -> None:
    assert number(value) == text
    assert number(value, sign=True) == text
    assert digits(value, "mm").replace("-", "−") == text


def test_worth_is_said_against_the_median_and_by_whom_it_beats(data: Given) -> None:
    made = worth.section(data)
    assert made is not None
    first, second = made.context["leaves"]
    assert first["words"].startswith("MPE 50.0 mm better than the median set")
    assert "ahead of 1 and behind 0 of the other 1" in first["words"]
    assert second["words"].startswith("MPE 50.0 mm worse")
    assert [line["gap"] for line in first["lines"]] == ["−50.0", "−50.0"]


def test_higher_is_better_turns_better_and_worse(data: Given) -> None:
    score = replace(data.standings.score, name="AP", unit="%", direction="higher")
    made = worth.section(replace(data, standings=replace(data.standings, score=score)))
    assert made is not None
    assert made.context["leaves"][0]["words"].startswith("AP 50.0 points worse")
