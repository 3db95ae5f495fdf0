"""Average precision of keypoints: cases known by hand, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.metrics import keypoint_ap, oks
from ehpsbench.metrics.oks_sigmas import COCO_17


def plain(
    similar: list[list[float]], scores: list[float], area: float = 1e4, **options: Any
) -> dict[str, float]:
    """Numbers of one image with people of 10,000 px²."""
    people = len(similar[0]) if similar else 0
    table = torch.tensor([similar], dtype=torch.float64).reshape(1, len(scores), people)
    areas = torch.full((1, table.shape[2]), area), torch.full((1, len(scores)), area)
    rows = keypoint_ap.matches(table, torch.tensor([scores]), areas[1], areas[0], **options)
    return {name: value.item() for name, value in keypoint_ap.average_precision(rows).items()}


def test_half_of_two_people_found_is_51_of_101_recalls() -> None:
    found = plain([[0.8, 0.0]], [0.3])
    assert found["ap50"] == pytest.approx(51 / 101)
    assert found["ap"] == pytest.approx(0.7 * 51 / 101)  # .8 itself is a threshold: found there
    assert (found["ar50"], found["ar"]) == (0.5, pytest.approx(0.35))


def test_a_similarity_that_equals_the_threshold_is_a_match() -> None:
    assert plain([[0.5]], [1.0])["ar"] == pytest.approx(0.1)
    assert plain([[0.5 - 1e-12]], [1.0])["ar"] == 0


def test_of_two_equal_people_the_last_is_taken_and_a_crowd_never_runs_out() -> None:
    found = plain([[0.9, 0.9], [0.9, 0.0]], [1.0, 0.9])
    assert found["ar50"] == 1
    crowd = torch.tensor([[True]])
    assert np.isnan(plain([[0.9], [0.9]], [1.0, 0.9], crowd=crowd)["ap"])
    found = plain(
        [[0.9, 0.0], [0.9, 0.0], [0.0, 0.9]], [3, 2, 1], crowd=torch.tensor([[True, False]])
    )
    assert found["ap50"] == pytest.approx(1)
    ignored = torch.tensor([[True, False]])
    assert plain([[0.9, 0.0], [0.9, 0.0], [0.0, 0.9]], [3, 2, 1], ignored=ignored)[
        "ap50"
    ] == pytest.approx(0.5)


def test_no_detections_are_0_and_nobody_to_find_is_nan() -> None:
    empty = plain([], [])
    assert all(np.isnan(value) for value in empty.values())
    rows = keypoint_ap.matches(
        torch.zeros(1, 0, 2), torch.zeros(1, 0), torch.zeros(1, 0), torch.full((1, 2), 2000.0)
    )
    found = keypoint_ap.average_precision(rows)
    assert (found["ap"].item(), found["ar_medium"].item()) == (0, 0)
    assert found["ap_large"].isnan()


def test_people_of_exactly_96_squared_are_medium_and_large() -> None:
    found = plain([[0.99]], [1.0], area=96.0**2)
    assert found["ap_medium"] == found["ap_large"] == pytest.approx(1)
    assert np.isnan(plain([[0.99]], [1.0], area=32.0**2 - 1)["ap_medium"])


def test_the_21st_detection_of_an_image_does_not_count() -> None:
    worse = [[0.0]] * 20 + [[1.0]]
    assert plain(worse, list(range(21, 0, -1)))["ar"] == 0
    assert plain(worse, list(range(20, -1, -1)), max_detections=21)["ar"] == 1


def test_one_joint_as_far_as_its_tolerance_allows_has_a_similarity_known_by_hand() -> None:
    people, seen = torch.zeros(1, 2, 2), torch.tensor([[True, False]])
    said = torch.tensor([[[3.0, 4.0], [900.0, 0.0]]])
    found = oks.score(said, people, seen, torch.tensor([100.0]), (0.25, 0.1))
    assert found.item() == pytest.approx(np.exp(-25 / (2 * 0.5**2 * 100)), rel=1e-12)
    people[0, 1] = torch.nan
    assert oks.score(said, people, seen, torch.tensor([100.0]), (0.25, 0.1)) == found


def test_a_person_without_joints_is_a_box_three_times_its_size_or_nan() -> None:
    people, nothing = torch.zeros(1, 1, 2), torch.zeros(1, 1, dtype=torch.bool)
    said = torch.tensor([[[29.0, 25.0]], [[33.0, 24.0]]])
    box, area = torch.tensor([[10.0, 10.0, 10.0, 10.0]]), torch.tensor([100.0])
    found = oks.score(said, people, nothing, area, (0.5,), box=box)
    assert found[:, 0].tolist() == pytest.approx([1.0, np.exp(-9 / 200)], rel=1e-12)
    assert oks.score(said, people, nothing, area, (0.5,)).isnan().all()


def test_what_does_not_fit_is_refused() -> None:
    people, seen = torch.zeros(1, 3, 2), torch.ones(1, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"detections must be \(..., D, 3, 2\)"):
        oks.score(torch.zeros(1, 4, 2), people, seen, torch.ones(1), COCO_17[:3])
    with pytest.raises(ValueError, match="visible must be"):
        oks.score(torch.zeros(1, 3, 2), people, seen[0], torch.ones(1), COCO_17[:3])
    with pytest.raises(ValueError, match="negative"):
        oks.score(torch.zeros(1, 3, 2), people, seen, -torch.ones(1), COCO_17[:3])
    with pytest.raises(ValueError, match="scores must be"):
        keypoint_ap.matches(
            torch.zeros(1, 2, 1), torch.ones(1, 3), torch.ones(1, 2), torch.ones(1, 1)
        )
    nan = torch.full((1, 1), torch.nan)
    with pytest.raises(ValueError, match="scores holds NaN"):
        keypoint_ap.matches(torch.zeros(1, 1, 1), nan, torch.ones(1, 1), torch.ones(1, 1))
    rows = keypoint_ap.matches(torch.zeros(1, 1, 1), *(torch.ones(1, 1) for _ in "sdp"))
    with pytest.raises(ValueError, match="image_weights must be"):
        keypoint_ap.average_precision(rows, torch.ones(2))


@pytest.mark.parametrize("people", [1, 3])
def test_cocos_flags_as_whole_numbers_are_read_as_truth_values(people: int) -> None:
    rng = np.random.default_rng(8)
    joints = torch.from_numpy(rng.uniform(0, 90, (people, 17, 2)))
    said = torch.cat([joints + 2, joints + 30])
    flags = torch.from_numpy(rng.integers(0, 3, (people, 17)))
    flags[0] = 0
    size, box = torch.full((people,), 4000.0), torch.tensor([[0.0, 0, 90, 90]]).repeat(people, 1)
    found = oks.score(said, joints, flags, size, [0.05] * 17, box=box)
    expected = oks.score(said, joints, flags > 0, size, [0.05] * 17, box=box)
    torch.testing.assert_close(found, expected)
    crowd, scores = (torch.arange(people) == 0)[None], torch.rand(1, 2 * people)
    areas = (size.repeat(2)[None], size[None])
    one, other = (
        keypoint_ap.matches(found[None], scores, *areas, crowd=c, ignored=c)
        for c in (crowd, crowd.int())
    )
    assert one.correct.equal(other.correct)
    assert one.wrong.equal(other.wrong)
    assert one.people.equal(other.people)
