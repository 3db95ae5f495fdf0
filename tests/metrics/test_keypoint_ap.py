"""AP of keypoints: the official codes' numbers, and odd input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.metrics import keypoint_ap, oks
from ehpsbench.metrics.keypoint_suppression import rescored, survivors
from ehpsbench.metrics.oks_sigmas import COCO_17, GROUPS, WHOLEBODY_133

Make = Callable[..., Any]
GOLDEN = Path(__file__).parent / "golden"
PARTS = ("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts")
THEIRS = ("AP", "AP .5", "AP .75", "AP (M)", "AP (L)", "AR", "AR .5", "AR .75", "AR (M)", "AR (L)")
NAMES = dict(zip(keypoint_ap.NUMBERS, THEIRS, strict=True))
XTCOCO = {"left_hand": "lefthand", "right_hand": "righthand", "whole": "wholebody"}


def golden(case: str) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    kinds = (".gt", ".dets", "")
    truth, said, found = (
        json.loads((GOLDEN / f"coco_oks_ap.{case}{k}.json").read_text()) for k in kinds
    )
    return truth, said, found["results"]


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_of_the_whole_body_has_the_numbers_of_xtcocotools(
    arrays: Make, rows_of: Make, equal: Make, group: str
) -> None:
    truth, said, results = golden("people30")
    found = keypoint_ap.average_precision(rows_of(arrays(truth, said), group))
    name = XTCOCO.get(group, group)
    equal(found, results[f"xtcocotools(keypoints_{name})"]["output"]["stats"])
    equal(found, results[f"COCO-WholeBody official({name})"]["output"]["stats"])


def test_17_joints_have_the_numbers_of_pycocotools_also_threshold_by_threshold(
    arrays: Make, rows_of: Make, equal: Make
) -> None:
    truth, said, results = golden("people30")
    rows = rows_of(arrays(truth, said), "body")
    expected = results["pycocotools(17)"]["output"]
    equal(keypoint_ap.average_precision(rows), expected["stats"])
    precision, recall = keypoint_ap._curves(rows, torch.ones(1, len(truth["images"])).double())
    by_level = expected["AP_per_oks_threshold(all)"]
    np.testing.assert_allclose(precision[0, 0], by_level, rtol=1e-9)
    highest = np.array(expected["recall_per_oks_threshold[all,medium,large]"])
    np.testing.assert_allclose(recall[0].T, highest, rtol=1e-9)


def test_the_area_of_crowdpose_is_a_share_of_the_box(
    arrays: Make, rows_of: Make, equal: Make
) -> None:
    truth, said, results = golden("people30")
    made = arrays(truth, said)
    rows = rows_of(made, "body", area=made["box"][..., 3] * made["box"][..., 2] * 0.53)
    stats = results["xtcocotools(17, use_area=False)"]["output"]["stats"]
    equal(keypoint_ap.average_precision(rows), stats)


def test_similarities_are_those_of_pycocotools(arrays: Make) -> None:
    truth, said, results = golden("people30")
    made = arrays(truth, said)
    expected = results["pycocotools(17)"]["output"]["oks(first images)"]
    ids = sorted(image["id"] for image in truth["images"])
    order = made["scores"].masked_fill(~made["is_detection"], -1)
    order = order.sort(dim=1, descending=True, stable=True).indices
    people, said17 = made["people"][:, :, :17], made["detections"][:, :, :17, :2]
    visible = people[..., 2] > 0
    found = oks.score(said17, people[..., :2], visible, made["area"], COCO_17, box=made["box"])
    checked = 0
    for image, table in expected.items():
        row, wanted = ids.index(int(image)), np.array(table)
        best = found[row, order[row, : len(wanted)], : wanted.shape[1]]
        np.testing.assert_allclose(best, wanted, rtol=1e-9)
        checked += wanted.size
    assert checked > 10


@pytest.fixture(scope="module")
def mmpose_rows(rows_of: Make) -> Make:
    """Rows of the first joints, scored and suppressed as mmpose does it."""

    def made_of(
        made: dict[str, torch.Tensor], count: int, score: str, nms: str
    ) -> keypoint_ap.Matches:
        points = made["detections"][:, :, :count]
        name = "submitted" if score == "bbox" else score
        scores = rescored(made["scores"], points[..., 2], name)
        keep = made["is_detection"]
        if nms == "oks_nms":
            sides = points[..., :2].amax(2) - points[..., :2].amin(2)
            area = sides.prod(-1) * 1.25**2
            keep = survivors(
                points[..., :2], scores, area, WHOLEBODY_133[:count], is_detection=keep
            )
        group = "body" if count == 17 else "whole"
        return rows_of(made, group, scores=scores, is_detection=keep)

    return made_of


@pytest.mark.parametrize("score", ["bbox", "keypoint", "bbox_keypoint", "bbox_rle"])
@pytest.mark.parametrize("nms", ["none", "oks_nms"])
def test_mmpose_s_scores_and_suppression_give_mmpose_s_numbers(
    arrays: Make, mmpose_rows: Make, equal: Make, score: str, nms: str
) -> None:
    truth, said, results = golden("people30")
    found = keypoint_ap.average_precision(mmpose_rows(arrays(truth, said), 17, score, nms))
    equal(found, results[f"mmpose.CocoMetric(17, score={score}, nms={nms})"]["output"])


def test_mmpose_s_whole_body_numbers_are_reproduced(
    arrays: Make, mmpose_rows: Make, equal: Make
) -> None:
    truth, said, results = golden("people30")
    rows = mmpose_rows(arrays(truth, said), 133, "bbox_keypoint", "oks_nms")
    equal(
        keypoint_ap.average_precision(rows),
        results["mmpose.CocoWholeBodyMetric(133, defaults)"]["output"],
    )


def test_a_detection_that_is_not_a_number_is_refused(arrays: Make, rows_of: Make) -> None:
    truth, said, results = golden("degenerate_nan_detection")
    assert results["pycocotools(17)"]["output"]["stats"]["AP"] == pytest.approx(1)
    with pytest.raises(ValueError, match="not finite"):
        rows_of(arrays(truth, said), "body")
    with pytest.raises(ValueError, match="oks holds NaN"):
        keypoint_ap.matches(torch.tensor([[[torch.nan]]]), *(torch.ones(1, 1) for _ in "sdp"))
