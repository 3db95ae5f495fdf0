"""Joints that are asked for twice are posed once, and never another body's."""

from __future__ import annotations

import numpy as np

from ehpsbench.body import remembered
from ehpsbench.body.bodies import BodySet
from ehpsbench.body.forward import forward
from ehpsbench.body.remembered import joints_of


def _inputs(people: int, turn: float) -> dict[str, np.ndarray]:
    return {"global_orient": np.full((people, 3), turn), "transl": np.zeros((people, 3))}


def test_equal_parameters_have_the_joints_of_a_moment_ago(small: BodySet) -> None:
    model = small.model("smplx")
    first = joints_of(model, _inputs(2, 0.1))
    assert joints_of(model, _inputs(2, 0.1)) is first
    found = forward(model, **_inputs(2, 0.1), joints_only=True).joints.numpy()
    np.testing.assert_allclose(first, found, atol=1e-6)


def test_one_number_or_the_model_makes_another_body(small: BodySet) -> None:
    first = joints_of(small.model("smplx"), _inputs(2, 0.1))
    changed = _inputs(2, 0.1)
    changed["transl"][1, 2] = 1e-9
    assert joints_of(small.model("smplx"), changed)[1, 0, 2] - first[1, 0, 2] > 0
    assert not np.array_equal(joints_of(small.model("smplx", "male"), _inputs(2, 0.1)), first)


def test_missing_numbers_are_equal_to_themselves(small: BodySet) -> None:
    inputs = _inputs(2, 0.2) | {"betas": np.full((2, 10), np.nan)}
    assert joints_of(small.model("smplx"), inputs) is joints_of(small.model("smplx"), inputs)


def test_no_more_is_kept_than_there_is_room_for(small: BodySet) -> None:
    model, many = small.model("mano", "left"), remembered.MOST_ROWS // 2 + 1
    first, second = joints_of(model, _inputs(many, 0.3)), joints_of(model, _inputs(many, 0.4))
    assert joints_of(model, _inputs(many, 0.4)) is second
    assert joints_of(model, _inputs(many, 0.3)) is not first
