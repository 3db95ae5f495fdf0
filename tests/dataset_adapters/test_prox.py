"""The traps of PROX: mirrored images, somebody else in sight, and names of all kinds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.prox import adapter, sample
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.geometry import orient_pixels
from ehpsbench.restricted_pickle import dump_plain, load
from ehpsbench.schema import Instances, present
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("prox")
    sample.write(Order(root, BODIES, WorldSettings(), seed=5, people=12, images="none"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "PROX"))


def _read(root: Path, scene: str = "MPH112") -> Instances:
    units = adapter.units(open_release(root, catalogue.card("prox")))
    return adapter.read(next(u for u in units if u.name.startswith(scene)), BODIES)


def test_pixels_are_those_of_the_mirrored_image_with_the_lens_of_the_fits(root: Path) -> None:
    columns = _read(root).columns
    assert set(columns["orientation"].tolist()) == {2}
    assert orient_pixels([[100.0, 40.0]], 2, 1920, 1080).tolist() == [[1820, 40]]
    x, y, z = posed_joints(columns, BODIES, root)[0][0, 0]
    pelvis = [1060.53 * x / z + 951.30, 1060.38 * y / z + 536.77]
    left, top, width, height = np.ma.getdata(columns["bbox"])[0]
    assert left <= pelvis[0] <= left + width
    assert top <= pelvis[1] <= top + height
    fit = load(root / columns["source_file"][0])
    np.testing.assert_allclose(columns["transl"][0], fit["transl"][0], atol=1e-6)


def test_detections_made_on_images_as_filmed_are_turned_round_by_looking_at_the_fits(
    root: Path,
) -> None:
    before = _read(root).columns
    for path in (root / "keypoints").glob("MPH112*/*.json"):
        content = json.loads(path.read_text())
        for person in content["people"]:
            person["pose_keypoints_2d"] = _turned(person["pose_keypoints_2d"])
            person["hand_left_keypoints_2d"] = person["hand_right_keypoints_2d"] = []
            person["face_keypoints_2d"] = []
        path.write_text(json.dumps(content))
    after = _read(root).columns
    shown = present(before["keypoints2d_extra"])
    assert shown.any()
    extra = [np.ma.getdata(c["keypoints2d_extra"])[shown] for c in (before, after)]
    np.testing.assert_allclose(extra[1], extra[0], atol=1e-6)


def _turned(values: list[float]) -> list[float]:
    """BODY_25 of an image as seen in its mirror: limbs by the owners' numbers, x turned round."""
    pairs = [(2, 5), (3, 6), (4, 7), (9, 12), (10, 13), (11, 14), (15, 16), (17, 18)]
    pairs += [(19, 22), (20, 23), (21, 24)]
    points = np.array(values).reshape(25, 3)
    for one, other in pairs:
        points[[one, other]] = points[[other, one]]
    points[points[:, 2] > 0, 0] = 1920 - points[points[:, 2] > 0, 0]
    return [float(value) for value in points.ravel()]


def test_of_several_people_the_one_of_the_fit_is_taken_and_a_far_one_never(root: Path) -> None:
    columns = _read(root, "N3OpenArea").columns
    row = int(np.flatnonzero(present(columns["keypoints2d_extra"]))[0])
    path = sorted((root / "keypoints").glob("N3OpenArea*/*.json"))[row]
    people = json.loads(path.read_text())["people"]
    extra = np.ma.getdata(columns["keypoints2d_extra"])[row].reshape(46, 3)
    theirs = np.array(people[1]["pose_keypoints_2d"]).reshape(25, 3)
    assert np.isin(np.round(theirs[theirs[:, 2] > 0, 0], 6), np.round(extra[:, 0], 6)).all()
    path.write_text(json.dumps({"people": people[:1]}))
    alone = _read(root, "N3OpenArea").columns
    assert not present(alone["keypoints2d_extra"])[row]


def test_betas_are_read_under_both_names_and_genders_by_the_subject(root: Path) -> None:
    columns = _read(root).columns
    fit = load(root / columns["source_file"][0])
    np.testing.assert_allclose(columns["betas"][0, :10], fit["beta"][0])
    expected = "female" if columns["subject"][0] == "03403" else "male"
    assert columns["gender"][0] == expected
    folder = next((root / "PROXD").glob("MPH112*"))
    for subject, gender in (("00162", "female"), ("03452", "female"), ("03301", "male")):
        folder = folder.rename(folder.with_name(f"MPH112_{subject}_01"))
        assert _read(root).columns["gender"][0] == gender


def test_the_room_is_the_inverse_of_cam2world(root: Path) -> None:
    place = next((root / "cam2world").glob("MPH112.json"))
    to_room = [[0, 0, 1, 2], [-1, 0, 0, 3], [0, -1, 0, 1], [0, 0, 0, 1]]
    place.write_text(json.dumps(to_room))
    columns = _read(root).columns
    turn = columns["world_rotation"][0].reshape(3, 3)
    # a point 5 m before the camera lies at (7, 3, 1) in the room
    np.testing.assert_allclose(turn @ [7, 3, 1] + columns["world_translation"][0], [0, 0, 5])
    place.write_text("[1, 2]")
    with pytest.raises(InputError, match=r"MPH112\.json"):
        _read(root)


def test_names_without_numbers_count_by_their_order_and_give_no_time(root: Path) -> None:
    folder = next((root / "PROXD").glob("MPH112*/results"))
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(path.with_name(f"take{'abcdefghijklmnop'[number]}"))
    found = _read(root).images
    assert found["frame"].tolist() == list(range(len(found["frame"])))
    np.testing.assert_allclose(found["timestamp"], found["frame"] / 30)


def test_fits_to_markers_go_by_the_scan_into_the_mirrored_camera(root: Path) -> None:
    columns = _read(root, "vicon").columns
    part = root / "quantitative"
    scene, back = (
        np.array(json.loads((part / name).read_text()))
        for name in ("vicon2scene.json", "cam2world/vicon.json")
    )
    fit = load(root / columns["source_file"][0])
    gender = columns["gender"][0]
    pelvis = BODIES.model("smplx", gender).rest_joints(fit["betas"])[0, 0]
    placed = np.append(pelvis + fit["transl"][0], 1.0)
    expected = (np.linalg.inv(back) @ scene @ placed)[:3] - pelvis
    np.testing.assert_allclose(columns["transl"][0], expected, atol=1e-5)
    np.testing.assert_allclose(columns["world_rotation"][0].reshape(3, 3), back[:3, :3].T)
    assert {*columns["split"]} == {"test"}
    assert {*columns["annotation"]} == {"mocap"}
    assert columns["image_path"][0].startswith("quantitative/recordings/vicon_")
    assert columns["camera_valid"].all()
    assert "fps" not in columns


def test_what_fits_to_markers_lack_of_hands_and_face_is_not_valid(root: Path) -> None:
    for path in root.glob("quantitative/fittings/mosh/*/results/*/000.pkl"):
        known = {k: v for k, v in load(path).items() if k in adapter.PLACED}
        dump_plain(known, path)
    columns = _read(root, "vicon").columns
    for part in ("left_hand", "right_hand", "face"):
        assert not columns[f"{part}_valid"].any()
    assert columns["body_valid"].all()
    mean = BODIES.model("smplx", columns["gender"][0]).hand_mean("left")
    np.testing.assert_allclose(columns["left_hand_pose"][0], mean)


def test_the_way_from_the_markers_to_the_camera_is_needed(root: Path) -> None:
    (root / "quantitative/vicon2scene.json").unlink()
    with pytest.raises(MissingFiles, match=r"vicon2scene\.json"):
        _read(root, "vicon")


def test_the_quantitative_part_is_read_alone_too(root: Path) -> None:
    units = list(adapter.units(open_release(root / "quantitative", catalogue.card("prox"))))
    assert [unit.key["split"] for unit in units] == ["test"]
    assert len(adapter.read(units[0], BODIES)) > 0
