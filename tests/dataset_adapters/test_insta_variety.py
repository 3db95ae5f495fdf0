"""InstaVariety's records, joblib's files, and NeuralAnnot's crops with and without a fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.insta_variety import adapter, sample
from ehpsbench.dataset_adapters.insta_variety.tracks import read_tracks
from ehpsbench.dataset_adapters.insta_variety.unpack import unpack
from ehpsbench.dataset_adapters.readers.joblib_files import read_joblib
from ehpsbench.dataset_adapters.readers.tfrecord_sample import save_records
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.schema import Instances, present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


def written(root: Path, source: str) -> list[Instances]:
    sample.write(Order(root, BODIES, WorldSettings(), 4, 4, "flat"), source)
    release = open_release(root, catalogue.card("insta_variety"))
    return [adapter.read(unit, BODIES) for unit in adapter.units(release)]


def record(points: np.ndarray, **more: object) -> dict[str, object]:
    """A track of one frame; points (25, 3) as stored."""
    rows = points.T.astype(np.float32)[None]
    return {
        "meta/N": np.array([1]),
        "image/encoded": [b"jpeg"],
        "image/filenames": [b"/data2/Data/instagram_download/frames_raw/tag/video/000007.jpg"],
        "image/xys": rows[:, :2, :14],
        "image/visibilities": rows[:, 2, :14].astype(np.int64),
        "image/face_pts": rows[:, :, 14:19],
        "image/toe_pts": rows[:, :, 19:],
        **more,
    }


def test_numbers_from_minus_one_to_one_are_pixels_only_where_there_are_features(
    tmp_path: Path,
) -> None:
    stored = np.concatenate([np.full((25, 2), 0.5), np.ones((25, 1))], 1)
    features = {"image/phis": np.zeros(2048, np.float32)}
    save_records(tmp_path / "a.tfrecord", [record(stored, **features), record(stored)])
    first, second = read_tracks(tmp_path / "a.tfrecord")
    assert first.points[0, :, :2] == pytest.approx(0.75 * 224)
    assert second.points[0, :, :2] == pytest.approx(0.5)
    assert (first.video, first.frames) == ("tag/video", (7,))


def test_x_and_y_come_as_rows_and_the_first_joint_is_a_heel(tmp_path: Path) -> None:
    stored = np.stack([np.arange(25.0), 100 + np.arange(25.0), np.ones(25)], 1)
    path = tmp_path / "test/insta_variety_03_copy00.tfrecord"
    save_records(path, [record(stored)])
    release = open_release(tmp_path, catalogue.card("insta_variety"))
    columns = adapter.read(next(iter(adapter.units(release))), BODIES).columns
    points = columns["keypoints2d"][0].reshape(144, 3)
    for name, row in (("right_heel", 0), ("left_heel", 5), ("left_eye", 15), ("right_ankle", 24)):
        assert points[INDEX[name]] == pytest.approx([row, 100 + row, 1])
    assert np.ma.getdata(columns["bbox"])[0] == pytest.approx([0, 100, 24, 24])
    assert columns["instance_id"][0] == "insta_variety/test/tag:video:03-0/0/7/03-0"
    assert "global_orient" not in columns


def test_records_stand_for_the_training_part_where_there_are_no_fits(tmp_path: Path) -> None:
    train, test = written(tmp_path, "owners")
    assert set(train.images["split"]) == {"train"}
    assert set(test.images["split"]) == {"test"}
    assert "global_orient" not in train.columns
    assert not train.columns["body_valid"].any()


def test_crops_are_unpacked_where_the_images_are_looked_for(tmp_path: Path) -> None:
    found = written(tmp_path, "owners")
    paths = [tmp_path / p for part in found for p in part.images["image_path"]]
    for path in paths:
        path.unlink()
    assert unpack(tmp_path) == len(paths)
    assert all(path.read_bytes()[:2] == b"\xff\xd8" for path in paths)
    assert unpack(tmp_path) == 0


def test_a_fit_belongs_to_the_crop_of_its_number_and_a_crop_without_one_has_a_box(
    tmp_path: Path,
) -> None:
    columns = written(tmp_path, "neuralannot")[0].columns
    fits = read_json(tmp_path / adapter.FITS)
    fitted = present(columns["transl"])
    assert [p for p, has in zip(columns["person"], fitted, strict=True) if not has] == ["0"]
    last = str(len(fitted) - 1)  # of the second video, where no row is spoilt
    row = int(np.flatnonzero(columns["person"] == last)[0])
    transl, focal = (np.ma.getdata(columns[name])[row] for name in ("transl", "focal"))
    assert transl == pytest.approx(fits[last]["smpl_param"]["trans"])
    assert focal == pytest.approx(fits[last]["cam_param"]["focal"])
    assert (np.ma.getdata(columns["bbox"])[~fitted, 2:] > 0).all()
    assert not columns["camera_valid"].any()


def test_fits_without_the_list_of_crops_and_a_cut_record_are_named(tmp_path: Path) -> None:
    written(tmp_path, "neuralannot")
    path = next((tmp_path / "test").iterdir())
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"642561\.tfrecord is not a whole TFRecord"):
        list(read_tracks(path))
    crops = read_joblib(tmp_path / adapter.CROPS)
    assert crops["img_shape"].tolist() == [[224, 224]] * len(crops["ann_id"])
    (tmp_path / adapter.CROPS).unlink()
    release = open_release(tmp_path, catalogue.card("insta_variety"))
    with pytest.raises(MissingFiles, match=r"insta_train_db\.pt"):
        list(adapter.units(release))
