"""Depth errors and alignments: against seven official codes, numpy.linalg.lstsq, and by hand."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.metrics import depth
from ehpsbench.metrics.depth_alignment import (
    least_squares,
    median,
    midas,
    moments,
)

GOLDEN = Path(__file__).parent / "golden"
CLIP = (1e-3, 10.0)
SHARES_FLOAT32 = 1e-7  # the peers average δ in float32
SAPIENS = {n: n for n in ("abs_rel", "sq_rel", "rmse", "rmse_log", "log10", "silog")}
SAPIENS |= {"d1": "delta1", "d2": "delta2", "d3": "delta3"}
MARIGOLD = {
    "abs_relative_difference": "abs_rel",
    "squared_relative_difference": "sq_rel",
    "rmse_linear": "rmse",
    "rmse_log": "rmse_log",
    "log10": "log10",
    "silog_rmse": "silog_rmse",
    "delta1_acc": "delta1",
    "delta2_acc": "delta2",
    "delta3_acc": "delta3",
}
MONODEPTH = {"a1": "delta1", "a2": "delta2", "a3": "delta3"}
MONODEPTH |= {n: n for n in ("abs_rel", "sq_rel", "rmse", "rmse_log")}
ZOE = MONODEPTH | {"log_10": "log10", "silog": "silog_rmse"}


def case(name: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    arrays = np.load(GOLDEN / f"depth_relative.{name}.npz")
    expected = json.loads((GOLDEN / f"depth_relative.{name}.json").read_text())["results"]
    return {k: torch.from_numpy(v) for k, v in arrays.items()}, expected


def assert_same(
    rows: torch.Tensor, expected: list[dict[str, float]], names: dict[str, str]
) -> None:
    """Each image has the numbers of the peer, and so has their mean."""
    found = depth.numbers(rows)
    mean = depth.numbers(rows.sum(0))
    for theirs, ours in names.items():
        values = np.array([e[theirs] for e in expected])
        loose = SHARES_FLOAT32 if ours.startswith("delta") else 1e-9
        np.testing.assert_allclose(found[ours], values, rtol=1e-9, atol=loose)
        np.testing.assert_allclose(mean[ours], values.mean(), rtol=1e-9, atol=loose)


@pytest.mark.parametrize(
    ("peer", "names"),
    [
        ("sapiens.DepthMetric(depth_pred, no alignment) float64", SAPIENS),
        ("DepthAnythingV2.eval_depth(depth_pred) float64", SAPIENS),
        ("Marigold.eval(depth_pred, no alignment)", MARIGOLD),
        ("monodepth2(depth_pred, no scaling)", MONODEPTH),
        ("ZoeDepth.compute_errors(depth_pred)", ZOE),
    ],
)
def test_metric_depth_has_the_errors_of_the_official_codes(
    peer: str, names: dict[str, str]
) -> None:
    arrays, peers = case("people5")
    rows = depth.score(arrays["depth_pred"], arrays["gt"], arrays["mask"])
    assert_same(rows, peers[peer]["output"]["per_image"], names)


def test_relative_depth_without_alignment_has_the_errors_of_sapiens() -> None:
    arrays, peers = case("people5")
    rows = depth.score(arrays["rel_pred"], arrays["gt"], arrays["mask"])
    expected = peers["sapiens.DepthMetric(rel_pred, no alignment) float64"]["output"]
    assert_same(rows, expected["per_image"], SAPIENS)


@pytest.mark.parametrize(
    ("peer", "which", "space"),
    [
        ("Marigold.eval(rel_pred, least_square)", "rel_pred", "depth"),
        ("Marigold.eval(disp_pred, least_square_disparity)", "disp_pred", "disparity"),
    ],
)
def test_least_squares_has_scale_shift_and_errors_of_marigold(
    peer: str, which: str, space: Any
) -> None:
    arrays, peers = case("people5")
    expected = peers[peer]["output"]["per_image"]
    fit = least_squares(arrays[which], arrays["gt"], arrays["mask"], space=space)
    np.testing.assert_allclose(fit.scale, [e["scale"] for e in expected], rtol=1e-9)
    np.testing.assert_allclose(fit.shift, [e["shift"] for e in expected], rtol=1e-9)
    for align in (fit, partial(least_squares, space=space)):
        rows = depth.score(arrays[which], arrays["gt"], arrays["mask"], alignment=align, clip=CLIP)
        assert_same(rows, expected, MARIGOLD)


def test_midas_fits_and_counts_bad_pixels_as_its_authors() -> None:
    arrays, peers = case("people5")
    fit = midas(arrays["disp_pred"], arrays["gt"], arrays["mask"], cap=10.0)
    expected = peers["MiDaS.compute_scale_and_shift(disp_pred -> 1/gt)"]["output"]
    np.testing.assert_allclose(fit.scale, expected["scale"], rtol=1e-7)
    np.testing.assert_allclose(fit.shift, expected["shift"], rtol=1e-7)
    rows = depth.score(arrays["disp_pred"], arrays["gt"], arrays["mask"], alignment=fit)
    bad = peers["MiDaS.BadPixelMetric(disp_pred, depth_cap=10)"]["output"]
    np.testing.assert_allclose(
        depth.numbers(rows)["bad_pixel"], bad["bad_pixel_percent_per_image"], atol=1e-9
    )


def test_one_fit_for_a_video_has_the_errors_of_video_depth_anything() -> None:
    arrays, peers = case("people5")
    video = torch.zeros(5, dtype=torch.int64)
    fit = least_squares(
        arrays["disp_pred"], arrays["gt"], arrays["mask"], space="disparity", sequence=video
    )
    rows = depth.score(arrays["disp_pred"], arrays["gt"], arrays["mask"], alignment=fit, clip=CLIP)
    found = depth.numbers(rows.sum(0))
    expected = peers["VideoDepthAnything.eval_depthcrafter(disp_pred as one video)"]["output"]
    for theirs, value in expected.items():
        assert float(found[MARIGOLD[theirs]]) == pytest.approx(value, rel=1e-6)


def test_median_scaling_has_ratios_and_errors_of_monodepth2() -> None:
    arrays, peers = case("people5")
    expected = peers["monodepth2(depth_pred, median scaling)"]["output"]
    fit = median(arrays["depth_pred"], arrays["gt"], arrays["mask"])
    np.testing.assert_allclose(fit.scale, expected["ratios"], rtol=1e-9)
    rows = depth.score(
        arrays["depth_pred"], arrays["gt"], arrays["mask"], alignment=fit, clip=(1e-3, 80.0)
    )
    assert_same(rows, expected["per_image"], MONODEPTH)
    inverse = median(
        1 / arrays["depth_pred"].double(), arrays["gt"], arrays["mask"], space="disparity"
    )
    np.testing.assert_allclose(1 / inverse.scale, expected["ratios"], rtol=1e-9)


def test_an_image_without_a_valid_pixel_is_left_out_and_counted_not_averaged() -> None:
    arrays, peers = case("degenerate_empty_mask")
    pred, true, mask = arrays["depth_pred"], arrays["gt"], arrays["mask"]
    alone = depth.numbers(depth.score(pred, true, mask).sum(0))
    theirs = peers["sapiens.DepthMetric(depth_pred, no alignment) float64"]["output"]
    assert all(np.isnan(v) for v in theirs["mean_over_images"].values())
    assert all(alone[n].isnan() for n in depth.MEANS)
    both = depth.score(torch.cat([pred, pred]), torch.cat([true, true]), torch.cat([mask, ~mask]))
    found = depth.numbers(both.sum(0))
    assert (float(found["images"]), float(found["images_left_out"])) == (1.0, 1.0)
    assert torch.equal(found["abs_rel"], depth.numbers(both[1])["abs_rel"])
    for fit in (least_squares(pred, true, mask), midas(pred, true, mask)):
        assert (float(fit.scale), float(fit.shift)) == (0.0, 0.0)
    assert median(pred, true, mask).scale.isnan().all()


def test_nine_pixels_are_too_few_and_ten_enough() -> None:
    pred = torch.full((2, 12), 2.0)
    valid = torch.arange(12).expand(2, -1) < torch.tensor([[9], [10]])
    rows = depth.score(pred, pred, valid)
    assert depth.numbers(rows)["images"].tolist() == [0.0, 1.0]
    assert depth.numbers(depth.score(pred, pred, valid, least_pixels=9))["images"].tolist() == [
        1,
        1,
    ]


def test_one_error_by_hand() -> None:
    true = torch.full((1, 10), 2.0)
    pred = true.clone()
    pred[0, :2] = 3.0
    found = {n: float(v) for n, v in depth.numbers(depth.score(pred, true).sum(0)).items()}
    log = np.log(1.5)
    assert found["abs_rel"] == pytest.approx(0.1)
    assert found["sq_rel"] == pytest.approx(0.1)
    assert found["rmse"] == pytest.approx(np.sqrt(0.2))
    assert found["rmse_log"] == pytest.approx(np.sqrt(0.2) * log)
    assert found["log10"] == pytest.approx(0.2 * np.log10(1.5))
    assert found["silog"] == pytest.approx(np.sqrt(0.2 * log**2 - 0.5 * (0.2 * log) ** 2))
    assert found["silog_rmse"] == pytest.approx(100 * np.sqrt(0.2 * log**2 - (0.2 * log) ** 2))
    assert [found[f"delta{k}"] for k in (1, 2, 3)] == pytest.approx([0.8, 1.0, 1.0])
    assert found["bad_pixel"] == pytest.approx(20.0)


def test_a_ratio_of_exactly_1_25_is_neither_right_nor_bad() -> None:
    true = torch.full((2, 10), 4.0)
    pred = torch.tensor([[5.0], [3.2]], dtype=torch.float64).expand(-1, 10)
    found = depth.numbers(depth.score(pred, true.double()))
    assert found["delta1"].tolist() == [0.0, 0.0]
    assert found["delta2"].tolist() == [1.0, 1.0]
    assert found["bad_pixel"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("value", [-2.0, 0.0])
def test_a_prediction_that_is_not_positive_is_wrong_and_has_no_logarithm(value: float) -> None:
    true = torch.full((1, 10), 2.0)
    pred = true.clone()
    pred[0, 0] = value
    found = depth.numbers(depth.score(pred, true).sum(0))
    assert [float(found[f"delta{k}"]) for k in (1, 2, 3)] == pytest.approx([0.9] * 3)
    assert float(found["bad_pixel"]) == pytest.approx(10.0)
    assert all(found[n].isnan() for n in depth.LOGARITHMIC)
    assert float(found["abs_rel"]) == pytest.approx(abs(value - 2) / 20)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_prediction_that_is_not_finite_is_wrong_and_spoils_the_means(value: float) -> None:
    true = torch.full((1, 10), 2.0)
    pred = true.clone()
    pred[0, 0] = value
    found = depth.numbers(depth.score(pred, true).sum(0))
    assert all(found[n].isnan() for n in (*depth.LINEAR, *depth.LOGARITHMIC))
    assert float(found["delta1"]) == pytest.approx(0.9)
    assert float(found["images_not_finite"]) == 1.0
    fitted = depth.numbers(depth.score(pred, true, alignment=least_squares).sum(0))
    if np.isnan(value):
        assert fitted["abs_rel"].isnan()
        assert float(fitted["delta1"]) == 0.0


def test_truth_that_is_no_depth_never_counts() -> None:
    true = torch.full((1, 20), 2.0)
    true[0, :5] = torch.tensor([torch.nan, 0.0, -1.0, torch.inf, 0.0])
    pred = torch.full((1, 20), 3.0)
    found = depth.numbers(depth.score(pred, true).sum(0))
    assert (float(found["pixels"]), float(found["abs_rel"])) == (15.0, 0.5)
    assert float(moments(pred, true)[0, 0]) == 15


@pytest.mark.parametrize("space", ["depth", "disparity"])
def test_scale_and_shift_of_a_prediction_do_not_matter_after_least_squares(space: Any) -> None:
    arrays, _ = case("people5")
    pred, true, mask = arrays["disp_pred"].double(), arrays["gt"], arrays["mask"]
    align = partial(least_squares, space=space)
    rows = [depth.score(p, true, mask, alignment=align, clip=CLIP) for p in (pred, 7 - 0.01 * pred)]
    torch.testing.assert_close(rows[0], rows[1], rtol=1e-9, atol=1e-9)


def test_rows_do_not_depend_on_order_chunks_blocks_threads_or_pixels_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrays, _ = case("people5")
    pred, true, mask = (arrays[n] for n in ("rel_pred", "gt", "mask"))
    rows = depth.score(pred, true, mask, alignment=least_squares)
    hidden = torch.where(mask, pred, torch.nan)
    alone = torch.cat(
        [
            depth.score(*(x[i : i + 1] for x in (hidden, true, mask)), alignment=least_squares)
            for i in range(5)
        ]
    )
    assert torch.equal(alone, rows)
    turned = depth.score(*(x.flip(0) for x in (pred, true, mask)), alignment=least_squares)
    assert torch.equal(turned.flip(0), rows)
    mixed = depth.score(*(x.flip(2) for x in (pred, true, mask)), alignment=least_squares)
    torch.testing.assert_close(mixed, rows, rtol=1e-11, atol=1e-12)
    monkeypatch.setattr("ehpsbench.metrics.blocks.BLOCK", 100)
    blocks = depth.score(pred, true, mask, alignment=least_squares)
    torch.testing.assert_close(blocks, rows, rtol=1e-11, atol=1e-12)


def test_images_may_be_worked_on_several_threads() -> None:
    arrays, _ = case("people5")
    given = [arrays[n] for n in ("rel_pred", "gt", "mask")]
    rows, threads = depth.score(*given, alignment=least_squares), torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert torch.equal(depth.score(*given, alignment=least_squares), rows)
    finally:
        torch.set_num_threads(threads)


def test_float32_maps_are_worked_in_float64() -> None:
    arrays, _ = case("people5")
    single = [arrays[n] for n in ("rel_pred", "gt")]
    rows = depth.score(*single, arrays["mask"], alignment=least_squares)
    double = depth.score(*(x.double() for x in single), arrays["mask"], alignment=least_squares)
    assert rows.dtype == torch.float64
    assert torch.equal(rows, double)


def test_maps_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        depth.score(torch.ones(2, 3), torch.ones(3, 2))
    with pytest.raises(ValueError, match="valid must be"):
        depth.score(torch.ones(2, 3), torch.ones(2, 3), torch.ones(2, 2))
    assert depth.score(torch.ones(0, 3), torch.ones(0, 3)).shape == (0, len(depth.COLUMNS))
