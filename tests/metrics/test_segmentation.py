"""mIoU, mAcc and aAcc: against mmsegmentation's, a loop over classes, and by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.metrics import segmentation
from ehpsbench.metrics.part_classes import CLASS_SETS, GOLIATH_28, LIP_20

GOLDEN = Path(__file__).parent / "golden"
PEER = "sapiens.IoUMetric(mIoU)"
FLOAT32 = 1e-6  # the peer's areas and ratios


def case(name: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    arrays = np.load(GOLDEN / f"seg_miou.{name}.npz")
    expected = json.loads((GOLDEN / f"seg_miou.{name}.json").read_text())["results"]
    return {k: torch.from_numpy(v) for k, v in arrays.items()}, expected


def areas_of(arrays: dict[str, torch.Tensor]) -> torch.Tensor:
    classes, ignored = int(arrays["num_classes"]), int(arrays["ignore_index"])
    return segmentation.score(arrays["pred"], arrays["gt"], classes=classes, ignore_index=ignored)


def labels(*rows: list[int]) -> torch.Tensor:
    return torch.tensor(rows)


def loop(pred: np.ndarray, true: np.ndarray, classes: int, ignored: int) -> dict[str, float]:
    iou, acc, right, said = [], [], 0, true != ignored
    for c in range(classes):
        both = int(((pred == c) & (true == c) & said).sum())
        either = int((((pred == c) | (true == c)) & said).sum())
        here = int(((true == c) & said).sum())
        iou.append(both / either if either else np.nan)
        acc.append(both / here if here else np.nan)
        right += both
    total = int((said & (true >= 0) & (true < classes)).sum())
    return {
        "miou": 100 * float(np.nanmean(iou)),
        "macc": 100 * float(np.nanmean(acc)),
        "aacc": 100 * right / total,
        "classes_used": float(np.isfinite(iou).sum()),
    }


@pytest.mark.parametrize("name", ["lip20", "degenerate_gt_out_of_range"])
def test_areas_and_numbers_are_those_of_mmsegmentation(name: str) -> None:
    arrays, peers = case(name)
    output = peers[PEER]["output"]
    sums = areas_of(arrays).sum(0)
    both, said, true = sums.split(int(arrays["num_classes"]))
    intersect, _, predicted, labelled = output["total_area[intersect,union,pred,gt]"]
    assert (both.tolist(), said.tolist(), true.tolist()) == (intersect, predicted, labelled)
    numbers = segmentation.numbers(sums)
    means = output["nanmean (unrounded)"]
    for ours, theirs in (("miou", "IoU"), ("macc", "Acc"), ("aacc", "aAcc")):
        assert float(numbers[ours]) == pytest.approx(100 * means[theirs], rel=FLOAT32)
    classes = output["total_area_to_metrics (unrounded fractions, per class)"]
    for ours, theirs in (("iou", "IoU"), ("acc", "Acc")):
        values = [float(numbers[f"{ours}_{i}"]) / 100 for i in range(len(classes[theirs]))]
        np.testing.assert_allclose(values, classes[theirs], rtol=FLOAT32, equal_nan=True)


def test_each_image_alone_has_the_numbers_of_the_official_code() -> None:
    arrays, peers = case("lip20")
    numbers = segmentation.numbers(areas_of(arrays))
    expected = [p["output"]["nanmean (unrounded)"] for p in peers["sapiens.IoUMetric per image"]]
    np.testing.assert_allclose(numbers["miou"] / 100, [e["IoU"] for e in expected], rtol=FLOAT32)
    np.testing.assert_allclose(numbers["macc"] / 100, [e["Acc"] for e in expected], rtol=FLOAT32)
    assert (numbers["miou"].mean() - segmentation.numbers(areas_of(arrays).sum(0))["miou"]) < -10


@pytest.mark.parametrize("ignored", [255, 0, -1])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_random_labels_have_the_numbers_of_a_loop_over_classes(
    dtype: torch.dtype, ignored: int
) -> None:
    rng = np.random.default_rng(3)
    pred, true = rng.integers(0, 7, (2, 4, 20, 30))
    true[rng.random(true.shape) < 0.1] = max(ignored, 0) if dtype == torch.uint8 else ignored
    pair = (torch.from_numpy(x).to(dtype) for x in (pred, true))
    rows = segmentation.score(*pair, classes=7, ignore_index=ignored)
    found = segmentation.numbers(rows.sum(0))
    expected = loop(pred, true, 7, ignored)
    assert {n: float(found[n]) for n in expected} == pytest.approx(expected)


def test_two_of_four_pixels_right_by_hand() -> None:
    rows = segmentation.score(labels([0, 0, 1, 1]), labels([0, 1, 1, 2]), classes=4)
    assert rows.tolist() == [[1, 1, 0, 0, 2, 2, 0, 0, 1, 2, 1, 0]]
    found = segmentation.numbers(rows.sum(0), ["a", "b", "c", "d"])
    assert float(found["miou"]) == pytest.approx(100 * (1 / 2 + 1 / 3 + 0) / 3)
    assert float(found["macc"]) == pytest.approx(100 * (1 + 1 / 2 + 0) / 3)
    assert (float(found["aacc"]), float(found["classes_used"])) == (50.0, 3.0)
    assert found["iou_d"].isnan()


def test_a_class_that_is_only_predicted_has_iou_0_which_counts_and_no_accuracy() -> None:
    found = segmentation.numbers(segmentation.score(labels([1]), labels([0]), classes=3).sum(0))
    assert (float(found["iou_1"]), float(found["miou"])) == (0.0, 0.0)
    assert found["acc_1"].isnan()
    assert found["iou_2"].isnan()


def test_nothing_labelled_has_no_number() -> None:
    rows = segmentation.score(labels([1, 1]), labels([255, 255]), classes=3)
    assert not rows.any()
    found = segmentation.numbers(rows.sum(0))
    assert all(found[n].isnan() for n in ("miou", "macc", "aacc"))
    assert float(found["classes_used"]) == 0
    assert segmentation.score(labels([1])[:0], labels([1])[:0], classes=3).shape == (0, 9)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_a_prediction_that_is_no_class_is_refused_or_missed_in_the_union(
    dtype: torch.dtype,
) -> None:
    pred, true = labels([0, 9, 255]).to(dtype), labels([0, 0, 1]).to(dtype)
    with pytest.raises(ValueError, match=r"prediction holds \[9, 255\].*0 to 1"):
        segmentation.score(pred, true, classes=2)
    rows = segmentation.score(pred, true, classes=2, predicted_out_of_range="count")
    assert rows.tolist() == [[1, 0, 1, 0, 2, 1]]
    ignored = torch.full_like(true, 255)
    assert not segmentation.score(pred, ignored, classes=2).any()


def test_a_truth_that_is_no_class_leaves_only_its_own_area_or_is_refused() -> None:
    pred, true = labels([0, 1, 1]), labels([0, 77, 1])
    assert segmentation.score(pred, true, classes=2).tolist() == [[1, 1, 1, 2, 1, 1]]
    with pytest.raises(ValueError, match=r"truth holds \[77\].*or 255"):
        segmentation.score(pred, true, classes=2, true_out_of_range="error")


def test_a_class_that_is_ignored_counts_where_it_is_predicted() -> None:
    rows = segmentation.score(labels([0, 0, 1]), labels([0, 1, 1]), classes=2, ignore_index=0)
    assert rows.tolist() == [[0, 1, 1, 1, 0, 2]]


def test_areas_add_up_and_do_not_depend_on_the_order_or_the_size_of_chunks() -> None:
    arrays, _ = case("lip20")
    rows = areas_of(arrays)
    assert rows.dtype == torch.int64
    parts = [
        areas_of(arrays | {k: arrays[k][i : i + 2] for k in ("pred", "gt")}) for i in (0, 2, 4)
    ]
    assert torch.equal(torch.cat(parts), rows)
    weights = torch.eye(6, dtype=torch.float64)
    assert torch.equal(
        segmentation.numbers(weights @ rows.double())["aacc"], segmentation.numbers(rows)["aacc"]
    )


def test_more_than_2_to_the_24_pixels_of_a_class_are_counted_exactly() -> None:
    pred = torch.zeros((1, 4097, 4097), dtype=torch.uint8)
    assert segmentation.score(pred, pred, classes=1).tolist() == [[4097**2] * 3]


def test_shapes_and_types_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        segmentation.score(labels([1]), labels([1, 2]), classes=3)
    with pytest.raises(ValueError, match="whole numbers"):
        segmentation.score(labels([1]).double(), labels([1]), classes=3)
    with pytest.raises(ValueError, match="classes must be"):
        segmentation.score(labels([1]), labels([1]), classes=300)
    with pytest.raises(ValueError, match="6 areas, not 9"):
        segmentation.numbers(torch.zeros(9), ["a", "b"])


def test_the_class_sets_have_28_and_20_different_names() -> None:
    assert (len(set(GOLIATH_28)), len(set(LIP_20))) == (28, 20)
    assert {names[0] for names in CLASS_SETS.values()} == {"background"}
    assert len(segmentation.columns(GOLIATH_28)) == 84
