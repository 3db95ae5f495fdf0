"""Acceleration error and jitter: the field's numbers, polynomials in time, seams and gaps."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.metrics import acceleration_error, jitter, mpjpe, pa_mpjpe, pve

GOLDEN = Path(__file__).parent / "golden"
WALK, SEAM = "accel_error.walk40_24joints", "accel_error.two_sequences_concatenated"
PEERS = (
    "mmhuman3d.keypoint_accel_error",
    "VIBE.compute_error_accel",
    "WHAM.compute_error_accel",
    "GVHMR.compute_error_accel",
)


def case(name: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    arrays = {k: torch.from_numpy(v) for k, v in np.load(GOLDEN / f"{name}.npz").items()}
    peers = json.loads((GOLDEN / f"{name}.json").read_text())["results"]
    return arrays, {peer: found["output"] for peer, found in peers.items()}


def finite(values: torch.Tensor) -> torch.Tensor:
    return values[values.isfinite()]


def agree(found: torch.Tensor, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("name", [WALK, SEAM])
def test_every_window_has_the_error_of_the_peers(name: str, peer: str) -> None:
    arrays, peers = case(name)
    found = acceleration_error.score(arrays["pred"], arrays["gt"])
    assert found.isnan().tolist() == [True, *[False] * (len(found) - 2), True]
    agree(found[1:-1] / 1000, peers[f"{peer} (no mask)"])


@pytest.mark.parametrize("peer", PEERS)
def test_an_invalid_frame_takes_its_three_windows_as_in_the_peers(peer: str) -> None:
    arrays, peers = case(WALK)
    found = finite(acceleration_error.score(arrays["pred"], arrays["gt"], arrays["mask"]))
    agree(found / 1000, peers[f"{peer} (mask)"])
    if peer.startswith("GVHMR"):
        per_second = acceleration_error.per_second(found, 30.0)
        agree(per_second, peers[f"{peer} (mask, fps=30)"])


@pytest.mark.parametrize("name", [WALK, SEAM])
def test_metres_a_second_squared_are_those_of_gvhmr_and_wham(name: str) -> None:
    arrays, peers = case(name)
    found = acceleration_error.score(arrays["pred"], arrays["gt"])
    values = acceleration_error.per_second(finite(found), 30.0)
    agree(values, peers["GVHMR.compute_error_accel (no mask, fps=30)"])
    reported = "WHAM as reported (lines 122-123): compute_error_accel()[1:-1] * 30^2"
    agree(values[1:-1], peers[reported])
    reported = "VIBE as reported (evaluate.py:137): np.mean(compute_error_accel) * 1000"
    agree(found.nanmean(), peers[reported])


def test_vibe_counts_the_two_windows_across_the_seam_and_the_default_does_not() -> None:
    arrays, peers = case(SEAM)
    stacked = acceleration_error.score(arrays["pred"], arrays["gt"])
    reported = "VIBE as reported (evaluate.py:137): np.mean(compute_error_accel) * 1000"
    agree(stacked.nanmean(), peers[reported])
    sequence = (torch.arange(50) >= 25).long()
    found = acceleration_error.score(arrays["pred"], arrays["gt"], sequence=sequence)
    assert (stacked.isfinite() & found.isnan()).nonzero().flatten().tolist() == [24, 25]
    assert found.isfinite().sum() == 46
    halves = [
        acceleration_error.score(arrays["pred"][part], arrays["gt"][part])
        for part in (slice(0, 25), slice(25, 50))
    ]
    agree(finite(found), finite(torch.cat(halves)))


@pytest.mark.parametrize("name", [WALK, SEAM])
def test_the_numbers_in_the_camera_are_those_of_gvhmr(name: str) -> None:
    arrays, peers = case(name)
    pair = arrays["pred"], arrays["gt"]
    pred, true = (joints[:, 1:3].mean(1) for joints in pair)  # what it takes for the pelvis
    roots = {"pred_root": pred, "target_root": true}
    ours = {
        "pa_mpjpe": pa_mpjpe.score(*pair),
        "mpjpe": mpjpe.score(*pair, **roots),
        "pve": pve.score(*pair, **roots),
        "accel": acceleration_error.per_second(
            finite(acceleration_error.score(*pair, **roots)), 30
        ),
    }
    key = next(k for k in peers if k.startswith("GVHMR.compute_camcoord_metrics"))
    assert set(peers[key]) == set(ours)
    for number, expected in peers[key].items():  # float32 there
        np.testing.assert_allclose(ours[number], expected, rtol=1e-5, atol=5e-3)


@pytest.mark.parametrize("name", [WALK, SEAM])
def test_every_list_of_a_peer_is_looked_at(name: str) -> None:
    peers = case(name)[1]
    tested = {f"{p} (no mask)" for p in PEERS} | {f"{p} (mask)" for p in PEERS if name == WALK}
    with_fps = {"GVHMR.compute_error_accel (no mask, fps=30)"}
    with_fps |= {"GVHMR.compute_error_accel (mask, fps=30)"} if name == WALK else set()
    words = ("as reported", "compute_accel (prediction only)", "compute_jitter", "camcoord")
    assert {p for p in peers if not any(w in p for w in words)} == tested | with_fps


@pytest.mark.parametrize("name", [WALK, SEAM])
def test_the_prediction_against_zeros_is_its_own_acceleration(name: str) -> None:
    arrays, peers = case(name)
    found = acceleration_error.score(arrays["pred"], torch.zeros_like(arrays["pred"]))
    agree(finite(found) / 1000, peers["VIBE.compute_accel (prediction only)"])


@pytest.mark.parametrize("name", [WALK, SEAM])
@pytest.mark.parametrize("peer", ["WHAM", "GVHMR"])
def test_jitter_is_that_of_wham_and_gvhmr(name: str, peer: str) -> None:
    arrays, peers = case(name)
    found = finite(jitter.score(arrays["pred"], fps=30.0))
    key = next(k for k in peers if k.startswith(f"{peer}.compute_jitter"))
    agree(found, peers[key])


def path(*powers: float, frames: int = 8) -> torch.Tensor:
    """(F, 1, 3) joint whose x is a polynomial of the frame [m]."""
    time = torch.arange(frames, dtype=torch.float64)
    x = sum(c * time**k for k, c in enumerate(powers))
    return torch.stack([x, torch.zeros(frames), torch.zeros(frames)], -1)[:, None]


def test_half_a_millimetre_times_t_squared_accelerates_by_1_mm_per_frame_squared() -> None:
    found = acceleration_error.score(path(3.0, -2.0, 0.0005), path(0.0, 0.0, 0.0))
    assert finite(found).tolist() == pytest.approx([1.0] * 6)
    assert acceleration_error.per_second(finite(found), 30.0).tolist() == pytest.approx([0.9] * 6)


def test_constant_speed_between_prediction_and_truth_is_no_acceleration_error() -> None:
    found = acceleration_error.score(path(1.0, 0.1, 0.2), path(0.0, 0.0, 0.2))
    assert finite(found).abs().max() < 1e-9


def test_a_cube_jitters_by_six_times_its_factor_and_a_parabola_not_at_all() -> None:
    assert finite(jitter.score(path(0.0, 1.0, 2.0), fps=30.0)).abs().max() < 1e-6
    found = jitter.score(path(0.0, 0.0, 0.0, 0.001), fps=30.0)
    assert finite(found).tolist() == pytest.approx([6 * 0.001 * 30**3 / 10] * 5)
    assert found.isnan().tolist() == [True, *[False] * 5, True, True]


def test_roots_are_taken_off_before() -> None:
    pred, root = path(0.0, 0.0, 0.3) + path(0.0, 0.0, 0.0005), path(0.0, 0.0, 0.3)[:, 0]
    found = acceleration_error.score(pred, path(0.0), pred_root=root, target_root=root * 0)
    assert finite(found).tolist() == pytest.approx([1.0] * 6)


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
def test_fewer_frames_than_a_window_have_no_value(frames: int) -> None:
    joints = torch.zeros(frames, 4, 3)
    assert acceleration_error.score(joints, joints).isfinite().sum() == max(frames - 2, 0)
    assert jitter.score(joints, fps=30.0).isnan().all()


def test_a_joint_that_is_not_finite_takes_its_windows_and_no_more() -> None:
    pred = torch.zeros(9, 2, 3)
    pred[4, 1, 0] = math.nan
    found = acceleration_error.score(pred, torch.zeros(9, 2, 3))
    assert found.isnan().nonzero().flatten().tolist() == [0, 3, 4, 5, 8]
    assert acceleration_error.score(pred, pred, torch.zeros(9)).isnan().all()


def test_many_sequences_in_one_call_are_the_sequences_one_by_one() -> None:
    rng = np.random.default_rng(0)
    pred, true = (torch.from_numpy(rng.normal(size=(40, 5, 3))) for _ in range(2))
    lengths = [1, 2, 3, 14, 20]
    sequence = torch.repeat_interleave(torch.tensor([7, 1, 9, 7, 2]), torch.tensor(lengths))
    together = acceleration_error.score(pred, true, sequence=sequence)
    parts = zip(pred.split(lengths), true.split(lengths), strict=True)
    apart = torch.cat([acceleration_error.score(p, t) for p, t in parts])
    torch.testing.assert_close(together, apart, equal_nan=True)
    single = acceleration_error.score(pred.float(), true.float(), sequence=sequence)
    torch.testing.assert_close(single, together, rtol=1e-5, atol=1e-3, equal_nan=True)


def test_shapes_that_do_not_fit_are_refused() -> None:
    joints = torch.zeros(5, 4, 3)
    with pytest.raises(ValueError, match=r"must both be \(B, N, 3\)"):
        acceleration_error.score(joints, joints[:4])
    with pytest.raises(ValueError, match="valid must be"):
        acceleration_error.score(joints, joints, torch.ones(4))
    with pytest.raises(ValueError, match="sequence must be"):
        jitter.score(joints, fps=30.0, sequence=torch.ones(5, 1))
