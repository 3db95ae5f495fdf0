"""PoseTrack: three forms of an image's name, tracks, clusters, and EFT's crop by its formula."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.posetrack import adapter, sample
from ehpsbench.dataset_adapters.posetrack.tracks import frame_of
from ehpsbench.dataset_adapters.release import Release, Unit, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.schema import present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture
def release(tmp_path: Path) -> Release:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 12, "none"))
    return open_release(tmp_path, catalogue.card("posetrack"))


def unit(release: Release) -> Unit:
    return next(iter(adapter.units(release)))


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
    assert frame_of(Path("x.json"), name, subject) == "000001_bonn_train/000007.jpg"


def test_a_frame_of_no_video_is_refused_by_the_file_name() -> None:
    with pytest.raises(InputError, match=r"ver01\.json: imageName '000007\.jpg' has no folder"):
        frame_of(Path("ver01.json"), "000007.jpg", "")


def test_everybody_of_a_frame_is_there_once_and_has_a_body_where_eft_has_one(
    release: Release,
) -> None:
    columns = adapter.read(unit(release), BODIES).columns
    assert len({*columns["instance_id"]}) == len(columns["instance_id"])
    fitted = present(columns["transl"])
    assert fitted.sum() == len(items(release)["data"])
    (bare,) = np.flatnonzero(~fitted)
    assert columns["person"][bare] == "000"  # track 0 is a track
    assert not columns["body_valid"][bare]
    assert present(columns["keypoints2d"])[bare]
    joints = columns["keypoints2d"][bare].reshape(144, 3)
    seen = joints[joints[:, 2] > 0, :2]  # the owners gave this person no box
    expected = [*seen.min(0), *(seen.max(0) - seen.min(0))]
    assert np.allclose(columns["bbox"][bare], expected, atol=1e-6)


def test_a_cluster_is_a_video_and_a_person_its_track(release: Release) -> None:
    columns = adapter.read(unit(release), BODIES).columns
    videos = {video for split, video in sample.VIDEOS if split == "train"}
    assert {*columns["cluster"]} == {f"posetrack/{video}" for video in videos}
    assert {*columns["track"]} == {"003", "000"}
    assert columns["person"].tolist() == columns["track"].tolist()
    assert {Path(path).parent.name for path in columns["image_path"]} == videos


def test_validation_has_keypoints_only_and_no_frame_that_is_not_labelled(
    release: Release,
) -> None:
    found = adapter.read(list(adapter.units(release))[1], BODIES)
    assert {*found.columns["split"]} == {"val"}
    assert "transl" not in found.columns
    assert 999 not in found.images["frame"]
    points = found.columns["keypoints2d"].reshape(-1, 144, 3)
    assert not points[:, [INDEX["left_ear"], INDEX["right_ear"]], 2].any()
    assert present(found.columns["bbox"]).all()


def test_fits_without_tracks_are_read_alone(release: Release) -> None:
    content = items(release)
    bare = [fit | {"subjectId": ""} for fit in content["data"] if "/" in fit["imageName"]]
    unit(release).files[0].write_text(json.dumps({"data": bare}))
    columns = adapter.read(unit(release), BODIES).columns
    assert len(columns["person"]) == len(bare)
    assert {*columns["person"]} <= {"0", "1"}
    assert "track" not in columns


def test_a_point_is_seen_where_the_crops_weak_perspective_has_it(release: Release) -> None:
    """x = cx + (s·X + tx)·b/2 for X = (0.3, −0.2, 0) of SMPL's output without a translation."""
    fits, point = items(release)["data"], np.array([0.3, -0.2])
    columns = adapter.read(unit(release), BODIES).columns
    there = present(columns["transl"])
    whole = [row for row in np.flatnonzero(there) if np.isfinite(columns["transl"][row]).all()]
    for row in whole:
        fit = fits[int(columns["source_row"][row])]
        scale, *offset = fit["parm_cam"]
        place = np.asarray(columns["transl"][row])
        aside = columns["focal"][row] * (point + place[:2]) / place[2]
        expected = fit["bbox_center"] + (scale * point + offset) * 100 * fit["bbox_scale"]
        assert np.allclose(aside + columns["principal_point"][row], expected, atol=1e-6)
    assert len(whole) == len(fits) - 2  # the two of the spoilt frame


def test_a_video_that_is_none_is_named(release: Release) -> None:
    path = unit(release).files[1]
    content = json.loads(path.read_text())
    del content["annotations"][0]["track_id"]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"{path.name} is no video of PoseTrack18.*track_id"):
        adapter.read(unit(release), BODIES)
