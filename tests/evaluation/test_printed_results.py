"""What the terminal says of a result: no number without a value or a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.cli.scores import print_result
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.predictions import write_predictions

Make = Callable[..., Any]


@pytest.fixture
def printed(
    tmp_path: Path, bodies: BodySet, make_store: Make, repeat_truth: Make, capsys: Any
) -> Make:
    """Scores people who repeat the truth; returns the summary and the lines of the terminal."""

    def made(truth: dict[str, Any], benchmark: str) -> tuple[dict[str, Any], list[str]]:
        store = make_store(tmp_path, truth, bodies)
        write_predictions(store, "model", benchmark, repeat_truth(truth), bodies)
        result = evaluate(store, "model", benchmark, bodies)
        print_result("model", result, slices=False)
        lines = capsys.readouterr().out.splitlines()
        return result.summary, [" ".join(line.split()) for line in lines]

    return made


def test_motion_of_two_frames_is_shown_as_undefined_with_the_reason(
    make_people: Make, printed: Make
) -> None:
    truth = make_people(4, family="smpl")
    truth |= {"track": np.array(["0", "0", "1", "1"], object), "frame": np.array([0, 1, 0, 1])}
    truth |= {"sequence": np.array(["walk"] * 4, object), "fps": np.full(4, 25.0)}
    summary, lines = printed(truth, "pw3d-h36m14@made@test")
    why = "no three consecutive frames of one person"
    assert summary["skipped"] == {
        "acceleration_error": why,
        "acceleration_error_per_second": f"{why} whose frame rate is known",
    }
    assert "acceleration_error – 0 0" in lines
    assert f"– acceleration_error: {why}" in lines


def test_rows_without_tracks_and_hands_without_labels_are_named(
    make_people: Make, printed: Make, tmp_path: Path
) -> None:
    truth = make_people(4)
    truth["left_hand_valid"][:] = truth["face_valid"][:] = False
    _, lines = printed(truth, "agora-val@made@test")
    assert "pve_face – 0 0" in lines
    left = "pve_hands_left, pa_pve_hands_left, pa_mpjpe_hands_left"
    assert f"– {left}: no left hand is labelled as valid" in lines
    assert "– pve_face, pa_pve_face: no face is labelled as valid" in lines


def test_what_cannot_be_computed_at_all_stands_in_the_table_too(
    make_people: Make, printed: Make
) -> None:
    _, lines = printed(make_people(4, family="smpl"), "pw3d-h36m14@made@test")
    assert "acceleration_error – 0 0" in lines
    assert any(line.endswith("the rows have no track and frame to follow.") for line in lines)
