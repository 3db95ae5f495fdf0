"""MuCo-3DHP: units, camera frame, gaps in the fits, both trees."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.muco_3dhp import adapter, sample
from ehpsbench.dataset_adapters.readers.mpi_inf import MUCO_21
from ehpsbench.dataset_adapters.release import Release, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.schema import present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture
def release(tmp_path: Path) -> Release:
    order = Order(tmp_path / "MuCo", BODIES, WorldSettings(), 4, 8, "none")
    sample.write(order)
    return open_release(tmp_path / "MuCo", catalogue.card("muco_3dhp"))


def _labels(release: Release) -> dict:
    return json.loads((release.root / "data/MuCo-3DHP.json").read_text())


def test_joints_in_millimetres_and_smpl_in_metres_meet_in_the_camera_frame(
    release: Release,
) -> None:
    columns = adapter.read(next(iter(adapter.units(release))), BODIES).columns
    joints, _ = posed_joints(columns, BODIES)
    labels = _labels(release)["annotations"]
    wrist, place = 4, INDEX["right_wrist"]  # the fifth of the owners' 21
    # the last person is of the second set, where no row is spoilt
    told = np.asarray(labels[-1]["keypoints_cam"])[wrist] / 1000
    assert np.allclose(columns["keypoints3d"][-1].reshape(-1, 4)[place], [*told, 1.0])
    assert np.allclose(joints[-1, place], told, atol=1e-6)
    image = {i["id"]: i for i in _labels(release)["images"]}[labels[-1]["image_id"]]
    told = np.asarray(labels[-1]["keypoints_cam"]) / 1000
    seen = np.asarray(labels[-1]["keypoints_vis"]) > 0
    pixels = image["f"] * told[:, :2] / told[:, 2:] + image["c"]
    assert seen.any()
    assert np.allclose(np.asarray(labels[-1]["keypoints_img"])[seen], pixels[seen], atol=1e-6)


def test_somebody_whose_fit_is_missing_or_nan_keeps_the_keypoints(release: Release) -> None:
    columns = adapter.read(next(iter(adapter.units(release))), BODIES).columns
    fits = json.loads((release.root / "data/smpl_param.json").read_text())
    has = [p in fits and bool(np.isfinite(fits[p]["pose"]).all()) for p in columns["person"]]
    assert has.count(False) == 2
    assert present(columns["transl"]).tolist() == has
    assert columns["body_valid"].tolist() == has
    assert columns["camera_valid"].tolist() == has
    assert not columns["shape_valid"].any()
    assert (columns["keypoints3d"].reshape(len(has), -1, 4)[..., 3] > 0).any(1).all()


def test_joints_that_cannot_be_seen_are_in_space_but_not_in_the_image(release: Release) -> None:
    labels = _labels(release)
    labels["annotations"][0]["keypoints_vis"] = [False] * 21
    (release.root / "data/MuCo-3DHP.json").write_text(json.dumps(labels))
    columns = adapter.read(next(iter(adapter.units(release))), BODIES).columns
    assert not columns["keypoints2d"][0].any()
    assert (columns["keypoints3d"][0].reshape(-1, 4)[:, 3] > 0).sum() == 10
    assert (columns["keypoints3d_extra"][0].reshape(-1, 4)[:, 3] > 0).sum() == 11


def test_the_21_joints_are_in_the_owners_order() -> None:
    names = [next(n for n, i in INDEX.items() if i == place) for place in MUCO_21]
    assert names[:5] == ["headtop", "neck_extra", "right_shoulder", "right_elbow", "right_wrist"]
    assert (names[8], names[11], names[14]) == (
        "right_hip_extra",
        "left_hip_extra",
        "pelvis_extra",
    )
    assert names[17:] == ["right_hand_3dhp", "left_hand_3dhp", "right_toe_3dhp", "left_toe_3dhp"]


def test_the_tree_of_hmr_benchmarks_is_read_too(release: Release) -> None:
    unit = next(iter(adapter.units(release)))
    before = adapter.read(unit, BODIES).columns
    root = release.root
    (root / "extras").mkdir()
    (root / "muco/SMPLX").mkdir(parents=True)
    (root / "muco/images/augmented_set").mkdir(parents=True)
    (root / "data/MuCo-3DHP.json").rename(root / "extras/MuCo-3DHP.json")
    (root / "data/smpl_param.json").rename(root / "muco/SMPLX/smpl_param.json")
    after = adapter.read(next(iter(adapter.units(release))), BODIES).columns
    assert np.array_equal(before["transl"].data, after["transl"].data)
    assert after["image_path"][0] == "muco/images/unaugmented_set/000000.jpg"


def test_broken_fits_and_labels_are_named(release: Release) -> None:
    fits = release.root / "data/smpl_param.json"
    fits.write_text(json.dumps({key: {"pose": [0.0]} for key in json.loads(fits.read_text())}))
    with pytest.raises(InputError, match=r"smpl_param\.json"):
        adapter.read(next(iter(adapter.units(release))), BODIES)
    labels = _labels(release)
    labels["annotations"][0]["keypoints_cam"] = [[0.0] * 3] * 17
    (release.root / "data/MuCo-3DHP.json").write_text(json.dumps(labels))
    with pytest.raises(InputError, match=r"MuCo-3DHP\.json.*21 joints"):
        adapter.read(next(iter(adapter.units(release))), BODIES)
