"""Average precision of random people: other implementations, weights, chunks and orders."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.metrics import keypoint_ap
from ehpsbench.metrics.oks_sigmas import GROUPS, WHOLEBODY_133

Make = Callable[..., Any]
GOLDEN = Path(__file__).parent / "golden"
PARTS = ("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts")
THEIRS = ("AP", "AP .5", "AP .75", "AP (M)", "AP (L)", "AR", "AR .5", "AR .75", "AR (M)", "AR (L)")
NAMES = dict(zip(keypoint_ap.NUMBERS, THEIRS, strict=True))
XTCOCO = {"left_hand": "lefthand", "right_hand": "righthand", "whole": "wholebody"}


def random_people(seed: int, images: int = 60) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """People and detections with ties, crowds, misses, doubles and people without joints."""
    rng = np.random.default_rng(seed)
    truth: dict[str, Any] = {"images": [{"id": i} for i in range(images)], "annotations": []}
    said: list[dict[str, Any]] = []
    truth |= {"categories": [{"id": 1, "name": "person"}], "info": {}}
    for image in range(images):
        for _ in range(rng.integers(0, 5)):
            side = float(np.exp(rng.uniform(np.log(20), np.log(250))))
            corner = rng.uniform(0, 300, 2)
            points = corner + rng.uniform(0, side, (133, 2))
            seen = rng.integers(0, 3, 133) * (rng.random() > 0.15)
            truth["annotations"].append(
                entry(points, seen)
                | {"id": len(truth["annotations"]), "image_id": image, "category_id": 1}
                | {"bbox": [*corner, side, side], "area": 0.6 * side**2}
                | {"iscrowd": int(rng.random() < 0.1), "num_keypoints": int((seen[:17] > 0).sum())}
            )
            for _ in range(rng.choice([0, 1, 1, 1, 2, 9])):
                noise = side * rng.choice([0, 0.01, 0.03, 0.1])
                moved = points + rng.normal(size=(133, 2)) * noise
                confidence = rng.random(133) * (rng.random() > 0.05)
                score = {"score": round(float(rng.random()), 1)}
                said.append(
                    entry(moved, confidence) | score | {"image_id": image, "category_id": 1}
                )
    return truth, said


def entry(points: np.ndarray, third: np.ndarray) -> dict[str, Any]:
    flat = np.concatenate([points, third[:, None]], 1)
    cuts = np.split(flat, [17, 23, 91, 112])
    return {name: cut.reshape(-1).tolist() for name, cut in zip(PARTS, cuts, strict=True)}


def by_hand(made: dict[str, torch.Tensor], group: str) -> dict[str, float]:
    """AP as the definition reads, one detection at a time."""
    part, sigmas = GROUPS[group], np.array(WHOLEBODY_133[GROUPS[group]])
    a = {name: value.numpy() for name, value in made.items()}
    precision, recall = np.full((3, 10), np.nan), np.full((3, 10), np.nan)
    for r, (low, high) in enumerate(keypoint_ap.AREAS):
        for t, level in enumerate(keypoint_ap.THRESHOLDS):
            ranked, wanted = [], 0
            for i in range(len(a["area"])):
                people = [p for p in range(a["area"].shape[1]) if a["is_person"][i, p]]
                labelled = {p: a["people"][i, p, part, 2] > 0 for p in people}
                skip = {
                    p: a["crowd"][i, p]
                    or not labelled[p].any()
                    or not low <= a["area"][i, p] <= high
                    for p in people
                }
                wanted += sum(not s for s in skip.values())
                dets = [d for d in range(a["scores"].shape[1]) if a["is_detection"][i, d]]
                dets = [d for d in dets if (a["detections"][i, d, part, 2] > 0).any()]
                used: set[int] = set()
                for d in sorted(dets, key=lambda d: -a["scores"][i, d])[:20]:
                    best, best_value = None, level
                    for counted in (True, False):
                        for p in people:
                            if skip[p] == counted or (p in used and not a["crowd"][i, p]):
                                continue
                            value = similarity(a, i, d, p, part, sigmas, labelled[p])
                            if value >= best_value:
                                best, best_value = p, value
                        if best is not None:
                            break
                    used.add(-1 if best is None else best)
                    inside = low <= a["detection_area"][i, d] <= high
                    if (best is None and inside) or (best is not None and not skip[best]):
                        ranked.append((a["scores"][i, d], best is not None))
            if wanted:
                ranked.sort(key=lambda s: -s[0])
                precision[r, t], recall[r, t] = area_under(
                    np.array([hit for _, hit in ranked]), wanted
                )
    return named(precision, recall)


def named(precision: np.ndarray, recall: np.ndarray) -> dict[str, float]:
    """The numbers of (3, 10) areas × thresholds."""
    numbers = {"ap": precision[0].mean(), "ap50": precision[0, 0], "ap75": precision[0, 5]}
    numbers |= {"ap_medium": precision[1].mean(), "ap_large": precision[2].mean()}
    numbers |= {"ar": recall[0].mean(), "ar50": recall[0, 0], "ar75": recall[0, 5]}
    return numbers | {"ar_medium": recall[1].mean(), "ar_large": recall[2].mean()}


def similarity(
    a: dict[str, np.ndarray], i: int, d: int, p: int, part: slice, sigmas: Any, seen: Any
) -> float:
    said, true = a["detections"][i, d, part, :2], a["people"][i, p, part, :2]
    offset = said - true
    if not seen.any():
        x, y, w, h = a["box"][i, p]
        low, high = np.array([x - w, y - h]), np.array([x + 2 * w, y + 2 * h])
        offset = np.maximum(low - said, 0) + np.maximum(said - high, 0)
        seen = np.ones(len(sigmas), bool)
    error = (offset**2).sum(1) / (2 * sigmas) ** 2 / (a["area"][i, p] + 2.0**-52) / 2
    return float(np.exp(-error[seen]).sum() / seen.sum())


def area_under(hits: np.ndarray, wanted: int) -> tuple[float, float]:
    if not len(hits):
        return 0.0, 0.0
    found = np.cumsum(hits)
    precision, share = found / np.arange(1, len(hits) + 1), found / wanted
    levels = np.linspace(0, 1, 101)
    best = [precision[share >= level].max(initial=0) for level in levels]
    return float(np.mean(best)), float(share[-1])


@pytest.mark.parametrize("group", ["body", "left_hand"])
def test_one_detection_at_a_time_gives_the_same(arrays: Make, rows_of: Make, group: str) -> None:
    made = arrays(*random_people(5, images=25))
    found = keypoint_ap.average_precision(rows_of(made, group))
    expected = by_hand(made, group)
    for name, value in found.items():
        assert value.item() == pytest.approx(expected[name], rel=1e-9), name


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("group", GROUPS)
def test_faster_coco_eval_gives_the_same_once_it_is_told_what_counts(
    joints: Make, arrays: Make, rows_of: Make, equal: Make, seed: int, group: str
) -> None:
    pytest.importorskip("faster_coco_eval")
    truth, said = random_people(seed)
    found = keypoint_ap.average_precision(rows_of(arrays(truth, said), group))
    equal(found, by_faster_coco_eval(truth, said, group, joints))


def by_faster_coco_eval(
    truth: dict[str, Any], said: list[dict[str, Any]], group: str, joints: Make
) -> dict[str, float]:
    from faster_coco_eval import COCO, COCOeval_faster

    truth, said, part = copy.deepcopy(truth), copy.deepcopy(said), GROUPS[group]
    for annotation in truth["annotations"]:
        seen = joints([annotation])[0, part]
        annotation |= {"keypoints": seen.reshape(-1).tolist(), "id": annotation["id"] + 1}
        annotation["num_keypoints"] = int((seen[:, 2] > 0).sum())
    kept = []
    for detection in said:
        points = joints([detection])[0]
        body = points[:17, :2]
        detection |= {"area": float(np.prod(body.max(0) - body.min(0))), "id": len(kept) + 1}
        detection["keypoints"] = points[part].reshape(-1).tolist()
        kept += [detection] if (points[part, 2] > 0).any() else []
    results = COCO()
    results.dataset = truth | {"annotations": kept}
    results.createIndex()
    theirs = COCOeval_faster(
        COCO(truth), results, "keypoints", kpt_oks_sigmas=list(WHOLEBODY_133[part])
    )
    theirs.run()
    return dict(zip(THEIRS, theirs.stats, strict=True))


def without_ties(said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [d | {"score": (i * 617 % 1009) / 1009} for i, d in enumerate(said)]


def test_an_image_with_weight_3_counts_like_3_copies_of_it(arrays: Make, rows_of: Make) -> None:
    truth, said = random_people(7, images=20)
    made = arrays(truth, without_ties(said))
    weights = torch.tensor(np.random.default_rng(0).integers(0, 4, (5, 20)))
    rows = rows_of(made, "face")
    found = keypoint_ap.average_precision(rows, weights)
    for sample in range(5):
        copies = torch.arange(20).repeat_interleave(weights[sample])
        again = rows_of({name: value[copies] for name, value in made.items()}, "face")
        expected = keypoint_ap.average_precision(again)
        for name, value in found.items():
            assert value[sample].item() == pytest.approx(expected[name].item(), rel=1e-9)


def test_chunks_and_padding_and_float32_scores_change_nothing(arrays: Make, rows_of: Make) -> None:
    made = arrays(*random_people(8, images=24))
    whole = keypoint_ap.average_precision(rows_of(made, "whole"))
    halves = [{n: v[part] for n, v in made.items()} for part in (slice(0, 9), slice(9, None))]
    grown = {n: torch.cat([v, torch.zeros_like(v[:, :3])], 1) for n, v in halves[1].items()}
    parts = [rows_of(part, "whole") for part in (halves[0], grown)]
    for name, value in keypoint_ap.average_precision(keypoint_ap.Matches.joined(parts)).items():
        assert value.item() == whole[name].item()
    single = rows_of(made, "whole", scores=made["scores"].float())
    assert keypoint_ap.average_precision(single)["ap"] == whole["ap"]


def test_the_order_of_detections_and_images_does_not_matter_without_ties(
    arrays: Make, rows_of: Make
) -> None:
    truth, said = random_people(9)
    made = arrays(truth, without_ties(said))
    expected = keypoint_ap.average_precision(rows_of(made, "body"))
    images = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    names = ("detections", "scores", "detection_area", "is_detection")
    turned = {n: (v.flip(1) if n in names else v)[images] for n, v in made.items()}
    for name, value in keypoint_ap.average_precision(rows_of(turned, "body")).items():
        assert value.item() == pytest.approx(expected[name].item(), rel=1e-12)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_gpu_gives_the_same(arrays: Make, rows_of: Make) -> None:
    made = arrays(*random_people(3))
    weights = torch.from_numpy(np.random.default_rng(0).integers(0, 3, (4, 60)))
    found = [
        keypoint_ap.average_precision(
            rows_of({n: v.to(device) for n, v in made.items()}, "whole"), weights.to(device)
        )
        for device in ("cpu", "cuda")
    ]
    for name, value in found[0].items():
        np.testing.assert_allclose(value, found[1][name].cpu(), rtol=1e-12)
