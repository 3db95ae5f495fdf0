"""Depth maps of rendered people: whole evaluations with every alignment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.body.bodies import BodySet
from ehpsbench.errors import InputError
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.metrics import depth
from ehpsbench.metrics.depth_alignment import least_squares
from ehpsbench.store import Store
from ehpsbench.world.renderer import Frame

Make = Callable[..., Any]
COUNT = 4
RANGE = (0.001, 10.0)
HEAD = 'version = 1\ntitle = "t"\nabout = "a"\nsource = "s"\ndataset = "made"\nsplit = "test"\n'


def noisy(frames: list[Frame], seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [f.depth * np.exp(0.1 * rng.standard_normal(f.depth.shape)).astype("f4") for f in frames]


def in_mm(frame: Frame) -> np.ndarray:
    return np.rint(frame.depth * 1000).astype(float) * 0.001


def test_relative_depth_is_aligned_to_people_and_has_the_errors_of_the_metric(
    frames: list[Frame], folder: Make, run: Make, make_again: Make
) -> None:
    said = [3 - 0.2 * d for d in noisy(frames)]
    result = run(folder("said", said), "depth-relative@made@test")
    rows = [
        depth.score(
            torch.from_numpy(p)[None],
            torch.from_numpy(in_mm(f))[None],
            torch.from_numpy(f.person_ids > 0)[None],
            alignment=least_squares,
            clip=RANGE,
        )
        for p, f in zip(said, frames, strict=True)
    ]
    expected = depth.numbers(torch.cat(rows).sum(0))
    for name in depth.MEANS:
        assert result.number(name) == pytest.approx(float(expected[name]), rel=1e-9)
    make_again(result)
    assert result.number() < 0.15
    assert result.summary["scored"] == COUNT
    assert result.rows.column_names == ["image_id", "cluster", *depth.COLUMNS]


def test_pixels_and_images_are_counted_without_an_interval(
    frames: list[Frame], folder: Make, run: Make
) -> None:
    found = run(folder("said", noisy(frames)), "depth-relative@made@test").summary["numbers"]
    bounded = {name for name, number in found.items() if number["low"] is not None}
    assert bounded == set(depth.MEANS)
    pixels = sum(int((f.person_ids > 0).sum()) for f in frames)
    assert (found["pixels"]["value"], found["images"]["value"]) == (pixels, COUNT)


def test_disparity_is_aligned_in_its_own_space_and_stored_in_the_store(
    frames: list[Frame], store: Store, folder: Make, run: Make, bodies: BodySet
) -> None:
    place = store.predictions / "model" / "depth-relative@made@test"
    said = [np.where(f.depth > 0, 40 / np.maximum(in_mm(f), 1e-3) + 7, 0) for f in frames]
    folder(place, said, 'space = "disparity"')
    result = evaluate(store, "model", "depth-relative@made@test", bodies)
    assert result.number() == pytest.approx(0.0, abs=1e-9)
    assert result.summary["predictions"] == {"scale": 1.0, "space": "disparity", "axes": "opencv"}
    folder(place, said)
    assert evaluate(store, "model", "depth-relative@made@test", bodies).number() > 0.001
    with pytest.raises(InputError, match="declares depth"):
        run(place, "depth-midas@made@test")
    folder(place, said, 'space = "disparity"')
    assert run(place, "depth-midas@made@test").number() == 0.0


def test_metric_depth_in_16_bit_millimetres_needs_its_scale(
    frames: list[Frame], folder: Make, run: Make
) -> None:
    said = folder("said", [in_mm(f) * 1000 for f in frames])
    with pytest.raises(InputError, match=r"1e\+03 times.*scale = 0.001 into maps.toml"):
        run(said, "depth-metric@made@test")
    (said / "maps.toml").write_text("scale = 0.001")
    assert run(said, "depth-metric@made@test").number() < 1e-9
    half = folder("half", [in_mm(f) + 0.5 * (f.depth > 0) for f in frames])
    assert run(half, "depth-metric@made@test").number() == pytest.approx(0.5)


def test_a_video_has_one_fit_so_that_a_drift_costs(
    frames: list[Frame], folder: Make, run: Make
) -> None:
    videos = [in_mm(f) * (2 if i < 2 else 3) + (1 if i < 2 else -1) for i, f in enumerate(frames)]
    steady = run(folder("s", videos), "depth-video@made@test")
    assert steady.number() == pytest.approx(0.0, abs=1e-9)
    drift = [in_mm(f) * (1 + i) for i, f in enumerate(frames)]
    drifting = folder("d", drift)
    assert run(drifting, "depth-video@made@test").number() > 0.01
    free = run(drifting, "depth-relative@made@test")
    assert free.number() == pytest.approx(0.0, abs=1e-9)


def test_median_alignment_takes_away_a_scale(
    frames: list[Frame], folder: Make, run: Make, rules: Make
) -> None:
    text = f'task = "depth"\n{HEAD}unit = "1"\nprimary = "abs_rel"\nalignment = "median"\n'
    benchmark = rules(text + 'pixels = "all"\nrange = [0.001, 10.0]\n')
    said = folder("said", [7 * in_mm(f) for f in frames])
    assert run(said, benchmark).number() == pytest.approx(0.0, abs=1e-12)
