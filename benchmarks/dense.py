"""Images a second of segmentation, depth and normals, beside NumPy loops written as official codes.

    python benchmarks/dense.py [--images 1] [--height 1024] [--width 768] [--threads 2]

Both ways get the same maps, of which depth and normals count where a person is: in a crop 1.25
times its box a rendered person covers 12 to 21 %, 16 % in the median; and where all count
(`--cover`). They are timed in turn in one run, best of the rounds; the ratio is what to compare
between machines. Both have the same cores: NumPy uses one for all but lstsq, ours `--threads`.
The loops: mIoU with masked arrays and three histograms an image (mmsegmentation), depth with
numpy.linalg.lstsq on disparity and one expression a metric (Marigold, Depth Anything), normals
with normalisation, arccos and numpy.median (DSINE).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from ehpsbench.metrics import depth, depth_alignment, normals, segmentation

CLASSES, RANGE = 28, (0.1, 10.0)
Maps = dict[str, NDArray[np.float32 | np.uint8 | np.bool_]]


def maps(images: int, height: int, width: int, cover: float) -> Maps:
    """Labels in blobs, depth of a rough ellipsoid, normals with noise, and where the person is."""
    rng = np.random.default_rng(0)
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    inside = (x * 0.8 * np.pi / 4 / cover) ** 2 + (y / 0.8) ** 2 < 1
    person = np.broadcast_to(inside if cover < 1 else True, (images, height, width))
    blobs = rng.integers(0, CLASSES, (images, height // 32, width // 32))
    truth = blobs.repeat(32, 1).repeat(32, 2).astype(np.uint8)
    wrong = rng.random(truth.shape) < 0.1
    labels = np.where(wrong, rng.integers(0, CLASSES, truth.shape), truth).astype(np.uint8)
    far = (3 - 0.5 * np.sqrt(np.maximum(1 - x**2, 0)) + 0.01 * rng.random(person.shape)).astype(
        "f4"
    )
    said = (1 / far * (1 + 0.05 * rng.standard_normal(far.shape)) * 200 + 30).astype("f4")
    true = rng.standard_normal((images, 3, height, width)).astype("f4")
    near = true + 0.2 * rng.standard_normal(true.shape).astype("f4")
    mask = np.ascontiguousarray(person)
    return {"truth": truth, "labels": labels, "far": far, "said": said, "true": true,
            "near": near, "mask": mask}  # fmt: skip


def loop_segmentation(given: Maps) -> None:
    """As mmsegmentation: mask, three histograms, one image at a time."""
    total = np.zeros((3, CLASSES))
    for labels, truth in zip(given["labels"], given["truth"], strict=True):
        mask = truth != 255
        said, true = labels[mask], truth[mask]
        for i, values in enumerate((said[said == true], said, true)):
            total[i] += np.histogram(values, bins=CLASSES, range=(0, CLASSES - 1))[0]
    np.nanmean(total[0] / (total[1] + total[2] - total[0]))


def loop_bincount(given: Maps) -> None:
    """As the codes that count pairs: a confusion matrix by numpy.bincount, one image at a time."""
    total = np.zeros((CLASSES, CLASSES))
    for labels, truth in zip(given["labels"], given["truth"], strict=True):
        mask = (truth >= 0) & (truth < CLASSES)
        pair = CLASSES * truth[mask].astype(int) + labels[mask]
        total += np.bincount(pair, minlength=CLASSES**2).reshape(CLASSES, CLASSES)
    np.nanmean(np.diag(total) / (total.sum(0) + total.sum(1) - np.diag(total)))


def loop_depth(given: Maps) -> None:
    """As Marigold aligns and Depth Anything scores, one image at a time, float64."""
    rows = []
    for said, far, mask in zip(given["said"], given["far"], given["mask"], strict=True):
        pred, true = said.astype(float), far.astype(float)
        d, t = pred[mask].reshape(-1, 1), inverted(true)[mask].reshape(-1, 1)
        design = np.concatenate([d, np.ones_like(d)], axis=-1)
        scale, shift = np.linalg.lstsq(design, t, rcond=None)[0]
        aligned = inverted(np.clip(pred * scale + shift, 1e-3, None))
        p, g = np.clip(aligned, *RANGE)[mask], true[mask]
        worst = np.maximum(g / p, p / g)
        deltas = [(worst < 1.25**k).mean() for k in (1, 2, 3)]
        diff, log = p - g, np.log(p) - np.log(g)
        rows.append([
            *deltas, np.mean(np.abs(diff) / g), np.mean(diff**2 / g), np.sqrt(np.mean(diff**2)),
            np.sqrt(np.mean(log**2)), np.mean(np.abs(np.log10(p) - np.log10(g))),
            np.sqrt(np.mean(log**2) - 0.5 * np.mean(log) ** 2),
        ])  # fmt: skip
    np.mean(rows, 0)


def inverted(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / values where they are above 0, else 0."""
    found = np.zeros_like(values)
    positive = values > 0
    found[positive] = 1.0 / values[positive]
    return found


def loop_normals(given: Maps) -> None:
    """As DSINE: errors of the valid pixels of all images, then the numbers of the pool."""
    errors = []
    for near, true, mask in zip(given["near"], given["true"], given["mask"], strict=True):
        p, g = near.astype(float), true.astype(float)
        p = p / np.maximum(np.linalg.norm(p, axis=0), 1e-8)
        g = g / np.maximum(np.linalg.norm(g, axis=0), 1e-8)
        angle = np.arccos(np.clip((p * g).sum(0), -1, 1)) * 180 / np.pi
        errors.append(angle[mask])
    pool = np.concatenate(errors)
    np.average(pool), np.median(pool), np.sqrt(np.sum(pool * pool) / len(pool))
    [100 * np.sum(pool < t) / len(pool) for t in (5, 7.5, 11.25, 22.5, 30)]


def ours(given: Maps) -> dict[str, Callable[[], object]]:
    """The metrics of the package on the same maps."""
    fit = partial(depth_alignment.least_squares, space="disparity")
    t = {name: torch.from_numpy(values.copy()) for name, values in given.items()}

    def scored_depth() -> object:
        rows = depth.score(t["said"], t["far"], t["mask"], alignment=fit, clip=RANGE)
        return depth.numbers(rows.sum(0))

    def areas() -> object:
        rows = segmentation.score(t["labels"], t["truth"], classes=CLASSES)
        return segmentation.numbers(rows.sum(0))

    return {
        "mIoU": areas,
        "mIoU (loop: bincount)": areas,
        "depth": scored_depth,
        "normals": lambda: normals.numbers(
            normals.score(t["near"], t["true"], t["mask"]).sum(0)
        ),
    }  # fmt: skip


def main() -> None:
    """Print ms an image of both ways and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("images", 1), ("height", 1024), ("width", 768), ("rounds", 30)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--cover",
        type=float,
        nargs="+",
        default=(0.16, 0.42, 1.0),
        help="share of pixels that count",
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"{args.images} maps of {args.height}x{args.width}, {args.threads} threads")
    for cover in args.cover:
        compare(maps(args.images, args.height, args.width, cover), args.rounds)


def compare(given: Maps, rounds: int) -> None:
    """Time both ways in turn."""
    loops: dict[str, Callable[[Maps], None]] = {
        "mIoU": loop_segmentation, "mIoU (loop: bincount)": loop_bincount, "depth": loop_depth,
        "normals": loop_normals,
    }  # fmt: skip
    share = float(given["mask"].mean())
    print(f"{share:.0%} of the pixels count")
    for name, way in ours(given).items():
        best = [np.inf, np.inf]
        for _ in range(rounds):
            for i, call in enumerate((lambda name=name: loops[name](given), way)):
                start = time.perf_counter()
                call()
                best[i] = min(best[i], (time.perf_counter() - start) / len(given["mask"]) * 1e3)
        print(
            f"{name:22} loop {best[0]:7.2f} ms  ours {best[1]:7.2f} ms  {best[0] / best[1]:5.1f} x"
        )


if __name__ == "__main__":
    main()
