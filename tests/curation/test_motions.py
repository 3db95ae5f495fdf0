"""Motions, which have no pictures: what works without, and what says that it wants some."""

from __future__ import annotations

import json
import shlex
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

import ehpsbench
from ehpsbench.body.bodies import BodySet
from ehpsbench.body.posed import posed_vertices
from ehpsbench.checks import project_rows
from ehpsbench.cli.main import app
from ehpsbench.curation.export.folder import ExportReport, export
from ehpsbench.curation.export.selection import Selection
from ehpsbench.curation.validation.sheet import BODY
from ehpsbench.curation.validation.validate import validate
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.images import UPRIGHT
from ehpsbench.drawing import PLAIN
from ehpsbench.errors import InputError
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.predictions import SIZES
from ehpsbench.in_view import SIDE, in_view
from ehpsbench.leaderboards.sweeps.rank_datasets import trainable
from ehpsbench.reports.permission import Permission
from ehpsbench.reports.pictures import Stage
from ehpsbench.schema import from_arrow
from ehpsbench.store import Store
from ehpsbench.training import cells
from ehpsbench.training.recipe import recipe

Stored = Callable[[str], Store]


@pytest.fixture
def store(stored: Stored) -> Store:
    return stored("amass")


def _exported(store: Store, form: str, out: Path, **options: Any) -> ExportReport:
    return export(Selection(store, "amass"), form, out, **options)


def test_validate_finds_nothing_and_draws_everybody(store: Store, tmp_path: Path) -> None:
    found = validate(store, "amass", sheet=tmp_path / "sheet.png")
    assert found.findings == ()
    assert (found.pictured, found.images) == (False, 0)
    pixels = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"), np.int64)
    assert (pixels == PLAIN).all(-1).any()
    green = (pixels[..., 1] - pixels[..., 0] > 20) & (pixels[..., 1] > pixels[..., 2])
    assert green.mean() > 0.05  # the colour of `BODY`
    assert BODY[1] - BODY[0] > 20


def test_a_row_without_a_picture_is_found_in_any_other_dataset(
    stored: Stored, tmp_path: Path
) -> None:
    copy = Store(Path(shutil.copytree(stored("bedlam").root, tmp_path / "store")))
    path = copy.parts("instances", "bedlam", "train")[0]
    table = pq.read_table(path, partitioning=None)
    place = table.schema.get_field_index("image_path")
    bare = pa.array([None, *table["image_path"].to_pylist()[1:]], pa.string())
    pq.write_table(table.set_column(place, table.schema.field(place), bare), path)
    found = {f.rule: f for f in validate(copy, "bedlam", hashes=False).findings}
    assert "image_path" in found["null"].example


def test_somebody_stands_whole_and_upright_before_the_camera(store: Store) -> None:
    people, bodies = store.instances("amass"), _bodies()
    for number in range(people.num_rows):
        row = from_arrow(people.slice(number, 1))
        seen = in_view(row, bodies, store.release_root("amass"))
        before, after = (posed_vertices(r, bodies)[0] for r in (row, seen))
        moved = after - before
        assert np.abs(moved - moved[0]).max() < 1e-4  # not turned
        pixels = project_rows(seen, after[None])[0]
        assert ((pixels > 0) & (pixels < SIDE)).all()
        x, y, w, h = seen["bbox"][0]
        assert np.allclose([x, y, x + w, y + h], [*pixels.min(0), *pixels.max(0)], atol=0.1)


def _bodies() -> BodySet:
    from ehpsbench.body.bodies import open_bodies

    return open_bodies("small")


def test_load_hands_over_frames_without_images(store: Store) -> None:
    rows = ehpsbench.load("amass", store=store.root, as_="arrow")
    assert rows.num_rows > 8
    assert rows["image_path"].null_count == rows["bbox"].null_count == rows.num_rows
    assert ehpsbench.load("amass", table="images", store=store.root, as_="arrow").num_rows == 0


def test_a_hub_folder_has_no_images_and_every_value(store: Store, tmp_path: Path) -> None:
    import datasets

    _exported(store, "hf", tmp_path / "out")
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    for split in ("train", "val", "test"):
        assert found[split].to_list() == store.instances("amass", split).to_pylist()
    text = (tmp_path / "out" / "README.md").read_text()
    assert "no pictures" in text
    assert "config_name: images" not in text


def test_a_humandata_file_names_recordings_and_says_what_it_lacks(
    store: Store, tmp_path: Path
) -> None:
    report = _exported(store, "humandata", tmp_path / "out")
    content = np.load(tmp_path / "out" / "annot" / "amass_val.npz", allow_pickle=True)
    rows = from_arrow(store.instances("amass", "val"))
    assert "image_path" not in content
    assert set(content["video_path"]) == {f"{name}.mp4" for name in rows["sequence"]}
    table = content["smplh"].item()
    assert np.allclose(table["transl"], rows["transl"], atol=1e-5)
    assert np.allclose(table["body_pose"].reshape(-1, 63), rows["body_pose"], atol=1e-5)
    assert not content["bbox_xywh"].any()
    assert not {"focal_length", "height", "width"} & set(content["meta"].item())
    degrees = np.degrees(np.arctan2(UPRIGHT[2, 1], UPRIGHT[1, 1]))
    assert f"turned by {degrees:.0f} degrees about x" in content["misc"].item()["frame"]
    assert {"world_rotation", "fps"} <= {loss.what for loss in report.losses}


def test_what_wants_pictures_says_so_in_one_sentence(store: Store, tmp_path: Path) -> None:
    words = "amass holds motions without pictures"
    with pytest.raises(InputError, match=f"{words}, and COCO"):
        _exported(store, "coco", tmp_path / "coco")
    assert not (tmp_path / "coco").exists()
    with pytest.raises(InputError, match=f"{words}: leave --embed-images out"):
        _exported(store, "hf", tmp_path / "hf", embed_images=True)
    with pytest.raises(InputError, match=f"{words}, and a model is trained on pictures"):
        cells.cell(store, "amass", recipe("micro-cpu"), 0, _bodies())
    assert trainable(store) == []


def test_a_report_draws_people_of_motions_whole_and_shows_no_image(store: Store) -> None:
    row = from_arrow(store.instances("amass").slice(0, 1))
    stage = Stage.of(store, "amass", row, _bodies(), Permission(True, True, ""))
    assert stage.crop() is None
    assert stage.truth().image.startswith("data:image/jpeg")
    bones = Stage.of(store, "amass", row, _bodies(), Permission(False, False, "")).truth().bones
    assert bones[0].path.count("M") > 20


def test_bodies_of_motions_are_scored_and_found_by_their_ids(store: Store, tmp_path: Path) -> None:
    rows = from_arrow(store.instances("amass", "test"))
    smplx = rows["source_model"] == "smplx"
    sizes = {name: size for name, size in SIZES.items() if name in rows}
    said = {name: np.ma.getdata(rows[name])[smplx, :size] for name, size in sizes.items()}
    ids, file = rows["instance_id"][smplx], tmp_path / "said.npz"
    save_npz(file, smplx=said, instance_id=ids)
    copy = Store(Path(shutil.copytree(store.root, tmp_path / "store")))
    found = evaluate(copy, "me", "egobody-test@amass@test", _bodies(), predictions=file)
    assert np.abs(found.rows["pve"].to_numpy()).max() < 0.1  # mm
    save_npz(file, smplx=said, image_path=ids)
    with pytest.raises(InputError, match=r"without pictures, and .* names people by them"):
        evaluate(copy, "me", "egobody-test@amass@test", _bodies(), predictions=file)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("validate amass --json --no-sheet", '"pictured": false'),
        ("datasets --kind motion --json", '"name": "amass"'),
        ("query 'SELECT count(image_path) FROM instances' --json", "0"),
    ],
)
def test_commands_know_of_motions(store: Store, words: str, said: str) -> None:
    found = CliRunner().invoke(app, [*shlex.split(words), "--store", str(store.root)])
    assert found.exit_code == 0, found.output
    assert said in found.stdout
    json.loads(found.stdout)
