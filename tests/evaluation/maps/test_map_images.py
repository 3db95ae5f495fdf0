"""Which images and pixels of them are scored, and rules and maps that cannot be meant."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.protocol import read_protocol
from ehpsbench.schema import nullable
from ehpsbench.store import Store
from ehpsbench.world.renderer import Frame

Make = Callable[..., Any]
COUNT = 4
HEAD = 'version = 1\ntitle = "t"\nabout = "a"\nsource = "s"\ndataset = "made"\nsplit = "test"\n'


def test_an_image_with_too_few_pixels_is_left_out_and_counted(
    frames: list[Frame], store: Store, folder: Make, run: Make
) -> None:
    path = store.release_root("made") / "mask1.png"
    Image.fromarray(np.zeros_like(frames[1].parts)).save(path)
    said = folder("said", [f.depth for f in frames])
    result = run(said, "depth-metric@made@test")
    assert (result.number("images"), result.number("images_left_out")) == (COUNT - 1, 1)
    assert result.number() < 0.001
    assert run(folder("n", [f.normals for f in frames]),
               "normals-per-image@made@test").number("images_left_out") == 1  # fmt: skip


def test_without_mask_values_of_people_all_of_a_mask_is_people(
    frames: list[Frame], folder: Make, run: Make, stored_maps: Make
) -> None:
    said = folder("said", [f.depth + 0.1 for f in frames])
    given = run(said, "depth-metric@made@test")
    all_of = run(said, "depth-metric@made@test", of=stored_maps("two", []))
    assert all_of.number("pixels") == given.number("pixels")
    first = stored_maps("one", [(i, 1) for i in range(COUNT)])
    pixels = sum(int((f.person_ids == 1).sum()) for f in frames)
    assert run(said, "depth-metric@made@test", of=first).number("pixels") == pixels


def test_missing_maps_are_refused_or_counted(
    frames: list[Frame], folder: Make, run: Make, tmp_path: Path
) -> None:
    said = folder("said", [f.depth for f in frames])
    (said / "2.npy").unlink()
    np.save(said / "nobody.npy", frames[0].depth)
    with pytest.raises(InputError, match=r"no map for 1 of the 4.*made__test__v1__0__2\.npy"):
        run(said, "depth-metric@made@test")
    told: list[tuple[int, int]] = []
    result = run(said, "depth-metric@made@test", allow_missing=True,
                 progress=lambda done, of: told.append((done, of)))  # fmt: skip
    found = result.summary
    assert (found["missing_predictions"], found["complete"], found["unused_predictions"]) == (
        1,
        False,
        1,
    )
    assert (result.number("images"), told[-1]) == (COUNT - 1, (COUNT, COUNT))
    with pytest.raises(MissingFiles, match="none"):
        run(tmp_path / "none", "depth-metric@made@test")


def test_maps_of_another_size_or_not_finite_are_refused(
    frames: list[Frame], folder: Make, run: Make
) -> None:
    small = folder("small", [f.depth[::2, ::2] for f in frames])
    with pytest.raises(InputError, match=r"0\.npy is .* the true map .* Predict at the size"):
        run(small, "depth-metric@made@test")
    broken = [np.where(f.person_ids > 0, np.nan, f.depth) for f in frames]
    with pytest.raises(InputError, match="not finite"):
        run(folder("nan", broken), "depth-metric@made@test")
    outside = [np.where(f.person_ids > 0, f.depth, np.nan) for f in frames]
    assert run(folder("out", outside), "depth-metric@made@test").number() < 0.001


def test_images_without_truth_are_left_out_and_a_split_without_any_is_refused(
    frames: list[Frame], folder: Make, run: Make, changed: Make
) -> None:
    said = folder("said", [f.depth for f in frames])
    paths = np.array([f"depth{i}.png" for i in range(COUNT)], object)
    changed(depth_path=nullable(paths, [True, True, True, False]))
    result = run(said, "depth-metric@made@test")
    assert (result.summary["scored"], result.summary["left_out"]) == (3, {"no depth_path": 1})
    assert result.summary["unused_predictions"] == 1
    changed(depth_path=nullable(paths, [False] * COUNT))
    with pytest.raises(InputError, match="no image of made/test has depth_path"):
        run(said, "depth-metric@made@test")


def test_a_turned_image_is_compared_as_it_is_seen(
    frames: list[Frame], folder: Make, run: Make, changed: Make
) -> None:
    sizes = np.array([f.depth.shape for f in frames])
    changed(orientation=np.full(COUNT, 6), height=sizes[:, 1], width=sizes[:, 0])
    said = folder("said", [np.rot90(f.depth, -1) for f in frames])
    assert run(said, "depth-metric@made@test").number() < 0.001
    said = folder("n", [np.rot90(f.normals, -1) for f in frames])
    with pytest.raises(InputError, match="orientation 6"):
        run(said, "normals-pooled@made@test")


def test_memory_does_not_grow_with_the_number_of_maps(
    frames: list[Frame], folder: Make, run: Make, changed: Make
) -> None:
    said = folder("said", [f.depth for f in frames])
    peaks = []
    for count in (1, COUNT):
        keep = np.arange(COUNT) < count
        paths = np.array([f"depth{i}.png" for i in range(COUNT)], object)
        changed(depth_path=nullable(paths, keep))
        run(said, "depth-metric@made@test")
        tracemalloc.start()
        run(said, "depth-metric@made@test")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 100_000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('task = "depth"\n' + HEAD + 'unit = "1"\nprimary = "delta1"\nalignment = "none"\n'
         'pixels = "all"\nrange = [0, 10]\n', "better higher"),
        ('task = "depth"\n' + HEAD + 'unit = "1"\nprimary = "rmse"\nalignment = "midas"\n'
         'pixels = "all"\nrange = [0, 10]\n', "cap belongs"),
        ('task = "depth"\n' + HEAD + 'unit = "1"\nprimary = "rmse"\nalignment = "none"\n'
         'pixels = "all"\nrange = [10, 1]\n', "least and greatest"),
        ('task = "depth"\n' + HEAD + 'unit = "1"\nprimary = "rms"\nalignment = "none"\n'
         'pixels = "all"\nrange = [0, 1]\n', "is none of"),
        ('task = "normals"\n' + HEAD + 'unit = "%"\nprimary = "within_30"\naveraging = "pixels"\n'
         'pixels = "all"\nzero_truth = "leave_out"\n', "better higher"),
        ('task = "normals"\n' + HEAD + 'unit = "%"\nprimary = "max"\naveraging = "pixels"\n'
         'pixels = "all"\nzero_truth = "leave_out"\n', "is none of"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_meant_are_refused(rules: Make, text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_protocol(Path(rules(text)))
