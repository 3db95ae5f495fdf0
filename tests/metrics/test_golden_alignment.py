"""Every number that a peer returned for a similarity, or for joints pooled over people, is ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ehpsbench.metrics import mpjpe, pa_mpjpe, pck3d, pve
from ehpsbench.metrics.hand_alignment import hand_alignment
from ehpsbench.metrics.rigid_alignment import similarity

GOLDEN = Path(__file__).parent / "golden"
POOLED = "mpjpe_pooling_and_masks"
CASES = sorted(
    name
    for path in GOLDEN.glob("rigid_align_pa.*.json")
    if (name := path.name.split(".")[1]) != POOLED
)
FREIHAND = "freihand.align_w_scale(gt,pred)"
MM_OF_NORM = 1e-4  # what the 1e-8 in FreiHAND's norm allows


def results(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / f"rigid_align_pa.{name}.json").read_text())
    return found["results"]


def arrays_of(name: str) -> dict[str, Tensor]:
    stored = np.load(GOLDEN / f"rigid_align_pa.{name}.npz")
    return {k: torch.from_numpy(v) for k, v in stored.items()}


def ours(peer: str, source: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Every field that a peer may return, by the alignment of that peer."""
    source, target = source.double(), target.double()
    if peer == FREIHAND:
        moved = hand_alignment(source, target, reflect=True)(source)
        error = 1000 * (moved - target).norm(dim=-1).mean(-1)
        return {"aligned": moved, "pa_error_mm": error}
    found = similarity(source, target)
    return {
        "scale": found.scale,
        "R": found.rotation,
        "t": found.translation,
        "aligned": found(source),
        "pa_error_mm": pa_mpjpe.score(source, target),
    }


def agree(peer: str, dtype: str, field: str, found: Tensor, expected: Any) -> None:
    """Within the tolerance of the peer's own precision; lengths but the error are in metres."""
    rtol, mm = (1e-5, 5e-3) if dtype == "float32" else (1e-9, 1e-9)
    mm = MM_OF_NORM if peer == FREIHAND else mm
    atol = mm / 1000 if field in ("aligned", "t") and mm > 1e-9 else mm
    np.testing.assert_allclose(found, np.asarray(expected), rtol=rtol, atol=atol, err_msg=field)


@pytest.mark.parametrize(
    ("name", "peer"),
    [(n, p) for n in CASES if n != "degenerate_single_point" for p in results(n)],
)
def test_every_field_of_every_peer_s_alignment_is_ours(name: str, peer: str) -> None:
    stored, arrays = results(name)[peer], arrays_of(name)
    found = ours(peer, arrays["src"], arrays["tgt"])
    assert len(stored["per_pair"]) == len(arrays["src"])
    for row, pair in enumerate(stored["per_pair"]):
        for field, expected in pair["output"].items():
            agree(peer, stored["dtype"], field, found[field][row], expected)


def test_every_family_of_vectors_has_tests_that_read_it() -> None:
    families = {path.name.split(".")[0] for path in GOLDEN.iterdir()} - {"README"}
    tests = [path.read_text(encoding="utf-8") for path in GOLDEN.parent.glob("test_*.py")]
    assert len(families) == 9
    assert all(any(family in text for text in tests) for family in families)


def test_only_freihand_may_mirror() -> None:
    stored = results("degenerate_reflected")
    errors = {p: s["per_pair"][0]["output"]["pa_error_mm"] for p, s in stored.items()}
    mirrored = errors.pop(FREIHAND)
    assert mirrored < MM_OF_NORM
    assert min(errors.values()) > 40


@pytest.mark.parametrize("peer", results("degenerate_single_point"))
def test_a_single_point_has_no_similarity_here_whatever_a_peer_makes_of_it(peer: str) -> None:
    (pair,) = results("degenerate_single_point")[peer]["per_pair"]
    arrays = arrays_of("degenerate_single_point")
    assert similarity(arrays["src"], arrays["tgt"])(arrays["src"]).isnan().all()
    theirs = pair["output"]
    finite = {field for field, value in theirs.items() if np.isfinite(value).all()}
    if peer == FREIHAND:  # the 1e-8 in its norm brings the point onto the target
        found = ours(peer, arrays["src"], arrays["tgt"])
        for field, expected in theirs.items():
            agree(peer, "float64", field, found[field][0], expected)
    else:
        assert finite <= {"R"}


def pooled(errors: Tensor, mask: Tensor) -> Tensor:
    """The mean over all joints that count, from (B,) means over a person's joints."""
    counts = mask.sum(1)
    return (errors * counts).nansum() / counts.sum() if counts.any() else errors.nanmean()


def moved(alignment: str, pred: Tensor, true: Tensor, mask: Tensor) -> Tensor:
    """(B,) errors after mmhuman3d's and mmpose's alignments, which are fitted on all joints."""
    if alignment == "procrustes":
        return pa_mpjpe.score(pred, true, counted=mask)
    if alignment == "scale":
        factor = (pred * true).sum((1, 2)) / (pred * pred).sum((1, 2))
        pred = pred * factor[:, None, None]
    return mpjpe.score(pred, true, mask)


def of_pooled(peer: str) -> Any:
    """Our value of one entry of the case of pooled joints, by the entry's name."""
    arrays = arrays_of(POOLED)
    pred, true = (arrays[k].double() / 1000 for k in ("pred_mm", "gt_mm"))
    all_joints = torch.ones_like(arrays["mask"])
    if peer.startswith(("VIBE", "hamer")):
        return rows_of(peer, pred, true)
    function, _, said = peer.rstrip(")").partition("(")
    alignment, _, which = said.partition(",")
    mask = {"masked": arrays["mask"], "empty_mask": ~all_joints}.get(which, all_joints)
    if function.startswith("mmhuman3d.keypoint_3d_"):
        rows = pck3d.score(pred, true, procrustes=alignment == "procrustes", counted=mask)
        return pck3d.numbers(rows.sum(0))[function[-3:]]
    return pooled(moved(alignment, pred, true, mask), mask)


def rows_of(peer: str, pred: Tensor, true: Tensor) -> Any:
    """(B,) errors, or two lists of them: before and after alignment."""
    hips = {"pred_root": pred[:, 2:4].mean(1), "target_root": true[:, 2:4].mean(1)}
    made: dict[str, Callable[[], Any]] = {
        "VIBE.compute_errors": lambda: [
            mpjpe.score(pred, true, **hips),
            pa_mpjpe.score(pred, true),
        ],
        "VIBE.compute_error_verts": lambda: pve.score(pred, true),
        "hamer.eval_pose": lambda: [mpjpe.score(pred, true), pa_mpjpe.score(pred, true)],
    }
    found = made[peer]()
    return torch.stack(found) if isinstance(found, list) else found


@pytest.mark.parametrize("peer", results(POOLED))
def test_every_number_of_pooled_or_single_people_is_that_of_its_peer(peer: str) -> None:
    stored, found = results(POOLED)[peer], of_pooled(peer)
    if "raises" in stored:  # an assertion there; a number that is none here
        assert found.isnan()
        return
    float32 = {"keypoint_3d": 1e-6, "hamer": 1e-5}  # the mean of PCK and AUC; all of hamer
    rtol = next((loose for part, loose in float32.items() if part in peer), 1e-9)
    np.testing.assert_allclose(found, stored["output"], rtol=rtol)
