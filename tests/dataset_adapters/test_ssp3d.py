"""SSP-3D: the owners' camera, boxes as (row, column), two people of a frame, genders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.checks import project_rows
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.ssp3d import adapter, sample
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.schema import Instances
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), seed=3, people=6, images="flat"))
    return tmp_path


def _read(root: Path) -> Instances:
    (unit,) = adapter.units(open_release(root, catalogue.card("ssp3d")))
    return adapter.read(unit, BODIES)


def _labels(root: Path) -> dict[str, np.ndarray]:
    found = load_npz(root / "labels.npz")
    return {name: np.asarray(found[name]) for name in found}


def test_joints_are_seen_by_5000_px_over_the_middle_of_the_crop(root: Path) -> None:
    columns, labels = _read(root).columns, _labels(root)
    joints = posed_joints(columns, BODIES)[0][-1:, :22]
    still = {name: values[-1:] for name, values in columns.items()}
    still["transl"] = np.zeros((1, 3))
    placed = posed_joints(still, BODIES)[0][0, :22] + labels["cam_trans"][-1]
    expected = 5000 * placed[:, :2] / placed[:, 2:] + 256
    np.testing.assert_allclose(project_rows(still, joints)[0], expected, atol=1e-3)
    assert placed[:, 2].min() > 5  # such a lens puts people far away


def test_a_tight_box_lies_in_the_owners_square_of_row_and_column(root: Path) -> None:
    columns, labels = _read(root).columns, _labels(root)
    (row, column), side = labels["bbox_centres"][-1], labels["bbox_whs"][-1]
    x, y, w, h = columns["bbox"][-1]
    assert column - side / 2 <= x
    assert x + w <= column + side / 2
    assert row - side / 2 <= y
    assert y + h <= row + side / 2
    assert abs(row - column) > 1  # so that it would be seen if they were swapped


def test_names_and_genders_of_bytes_are_those_of_text(root: Path) -> None:
    text, labels = _read(root), _labels(root)
    kept = {n: v.astype("S") if v.dtype.kind == "U" else v for n, v in labels.items()}
    assert sum(v.dtype.kind == "S" for v in kept.values()) == 2
    np.savez(root / "labels.npz", **kept)
    found = _read(root)
    assert found.images["image_path"].tolist() == text.images["image_path"].tolist()
    assert found.columns["gender"].tolist() == text.columns["gender"].tolist()


def test_two_people_of_one_frame_have_an_image_each_and_one_cluster(root: Path) -> None:
    images = _read(root).images
    both = images["frame"] == sample.FIRST
    ids, cluster = images["image_id"][both], images["cluster"][both]
    assert len(set(ids)) == 3
    assert sorted(cluster) == ["ssp3d/fastball", "ssp3d/fastball", "ssp3d/long_jump_2"]
    assert images["mask_path"][0] == images["image_path"][0].replace("images/", "silhouettes/")


def test_a_silhouette_shows_the_person_whose_joints_are_seen_in_it(tmp_path: Path) -> None:
    order = Order(tmp_path, BODIES, WorldSettings(), seed=3, people=1, images="rendered")
    sample.write(replace(order, split="test"))
    found = _read(tmp_path)
    with Image.open(tmp_path / found.images["mask_path"][0]) as picture:
        mask = np.asarray(picture)
    one = {name: values[:1] for name, values in found.columns.items()}
    pelvis = project_rows(one, posed_joints(one, BODIES)[0][:, :1])[0, 0]
    x, y = np.floor(pelvis).astype(int)
    assert mask.shape == (512, 512)
    assert set(np.unique(mask)) == {0, 255}
    assert mask[y, x] == 255


def test_genders_are_those_of_the_labels_and_shape_is_not_smplx_s(root: Path) -> None:
    columns, labels = _read(root).columns, _labels(root)
    assert [gender[0] for gender in columns["gender"]] == labels["genders"].tolist()
    assert set(columns["gender"]) == {"male", "female"}
    assert not columns["shape_valid"].any()
    assert not columns["camera_valid"].any()


def test_another_gender_is_refused_and_another_name_is_a_sequence_of_its_own(root: Path) -> None:
    labels = _labels(root)
    names = labels["fnames"].tolist()
    save_npz(root / "labels.npz", **{**labels, "fnames": np.asarray(["jump-7.png", *names[1:]])})
    images = _read(root).images
    assert (images["sequence"][0], images["frame"][0]) == ("jump-7", 0)
    save_npz(root / "labels.npz", **{**labels, "genders": np.full(len(names), "n")})
    with pytest.raises(InputError, match=r"labels\.npz.*genders m or f"):
        _read(root)
