"""AGORA's averages against its own evaluator, and against a loop over people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ehpsbench.metrics import agora
from ehpsbench.metrics.agora_columns import number_names
from ehpsbench.metrics.agora_matching import matching
from ehpsbench.metrics.rounding import as_numpy, as_python

GOLDEN = Path(__file__).parent / "golden"
CASES = ("mixed15", "no_kids_all_found")
SIDES = {"lhand": "left_hand", "rhand": "right_hand"}


def case(name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    path = GOLDEN / f"agora_matching_and_averages.{name}"
    return dict(np.load(path.with_suffix(f"{path.suffix}.npz"))), json.loads(
        path.with_suffix(f"{path.suffix}.json").read_text()
    )["results"]


def evaluated(arrays: dict[str, np.ndarray], peer: str) -> tuple[Tensor, Tensor]:
    """(B, 8) errors, NaN for who is not found, and rows of people and images."""
    family: Any = "smpl" if peer == "SMPL" else "smplx"
    ids = {part: torch.from_numpy(arrays[f"{part}_idx"]) for part in agora.PARTS}
    points = {n: torch.from_numpy(v).double() for n, v in arrays.items() if "joints" in n}
    verts = {n: torch.from_numpy(arrays[f"{n}_verts"]) for n in ("pred", "gt")}
    valid = arrays["gt_isValid"] & (arrays["gt_occlusion"] >= 0) & (arrays["gt_occlusion"] <= 90)
    errors = torch.full((len(valid), 8), torch.nan, dtype=torch.float64)
    looked_at = torch.zeros(len(valid), dtype=torch.bool)
    extra = torch.zeros(len(arrays["img_name"]))
    for image in range(len(extra)):
        said, true = (np.flatnonzero(arrays[f"{n}_img"] == image) for n in ("pred", "gt"))
        said = said[np.argsort(arrays["pred_person"][said], kind="stable")]
        if not len(said):
            continue
        found = matching(
            points["pred_joints2d"][None, said],
            points["gt_joints2d"][None, true],
            valid=torch.from_numpy(valid[true])[None],
        )
        extra[image] = found.false_positives[0]
        looked_at[true] = True
        detection = found.detection_of[0].numpy()
        here = detection >= 0
        p, g = said[detection[here]], true[here]
        joints = [points["pred_joints3d"][p], points["gt_joints3d"][g]]
        errors[g] = agora.errors(
            joints[0], verts["pred"][p], joints[1], verts["gt"][g], ids, family=family
        )
    rows = agora.score(
        errors,
        found=errors[:, 0].isfinite(),
        looked_at=looked_at,
        kid=torch.from_numpy(arrays["gt_kid"]),
        counted=torch.from_numpy(arrays["gt_isValid"]),
    )
    image_rows = torch.zeros((len(extra), len(agora.COLUMNS)), dtype=torch.float64)
    image_rows[:, 0] = extra
    if peer == "SMPLX_onlybfh":
        kept = np.array(["bfh" in name for name in arrays["img_name"]])
        return errors, torch.cat([rows[kept[arrays["gt_img"]]], image_rows[kept]])
    return errors, torch.cat([rows, image_rows])


def official_name(name: str) -> str:
    """kid-lhand-MPJPE → kid_left_hand_mpjpe."""
    parts = [SIDES.get(part, part.lower()) for part in name.replace("_", "-").split("-")]
    return "_".join(parts)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("peer", ["SMPLX", "SMPL", "SMPLX_onlybfh"])
def test_the_numbers_are_those_of_the_official_code_to_the_last_digit(name: str, peer: str) -> None:
    arrays, peers = case(name)
    found = agora.numbers(evaluated(arrays, peer)[1].sum(0), "official")
    for key, value in peers[peer]["output"]["error_dict"].items():
        np.testing.assert_equal(found[official_name(key)].item(), float(value), err_msg=key)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("peer", ["SMPLX", "SMPL"])
def test_the_errors_of_each_person_are_those_of_the_official_code(name: str, peer: str) -> None:
    arrays, peers = case(name)
    errors = evaluated(arrays, peer)[0].nan_to_num(0).numpy() / 1000
    for image, expected in enumerate(peers[peer]["output"]["per_image"]):
        here = errors[arrays["gt_img"] == image]
        for key, values in expected["error_m"].items():
            column = agora.ERRORS.index(official_name(key))
            np.testing.assert_allclose(here[:, column], values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("peer", ["SMPLX", "SMPL", "SMPLX_onlybfh"])
def test_who_is_found_missed_or_nobody_in_each_image_is_the_official_list(
    name: str, peer: str
) -> None:
    arrays, peers = case(name)
    valid = arrays["gt_isValid"] & (arrays["gt_occlusion"] >= 0) & (arrays["gt_occlusion"] <= 90)
    of_name = {str(image): row for row, image in enumerate(arrays["img_name"])}
    for expected in peers[peer]["output"]["per_image"]:
        image = of_name[expected["imgPath"]]
        said, true = (np.flatnonzero(arrays[f"{n}_img"] == image) for n in ("pred", "gt"))
        said = said[np.argsort(arrays["pred_person"][said], kind="stable")]
        found = matching(
            torch.from_numpy(arrays["pred_joints2d"][None, said]).double(),
            torch.from_numpy(arrays["gt_joints2d"][None, true]).double(),
            valid=torch.from_numpy(valid[true])[None],
        )
        assert found.listed(0) == [tuple(pair) for pair in expected["matching"]]
        assert found.false_positives[0] == expected["falsePositives"]
        missed = (found.detection_of[0] < 0).long().tolist()
        assert (missed, sum(missed)) == (expected["miss_flag"], expected["misses"])


def people(
    values: list[float], found: list[bool], kid: list[bool], extra: float = 0, looked: bool = True
) -> Tensor:
    """Sums of rows of people whose 8 errors are all one value."""
    count = len(values)
    rows = agora.score(
        torch.tensor(values, dtype=torch.float64)[:, None].expand(count, 8),
        found=torch.tensor(found),
        looked_at=torch.full((count,), looked),
        kid=torch.tensor(kid),
        false_positives=torch.tensor([extra] + [0.0] * (count - 1)),
    )
    return rows.sum(0)


def values(sums: Tensor, variant: Any) -> dict[str, float]:
    return {name: value.item() for name, value in agora.numbers(sums, variant).items()}


def test_one_of_two_missed_halves_the_official_hands_but_not_the_body() -> None:
    sums = people([30.0, 0.0], [True, False], [False, False])
    official, matched = values(sums, "official"), values(sums, "matched")
    assert (official["body_mpjpe"], official["left_hand_mpjpe"]) == (30.0, 15.0)
    assert (matched["body_mpjpe"], matched["left_hand_mpjpe"]) == (30.0, 30.0)
    assert official["fullbody_mve"] == 45.0
    assert matched["fullbody_mve"] == pytest.approx(60)
    assert official["f1"] == 0.67
    assert matched["f1"] == pytest.approx(2 / 3)
    assert official["body_nmje"] == 44.8
    assert matched["body_nmje"] == pytest.approx(45)


def test_an_image_without_predictions_does_not_dilute_the_hands() -> None:
    seen = people([30.0], [True], [False])
    unseen = people([0.0, 0.0], [False, False], [False, False], looked=False)
    official = values(seen + unseen, "official")
    assert official["left_hand_mve"] == 30.0
    assert official["recall"] == 0.33


def test_false_positives_of_adults_count_against_the_children() -> None:
    sums = people([10.0, 20.0], [True, True], [True, False], extra=2)
    assert values(sums, "official")["kid_f1"] == 0.5
    assert values(sums, "official")["kid_body_nmje"] == 20.0
    assert values(sums, "official")["kid_fullbody_nmje"] == pytest.approx(20 / 0.67, abs=0.05)
    assert values(sums, "matched")["kid_fullbody_nmje"] == pytest.approx(40)


def test_somebody_flagged_valid_but_hidden_too_much_to_match_is_missed() -> None:
    rows = agora.score(
        torch.ones((2, 8)),
        found=torch.tensor([True, False]),
        looked_at=torch.tensor([True, True]),
        kid=torch.tensor([False, False]),
    )
    assert values(rows.sum(0), "official")["recall"] == 0.5


def test_people_who_do_not_count_leave_only_their_false_positives() -> None:
    rows = agora.score(
        torch.ones((1, 8)),
        found=torch.tensor([False]),
        looked_at=torch.tensor([True]),
        kid=torch.tensor([True]),
        counted=torch.tensor([False]),
        false_positives=torch.tensor([3]),
    )
    assert rows[0].tolist() == [3.0] + [0.0] * 22


@pytest.mark.parametrize("variant", ["official", "matched"])
def test_nobody_found_has_no_errors_and_an_f1_of_zero(variant: str) -> None:
    found = values(people([0.0], [False], [False], extra=2), variant)
    assert (found["precision"], found["recall"], found["f1"]) == (0, 0, 0)
    assert np.isnan([found["body_mpjpe"], found["body_nmje"], found["fullbody_nmve"]]).all()
    none = values(people([0.0], [False], [False], looked=False), variant)
    assert np.isnan([none["precision"], none["left_hand_mve"]]).all()
    assert (none["recall"], none["f1"]) == (0, 0)


def test_no_valid_person_is_zero_officially_and_undefined_by_us() -> None:
    nothing = torch.zeros(len(agora.COLUMNS))
    assert [values(nothing, "official")[n] for n in ("precision", "recall", "f1")] == [0, 0, 0]
    assert np.isnan([v for k, v in values(nothing, "matched").items()]).all()
    assert np.isnan(values(nothing, "official")["kid_f1"])
    assert np.isnan(values(nothing, "official")["body_mve"])


def test_an_f1_that_rounds_to_zero_makes_official_normalised_errors_infinite() -> None:
    sums = people([40.0], [True], [False], extra=1000)
    assert values(sums, "official")["f1"] == 0
    assert values(sums, "official")["body_nmve"] == np.inf
    assert values(sums, "matched")["body_nmve"] == pytest.approx(40 * 501)


def test_numbers_of_many_resamples_are_those_of_each_and_weights_repeat_rows() -> None:
    rows = evaluated(case("mixed15")[0], "SMPLX")[1]
    weights = torch.randint(0, 3, (7, len(rows)), generator=torch.Generator().manual_seed(1))
    together = agora.numbers(weights.double() @ rows, "official")
    for i, weight in enumerate(weights):
        alone = agora.numbers(rows.repeat_interleave(weight, 0).sum(0), "official")
        for name, value in alone.items():
            np.testing.assert_allclose(together[name][i], value, rtol=1e-12)


def test_matched_numbers_of_mixed15_are_those_of_a_loop_over_people() -> None:
    arrays = case("mixed15")[0]
    errors, rows = evaluated(arrays, "SMPLX")
    found = agora.numbers(rows.sum(0), "matched")
    valid, seen = arrays["gt_isValid"], errors[:, 0].isfinite().numpy()
    for prefix, who in (("", valid), ("kid_", valid & arrays["gt_kid"])):
        hits = int((who & seen).sum())
        f1 = 2 * hits / (2 * hits + int((who & ~seen).sum()) + rows[:, 0].sum().item())
        assert found[f"{prefix}f1"].item() == pytest.approx(f1, rel=1e-12)
        for i, name in enumerate(agora.ERRORS):
            mean = np.mean([e[i].item() for e, w in zip(errors, who & seen, strict=True) if w])
            assert found[f"{prefix}{name}"].item() == pytest.approx(mean, rel=1e-12)
    # the page of protocols prints 52.7 for the left hands over those who are found
    assert round(found["left_hand_mpjpe"].item(), 1) == 52.7
    assert found["face_nmve"] == found["face_mve"] / found["f1"]


def test_where_people_stand_does_not_matter_and_float32_is_near() -> None:
    torch.manual_seed(0)
    joints, true = torch.rand((2, 127, 3)), torch.rand((2, 127, 3))
    mesh, true_mesh = torch.rand((2, 50, 3)), torch.rand((2, 50, 3))
    ids = {part: torch.arange(10 * i, 10 * i + 10) for i, part in enumerate(agora.PARTS)}
    found = agora.errors(joints, mesh, true, true_mesh, ids)
    shift = torch.tensor([1.0, -2.0, 5.0], dtype=torch.float64)
    moved = agora.errors(joints.double() + shift, mesh.double() + shift, true, true_mesh, ids)
    np.testing.assert_allclose(found, moved, rtol=1e-9)
    assert agora.errors(joints, mesh, joints + 1, mesh + 1, ids).max() < 1e-3


def test_a_thumb_off_by_16_mm_is_1_mm_of_its_hand_since_the_wrist_counts() -> None:
    true = torch.zeros((1, 127, 3), dtype=torch.float64)
    pred = true.clone()
    pred[0, 37, 2] = 0.016
    mesh = torch.zeros((1, 4, 3))
    ids = {part: torch.arange(4) for part in agora.PARTS}
    found = agora.errors(pred, mesh, true, mesh, ids)[0]
    assert found.tolist() == pytest.approx([0, 0, 1, 0, 0, 0, 0, 0])


@pytest.mark.parametrize("seed", range(3))
def test_rounding_is_that_of_python_and_of_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found, wrong = rng.integers(0, 400, 5000), rng.integers(1, 400, 5000)
    ratios = np.concatenate([found / (found + wrong), np.arange(1, 2000, 2) / 200, [np.nan]])
    ours = as_python(torch.from_numpy(ratios), 2).numpy()
    np.testing.assert_array_equal(ours, [round(float(r), 2) for r in ratios])
    ties = np.concatenate([rng.uniform(0, 300, 5000), np.arange(1, 3000) / 20])
    np.testing.assert_array_equal(as_numpy(torch.from_numpy(ties), 1).numpy(), np.round(ties, 1))


def test_python_and_numpy_round_0_615_apart() -> None:
    value = torch.tensor(0.615, dtype=torch.float64)
    assert (as_python(value, 2).item(), as_numpy(value, 2).item()) == (0.61, 0.62)


def test_the_names_are_known_without_torch() -> None:
    sums = torch.zeros(len(agora.COLUMNS))
    assert set(agora.numbers(sums, "official")) == set(number_names("official"))
    assert set(agora.numbers(sums, "matched")) == set(number_names("matched"))


def test_shapes_and_variants_that_do_not_fit_are_refused() -> None:
    yes = torch.tensor([True])
    with pytest.raises(ValueError, match=r"errors must be \(1, 8\)"):
        agora.score(torch.zeros((1, 7)), found=yes, looked_at=yes, kid=yes)
    with pytest.raises(ValueError, match="image without predictions"):
        agora.score(torch.zeros((1, 8)), found=yes, looked_at=~yes, kid=yes)
    with pytest.raises(ValueError, match=r"sums must be \(…, 23\)"):
        agora.numbers(torch.zeros(8))
    with pytest.raises(ValueError, match="'official' or 'matched'"):
        agora.numbers(torch.zeros(23), "both")
