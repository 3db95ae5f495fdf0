"""Angular errors of normals: against DSINE and Marigold, a plain loop, and by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.metrics import angular_error, normals, normals_per_image

GOLDEN = Path(__file__).parent / "golden"
PEERS = dict(zip(angular_error.WITHIN, ("a1", "a2", "a3", "a4", "a5"), strict=True))
PEERS |= {name: name for name in ("mean", "rmse")}
MARIGOLD = {
    "mean": "mean_angular_error",
    "median": "median_angular_error",
    "rmse": "rmse_angular_error",
    "within_5": "sub5_error",
    "within_7_5": "sub7_5_error",
    "within_11_25": "sub11_25_error",
    "within_22_5": "sub22_5_error",
    "within_30": "sub30_error",
}
ROUNDED = 5.1e-5  # by the peer, to 4 decimals
FINE = 1 / 32  # degrees: the stated bound of the median below 30°


def case(name: str) -> tuple[list[torch.Tensor], dict[str, Any]]:
    arrays = np.load(GOLDEN / f"normals_angular.{name}.npz")
    expected = json.loads((GOLDEN / f"normals_angular.{name}.json").read_text())["results"]
    return [torch.from_numpy(arrays[k]) for k in ("pred", "gt", "mask")], expected


def tilted(degrees: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """(1, 3, n) vectors at these angles to (1, 3, n) others."""
    angle = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    pred = torch.stack([angle.sin(), torch.zeros_like(angle), angle.cos()])[None]
    return pred, torch.tensor([0.0, 0.0, 1.0]).double()[None, :, None].expand_as(pred)


def test_pooled_numbers_are_those_of_dsine() -> None:
    maps, peers = case("people4_unit")
    expected = peers["DSINE float64"]["output"]["pooled (compute_normal_metrics)"]
    found = normals.numbers(normals.score(*maps).sum(0))
    for ours, theirs in PEERS.items():
        assert float(found[ours]) == pytest.approx(expected[theirs], rel=1e-9)
    assert abs(float(found["median"]) - expected["median"]) < FINE
    assert float(normals.exact_median(*maps)) == pytest.approx(expected["median"], rel=1e-9)
    assert float(found["pixels"]) == int(maps[2].sum())


def test_each_image_has_the_numbers_of_dsine_and_their_means_those_of_marigold() -> None:
    maps, peers = case("people4_unit")
    rows = normals_per_image.score(*maps)
    found = normals_per_image.numbers(rows)
    expected = peers["DSINE float64"]["output"]["per_image (compute_normal_metrics)"]
    for ours, theirs in (PEERS | {"median": "median"}).items():
        np.testing.assert_allclose(found[ours], [e[theirs] for e in expected], rtol=1e-9)
    means = normals_per_image.numbers(rows.sum(0))
    peer = peers["Marigold masked=True float64"]["output"]["mean_over_images"]
    for ours, theirs in MARIGOLD.items():
        assert float(means[ours]) == pytest.approx(peer[theirs], abs=ROUNDED)


def test_zero_truth_at_a_right_angle_has_the_means_of_marigold_without_mask() -> None:
    (pred, true, mask), peers = case("people4_unit")
    rows = normals_per_image.score(pred, true * mask[:, None], zero_truth="right_angle")
    found = normals_per_image.numbers(rows.sum(0))
    peer = peers["Marigold masked=False float64"]["output"]["mean_over_images"]
    for ours, theirs in MARIGOLD.items():
        assert float(found[ours]) == pytest.approx(peer[theirs], abs=ROUNDED)


def test_an_image_without_a_valid_pixel_has_no_number_and_is_counted() -> None:
    (pred, true, mask), peers = case("degenerate_empty_mask")
    theirs = peers["DSINE float64"]["output"]["pooled (compute_normal_metrics)"]
    assert all(np.isnan(v) for v in theirs.values())
    pooled = normals.numbers(normals.score(pred, true, mask).sum(0))
    assert all(pooled[n].isnan() for n in ("mean", "median", "rmse", *angular_error.WITHIN))
    assert normals.exact_median(pred, true, mask).isnan()
    masks = torch.cat([mask, ~mask])
    rows = normals_per_image.score(*(torch.cat([x, x]) for x in (pred, true)), masks)
    found = normals_per_image.numbers(rows.sum(0))
    assert (float(found["images"]), float(found["images_left_out"])) == (1.0, 1.0)
    assert torch.equal(found["mean"], normals_per_image.numbers(rows[1])["mean"])


def test_random_vectors_of_any_length_have_the_angles_of_a_loop() -> None:
    rng = np.random.default_rng(5)
    pred, true = rng.normal(size=(2, 3, 400)) * 10 ** rng.uniform(-3, 3, (2, 1, 400))
    found = angular_error.angles(torch.from_numpy(pred), torch.from_numpy(true))
    expected = [
        np.degrees(np.arctan2(np.linalg.norm(np.cross(p, g)), p @ g))
        for p, g in zip(pred.T, true.T, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-5)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_equal_and_opposite_vectors_have_the_angle_of_torchs_cosine(sign: float) -> None:
    true = torch.randn(3, 999, generator=torch.Generator().manual_seed(0)).double()
    pred = sign * true
    cosine = torch.cosine_similarity(pred, true, dim=0).clamp(-1, 1)
    found = angular_error.angles(pred, true)
    torch.testing.assert_close(found, cosine.acos() * 180 / torch.pi, rtol=1e-12, atol=1e-12)


def test_shares_are_strict_and_exact_at_the_thresholds() -> None:
    edges = torch.tensor(angular_error.THRESHOLDS, dtype=torch.float64)
    below, above = (torch.nextafter(edges, edges + s) for s in (-1.0, 1.0))
    for errors, inside in ((edges, 0), (below, 1), (above, 0)):
        counts = angular_error.histogram(errors)
        found = [int(counts[:e].sum()) for e in angular_error.EDGES_BELOW]
        assert found == [int((errors < t).sum()) for t in edges]
        assert found == [i + inside for i in range(5)]


def test_every_angle_falls_into_the_bin_that_holds_it() -> None:
    errors = torch.cat([torch.linspace(0, 180, 7201), torch.tensor([29.999, 30.0])]).double()
    for error in errors.tolist():
        (place,) = angular_error.histogram(torch.tensor([error]).double()).nonzero()
        low = angular_error._edge(int(place))
        width = 1 / 32 if low < 30 else 1 / 2
        assert low <= error < low + width or error == 180


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1001, 5000])
@pytest.mark.parametrize("wide", [10.0, 60.0])
def test_the_median_of_a_histogram_is_within_a_bin_and_the_exact_one_is_exact(
    count: int, wide: float
) -> None:
    rng = np.random.default_rng(count)
    errors = np.abs(rng.normal(0, wide, count)).clip(0, 180)
    errors[: count // 3] = errors[0]
    expected = float(np.median(errors))
    tensor = torch.from_numpy(errors)
    found = float(angular_error.median_of(angular_error.histogram(tensor).double()))
    middle = np.sort(errors)[(count - 1) // 2 : count // 2 + 1]
    bound = np.mean([1 / 32 if e < 30 else 1 / 2 for e in middle])
    assert abs(found - expected) < bound
    assert float(angular_error.median(tensor)) == pytest.approx(expected, rel=1e-12)


def test_angles_by_hand() -> None:
    found = normals.numbers(normals.score(*tilted([3.0, 4.0, 29.0, 180.0])).sum(0))
    assert float(found["mean"]) == pytest.approx(54.0)
    assert float(found["rmse"]) == pytest.approx(np.sqrt((9 + 16 + 841 + 32400) / 4))
    assert float(found["median"]) == pytest.approx(16.5, abs=FINE)
    assert [float(found[n]) for n in angular_error.WITHIN] == [50, 50, 50, 50, 75]


def test_zero_vectors_are_at_90_degrees_and_a_zero_truth_may_be_left_out() -> None:
    pred, true = (x.clone() for x in tilted([10.0, 10.0, 10.0]))
    pred[..., 0] = 0
    true[..., 1] = 0
    counted = normals.numbers(normals.score(pred, true).sum(0))
    assert float(counted["mean"]) == pytest.approx((90 + 90 + 10) / 3)
    left = normals.numbers(normals.score(pred, true, zero_truth="leave_out").sum(0))
    assert (float(left["mean"]), float(left["pixels"])) == (pytest.approx(50.0), 2.0)
    assert float(normals_per_image.numbers(normals_per_image.score(pred, true))["mean"]) == (
        pytest.approx(50.0)
    )


@pytest.mark.parametrize("metric", [normals, normals_per_image])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_vector_that_is_not_finite_spoils_the_means_and_is_outside_every_threshold(
    metric: Any, value: float
) -> None:
    pred, true = (x.clone() for x in tilted([1.0, 2.0, 3.0, 4.0]))
    pred[0, 0, 0] = value
    found = metric.numbers(metric.score(pred, true).sum(0))
    assert all(found[n].isnan() for n in ("mean", "median", "rmse"))
    assert [float(found[n]) for n in angular_error.WITHIN] == [75.0] * 5


@pytest.mark.parametrize("metric", [normals, normals_per_image])
def test_rows_do_not_depend_on_rotation_chunks_blocks_threads_or_pixels_left_out(
    metric: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pred, true, mask), _ = case("people4_unit")
    pred, true = pred.double(), true.double()
    rows = metric.score(pred, true, mask)
    hidden = torch.where(mask[:, None], pred, torch.nan)
    one = [metric.score(hidden[i : i + 1], true[i : i + 1], mask[i : i + 1]) for i in range(4)]
    assert torch.equal(torch.cat(one), rows)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)).double())[
        0
    ]
    both = [torch.einsum("ij,bjhw->bihw", turn, x) for x in (pred, 7 * true)]
    expected, turned = (metric.numbers(r.sum(0)) for r in (rows, metric.score(*both, mask)))
    for name in ("mean", "rmse", *angular_error.WITHIN):
        torch.testing.assert_close(turned[name], expected[name], rtol=1e-9, atol=1e-9)
    monkeypatch.setattr("ehpsbench.metrics.blocks.BLOCK", 50)
    torch.testing.assert_close(metric.score(pred, true, mask), rows, rtol=1e-12, atol=1e-9)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        torch.testing.assert_close(metric.score(pred, true, mask), rows, rtol=1e-12, atol=1e-9)
    finally:
        torch.set_num_threads(threads)


def test_sums_of_rows_with_weights_are_numbers_of_repeated_images() -> None:
    maps, _ = case("people4_unit")
    rows = normals.score(*maps)
    weights = torch.tensor([[2.0, 0, 1, 1], [1, 1, 1, 1]]).double()
    found = normals.numbers(weights @ rows)
    repeated = normals.numbers(normals.score(*(x[[0, 0, 2, 3]] for x in maps)).sum(0))
    for name, value in repeated.items():
        torch.testing.assert_close(found[name][0], value)


def test_maps_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"normals \(B, 3"):
        normals.score(torch.ones(1, 4, 4, 3), torch.ones(1, 4, 4, 3))
    with pytest.raises(ValueError, match="valid must be"):
        normals.score(torch.ones(1, 3, 4), torch.ones(1, 3, 4), torch.ones(1, 5))
    assert normals.score(torch.ones(0, 3, 4), torch.ones(0, 3, 4)).shape[0] == 0
