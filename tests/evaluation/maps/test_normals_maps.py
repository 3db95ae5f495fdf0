"""Normals of rendered people: whole evaluations, pooled and by image, of any axes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ehpsbench.errors import InputError
from ehpsbench.metrics import normals, normals_per_image
from ehpsbench.schema import nullable
from ehpsbench.world.renderer import Frame

Make = Callable[..., Any]
COUNT = 4


def test_normals_are_pooled_or_averaged_with_the_numbers_of_the_metrics(
    frames: list[Frame], folder: Make, run: Make, make_again: Make
) -> None:
    rng = np.random.default_rng(1)
    said = [(f.normals + 0.2 * rng.standard_normal(f.normals.shape)).astype("f4") for f in frames]
    maps = folder("said", said)
    for benchmark, metric in (
        ("normals-pooled", normals),
        ("normals-per-image", normals_per_image),
    ):
        result = run(maps, f"{benchmark}@made@test")
        make_again(result)
        rows = [
            metric.score(
                *(torch.from_numpy(x.transpose(2, 0, 1))[None] for x in (p, f.normals)),
                torch.from_numpy(f.person_ids > 0)[None],
            )
            for p, f in zip(said, frames, strict=True)
        ]
        expected = metric.numbers(torch.cat(rows).sum(0))
        for name, value in expected.items():
            assert result.number(name) == pytest.approx(float(value), rel=1e-9)
    pooled = run(maps, "normals-pooled@made@test").rows
    assert pooled.column_names[-1] == "histogram"
    assert np.sum(pooled["histogram"].to_pylist()) == sum(
        int((f.person_ids > 0).sum()) for f in frames
    )


def test_normals_of_other_axes_and_in_8_bits_are_brought_to_the_truths(
    frames: list[Frame], folder: Make, run: Make, changed: Make, tmp_path: Path
) -> None:
    flipped = [f.normals * np.float32([1, -1, -1]) for f in frames]
    maps = folder("said", flipped, 'axes = "opengl"')
    assert run(maps, "normals-pooled@made@test").number() < 1e-4
    (maps / "maps.toml").unlink()
    assert run(maps, "normals-pooled@made@test").number() > 90
    colours = tmp_path / "colours"
    colours.mkdir()
    for i, f in enumerate(frames):
        Image.fromarray(np.rint((f.normals + 1) / 2 * 255).astype("u1")).save(colours / f"{i}.png")
    assert run(colours, "normals-pooled@made@test").number() < 0.5
    changed(normals_classes=nullable(np.array(["opencv"] * COUNT, object), [False] * COUNT))
    with pytest.raises(InputError, match="normals_classes"):
        run(colours, "normals-pooled@made@test")
