"""Bugs of the published evaluation code that must not be here; docs/known-bugs.md has the list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.mesh.rules import MeshProtocol
from ehpsbench.evaluation.mesh.scoring import errors
from ehpsbench.evaluation.predictions import write_predictions
from ehpsbench.evaluation.protocol import names, protocol
from ehpsbench.geometry import axis_angle, rotation_matrix

Make = Callable[..., Any]
EHF = "ehf-smplestx-compat@made@test"  # the one that has MPJPE and PVE of hands
AGORA = "agora-val@made@test"
LEFT_SHOULDER, LEFT_ELBOW = (slice(3 * (joint - 1), 3 * joint) for joint in (16, 18))


def scored(truth: Any, said: Any, benchmark: str, bodies: BodySet) -> dict[str, np.ndarray]:
    parameters = {name: values for name, values in said.items() if name != "instance_id"}
    return errors(truth, parameters, protocol(benchmark), bodies).columns


def carry_the_left_hand_elsewhere(said: dict[str, Any]) -> None:
    """Turn the upper arm by 60° and the elbow back: forearm and hand move and do not turn."""
    pose = said["body_pose"]
    shoulder, elbow = rotation_matrix(pose[:, LEFT_SHOULDER]), rotation_matrix(pose[:, LEFT_ELBOW])
    turn = rotation_matrix([0, 0, np.pi / 3])
    pose[:, LEFT_SHOULDER] = axis_angle(shoulder @ turn)
    pose[:, LEFT_ELBOW] = axis_angle(turn.T @ elbow)


@pytest.mark.parametrize("column", ["mpjpe_hands_left", "pve_hands_left"])
def test_e1_e2_errors_of_a_hand_are_about_its_wrist_in_truth_and_prediction_alike(
    bodies: BodySet, make_people: Make, repeat_truth: Make, column: str
) -> None:
    truth = make_people(3)
    said = repeat_truth(truth)
    carry_the_left_hand_elsewhere(said)
    found = scored(truth, said, EHF, bodies)
    assert found["pve"].min() > 10
    assert found[column].max() < 1  # the hand itself is right
    assert found[column.replace("left", "right")].max() < 1e-2


def test_e3_a_hand_more_than_100_mm_off_stays_in_the_rows_and_takes_no_other_with_it(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(3)
    truth["betas"][0, 0] = -60.0  # a giant, so that a fist is far from an open hand
    said = repeat_truth(truth)
    said["left_hand_pose"][0] += 1.2
    found = scored(truth, said, AGORA, bodies)
    assert found["pa_mpjpe_hands_left"][0] > 100
    assert np.isfinite([values for name, values in found.items() if "hands" in name]).all()
    np.testing.assert_allclose(found["pa_mpjpe_hands"], found["pa_mpjpe_hands_left"] / 2, atol=1e-2)


def test_e3_only_the_protocol_that_repeats_the_published_code_drops_hands() -> None:
    dropping = set()
    for name in names():
        rules = protocol(name)
        if isinstance(rules, MeshProtocol):
            dropping |= {name for e in rules.errors if e.drop_hands_above_mm is not None}
    assert dropping == {"ehf-smplestx-compat"}


def test_e4_people_without_a_valid_hand_neither_count_nor_spoil_the_mean(
    tmp_path: Path, bodies: BodySet, make_people: Make, make_store: Make, repeat_truth: Make
) -> None:
    truth = make_people(4)
    for side in ("left", "right"):
        truth[f"{side}_hand_valid"][1:3] = False
    store, said = make_store(tmp_path, truth, bodies), repeat_truth(truth)
    said["left_hand_pose"] += 0.3
    write_predictions(store, "mine", AGORA, said, bodies)
    result = evaluate(store, "mine", AGORA, bodies)
    each = scored(truth, said, AGORA, bodies)["pve_hands"]
    assert np.isnan(each).tolist() == [False, True, True, False]
    assert result.number("pve_hands") == pytest.approx(each[[0, 3]].mean(), abs=1e-2)


def test_e12_people_without_a_single_labelled_keypoint_are_scored(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = make_people(2)
    assert not [name for name in truth if name.startswith("keypoints")]
    for benchmark, family in ((AGORA, "smplx"), ("pw3d-test@made@test", "smpl")):
        people = make_people(2, family=family)
        found = scored(people, repeat_truth(people), benchmark, bodies)
        assert np.isfinite(np.stack(list(found.values()))).all()
