"""The zip for AGORA's server: names, shapes, bytes that NumPy 1 reads, and the way back."""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ehpsbench.body.bodies import BodySet, open_bodies
from ehpsbench.body.forward import forward
from ehpsbench.errors import BodyMismatch, InputError
from ehpsbench.evaluation.agora.images import images_of
from ehpsbench.evaluation.agora.submission import write_submission
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.predictions import read_predictions, write_predictions
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.ingest import ingest
from ehpsbench.restricted_pickle import load
from ehpsbench.samples import write_sample
from ehpsbench.schema import from_arrow
from ehpsbench.store import Store

VALIDATION = "agora-val-matched"
TEST = "agora-test-official"
Files = dict[str, dict[str, Any]]
SHAPES = {  # what the owners' check wants of rotation vectors
    "transl": (1, 3),
    "betas": (1, 10),
    "expression": (1, 10),
    "global_orient": (1, 3),
    "body_pose": (1, 63),
    "left_hand_pose": (1, 45),
    "right_hand_pose": (1, 45),
    "leye_pose": (1, 3),
    "reye_pose": (1, 3),
    "jaw_pose": (1, 3),
}
GLOBALS = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


def read(path: Path) -> Files:
    """The files of a zip, by the restricted reader."""
    with zipfile.ZipFile(path) as archive:
        return {n: load(io.BytesIO(archive.read(n)), encoding="latin1") for n in archive.namelist()}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, bodies: BodySet) -> Store:
    """Two predictions in each image of the test and near everybody of the validation."""
    root = tmp_path_factory.mktemp("agora")
    write_sample("agora", root / "release", people=40, seed=3, images="flat", body="open-small")
    store = Store(root / "store")
    ingest("agora", root / "release", store)
    columns = from_arrow(store.instances("agora", "validation"))
    names = ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose", "transl")
    names += ("jaw_pose", "expression")
    said = {name: np.asarray(np.ma.getdata(columns[name])) for name in names}
    count = len(said["transl"])
    said["betas"] = np.random.default_rng(0).normal(size=(count, 10))
    said["instance_id"] = columns["instance_id"]
    write_predictions(store, "model", VALIDATION, said, bodies)
    image = store.images("agora", "test")["image_id"][0].as_py()
    two = {name: values[:2] for name, values in said.items()}
    two["instance_id"] = np.array([f"{image}/a", f"{image}/b"], object)
    write_predictions(store, "model", TEST, two, bodies)
    return store


@pytest.fixture
def zipped(store: Store, bodies: BodySet, tmp_path: Path) -> Callable[..., Path]:
    def written(benchmark: str = TEST, **more: Any) -> Path:
        return write_submission(
            store, "model", benchmark, bodies, tmp_path / "out" / "agora.zip", **more
        ).path

    return written


def test_the_test_needs_no_labels_and_people_are_numbered_by_image(
    store: Store, bodies: BodySet, tmp_path: Path
) -> None:
    found = write_submission(store, "model", TEST, bodies, tmp_path / "x.zip")
    image = Path(store.images("agora", "test")["image_path"][0].as_py()).stem
    name = image.removesuffix("_1280x720")
    assert list(read(found.path)) == [f"predictions/{name}_personId_{i}.pkl" for i in (0, 1)]
    assert "1280x720" not in name
    assert (found.people, found.images, found.empty_images) == (2, 1, 0)
    assert not found.fit_for_server  # the open body is not the owners'


@pytest.mark.parametrize("form", ["parameters", "vertices"])
def test_no_file_names_numpys_private_core_nor_any_later_pickle(
    zipped: Callable[..., Path], form: Any
) -> None:
    with zipfile.ZipFile(zipped(form=form)) as archive:
        for name in archive.namelist():
            raw = archive.read(name)
            assert b"numpy._core" not in raw
            opcodes = [(code.name, arg) for code, arg, _ in pickletools.genops(raw)]
            assert ("PROTO", 2) in opcodes
            names = {tuple(str(a).split(" ")) for c, a in opcodes if c == "GLOBAL"}
            assert names == GLOBALS
            assert not {"STACK_GLOBAL", "FRAME", "BYTEARRAY8"} & {c for c, _ in opcodes}


def test_parameters_have_the_shapes_that_the_owners_check(zipped: Callable[..., Path]) -> None:
    for said in read(zipped()).values():
        assert {n: v.shape for n, v in said["params"].items()} == SHAPES
        assert {v.dtype for v in said["params"].values()} == {np.dtype(np.float32)}
        assert said["joints"].shape == (24, 2)
        assert (said["gender"], said["num_betas"], said["pose2rot"]) == ("neutral", 10, True)


def test_meshes_have_the_shapes_that_the_owners_check(
    zipped: Callable[..., Path], bodies: BodySet
) -> None:
    for said in read(zipped(form="vertices")).values():
        assert said["allSmplJoints3d"].shape == (127, 3)
        assert said["verts"].shape == (bodies.model("smplx").num_vertices, 3)
        assert set(said) == {"joints", "allSmplJoints3d", "verts"}


def test_posing_the_parameters_with_the_mean_hand_added_gives_the_meshes(
    zipped: Callable[..., Path], bodies: BodySet
) -> None:
    told, shown = (read(zipped(VALIDATION, form=form)) for form in ("parameters", "vertices"))
    model = bodies.model("smplx")
    assert len(told) > 2
    for name, said in told.items():
        params = dict(said["params"])
        for side in ("left", "right"):
            params[f"{side}_hand_pose"] = params[f"{side}_hand_pose"] + model.hand_mean(side)
        found = forward(model, **params)
        assert found.vertices is not None
        np.testing.assert_allclose(found.vertices[0], shown[name]["verts"], atol=1e-5)


def test_joints_are_pixels_of_the_4k_image_though_the_picture_is_720_high(
    zipped: Callable[..., Path], store: Store
) -> None:
    images = images_of(store, protocol(TEST))
    assert images.scale.tolist() == [3.0]
    for said in read(zipped(form="vertices")).values():
        points = said["allSmplJoints3d"][:24].astype(float)
        small = points[:, :2] / points[:, 2:] * images.focal[0] + [640, 360]
        np.testing.assert_allclose(said["joints"], 3 * small, atol=0.01)


@pytest.mark.parametrize("form", ["parameters", "vertices"])
def test_scoring_the_zip_gives_the_numbers_of_scoring_the_store(
    store: Store, zipped: Callable[..., Path], bodies: BodySet, form: Any
) -> None:
    mine = evaluate(store, "model", VALIDATION, bodies).summary["numbers"]
    path = zipped(VALIDATION, form=form)
    back = evaluate(store, "zip", VALIDATION, bodies, predictions=path).summary["numbers"]
    assert mine["recall"]["value"] > 0.8
    for name, number in mine.items():
        assert back[name]["value"] == pytest.approx(number["value"], abs=0.01), name


def test_the_same_predictions_make_the_same_bytes(zipped: Callable[..., Path]) -> None:
    first = zipped().read_bytes()
    assert zipped().read_bytes() == first


def test_benchmarks_of_others_and_predictions_on_other_bodies_are_refused(
    store: Store, bodies: BodySet, tmp_path: Path
) -> None:
    path = tmp_path / "x.zip"
    with pytest.raises(InputError, match="not scored by AGORA's server"):
        write_submission(store, "model", "ehf", bodies, path)
    with pytest.raises(InputError, match="no predictions of nobody"):
        write_submission(store, "nobody", TEST, bodies, path)
    with pytest.raises(InputError, match=r"made of a \.parquet, not of .*pickles"):
        write_submission(store, "model", TEST, bodies, path, predictions=path.parent / "pickles")
    with pytest.raises(BodyMismatch):
        write_submission(store, "model", TEST, open_bodies("full"), path)
    assert not path.exists()


def test_a_file_is_written_as_the_zip_and_a_refused_one_changes_nothing(
    store: Store, bodies: BodySet, tmp_path: Path
) -> None:
    table = read_predictions(store, "model", TEST, bodies)
    good, bad, zipped = tmp_path / "good.parquet", tmp_path / "bad.parquet", tmp_path / "x.zip"
    pq.write_table(table.slice(0, 1), good)
    kept = (store.predictions / "model" / f"{TEST}.parquet").read_bytes()
    made = write_submission(store, "other", TEST, bodies, zipped, predictions=good)
    assert (made.people, read_predictions(store, "other", TEST, bodies).num_rows) == (1, 1)
    strangers = pa.array([f"elsewhere/{i}" for i in range(table.num_rows)])
    pq.write_table(table.set_column(0, "instance_id", strangers), bad)
    bytes_of_zip = zipped.read_bytes()
    with pytest.raises(InputError, match="not of the split"):
        write_submission(store, "model", TEST, bodies, zipped, predictions=bad)
    assert (store.predictions / "model" / f"{TEST}.parquet").read_bytes() == kept
    assert zipped.read_bytes() == bytes_of_zip
