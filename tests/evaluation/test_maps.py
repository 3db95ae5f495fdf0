"""Segmentation, depth and normals of rendered people: whole evaluations of folders of maps."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from ehpsbench.body.bodies import BodySet
from ehpsbench.dataset_adapters.identity import image_identity, person_identity
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.protocol import read_protocol
from ehpsbench.evaluation.results import Result, read_result
from ehpsbench.metrics import depth, normals, normals_per_image, segmentation
from ehpsbench.metrics.depth_alignment import least_squares
from ehpsbench.schema import IMAGES, SCHEMA_VERSION, nullable, to_arrow
from ehpsbench.store import Store
from ehpsbench.world.looks import PARTS
from ehpsbench.world.renderer import Frame, rendered
from ehpsbench.world.scenes import scenes
from ehpsbench.world.settings import WorldSettings

COUNT, RANGE = 4, (0.001, 10.0)
Make = Callable[..., Any]
HEAD = 'version = 1\ntitle = "t"\nabout = "a"\nsource = "s"\ndataset = "made"\nsplit = "test"\n'
PARTS_RULES = f"""task = "segmentation"\n{HEAD}unit = "%"\nprimary = "miou"
classes = {json.dumps(list(PARTS))}
predicted_out_of_range = "error"\ntrue_out_of_range = "error"\n"""


@pytest.fixture(scope="module")
def frames(bodies: BodySet) -> list[Frame]:
    made = scenes(WorldSettings(), COUNT, 5, bodies)
    return [f for _, f in zip(range(COUNT), rendered(made, bodies), strict=False)]


@pytest.fixture
def store(tmp_path: Path, frames: list[Frame], make_store: Make, bodies: BodySet) -> Store:
    """Rendered maps as a release keeps them: 16-bit depth in mm, label and mask PNGs, normals."""
    root = tmp_path / "release"
    root.mkdir()
    for i, frame in enumerate(frames):
        mm = np.where(frame.depth > 0, np.rint(frame.depth * 1000), 65535).astype("u2")
        Image.fromarray(mm).save(root / f"depth{i}.png")
        Image.fromarray(frame.parts.astype("u1")).save(root / f"parts{i}.png")
        Image.fromarray(frame.person_ids.astype("u1")).save(root / f"mask{i}.png")
        np.save(root / f"normals{i}.npy", frame.normals)
    people = [(i, p) for i, f in enumerate(frames) for p in np.unique(f.person_ids) if p > 0]
    return stored(tmp_path / "store", root, frames, people, make_store, bodies)


def stored(
    path: Path,
    root: Path,
    frames: list[Frame],
    people: list[tuple[int, int]],
    make_store: Make,
    bodies: BodySet,
) -> Store:
    images = image_identity(
        "made", "test", ["v0", "v0", "v1", "v1"], ["0"] * COUNT, range(COUNT), [0, 0, 1, 1]
    )
    columns: dict[str, Any] = dict(images)
    sizes = np.array([f.depth.shape for f in frames])
    columns |= {"height": sizes[:, 0], "width": sizes[:, 1]}
    columns["image_path"] = np.array([f"pictures/{i}.jpg" for i in range(COUNT)], object)
    for kind in ("parts", "depth", "mask"):
        columns[f"{kind}_path"] = np.array([f"{kind}{i}.png" for i in range(COUNT)], object)
    columns["normals_path"] = np.array([f"normals{i}.npy" for i in range(COUNT)], object)
    columns["normals_classes"] = np.array(["opencv"] * COUNT, object)
    columns |= {"depth_scale": np.full(COUNT, 0.001), "depth_invalid": np.full(COUNT, 65535.0)}
    rows = person_identity(
        images, np.array([i for i, _ in people], int), [str(p) for _, p in people]
    )
    made: Store = make_store(
        path, rows | {"mask_id": np.array([p for _, p in people], int)}, bodies
    )
    folder = made.folder("images", "made") / "test"
    folder.mkdir(parents=True)
    pq.write_table(to_arrow(columns, IMAGES), folder / "part-00000.parquet")
    manifest = made.manifest("made") | {"release_root": str(root)}
    manifest["splits"]["test"]["images_parts"] = ["test/part-00000.parquet"]
    made.manifest_path("made").write_text(json.dumps(manifest))
    assert manifest["schema_version"] == SCHEMA_VERSION
    return made


def changed(store: Store, **columns: Any) -> None:
    path = store.folder("images", "made") / "test" / "part-00000.parquet"
    table = pq.read_table(path, partitioning=None)
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, IMAGES.field(name), to_column(name, values))
    pq.write_table(table, path)


def to_column(name: str, values: Any) -> Any:
    return to_arrow({name: values}, IMAGES).column(name)


def folder(path: Path, maps: list[np.ndarray], declared: str = "") -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for i, values in enumerate(maps):
        np.save(path / f"{i}.npy", values)
    (path / "maps.toml").write_text(declared)
    return path


def run(store: Store, bodies: BodySet, said: Path, benchmark: str, **options: Any) -> Result:
    return evaluate(store, "model", benchmark, bodies, predictions=said, **options)


def rules(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


def noisy(frames: list[Frame], seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [f.depth * np.exp(0.1 * rng.standard_normal(f.depth.shape)).astype("f4") for f in frames]


def in_mm(frame: Frame) -> np.ndarray:
    return np.rint(frame.depth * 1000).astype(float) * 0.001


def test_repeating_the_parts_is_right_everywhere_and_shifting_them_is_not(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path, make_again: Make
) -> None:
    benchmark = rules(tmp_path, PARTS_RULES)
    same = run(store, bodies, folder(tmp_path / "same", [f.parts for f in frames]), benchmark)
    assert same.number() == 100.0
    rolled = [np.roll(f.parts, 3, 1) for f in frames]
    other = run(store, bodies, folder(tmp_path / "other", rolled), benchmark)
    make_again(other)
    rows = [
        segmentation.score(*(torch.from_numpy(x)[None] for x in (r, f.parts)), classes=len(PARTS))
        for r, f in zip(rolled, frames, strict=True)
    ]
    expected = segmentation.numbers(torch.cat(rows).sum(0), PARTS)
    assert other.number("miou") == pytest.approx(float(expected["miou"]))
    assert other.number("iou_torso") == pytest.approx(float(expected["iou_torso"]))
    stored_rows = read_result(store, "model", "mine").rows
    assert stored_rows.column_names == ["image_id", "cluster", *segmentation.KINDS]
    both = np.array(stored_rows["intersection"].to_pylist())
    np.testing.assert_array_equal(both, torch.cat(rows)[:, : len(PARTS)])
    number = other.summary["numbers"]["miou"]
    assert number["low"] <= number["value"] <= number["high"]


def test_labels_that_are_invalid_or_not_of_people_do_not_count(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path
) -> None:
    said = folder(tmp_path / "said", [np.where(f.parts == 4, f.parts, 5) for f in frames])
    changed(store, parts_invalid=np.full(COUNT, 0.0))
    result = run(store, bodies, said, rules(tmp_path, PARTS_RULES))
    assert result.summary["numbers"]["acc_background"]["value"] is None
    pixels = sum(int((f.parts > 0).sum()) for f in frames)
    assert np.array(result.rows["truth"].to_pylist()).sum() == pixels
    people = run(store, bodies, said, rules(tmp_path, PARTS_RULES + 'pixels = "person"\n'))
    inside = sum(int(((f.parts > 0) & (f.person_ids > 0)).sum()) for f in frames)
    assert np.array(people.rows["truth"].to_pylist()).sum() == inside


def test_labels_out_of_range_and_of_another_class_set_are_refused(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path
) -> None:
    benchmark = rules(tmp_path, PARTS_RULES)
    said = folder(tmp_path / "said", [np.full_like(f.parts, 99) for f in frames])
    with pytest.raises(InputError, match=r"0\.npy against.*prediction holds \[99\]"):
        run(store, bodies, said, benchmark)
    changed(store, parts_classes=np.array(["lip-20"] * COUNT, object))
    said = folder(tmp_path / "said", [f.parts for f in frames])
    with pytest.raises(InputError, match=r"'lip-20'.*'goliath-28'"):
        run(store, bodies, said, "goliath-parts@made@test")


def test_relative_depth_is_aligned_to_people_and_has_the_errors_of_the_metric(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path, make_again: Make
) -> None:
    said = [3 - 0.2 * d for d in noisy(frames)]
    result = run(store, bodies, folder(tmp_path / "said", said), "depth-relative@made@test")
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


def test_disparity_is_aligned_in_its_own_space_and_stored_in_the_store(
    store: Store, bodies: BodySet, frames: list[Frame]
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
        run(store, bodies, place, "depth-midas@made@test")
    folder(place, said, 'space = "disparity"')
    assert run(store, bodies, place, "depth-midas@made@test").number() == 0.0


def test_metric_depth_in_16_bit_millimetres_needs_its_scale(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path
) -> None:
    said = folder(tmp_path / "said", [in_mm(f) * 1000 for f in frames])
    with pytest.raises(InputError, match=r"1e\+03 times.*scale = 0.001 into maps.toml"):
        run(store, bodies, said, "depth-metric@made@test")
    (said / "maps.toml").write_text("scale = 0.001")
    assert run(store, bodies, said, "depth-metric@made@test").number() < 1e-9
    half = folder(tmp_path / "half", [in_mm(f) + 0.5 * (f.depth > 0) for f in frames])
    assert run(store, bodies, half, "depth-metric@made@test").number() == pytest.approx(0.5)


def test_a_video_has_one_fit_so_that_a_drift_costs(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path
) -> None:
    videos = [in_mm(f) * (2 if i < 2 else 3) + (1 if i < 2 else -1) for i, f in enumerate(frames)]
    steady = run(store, bodies, folder(tmp_path / "s", videos), "depth-video@made@test")
    assert steady.number() == pytest.approx(0.0, abs=1e-9)
    drift = [in_mm(f) * (1 + i) for i, f in enumerate(frames)]
    drifting = folder(tmp_path / "d", drift)
    assert run(store, bodies, drifting, "depth-video@made@test").number() > 0.01
    free = run(store, bodies, drifting, "depth-relative@made@test")
    assert free.number() == pytest.approx(0.0, abs=1e-9)


def test_median_alignment_takes_away_a_scale(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path
) -> None:
    text = f'task = "depth"\n{HEAD}unit = "1"\nprimary = "abs_rel"\nalignment = "median"\n'
    benchmark = rules(tmp_path, text + 'pixels = "all"\nrange = [0.001, 10.0]\n')
    said = folder(tmp_path / "said", [7 * in_mm(f) for f in frames])
    assert run(store, bodies, said, benchmark).number() == pytest.approx(0.0, abs=1e-12)


def test_an_image_with_too_few_pixels_is_left_out_and_counted(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path
) -> None:
    path = store.release_root("made") / "mask1.png"
    Image.fromarray(np.zeros_like(frames[1].parts)).save(path)
    said = folder(tmp_path / "said", [f.depth for f in frames])
    result = run(store, bodies, said, "depth-metric@made@test")
    assert (result.number("images"), result.number("images_left_out")) == (COUNT - 1, 1)
    assert result.number() < 0.001
    assert run(store, bodies, folder(tmp_path / "n", [f.normals for f in frames]),
               "normals-per-image@made@test").number("images_left_out") == 1  # fmt: skip


def test_normals_are_pooled_or_averaged_with_the_numbers_of_the_metrics(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path, make_again: Make
) -> None:
    rng = np.random.default_rng(1)
    said = [(f.normals + 0.2 * rng.standard_normal(f.normals.shape)).astype("f4") for f in frames]
    maps = folder(tmp_path / "said", said)
    for benchmark, metric in (
        ("normals-pooled", normals),
        ("normals-per-image", normals_per_image),
    ):
        result = run(store, bodies, maps, f"{benchmark}@made@test")
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
    pooled = run(store, bodies, maps, "normals-pooled@made@test").rows
    assert pooled.column_names[-1] == "histogram"
    assert np.sum(pooled["histogram"].to_pylist()) == sum(
        int((f.person_ids > 0).sum()) for f in frames
    )


def test_normals_of_other_axes_and_in_8_bits_are_brought_to_the_truths(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path
) -> None:
    flipped = [f.normals * np.float32([1, -1, -1]) for f in frames]
    maps = folder(tmp_path / "said", flipped, 'axes = "opengl"')
    assert run(store, bodies, maps, "normals-pooled@made@test").number() < 1e-4
    (maps / "maps.toml").unlink()
    assert run(store, bodies, maps, "normals-pooled@made@test").number() > 90
    colours = tmp_path / "colours"
    colours.mkdir()
    for i, f in enumerate(frames):
        Image.fromarray(np.rint((f.normals + 1) / 2 * 255).astype("u1")).save(colours / f"{i}.png")
    assert run(store, bodies, colours, "normals-pooled@made@test").number() < 0.5
    changed(store, normals_classes=nullable(np.array(["opencv"] * COUNT, object), [False] * COUNT))
    with pytest.raises(InputError, match="normals_classes"):
        run(store, bodies, colours, "normals-pooled@made@test")


def test_without_mask_values_of_people_all_of_a_mask_is_people(
    tmp_path: Path, store: Store, frames: list[Frame], make_store: Make, bodies: BodySet
) -> None:
    plain = stored(tmp_path / "two", store.release_root("made"), frames, [], make_store, bodies)
    said = folder(tmp_path / "said", [f.depth + 0.1 for f in frames])
    given, all_of = (run(s, bodies, said, "depth-metric@made@test") for s in (store, plain))
    assert all_of.number("pixels") == given.number("pixels")
    one = [(i, 1) for i in range(COUNT)]
    first = stored(tmp_path / "one", store.release_root("made"), frames, one, make_store, bodies)
    pixels = sum(int((f.person_ids == 1).sum()) for f in frames)
    assert run(first, bodies, said, "depth-metric@made@test").number("pixels") == pixels


def test_missing_maps_are_refused_or_counted(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path
) -> None:
    said = folder(tmp_path / "said", [f.depth for f in frames])
    (said / "2.npy").unlink()
    np.save(said / "nobody.npy", frames[0].depth)
    with pytest.raises(InputError, match=r"no map for 1 of the 4.*made__test__v1__0__2\.npy"):
        run(store, bodies, said, "depth-metric@made@test")
    told: list[tuple[int, int]] = []
    result = run(store, bodies, said, "depth-metric@made@test", allow_missing=True,
                 progress=lambda done, of: told.append((done, of)))  # fmt: skip
    found = result.summary
    assert (found["missing_predictions"], found["complete"], found["unused_predictions"]) == (
        1,
        False,
        1,
    )
    assert (result.number("images"), told[-1]) == (COUNT - 1, (COUNT, COUNT))
    with pytest.raises(MissingFiles, match="none"):
        run(store, bodies, tmp_path / "none", "depth-metric@made@test")


def test_maps_of_another_size_or_not_finite_are_refused(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path
) -> None:
    small = folder(tmp_path / "small", [f.depth[::2, ::2] for f in frames])
    with pytest.raises(InputError, match=r"0\.npy is .* the true map .* Predict at the size"):
        run(store, bodies, small, "depth-metric@made@test")
    broken = [np.where(f.person_ids > 0, np.nan, f.depth) for f in frames]
    with pytest.raises(InputError, match="not finite"):
        run(store, bodies, folder(tmp_path / "nan", broken), "depth-metric@made@test")
    outside = [np.where(f.person_ids > 0, f.depth, np.nan) for f in frames]
    assert (
        run(store, bodies, folder(tmp_path / "out", outside), "depth-metric@made@test").number()
        < 0.001
    )


def test_images_without_truth_are_left_out_and_a_split_without_any_is_refused(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path
) -> None:
    said = folder(tmp_path / "said", [f.depth for f in frames])
    paths = np.array([f"depth{i}.png" for i in range(COUNT)], object)
    changed(store, depth_path=nullable(paths, [True, True, True, False]))
    result = run(store, bodies, said, "depth-metric@made@test")
    assert (result.summary["scored"], result.summary["left_out"]) == (3, {"no depth_path": 1})
    assert result.summary["unused_predictions"] == 1
    changed(store, depth_path=nullable(paths, [False] * COUNT))
    with pytest.raises(InputError, match="no image of made/test has depth_path"):
        run(store, bodies, said, "depth-metric@made@test")


def test_a_turned_image_is_compared_as_it_is_seen(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path
) -> None:
    sizes = np.array([f.depth.shape for f in frames])
    changed(store, orientation=np.full(COUNT, 6), height=sizes[:, 1], width=sizes[:, 0])
    said = folder(tmp_path / "said", [np.rot90(f.depth, -1) for f in frames])
    assert run(store, bodies, said, "depth-metric@made@test").number() < 0.001
    said = folder(tmp_path / "n", [np.rot90(f.normals, -1) for f in frames])
    with pytest.raises(InputError, match="orientation 6"):
        run(store, bodies, said, "normals-pooled@made@test")


def test_memory_does_not_grow_with_the_number_of_maps(
    store: Store, bodies: BodySet, frames: list[Frame], tmp_path: Path
) -> None:
    said = folder(tmp_path / "said", [f.depth for f in frames])
    peaks = []
    for count in (1, COUNT):
        keep = np.arange(COUNT) < count
        paths = np.array([f"depth{i}.png" for i in range(COUNT)], object)
        changed(store, depth_path=nullable(paths, keep))
        run(store, bodies, said, "depth-metric@made@test")
        tracemalloc.start()
        run(store, bodies, said, "depth-metric@made@test")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 100_000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PARTS_RULES.replace('"torso"', '"hips"'), "named twice"),
        (PARTS_RULES.replace('"miou"', '"iou_tail"'), "is none of"),
        ('task = "segmentation"\n' + HEAD + 'unit = "%"\nprimary = "miou"\nclasses = "voc"\n'
         'predicted_out_of_range = "error"\ntrue_out_of_range = "error"\n', "unknown class set"),
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
def test_rules_that_cannot_be_meant_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_protocol(Path(rules(tmp_path, text)))
