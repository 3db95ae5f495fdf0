"""`validate`: a stored dataset is right, until something is changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

from ehpsbench.body.bodies import BodySet
from ehpsbench.cli.main import app
from ehpsbench.curation.validation.chosen import farthest, span
from ehpsbench.curation.validation.sheet import draw_sheet, labelled_points
from ehpsbench.curation.validation.validate import Validation, validate
from ehpsbench.drawing import panel
from ehpsbench.store import Store

Stored = Callable[[str], Store]


@pytest.fixture
def copy(stored: Stored, tmp_path: Path) -> Store:
    """A store of BEDLAM with its release beside it, to be spoilt."""
    store = stored("bedlam")
    shutil.copytree(store.root, tmp_path / "store")
    shutil.copytree(store.release_root("bedlam"), tmp_path / "release")
    path = tmp_path / "store" / "instances" / "bedlam" / "manifest.json"
    manifest = json.loads(path.read_text()) | {"release_root": str(tmp_path / "release")}
    path.write_text(json.dumps(manifest))
    return Store(tmp_path / "store")


def rules(store: Store, name: str = "bedlam", **options: Any) -> dict[str, int]:
    found: Validation = validate(store, name, **options)
    return {finding.rule: finding.rows for finding in found.findings}


def _rewrite(store: Store, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the rows of the first part of the training people, in place."""
    path = store.parts("instances", "bedlam", "train")[0]
    pq.write_table(change(pq.read_table(path, partitioning=None)), path)


@pytest.mark.parametrize("name", ["bedlam", "agora", "pw3d", "freihand", "ehf", "ubody"])
def test_what_was_just_ingested_has_no_findings(name: str, stored: Stored) -> None:
    assert rules(stored(name), name) == {}


def test_labelled_keypoints_of_a_right_release_lie_on_its_bodies(stored: Stored) -> None:
    (distance,) = validate(stored("bedlam"), "bedlam").measures.values()
    assert distance < 0.1  # % of the box


def test_bodies_that_are_read_five_metres_off_are_found(copy: Store) -> None:
    def move(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("transl")
        values = np.add(table["transl"].to_pylist(), [5.0, 0, 0])
        moved = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel(), pa.float32()), 3)
        return table.set_column(place, table.schema.field(place), moved)

    _rewrite(copy, move)
    found = rules(copy, hashes=False)
    assert found["joints_near_box"] >= 5
    assert "keypoints_on_body" in found


def test_a_person_who_comes_twice_is_found_by_id_and_by_pose(copy: Store) -> None:
    _rewrite(copy, lambda table: pa.concat_tables([table.slice(0, 2), table.slice(0, 2)]))
    account = copy.manifest("bedlam")
    account["splits"]["train"]["instances"] = 4
    copy.manifest_path("bedlam").write_text(json.dumps(account))
    assert rules(copy) == {"store_hash": 1, "duplicate_id": 2, "same_person_twice": 2}


def test_a_part_with_fewer_rows_than_its_manifest_says_is_found(copy: Store) -> None:
    before = copy.instances("bedlam", "train").num_rows
    _rewrite(copy, lambda table: table.slice(0, 3))
    found = validate(copy, "bedlam")
    assert {f.rule: f.rows for f in found.findings} == {"store_hash": 1, "store_rows": before - 3}
    assert "Rows were not checked" in found.notes[0]


def test_images_that_are_gone_broken_or_of_another_size_are_found(copy: Store) -> None:
    images = sorted(copy.release_root("bedlam").rglob("*.png"))
    images[0].unlink()
    images[1].write_bytes(b"no picture")
    with Image.open(images[2]) as picture:
        smaller = picture.resize((64, 36))
    smaller.save(images[2])
    expected = {"image_missing": 1, "image_broken": 1, "image_size": 1}
    assert rules(copy, hashes=False) == expected


def test_a_release_that_has_changed_or_is_gone_is_found(copy: Store) -> None:
    root = copy.release_root("bedlam")
    annotations = next(p for p in root.rglob("*.npz") if p.name != "truth.npz")
    annotations.write_bytes(annotations.read_bytes() + b"x")
    assert rules(copy) == {"release_changed": 1}
    assert rules(copy, hashes=False) == {}
    shutil.rmtree(root)
    assert rules(copy) == {"release": 1}


def test_the_farthest_points_of_a_line_are_its_middle_and_its_ends() -> None:
    points = np.arange(11.0)[:, None]
    assert farthest(points, 3) == [5, 0, 10]
    assert sorted(farthest(points, 40)) == list(range(11))


def test_the_people_of_a_sheet_are_the_same_again_and_span_splits_and_orientations(
    stored: Stored,
) -> None:
    chosen = span(stored("bedlam"), "bedlam", 4)
    assert chosen.equals(span(stored("bedlam"), "bedlam", 4))
    assert set(chosen["orientation"].to_pylist()) == {1, 6}
    assert {row["split"] for row in chosen.to_pylist()} == {"train", "validation"}


def test_points_of_a_sheet_are_those_of_2d_labels_else_of_3d_ones_as_the_lens_sees_them() -> None:
    flat, extra, solid = np.zeros((144, 3)), np.zeros((46, 3)), np.zeros((144, 4))
    flat[3], extra[7], solid[5] = (10, 20, 1), (30, 40, 0.5), (1, 2, 4, 1)
    row = {"keypoints2d": flat.reshape(1, -1), "keypoints2d_extra": extra.reshape(1, -1)}
    row |= {"focal": np.array([[100.0, 100]]), "principal_point": np.array([[50.0, 60]])}
    row["keypoints3d"] = solid.reshape(1, -1)
    assert labelled_points(row).tolist() == [[10, 20], [30, 40]]
    row["keypoints2d"] = row["keypoints2d_extra"] = np.zeros((1, 0))
    assert labelled_points(row).tolist() == [[75, 110]]
    del row["focal"]
    assert labelled_points(row).shape == (0, 2)


def test_a_sheet_shows_the_mesh_where_the_person_is_in_the_image(
    stored: Stored, bodies: BodySet, tmp_path: Path
) -> None:
    shown = draw_sheet(stored("bedlam"), "bedlam", bodies, tmp_path / "with.png")
    draw_sheet(stored("bedlam"), "bedlam", None, tmp_path / "without.png")
    with Image.open(tmp_path / "with.png") as one, Image.open(tmp_path / "without.png") as other:
        a, b = np.asarray(one, int), np.asarray(other, int)
    assert a.shape == b.shape
    greener = (a - b)[..., 1] - (a - b)[..., 0] > 15
    assert shown == stored("bedlam").instances("bedlam").num_rows
    assert 0.02 < greener.mean() < 0.5


def test_a_missing_image_becomes_a_skeleton_on_plain_ground(
    copy: Store, bodies: BodySet, tmp_path: Path
) -> None:
    from ehpsbench.drawing import PLAIN

    for path in copy.release_root("bedlam").rglob("*.png"):
        path.unlink()
    draw_sheet(copy, "bedlam", bodies, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as picture:
        pixels = np.asarray(picture)
    assert (pixels == PLAIN).all(-1).mean() > 0.4
    assert (pixels == (52, 150, 98)).all(-1).sum() > 500


def test_a_person_without_a_box_is_shown_in_the_whole_image() -> None:
    row = {"width": np.array([200]), "height": np.array([100])}
    shown = panel(row, None, (50, 50), padding=1.0)
    assert shown.scale == 0.25
    assert shown.placed([100.0, 50.0]).tolist() == [25.0, 25.0]


def test_the_command_ends_with_0_or_1_and_writes_the_sheet(copy: Store) -> None:
    run = CliRunner()
    good = run.invoke(app, ["validate", "bedlam", "--store", str(copy.root), "--json"])
    assert good.exit_code == 0
    assert Path(json.loads(good.stdout)["sheet"]).is_file()
    next(copy.release_root("bedlam").rglob("*.png")).unlink()
    options = ["--store", str(copy.root), "--no-sheet", "--quick"]
    bad = run.invoke(app, ["validate", "bedlam", *options])
    assert bad.exit_code == 1
    assert "image_missing" in bad.stdout


def test_the_command_exports_and_says_what_is_not_in_it(stored: Stored, tmp_path: Path) -> None:
    options = ["--format", "coco", "--out", str(tmp_path / "out"), "--split", "train"]
    store = ["--store", str(stored("bedlam").root)]
    done = CliRunner().invoke(app, ["export", "bedlam", *options, *store])
    assert done.exit_code == 0
    assert "This format does not hold" in done.stdout
    beside = (tmp_path / "out" / "NOT-IN-THIS-EXPORT.md").read_text()
    assert "body_pose" in done.stdout
    assert "body_pose" in beside


@pytest.mark.parametrize(
    ("format", "heads"), [("hf", "split people images"), ("humandata", "split people")]
)
def test_only_what_a_format_counts_is_shown(
    format: str, heads: str, stored: Stored, tmp_path: Path
) -> None:
    words = ["--format", format, "--out", str(tmp_path / "out"), "--embed-images"]
    done = CliRunner().invoke(
        app, ["export", "bedlam", *words, "--store", str(stored("bedlam").root)]
    )
    assert done.exit_code == 0
    assert heads.split() in [line.split() for line in done.stdout.splitlines()]
