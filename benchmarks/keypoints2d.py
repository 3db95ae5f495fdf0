"""OKS AP of ehpsbench beside a NumPy loop written as pycocotools is, and beside faster-coco-eval.

    python benchmarks/keypoints2d.py [--images N] [--group whole]

One process, one thread, the same arrays; the numbers must agree before times are printed. The loop
and the library rank a detection at a time; ours takes images in batches. The last line is what
a bootstrap costs: the matches are kept and only ranked again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ehpsbench.evaluation.keypoints2d.rules import Detections, Group
from ehpsbench.evaluation.keypoints2d.scoring import matched
from ehpsbench.evaluation.keypoints2d.submitted import Submitted
from ehpsbench.evaluation.keypoints2d.truth import Images, Truth
from ehpsbench.metrics import keypoint_ap
from ehpsbench.metrics.keypoint_ap import Matches
from ehpsbench.metrics.oks_sigmas import GROUPS, WHOLEBODY_133

Array = NDArray[Any]
ROUNDS = 3


@dataclass(frozen=True)
class Image:
    """People and detections of one image: (P, K, 3), (P,), (P, 4), (D, K, 3), (D,), (D,)."""

    people: Array
    area: Array
    box: Array
    said: Array
    scores: Array
    said_area: Array


def images(count: int, joints: int, seed: int = 0) -> list[Image]:
    """Images like those of a top-down model on COCO: 0 to 5 people, twice as many detections."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        many = int(rng.integers(0, 6))
        side = np.exp(rng.uniform(np.log(20), np.log(300), many))
        corner = rng.uniform(0, 400, (many, 2))
        points = corner[:, None] + rng.random((many, joints, 2)) * side[:, None, None]
        seen = rng.integers(0, 3, (many, joints, 1))
        twice = np.repeat(np.arange(many), 2)
        noise = side[twice, None, None] * rng.choice([0.005, 0.02, 0.06], (2 * many, 1, 1))
        said = points[twice] + rng.normal(size=(2 * many, joints, 2)) * noise
        confidence = rng.random((2 * many, joints, 1))
        made.append(
            Image(
                np.concatenate([points, seen], -1),
                0.6 * side**2,
                np.concatenate([corner, side[:, None], side[:, None]], 1),
                np.concatenate([said, confidence], -1),
                rng.random(2 * many),
                side[twice] ** 2,
            )
        )
    return made


def arrays(data: list[Image]) -> tuple[Truth, Submitted]:
    """The same as the tables that an evaluation has."""
    names = tuple(map(str, range(len(data))))
    counts = [[len(getattr(image, n)) for image in data] for n in ("people", "said")]
    rows = [np.repeat(np.arange(len(data)), c) for c in counts]
    table = {
        name: np.concatenate([getattr(image, name) for image in data])
        for name in ("people", "area", "box", "said", "scores", "said_area")
    }
    nobody = np.zeros(len(rows[0]), bool)
    whose = np.full(len(rows[1]), None, object)
    images = Images(names, names, {})
    truth = Truth(
        *(images, rows[0], np.zeros(len(rows[0]), object), table["people"], table["box"]),
        *(table["area"], nobody, ~(table["people"][..., 2] > 0).any(1), {}),
    )
    said = Submitted(rows[1], whose, table["said"], table["scores"], {}, table["said_area"], 0)
    return truth, said


def ours(truth: Truth, said: Submitted, group: Group) -> tuple[dict[str, float], Matches]:
    """The numbers by ehpsbench."""
    rows = matched(truth, said, group, Detections(groups=(group,), area="annotation"))
    return {n: v.item() for n, v in keypoint_ap.average_precision(rows).items()}, rows


def loop(data: list[Image], sigmas: Array) -> dict[str, float]:
    """The numbers one image, range, threshold, detection and person at a time."""
    found = [_similarities(image, sigmas) for image in data]
    precision, recall = np.full((3, 10, 101), -1.0), np.full((3, 10), -1.0)
    for r, area in enumerate(keypoint_ap.AREAS):
        images_ = [_evaluated(i, s, area) for i, s in zip(data, found, strict=True) if len(i.box)]
        scores = np.concatenate([scores for scores, *_ in images_])
        order = np.argsort(-scores, kind="mergesort")
        hit = np.concatenate([matched for _, matched, *_ in images_], 1)[:, order]
        skip = np.concatenate([skipped for *_, skipped, _ in images_], 1)[:, order]
        wanted = sum(count for *_, count in images_)
        for t in range(10):
            right = np.cumsum(hit[t] & ~skip[t]).astype(float)
            wrong = np.cumsum(~hit[t] & ~skip[t]).astype(float)
            share, precise = right / wanted, (right / (right + wrong + np.spacing(1))).tolist()
            for i in range(len(precise) - 1, 0, -1):
                precise[i - 1] = max(precise[i - 1], precise[i])
            at = np.searchsorted(share, keypoint_ap.RECALLS)
            precision[r, t] = [precise[i] if i < len(precise) else 0 for i in at]
            recall[r, t] = share[-1]
    both = {"ap": precision.mean(-1), "ar": recall}
    return {
        f"{name}{suffix}": float(value)
        for name, table in both.items()
        for suffix, value in (
            ("", table[0].mean()),
            ("50", table[0, 0]),
            ("75", table[0, 5]),
            ("_medium", table[1].mean()),
            ("_large", table[2].mean()),
        )
    }


def _similarities(image: Image, sigmas: Array) -> Array:
    order = np.argsort(-image.scores, kind="mergesort")[:20]
    table = np.zeros((len(order), len(image.people)))
    for j, person in enumerate(image.people):
        seen = person[:, 2] > 0
        for i, said in enumerate(image.said[order]):
            d = said[:, :2] - person[:, :2]
            e = (d[:, 0] ** 2 + d[:, 1] ** 2) / (2 * sigmas) ** 2
            e = (e / (image.area[j] + np.spacing(1)) / 2)[seen]
            table[i, j] = np.exp(-e).sum() / len(e)
    return table


def _evaluated(
    image: Image, similar: Array, area: tuple[float, float]
) -> tuple[Array, Array, Array, int]:
    low, high = area
    ignore = (image.area < low) | (image.area > high)
    people = np.argsort(ignore, kind="mergesort")
    order = np.argsort(-image.scores, kind="mergesort")[:20]
    matched, skipped = np.zeros((10, len(order)), bool), np.zeros((10, len(order)), bool)
    outside = (image.said_area[order] < low) | (image.said_area[order] > high)
    for t, level in enumerate(keypoint_ap.THRESHOLDS):
        used = np.zeros(len(people), bool)
        for d in range(len(order)):
            best, value = -1, min(level, 1 - 1e-10)
            for p in people:
                if used[p]:
                    continue
                if best > -1 and not ignore[best] and ignore[p]:
                    break
                if similar[d, p] < value:
                    continue
                best, value = p, similar[d, p]
            if best >= 0:
                used[best] = matched[t, d] = True
            skipped[t, d] = ignore[best] if best >= 0 else outside[d]
    return image.scores[order], matched, skipped, int((~ignore).sum())


def coco_dicts(data: list[Image]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same in the dictionaries that libraries read."""
    truth: dict[str, Any] = {"images": [], "annotations": [], "categories": [{"id": 1}]}
    said: list[dict[str, Any]] = []
    for number, image in enumerate(data):
        truth["images"].append({"id": number})
        same = {"image_id": number, "category_id": 1}
        for person, area, box in zip(image.people, image.area, image.box, strict=True):
            labels = {"keypoints": person.reshape(-1).tolist(), "num_keypoints": 1, "iscrowd": 0}
            place = {"bbox": box.tolist(), "area": float(area)}
            truth["annotations"].append(
                same | labels | place | {"id": len(truth["annotations"]) + 1}
            )
        for points, score, area in zip(image.said, image.scores, image.said_area, strict=True):
            keypoints = {"keypoints": points.reshape(-1).tolist(), "score": float(score)}
            said.append(same | keypoints | {"area": float(area), "id": len(said) + 1})
    return truth, said


def library(data: list[Image], sigmas: Array) -> Callable[[], dict[str, float]]:
    """The numbers by faster-coco-eval; dictionaries are made before the clock starts."""
    from faster_coco_eval import COCO, COCOeval_faster

    truth, said = coco_dicts(data)
    true, results = COCO(truth), COCO()
    results.dataset = truth | {"annotations": said}
    results.createIndex()

    def run() -> dict[str, float]:
        evaluation = COCOeval_faster(true, results, "keypoints", kpt_oks_sigmas=list(sigmas))
        evaluation.run()
        return dict(zip(keypoint_ap.NUMBERS, map(float, evaluation.stats), strict=True))

    return run


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """Least time of a few rounds, and what came out."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
    return min(times), result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--group", choices=sorted(GROUPS), default="whole")
    options = parser.parse_args()
    torch.set_num_threads(1)
    sigmas = np.array(WHOLEBODY_133)
    whole = images(options.images, len(sigmas))
    truth, said_ = arrays(whole)
    part = GROUPS[options.group]
    data = [replace(i, people=i.people[:, part], said=i.said[:, part]) for i in whole]
    sigmas = sigmas[part]
    calls: dict[str, Callable[[], Any]] = {"NumPy loop": lambda: loop(data, sigmas)}
    try:
        calls["faster-coco-eval"] = library(data, sigmas)
    except ImportError:
        print("faster-coco-eval is not installed; left out")
    reference, numbers = seconds(calls.pop("NumPy loop"))
    people = sum(len(image.people) for image in data)
    said = sum(len(image.said) for image in data)
    print(f"{options.images} images, {people} people, {said} detections, {len(sigmas)} joints")
    print(f"{'NumPy loop':24} {reference:8.2f} s")
    for name, call in calls.items():
        taken, found = seconds(call)
        report(name, taken, reference, found, numbers)
    taken, (found, rows) = seconds(lambda: ours(truth, said_, options.group))
    report("ehpsbench", taken, reference, found, numbers)
    weights = torch.from_numpy(
        np.random.default_rng(0)
        .multinomial(len(data), np.full(len(data), 1 / len(data)), size=1000)
        .astype(float)
    )
    taken, _ = seconds(lambda: keypoint_ap.average_precision(rows, weights))
    print(f"{'1,000 resamples':24} {taken:8.2f} s   {taken:.1f} ms each")


def report(
    name: str, taken: float, reference: float, found: dict[str, float], numbers: dict[str, float]
) -> None:
    """A line of the table: seconds, ratio, and the largest difference of the ten numbers."""
    apart = max(abs(found[n] - numbers[n]) for n in numbers)
    print(f"{name:24} {taken:8.2f} s   {reference / taken:6.1f} x   differs by {apart:.1e}")


if __name__ == "__main__":
    main()
