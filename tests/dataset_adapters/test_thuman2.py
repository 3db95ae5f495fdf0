"""THuman2's scans have units of their own, hands are components, the second batch is another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ehpsbench.atomic import write_text
from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.forward import forward
from ehpsbench.body.posed import posed_vertices
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import read_pickle, save_json
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.thuman2 import adapter, sample
from ehpsbench.errors import InputError
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.ingest import ingest
from ehpsbench.metrics.part_classes import GOLIATH_28
from ehpsbench.schema import Instances, present
from ehpsbench.store import Store
from ehpsbench.world.looks import PARTS
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
FIRST, SECOND, MESHLESS = "0100", "0527", "0526"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("thuman2")
    sample.write(Order(root, BODIES, WorldSettings(), 6, 8, "flat"))
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "release")


def read(root: Path, scan: str) -> Instances:
    """The rows of one scan, read with all others."""
    (unit,) = adapter.units(open_release(root, catalogue.card("thuman2")))
    found = adapter.read(unit, BODIES)
    columns, images = (
        {name: values[table["sequence"] == scan] for name, values in table.items()}
        for table in (found.columns, found.images)
    )
    return Instances(columns, images)


def owners_vertices(root: Path, scan: str) -> np.ndarray:
    """As the owners write it: SMPL-X male, 12 components and the mean hand, scale, translation."""
    stored = read_pickle(root / f"smplx/{scan}/smplx_param.pkl")
    model = BODIES.model("smplx", "male")
    scale, translation = np.asarray(stored.pop("scale")), np.asarray(stored.pop("translation"))
    space = {"left": model.left_hand_components, "right": model.right_hand_components}
    for side, components in space.items():
        weights = stored[f"{side}_hand_pose"]
        stored[f"{side}_hand_pose"] = weights @ components[:12] + model.hand_mean(side)
    return np.asarray(forward(model, **stored).vertices)[0] * scale + translation


def camera(root: Path, scan: str, view: str = "000") -> dict[str, Any]:
    content = json.loads((root / f"renders/{scan}/cameras.json").read_text())[view]
    return {key: np.asarray(value) for key, value in content.items() if key != "split"}


def test_the_fit_is_where_scale_and_translation_and_the_camera_of_the_scan_put_it(
    root: Path,
) -> None:
    lens = camera(root, FIRST)
    seen = owners_vertices(root, FIRST) @ lens["rotation"].T + lens["translation"]
    expected = seen[:, :2] / seen[:, 2:] * lens["focal"] + lens["principal_point"]
    columns = read(root, FIRST).columns
    mesh = posed_vertices(columns, BODIES)[0]
    found = mesh[:, :2] / mesh[:, 2:] * columns["focal"][0] + columns["principal_point"][0]
    assert np.abs(found - expected).max() < 0.01
    scale = float(read_pickle(root / f"smplx/{FIRST}/smplx_param.pkl")["scale"])
    assert np.ptp(mesh, axis=0) == pytest.approx(np.ptp(seen, axis=0) / scale, rel=1e-3)


def test_depth_times_its_scale_is_the_depth_of_the_nearest_vertices(root: Path) -> None:
    found = read(root, FIRST)
    images, mesh = found.images, posed_vertices(found.columns, BODIES)[0]
    depth = np.load(root / images["depth_path"][0]) * images["depth_scale"][0]
    pixels = mesh[:, :2] / mesh[:, 2:] * images["focal"][0] + images["principal_point"][0]
    column, row = np.floor(pixels).astype(int).clip(0, 191).T
    inside = ((pixels > 0) & (pixels < 192)).all(1) & (depth[row, column] > 0)
    behind = mesh[inside, 2] - depth[row, column][inside]
    assert np.mean(behind > -0.02) > 0.9  # beside outlines, nothing stands before what is seen
    assert np.mean(np.abs(behind) < 0.02) > 0.2  # and much is what is seen


def test_metric_depth_is_scored_in_the_metres_of_the_fit(root: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    ingest("thuman2", root, store)
    predicted = tmp_path / "predicted"
    predicted.mkdir()
    for image in store.images("thuman2", "face").to_pylist():
        fit = read_pickle(root / f"smplx/{image['sequence']}/smplx_param.pkl")
        metres = np.load(root / image["depth_path"]) / float(fit["scale"]) + 0.25
        np.save(predicted / f"{image['image_id'].replace('/', '__')}.npy", metres)
    benchmark = "depth-metric@thuman2@face"
    result = evaluate(store, "shifted", benchmark, BODIES, predictions=predicted)
    assert result.summary["numbers"]["rmse"]["value"] == pytest.approx(0.25, rel=1e-3)


def test_part_labels_of_views_that_name_their_classes_are_scored_with_sapiens_classes(
    root: Path, tmp_path: Path
) -> None:
    cameras = root / "renders/0000/cameras.json"
    views = json.loads(cameras.read_text())
    del views["001"]["parts"]
    save_json(cameras, views)
    store = Store(tmp_path / "store")
    ingest("thuman2", root, store)
    predicted = tmp_path / "predicted"
    predicted.mkdir()
    images = store.images("thuman2", "face").to_pylist()
    for image in (i for i in images if i["parts_path"]):
        labels = np.asarray(Image.open(root / image["parts_path"])).copy()
        labels[labels == GOLIATH_28.index("hair")] = GOLIATH_28.index("apparel")
        np.save(predicted / f"{image['image_id'].replace('/', '__')}.npy", labels)
    benchmark = "goliath-parts@thuman2@face"
    result = evaluate(store, "bald", benchmark, BODIES, predictions=predicted).summary
    numbers = {name: number["value"] for name, number in result["numbers"].items()}
    assert result["left_out"] == {"no parts_path": 1}
    assert (numbers["iou_hair"], numbers["iou_apparel"]) == (0.0, 0.0)
    assert numbers["iou_face_neck"] == numbers["iou_left_shoe"] == 100.0
    used = numbers["classes_used"]
    assert numbers["miou"] == pytest.approx(100 * (used - 2) / used)


def test_the_sample_s_parts_have_the_names_of_sapiens_classes() -> None:
    named = {part: GOLIATH_28[label] for part, label in zip(PARTS, sample.GOLIATH, strict=True)}
    shins = {f"{s}_shin": f"{s}_lower_leg" for s in ("left", "right")}
    assert {part: named[part] for part in shins} == shins
    assert (named["face"], named["torso"]) == ("face_neck", "upper_clothing")
    assert all(named[part] == part for part in ("background", "hair", "left_hand", "right_hand"))


def test_normals_look_at_the_camera(root: Path) -> None:
    images = read(root, FIRST).images
    normals = np.load(root / images["normals_path"][0])
    assert normals[np.linalg.norm(normals, axis=-1) > 0][:, 2].mean() < -0.3
    assert images["normals_classes"][0] == "opencv"


def test_the_owners_mesh_says_that_hands_of_the_second_batch_are_absolute(root: Path) -> None:
    stored = read_pickle(root / f"smplx/{SECOND}/smplx_param.pkl")
    columns = read(root, SECOND).columns
    assert columns["gender"][0] == "male"
    np.testing.assert_allclose(columns["left_hand_pose"][0], stored["left_hand_pose"][0])


def test_the_owners_mesh_says_that_a_scan_of_the_second_batch_is_neutral(root: Path) -> None:
    stored = read_pickle(root / f"smplx/{SECOND}/smplx_param.pkl")
    scale, translation = np.asarray(stored.pop("scale")), np.asarray(stored.pop("translation"))
    vertices = forward(BODIES.model("smplx", "neutral"), **stored).vertices[0].numpy()
    lines = [f"v {x} {y} {z}\n" for x, y, z in (vertices * scale + translation).tolist()]
    write_text(root / f"smplx/{SECOND}/mesh_smplx.obj", "".join(lines))
    assert read(root, SECOND).columns["gender"][0] == "neutral"


def test_a_scan_that_nothing_explains_has_normals_but_no_body_and_no_depth(root: Path) -> None:
    path = root / f"smplx/{SECOND}/mesh_smplx.obj"
    lines = [line.split() for line in path.read_text().splitlines()]
    write_text(path, "".join(f"v {x} {float(y) + 0.1} {z}\n" for _, x, y, z in lines))
    for scan in (MESHLESS, SECOND):
        found = read(root, scan)
        assert not present(found.columns["global_orient"]).any()
        assert not present(found.columns["bbox"]).any()
        assert not found.columns["body_valid"].any()
        assert not present(found.images["depth_path"]).any()
        assert not present(found.images["world_rotation"]).any()
        assert len(found.images["normals_path"]) == 2
    assert present(read(root, FIRST).images["depth_path"]).all()
    (root / "kept").mkdir()
    (root / f"smplx/{FIRST}").rename(root / "kept/0999")  # a scan that nobody rendered
    shutil.rmtree(root / "smplx")
    assert "global_orient" not in read(root, FIRST).columns


def test_scans_past_the_room_of_the_first_batch_are_of_the_second_and_all_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "HUNDRED", 4)
    root = tmp_path / "many"
    truth = sample.write(Order(root, BODIES, WorldSettings(), 6, 40, "none"))
    store = Store(tmp_path / "store")
    report = ingest("thuman2", root, store)
    assert report.rejects == {"finite": 2, "ranges": 2, "angles": 2}
    table = store.instances("thuman2", "face")
    assert table["sequence"].to_pylist()[::2] == ["0000", "0531", "0532", "0533", "0534"]
    assert all(table["body_valid"].to_pylist())
    assert len({*truth.instance_id}) == len(truth.instance_id) == sum(report.instances.values())


def test_an_unknown_split_and_a_second_fit_are_refused(root: Path) -> None:
    path = root / f"renders/{FIRST}/cameras.json"
    content = json.loads(path.read_text())
    content["000"]["split"] = "back"
    save_json(path, content)
    with pytest.raises(InputError, match="'back'; expected one of test, face"):
        read(root, FIRST)
    (root / "newer").mkdir()
    (root / f"smplx/{SECOND}").rename(root / f"newer/{SECOND}")
    (root / f"smplx/{SECOND}").mkdir()
    write_text(root / f"smplx/{SECOND}/smplx_param.pkl", "")
    with pytest.raises(InputError, match="Keep one"):
        read(root, FIRST)
