"""How much of a person is cut off: joints counted by hand, released values kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.forward import forward
from ehpsbench.evaluation.numbers import Number, of_values
from ehpsbench.evaluation.slices import slices
from ehpsbench.evaluation.truncation import outside_image
from ehpsbench.schema import nullable

Make = Callable[..., Any]
POSE = ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose", "betas", "transl")


def mean_pve(rows: pa.Table) -> Number:
    return of_values(rows, ["pve"])["pve"]


def heights_of_joints(people: dict[str, Any], bodies: BodySet) -> np.ndarray:
    """(N, 22) vertical pixel of each body joint, from the top one down."""
    joints = forward(bodies.model("smplx"), **{name: people[name] for name in POSE}).joints.numpy()
    return np.sort(600 * joints[:, :22, 1] / joints[:, :22, 2] + 240, axis=1)


@pytest.fixture
def people(make_people: Make, bodies: BodySet) -> dict[str, Any]:
    """Somebody cut below the 22nd, the 17th, the 11th and the first of the 22 joints."""
    found: dict[str, Any] = make_people(4)
    rows = heights_of_joints(found, bodies)
    for i, left in enumerate((22, 17, 11, 1)):
        below = rows[i, left] if left < 22 else rows[i, -1] + 40
        found["height"][i] = np.floor((rows[i, left - 1] + below) / 2)
        assert rows[i, left - 1] < found["height"][i] < below
    return found


def test_the_share_outside_is_that_of_the_joints_below_the_edge(
    people: dict[str, Any], bodies: BodySet, tmp_path: Path
) -> None:
    found = outside_image(people, bodies, tmp_path)
    np.testing.assert_allclose(found, [0, 5 / 22, 11 / 22, 21 / 22])


def test_a_body_behind_the_camera_is_outside_and_one_without_a_place_is_not_known(
    people: dict[str, Any], bodies: BodySet, tmp_path: Path
) -> None:
    people["transl"][0, 2] = -4
    people["transl"] = nullable(people["transl"], [True, False, True, True])
    people["focal"] = nullable(people["focal"], [True, True, False, True])
    found = outside_image(people, bodies, tmp_path)
    assert found.tolist() == [1, None, None, pytest.approx(21 / 22)]
    del people["focal"]
    assert outside_image(people, bodies, tmp_path).mask.all()


def test_of_a_hand_without_a_body_the_hand_counts(
    make_people: Make, bodies: BodySet, tmp_path: Path
) -> None:
    people = {n: v for n, v in make_people(2).items() if n not in POSE}
    people |= {"source_model": np.array(["mano"] * 2, object), "left_hand_pose": np.zeros((2, 45))}
    people |= {"left_hand_orient": np.zeros((2, 3)), "left_hand_betas": np.zeros((2, 10))}
    people["left_hand_transl"] = np.array([[0.0, 0, 4], [9, 0, 4]])
    assert outside_image(people, bodies, tmp_path).tolist() == [0, 1]


def test_released_shares_are_kept_and_the_others_derived(
    people: dict[str, Any], make_store: Make, bodies: BodySet, tmp_path: Path
) -> None:
    people["truncation"] = nullable(np.array([0.9, 0, 0, 0]), [True, False, False, False])
    store = make_store(tmp_path, people, bodies)
    rows = pa.table(
        {"instance_id": people["instance_id"], "cluster": list("aabb"), "pve": [1.0, 2, 3, 4]}
    )
    found = slices(store, "made", "test", rows, mean_pve, bodies=bodies)["truncation"]
    assert {part: n.value for part, n in found.items()} == {
        "10 to 50 %": 2,
        "50 % and more": pytest.approx((1 + 3 + 4) / 3),
    }
