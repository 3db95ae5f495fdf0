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
    for peer in (f"xtcocotools(keypoints_{name})", f"COCO-WholeBody official({name})"):
        equal(found, results[peer]["output"]["stats"])
        at_every_threshold(rows_of(arrays(truth, said), group), results[peer]["output"])


def at_every_threshold(rows: keypoint_ap.Matches, expected: dict[str, Any]) -> None:
    """Precision and recall of each OKS threshold, and where it is stored the curve at .5."""
    precision, recall = keypoint_ap._curves(rows, torch.ones(1, len(rows.people)).double())
    by_level = expected["AP_per_oks_threshold(all)"]
    np.testing.assert_allclose(precision[0, 0], by_level, rtol=1e-9)
    highest = np.array(expected["recall_per_oks_threshold[all,medium,large]"])
    np.testing.assert_allclose(recall[0].nan_to_num(-1).T, highest, rtol=1e-9)
    known = {"stats", "AP_per_oks_threshold(all)", "recall_per_oks_threshold[all,medium,large]"}
    assert set(expected) <= known | {*CURVES, "oks(first images)"}
    if set(CURVES) <= set(expected):
        for name, values in zip(CURVES, curve(rows), strict=True):
            np.testing.assert_allclose(values, expected[name], rtol=1e-9)


CURVES = ("precision_at_101_recalls(oks=.5,all)", "scores_at_101_recalls(oks=.5,all)")


def curve(rows: keypoint_ap.Matches) -> tuple[np.ndarray, np.ndarray]:
    """Precision, and the score of the detection that reaches it, at 101 recalls, OKS .5."""
    order = torch.sort(rows.scores, descending=True, stable=True).indices
    right, wrong = (getattr(rows, n)[order, 0, 0].numpy() for n in ("correct", "wrong"))
    found = np.cumsum(right)
    precision = found / (found + np.cumsum(wrong) + np.spacing(1))
    best = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(found / rows.people[:, 0].sum().item(), keypoint_ap.RECALLS)
    both = (best, rows.scores[order].numpy())
    precise, scores = (np.append(values, 0.0)[at] for values in both)
    return precise, scores


@pytest.mark.parametrize("peer", ["pycocotools(17)", "xtcocotools(17)"])
def test_17_joints_have_the_numbers_of_both_codes_also_threshold_by_threshold(
    arrays: Make, rows_of: Make, equal: Make, peer: str
) -> None:
    truth, said, results = golden("people30")
    rows = rows_of(arrays(truth, said), "body")
    equal(keypoint_ap.average_precision(rows), results[peer]["output"]["stats"])
    at_every_threshold(rows, results[peer]["output"])


def test_the_area_of_crowdpose_is_a_share_of_the_box(
    arrays: Make, rows_of: Make, equal: Make
) -> None:
    truth, said, results = golden("people30")
    made = arrays(truth, said)
    rows = rows_of(made, "body", area=made["box"][..., 3] * made["box"][..., 2] * 0.53)
    expected = results["xtcocotools(17, use_area=False)"]["output"]
    equal(keypoint_ap.average_precision(rows), expected["stats"])
    at_every_threshold(rows, expected)


@pytest.mark.parametrize("peer", ["pycocotools(17)", "xtcocotools(17)"])
def test_similarities_are_those_of_both_codes(arrays: Make, peer: str) -> None:
    truth, said, results = golden("people30")
    made = arrays(truth, said)
    expected = results[peer]["output"]["oks(first images)"]
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


@pytest.mark.parametrize("score", ["bbox", "keypoint", "bbox_keypoint", "bbox_rle"])
def test_mmpose_s_soft_suppression_is_not_offered_and_makes_another_number(score: str) -> None:
    results = golden("people30")[2]
    named = "mmpose.CocoMetric(17, score={}, nms={})".format
    soft, hard = (results[named(score, f"{kind}oks_nms")]["output"] for kind in ("soft_", ""))
    assert set(soft) == set(hard)
    assert soft["AP"] != pytest.approx(hard["AP"], rel=1e-6)


def test_no_peer_on_people30_is_passed_over() -> None:
    tested = {"pycocotools(17)", "xtcocotools(17)", "xtcocotools(17, use_area=False)"}
    tested |= {"mmpose.CocoWholeBodyMetric(133, defaults)"}
    for name in (XTCOCO.get(group, group) for group in GROUPS):
        tested |= {f"xtcocotools(keypoints_{name})", f"COCO-WholeBody official({name})"}
    for score in ("bbox", "keypoint", "bbox_keypoint", "bbox_rle"):
        for nms in ("none", "oks_nms", "soft_oks_nms"):
            tested.add(f"mmpose.CocoMetric(17, score={score}, nms={nms})")
    assert set(golden("people30")[2]) == tested


def test_a_detection_that_is_not_a_number_is_refused(arrays: Make, rows_of: Make) -> None:
    truth, said, results = golden("degenerate_nan_detection")
    found = {peer: result["output"]["stats"]["AP"] for peer, result in results.items()}
    assert found.pop("xtcocotools(17)") == 0
    assert list(found.values()) == pytest.approx([1.0] * 5)  # a perfect match, for all others
    with pytest.raises(ValueError, match="not finite"):
        rows_of(arrays(truth, said), "body")
    with pytest.raises(ValueError, match="oks holds NaN"):
        keypoint_ap.matches(torch.tensor([[[torch.nan]]]), *(torch.ones(1, 1) for _ in "sdp"))
