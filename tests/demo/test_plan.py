"""Tables of planted worth: the demo's, and the larger one of benchmarks/."""

from __future__ import annotations

from pathlib import Path

import pytest

from ehpsbench.demo.plan import TABLE, Plan, read_plan
from ehpsbench.errors import InputError

PLANTED = Path(__file__).parents[2] / "benchmarks" / "planted.toml"


@pytest.mark.parametrize("path", [TABLE, PLANTED], ids=["demo", "planted"])
def test_every_set_has_a_world_and_nothing_ranks_before_itself(path: Path) -> None:
    plan = read_plan(path)
    for planned in plan.sets:
        plan.settings(planned)
    assert not any((worse, better) in plan.pairs() for better, worse in plan.pairs())


def test_the_planted_sets_are_eleven_human_data_files_whose_table_fixes_20_pairs() -> None:
    plan = read_plan(PLANTED)
    assert (len(plan.sets), plan.layout, plan.seeds, len(plan.pairs())) == (11, "humandata", 3, 20)


def test_a_claim_about_a_set_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(PLANTED.read_text().replace('name = "half"', 'name = "quarter"'))
    with pytest.raises(InputError, match="half"):
        read_plan(path)


def test_a_set_says_its_own_number_of_people() -> None:
    plan: Plan = read_plan(PLANTED)
    assert {s.name: s.people for s in plan.sets if s.people} == {"half": 400, "tiny": 80}
