"""PoseTrack: three forms of an image's name, tracks, clusters, and EFT's crop by its formula."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.posetrack import adapter, sample
from ehpsbench.dataset_adapters.release import Release, Unit, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture
def release(tmp_path: Path) -> Release:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 12, "none"))
    return open_release(tmp_path, catalogue.card("posetrack"))


def unit(release: Release) -> Unit:
    (found,) = adapter.units(release)
    return found


def items(release: Release) -> Any:
    return json.loads(unit(release).files[0].read_text())


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("000001_bonn_train/000007.jpg", ""),
        ("images/train/000001_bonn_train/000007.jpg", "anything-id002"),
        ("000007.jpg", "images/train/000001_bonn_train-id002"),
        ("000007.jpg", "000001_bonn_train-id002"),
    ],
)
def test_an_image_is_found_by_each_form_of_its_name(name: str, subject: str) -> None:
    place = adapter._place(adapter._frame(Path("x.json"), name, subject))
    assert place.path == "images/train/000001_bonn_train/000007.jpg"
    assert (place.sequence, place.frame) == ("000001_bonn_train", 7)


def test_a_frame_of_no_video_is_refused_by_the_file_name() -> None:
    with pytest.raises(InputError, match=r"ver01\.json: imageName '000007\.jpg' has no folder"):
        adapter._frame(Path("ver01.json"), "000007.jpg", "")


def test_a_cluster_is_a_video_and_a_person_its_track(release: Release) -> None:
    columns = adapter.read(unit(release), BODIES).columns
    assert {*columns["cluster"]} == {f"posetrack/{video}" for video in sample.VIDEOS}
    assert {*columns["track"]} == {"003", "002"}
    assert columns["person"].tolist() == columns["track"].tolist()
    stored = {Path(path).parent.name for path in columns["image_path"]}
    assert stored == {*sample.VIDEOS}


def test_a_point_is_seen_where_the_crops_weak_perspective_has_it(release: Release) -> None:
    """x = cx + (s·X + tx)·b/2 for X = (0.3, −0.2, 0) of SMPL's output without a translation."""
    fits, point = items(release)["data"], np.array([0.3, -0.2])
    columns = adapter.read(unit(release), BODIES).columns
    whole = [row for row in range(len(fits)) if np.isfinite(columns["transl"][row]).all()]
    for row in whole:
        fit = fits[int(columns["source_row"][row])]
        scale, *offset = fit["parm_cam"]
        place = np.asarray(columns["transl"][row])
        aside = columns["focal"][row] * (point + place[:2]) / place[2]
        expected = fit["bbox_center"] + (scale * point + offset) * 100 * fit["bbox_scale"]
        assert np.allclose(aside + columns["principal_point"][row], expected, atol=1e-6)
    assert len(whole) == len(fits) - 2  # the two of the spoilt frame


def test_boxes_are_those_of_the_joints(release: Release) -> None:
    columns = adapter.read(unit(release), BODIES).columns
    assert np.array_equal(columns["bbox"], joint_boxes(columns, BODIES, release.root))
    sides = np.asarray([200 * fit["bbox_scale"] for fit in items(release)["data"]])
    assert (np.asarray(columns["bbox"])[:, 2:] != sides[:, None]).all()
