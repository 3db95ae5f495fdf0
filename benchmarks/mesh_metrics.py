"""People a second of the mesh metrics, beside a loop written as the official evaluators are.

`python benchmarks/mesh_metrics.py`: PVE, PA-PVE, MPJPE and PA-MPJPE of all, hands and face on
10,475 vertices; both ways in one process, in turn, best of the rounds. Ours is what `ehpsbench
evaluate` calls once bodies are posed: predictions in float32, truth in float64. The numbers of both
must agree. Beside them, the time that reading both meshes once takes, and processor time, which
other work on the machine blurs less than the clock. `--threads` are torch's; the loop's are NumPy's
BLAS's, which wait for work by turning (OPENBLAS_NUM_THREADS=1 takes one: the loop is slower then on
an idle machine, faster on a busy one).

What stops ours above that limit: each set of points is gathered from both meshes into float64,
point by point, which is a third of the time, more where ids lie far apart; distances, products and
square roots of these are a third; the last are torch's regressors of joints and roots and its small
operations, of which a second thread does one at a time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ehpsbench.evaluation.mesh.columns import Column, column_errors
from ehpsbench.evaluation.mesh.points import Figures, Pair, Picker, Weighted
from ehpsbench.evaluation.mesh.rules import HAND_SETS, ErrorColumn
from ehpsbench.evaluation.mesh.scoring import CHUNK
from ehpsbench.metrics.hand_mean import hand_mean

VERTICES, HAND, FACE = 10_475, 778, 5_023
PELVIS, NECK, WRISTS = 0, 12, (20, 21)
ERRORS = (  # name = metric and part, points, root; in the order of the loop's numbers
    ("pve_all", "vertices", "pelvis"),
    ("pa_pve_all", "vertices", "none"),
    ("pve_hands", "hand_vertices", "wrist"),
    ("pa_pve_hands", "hand_vertices", "none"),
    ("pve_face", "face_vertices", "neck"),
    ("pa_pve_face", "face_vertices", "none"),
    ("mpjpe_body", "j14", "pelvis"),
    ("pa_mpjpe_body", "j14", "none"),
    ("pa_mpjpe_hands", "hand_joints", "none"),
)
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Parts:
    """What is taken off a mesh: (55, V) joints, (14, V) body joints, 2 × (21, V), ids."""

    joints: Floats
    body: Floats
    hands: tuple[Floats, Floats]
    hand_ids: tuple[NDArray[np.int64], NDArray[np.int64]]
    face_ids: NDArray[np.int64]


def people(count: int, seed: int = 0) -> tuple[Floats, Floats]:
    """(N, V, 3) predicted and true meshes [m], 80 mm apart, in float32 as evaluators hold them."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(count, VERTICES, 3)).astype("f4") * 0.4 + np.float32([0, 0, 4])
    moved = true + rng.normal(size=true.shape).astype("f4") * 0.08
    return moved, true


def parts(seed: int = 1) -> Parts:
    """Regressors of 30 vertices a joint; ids of hands and face."""
    rng = np.random.default_rng(seed)

    def regressor(rows: int, vertices: int) -> Floats:
        weights = np.zeros((rows, VERTICES), "f4")
        for row in weights:
            row[rng.choice(VERTICES, vertices, replace=False)] = 1 / vertices
        return weights

    joints = regressor(55, 30)
    left, right = (
        np.concatenate([joints[[w]], joints[start : start + 15], regressor(5, 1)])
        for w, start in zip(WRISTS, (25, 40), strict=True)
    )
    ids = [rng.choice(VERTICES, n, replace=False) for n in (HAND, HAND, FACE)]
    return Parts(joints, regressor(14, 30), (left, right), (ids[0], ids[1]), ids[2])


def official(pred: Floats, true: Floats, on: Parts) -> NDArray[np.float64]:
    """(N, 9) errors [mm] as the evaluators of OSX and SMPLer-X are written, person by person.

    Whatever joint is needed, all 55 are regressed, each time anew; so do they.
    """
    rows = []
    for out, gt in zip(pred, true, strict=True):

        def moved(joint: int, ids: NDArray[np.int64] | slice, out: Floats, gt: Floats) -> Floats:
            root = np.dot(on.joints, out)[joint, None, :]
            return out[ids] - root + np.dot(on.joints, gt)[joint, None, :]

        row = [_distance(moved(PELVIS, slice(None), out, gt), gt), _distance(_aligned(out, gt), gt)]
        sides = [
            (
                _distance(moved(w, ids, out, gt), gt[ids]),
                _distance(_aligned(out[ids], gt[ids]), gt[ids]),
            )
            for w, ids in zip(WRISTS, on.hand_ids, strict=True)
        ]
        row += [(sides[0][0] + sides[1][0]) / 2, (sides[0][1] + sides[1][1]) / 2]
        face, truth = out[on.face_ids], gt[on.face_ids]
        row += [_distance(moved(NECK, on.face_ids, out, gt), truth)]
        row += [_distance(_aligned(face, truth), truth)]
        body = np.dot(on.body, moved(PELVIS, slice(None), out, gt)), np.dot(on.body, gt)
        row += [_distance(*body), _distance(_aligned(*body), body[1])]
        both = [(np.dot(r, out), np.dot(r, gt)) for r in on.hands]
        row.append(float(np.mean([_distance(_aligned(p, g), g) for p, g in both])))
        rows.append(row)
    return np.asarray(rows)


def columns(on: Parts) -> list[Column]:
    """Error columns as `ehpsbench evaluate` makes them of a protocol."""
    joints = {"j14": on.body, "hand_joints": on.hands}
    ids = {"hand_vertices": on.hand_ids, "face_vertices": on.face_ids}
    roots = {"pelvis": PELVIS, "neck": NECK}

    def picker(points: str, root: str, side: int) -> Picker:
        rows, picked = joints.get(points), ids.get(points)
        rows, picked = (x[side] if isinstance(x, tuple) else x for x in (rows, picked))
        at = None if root == "none" else on.joints[[roots.get(root, WRISTS[side])]]
        return Picker(
            None if rows is None else Weighted.of(rows.astype("f8")),
            None if picked is None else torch.from_numpy(picked),
            None if at is None else Weighted.of(at.astype("f8")),
        )

    found = []
    for name, points, root in ERRORS:
        metric = name.rsplit("_", 1)[0]
        error = ErrorColumn.model_validate(
            {"name": name, "metric": metric, "points": points, "root": root}
        )
        for side, label in enumerate(("left", "right") if points in HAND_SETS else (None,)):
            taken = picker(points, root, side)
            found.append(Column(error, label, Pair(taken, taken)))
    return found


def ours(
    pred: torch.Tensor,
    true: torch.Tensor,
    of: list[Column],
    chunk: int,
) -> torch.Tensor:
    """(N, 9) the same by what `ehpsbench evaluate` calls for each chunk of bodies."""
    rows = []
    for meshes in zip(pred.split(chunk), true.split(chunk), strict=True):
        found = column_errors(of, *(Figures(m) for m in meshes))
        values = []
        for name, points, _ in ERRORS:
            if points in HAND_SETS:
                values.append(hand_mean(found[f"{name}_left"], found[f"{name}_right"]))
            else:
                values.append(found[name])
        rows.append(torch.stack(values, 1))
    return torch.cat(rows)


def _distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.mean(np.sqrt(np.sum((one - other) ** 2, 1))) * 1000)


def _aligned(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The similarity as the field's rigid_align writes it."""
    count = len(source)
    mean_a, mean_b = source.mean(0), target.mean(0)
    a, b = source - mean_a, target - mean_b
    u, s, vt = np.linalg.svd(a.T @ b / count)
    rotation = vt.T @ u.T
    if np.linalg.det(rotation) < 0:
        s[-1] *= -1
        vt[2] *= -1
        rotation = vt.T @ u.T
    scale = s.sum() / source.var(axis=0).sum()
    return np.asarray((scale * rotation @ source.T).T + mean_b - scale * rotation @ mean_a)


def best(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Seconds and processor seconds of each one's fastest round; they take turns."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            started, worked = time.perf_counter(), time.process_time()
            call()
            times[name].append((time.perf_counter() - started, time.process_time() - worked))
    return {
        name: (min(t for t, _ in taken), min(c for _, c in taken)) for name, taken in times.items()
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--chunk", type=int, default=CHUNK)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    pred, true = people(given.people)
    on = parts()
    of = columns(on)
    tensors = torch.from_numpy(pred), torch.from_numpy(true).double()
    errors = ours(*tensors, of, given.chunk)
    worst = float(np.abs(errors.numpy() - official(pred, true, on)).max())
    calls: dict[str, Callable[[], object]] = {
        "a loop as the evaluators are": lambda: official(pred, true, on),
        "ours": lambda: ours(*tensors, of, given.chunk),
        "reading both meshes once": lambda: [mesh.sum() for mesh in tensors],
    }
    seconds = best(calls, given.rounds)
    print(f"largest difference {worst:.2e} mm, {given.threads} threads")
    slowest, _ = seconds["a loop as the evaluators are"]
    for name, (taken, worked) in seconds.items():
        rate, ratio, each = given.people / taken, slowest / taken, worked / given.people * 1e6
        print(f"{name:<32}{rate:>10,.0f} people/s{ratio:>8.1f} ×{each:>9,.0f} µs of a core each")


if __name__ == "__main__":
    main()
