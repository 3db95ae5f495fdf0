"""The traps of BEHAVE: the world of Kinect 1, bent lenses under two names, empty detections."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.behave import adapter, sample
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.ingest import ingest
from ehpsbench.restricted_pickle import load
from ehpsbench.schema import Instances, present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.store import Store
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("behave")
    sample.write(Order(root, BODIES, WorldSettings(), seed=5, people=24, images="none"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "BEHAVE"))


def _read(root: Path, split: str = "train") -> Instances:
    units = adapter.units(open_release(root, catalogue.card("behave")))
    return adapter.read(next(u for u in units if u.name.startswith(split)), BODIES)


def _edit(path: Path, change: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def test_kinect_1_sees_the_fits_as_they_are_and_the_others_by_the_inverse_of_config(
    root: Path,
) -> None:
    columns = _read(root).columns
    joints = posed_joints(columns, BODIES, root)[0]
    here = columns["frame"] == 1000 * sample.FIRST
    by_view = dict(zip(columns["camera"][here], joints[here], strict=True))
    first = int(np.flatnonzero(here & (columns["camera"] == "k1"))[0])
    fit = load(root / columns["source_file"][first])
    np.testing.assert_allclose(columns["transl"][first], fit["trans"], atol=1e-6)
    config = json.loads((root / "calibs/Date01/config/3/config.json").read_text())
    turn = np.array(config["rotation"]).reshape(3, 3)
    moved = by_view["k3"] @ turn.T + config["translation"]  # camera → world
    np.testing.assert_allclose(moved, by_view["k1"], atol=1e-5)


def test_the_pose_is_cut_into_root_body_and_flat_hands_which_are_not_valid(root: Path) -> None:
    columns = _read(root).columns
    pose = load(root / columns["source_file"][0])["pose"]
    np.testing.assert_allclose(columns["body_pose"][0], pose[3:66])
    np.testing.assert_allclose(columns["left_hand_pose"][0], pose[66:111])
    np.testing.assert_allclose(columns["right_hand_pose"][0], pose[111:156])
    assert columns["body_valid"].all()
    for part in ("left_hand", "right_hand", "shape", "face"):
        assert not columns[f"{part}_valid"].any()


def test_a_lens_is_read_from_its_list_or_by_its_names(root: Path) -> None:
    before = _read(root).images
    np.testing.assert_allclose(
        before["distortion"], np.tile(sample.LENS, (len(before["frame"]), 1))
    )
    for kinect in range(4):
        path = root / f"calibs/intrinsics/{kinect}/calibration.json"
        _edit(path, lambda c: {"color": {k: v for k, v in c["color"].items() if k != "opencv"}})
    np.testing.assert_array_equal(_read(root).images["distortion"], before["distortion"])
    _edit(path, lambda c: {"color": {k: v for k, v in c["color"].items() if k != "k5"}})
    with pytest.raises(InputError, match=r"calibration\.json.*k5"):
        _read(root)


def test_detections_that_are_all_zero_or_not_there_are_null(root: Path) -> None:
    places = sorted((root / "sequences").glob("Date01*/t*/k0.color.json"))
    empty = {"body_joints": [0] * 75, "face_joints": [0] * 210}
    empty |= {f"{side}_hand_joints": [0] * 63 for side in ("left", "right")}
    _edit(places[0], lambda _: empty)
    places[1].unlink()
    columns = _read(root).columns
    rows = np.flatnonzero(columns["camera"] == "k0")
    assert present(columns["keypoints2d_extra"])[rows[:3]].tolist() == [False, False, True]
    _edit(places[0], lambda _: {"body_joints": [1, 2]})
    with pytest.raises(InputError, match=r"k0\.color\.json"):
        _read(root)


def dense(root: Path, away: float) -> np.ndarray:
    """Fits at 30 frames a second, all as the first one, moved; pictures of two more moments."""
    place = next((root / "sequences").glob("Date01*"))
    fit = load(next(place.glob("t0003.000/person/fit02/person_fit.pkl")))
    times = ["t0003.000", "t0003.033", "t0003.067"]
    table = {"poses": fit["pose"], "betas": fit["betas"], "trans": fit["trans"] + [0, away, 0]}
    rows = {key: np.tile(np.asarray(values), (3, 1)) for key, values in table.items()}
    rows["trans"][:, 0] += [0, 0.001, 0.002]
    target = root / f"behave-30fps-params-v1/{place.name}/smpl_fit_all.npz"
    target.parent.mkdir(parents=True)
    np.savez(target, frame_times=np.array(times), **rows)
    for folder in (*place.glob("t*"), *(place / time for time in times[1:])):
        folder.mkdir(exist_ok=True)
        (folder / "k1.color.jpg").touch()
    return rows["trans"]


def test_pictures_between_the_seconds_take_the_fits_of_30_a_second(root: Path) -> None:
    trans = dense(root, 0.0)
    columns = _read(root).columns
    frame = columns["frame"]
    assert {3000, 3033, 3067} <= set(frame)
    for row, time in ((1, 3033), (2, 3067)):
        (mine,) = np.flatnonzero(frame == time)
        np.testing.assert_allclose(columns["transl"][mine], trans[row], atol=1e-6)  # Kinect 1
        assert columns["source_file"][mine].endswith("smpl_fit_all.npz")
        assert columns["source_row"][mine] == row
    (mine,) = np.flatnonzero(frame == 3000)
    assert columns["source_file"][mine].endswith("person_fit.pkl")


def test_fits_of_30_a_second_that_lie_elsewhere_do_not_count(root: Path) -> None:
    dense(root, 0.06)
    found = _read(root)
    assert 3033 in found.images["frame"]
    assert 3033 not in found.columns["frame"]


def test_3d_joints_are_moved_into_each_camera(root: Path) -> None:
    place = next((root / "sequences").glob("Date01*/t0003.000/person/person_J3d.json"))
    joints = np.zeros((25, 4))
    joints[4] = 0.3, 0.2, 2.5, 0.9  # the right wrist in the world
    place.write_text(json.dumps({"body_joints3d": joints.ravel().tolist()}))
    columns = _read(root).columns
    rows = np.flatnonzero(columns["frame"] == 3000)
    for row in rows:
        extra = np.ma.getdata(columns["keypoints3d_extra"])[row].reshape(46, 4)
        turn = columns["world_rotation"][row].reshape(3, 3)
        expected = turn @ [0.3, 0.2, 2.5] + columns["world_translation"][row]
        wrist = extra[INDEX["right_wrist_openpose"] - 144]
        np.testing.assert_allclose(wrist, [*expected, 0.9], atol=1e-6)
        assert np.count_nonzero(extra[:, 3]) == 1


def test_sequences_that_name_no_kinects_have_three_and_a_second_without_fit_no_person(
    root: Path,
) -> None:
    found = _read(root, "test")
    assert set(found.images["camera"]) == {"k0", "k1", "k2"}
    assert set(found.columns["subject"]) <= {"Sub03", "Sub07"}
    times = {p.parent.name for p in (root / "sequences").glob("Date03*/t*/k0.color.json")}
    assert len(times) == len(set(found.columns["frame"])) + 1


def test_a_sequence_without_split_is_named(root: Path) -> None:
    _edit(root / "split.json", lambda c: {"train": c["train"], "test": []})
    with pytest.raises(InputError, match=r"split\.json gives no split to Date03"):
        _read(root, "test")


def test_masks_are_named_where_they_are_there(root: Path) -> None:
    assert "mask_path" not in _read(root).images
    place = next((root / "sequences").glob("Date01*/t0003.000"))
    (place / "k2.person_mask.jpg").touch()
    images = _read(root).images
    masked = present(images["mask_path"])
    shown = [str(path) for path in images["mask_path"][masked]]
    assert shown == [f"sequences/{place.parent.name}/t0003.000/k2.person_mask.jpg"]
    assert images["camera"][masked].tolist() == ["k2"]
    scale = images["mask_scale"][0]
    assert [round(value * scale) for value in (127, 128, 255)] == [0, 1, 1]  # JPEG's grey edges
    (place / "k2.person_mask.png").touch()
    assert [str(p)[-4:] for p in _read(root).images["mask_path"][masked]] == [".png"]


def test_depth_of_a_video_is_scored_over_the_person_in_metres(tmp_path: Path) -> None:
    root, predicted = tmp_path / "BEHAVE", tmp_path / "predicted"
    order = Order(root, BODIES, WorldSettings(), seed=5, people=1, images="rendered", split="test")
    sample.write(order)
    store = Store(tmp_path / "store")
    ingest("behave", root, store)
    predicted.mkdir()
    images = store.images("behave", "test").to_pylist()
    for image in images:
        depth = np.asarray(Image.open(root / image["depth_path"])) * image["depth_scale"]
        mask = np.asarray(Image.open(root / image["mask_path"])) > 127
        assert np.mean(depth[mask] > 0) > 0.9  # but for JPEG's edges
        assert 1 < np.median(depth[mask]) < 20
        np.save(predicted / f"{image['image_id'].replace('/', '__')}.npy", 2 * depth + 0.5)
    result = evaluate(store, "linear", "depth-video", BODIES, predictions=predicted)
    assert result.number() < 1e-6
    assert result.summary["numbers"]["images"]["value"] == len(images)


def test_kinects_that_are_no_list_are_refused_by_the_file(root: Path) -> None:
    place = next((root / "sequences").glob("Date01*/info.json"))
    _edit(place, lambda c: {**c, "kinects": "three"})
    with pytest.raises(InputError, match=r"info\.json.*kinects"):
        _read(root)
