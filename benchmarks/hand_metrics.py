"""FreiHAND's numbers: batched, beside a NumPy loop hand by hand as the official code is written.

python benchmarks/hand_metrics.py --hands 200
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from ehpsbench.metrics import freihand

Array = NDArray[np.float64]
THRESHOLDS = np.linspace(0.0, 0.05, 100)


def aligned(true: Array, pred: Array) -> Array:
    """One hand by align_w_scale."""
    a, b = true - true.mean(0), pred - pred.mean(0)
    a_norm, b_norm = np.linalg.norm(a) + 1e-8, np.linalg.norm(b) + 1e-8
    u, s, vt = np.linalg.svd((b / b_norm).T @ (a / a_norm))
    moved: Array = (b / b_norm) @ (u @ vt) * s.sum() * a_norm + true.mean(0)
    return moved


def f_scores(true: Array, pred: Array) -> list[float]:
    """Of one hand at 5 and 15 mm."""
    distance = np.sqrt(((true[:, None] - pred[None]) ** 2).sum(-1))
    found = []
    for limit in (0.005, 0.015):
        precision, recall = ((distance.min(k) < limit).mean() for k in (0, 1))
        both = precision + recall
        found.append(2 * precision * recall / both if both else 0.0)
    return found


def loop(hands: tuple[Array, Array, Array, Array]) -> dict[str, float]:
    """All numbers, one hand at a time, then point by point, as the official code takes them."""
    errors: dict[str, list[Array]] = {n: [] for n in ("mpjpe", "pa_mpjpe", "mpvpe", "pa_mpvpe")}
    scores = []
    for joints, true_joints, mesh, true_mesh in zip(*hands, strict=True):
        moved = aligned(true_joints, joints), aligned(true_mesh, mesh)
        for name, pred, true in (
            ("mpjpe", joints, true_joints),
            ("pa_mpjpe", moved[0], true_joints),
            ("mpvpe", mesh, true_mesh),
            ("pa_mpvpe", moved[1], true_mesh),
        ):
            errors[name].append(np.linalg.norm(pred - true, axis=1))
        scores.append(f_scores(true_mesh, mesh) + f_scores(true_mesh, moved[1]))
    found = {}
    for name, values in errors.items():
        by_point = np.stack(values, 1)
        found[name] = float(by_point.mean() * 1000)
        shares = [[np.mean(point <= t) for t in THRESHOLDS] for point in by_point]
        found[f"{name} auc"] = float(np.mean([np.trapezoid(s, THRESHOLDS) / 0.05 for s in shares]))
    return found | dict(zip(("f_5", "f_15", "pa_f_5", "pa_f_15"), np.mean(scores, 0), strict=True))


def batched(hands: tuple[Array, Array, Array, Array]) -> dict[str, float]:
    """All numbers by ehpsbench."""
    rows = freihand.score(*(torch.from_numpy(points) for points in hands))
    return {name: value.item() for name, value in freihand.numbers(rows.sum(0)).items()}


def seconds(function: Callable[[], object], repeats: int) -> float:
    """Best CPU time of a call: other programs disturb it less."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Print both times, and how far the numbers are apart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hands", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    true = [0.05 * rng.normal(size=(options.hands, points, 3)) for points in (21, 778)]
    pred = [points + 0.008 * rng.normal(size=points.shape) for points in true]
    hands = (pred[0], true[0], pred[1], true[1])
    ours, theirs = batched(hands), loop(hands)
    apart = max(abs(ours[name] - value) for name, value in theirs.items() if "auc" not in name)
    fast = seconds(lambda: batched(hands), options.repeats) / options.hands
    slow = seconds(lambda: loop(hands), 1) / options.hands
    print(f"{options.hands} hands, 21 joints, 778 vertices; {torch.get_num_threads()} threads")
    print(f"NumPy loop  {1000 * slow:7.2f} ms a hand")
    print(f"batched     {1000 * fast:7.2f} ms a hand   {slow / fast:.1f} times faster")
    print(f"largest difference of errors and F-scores: {apart:.1e}")


if __name__ == "__main__":
    main()
