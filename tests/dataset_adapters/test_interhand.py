"""InterHand2.6M's layout: millimetres, wrists, one hand or both, middle frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
FILES = "annotations/train/InterHand2.6M_train_{}.json"


def made(name: str, root: Path) -> Path:
    catalogue.sample(name).write(Order(root, BODIES, WorldSettings(), 2, 12, "none"))
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return made("interhand26m", tmp_path)


def read(root: Path, name: str = "interhand26m") -> Instances:
    adapter = catalogue.adapter(name)
    units = list(adapter.units(open_release(root, catalogue.card(name))))
    unit = next((u for u in units if u.name == "train/Capture0"), units[0])
    return adapter.read(unit, BODIES)


def edit(path: Path, change: Any) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_units_are_the_captures_of_the_cameras_file(root: Path) -> None:
    adapter = catalogue.adapter("interhand26m")
    release = open_release(root, catalogue.card("interhand26m"))
    names = [u.name for u in adapter.units(release)]
    assert names == ["test/Capture2", "train/Capture0", "val/Capture1"]


def test_joints_are_where_the_hands_are(root: Path) -> None:
    columns = dict(read(root).columns)
    body, has = posed_joints(columns, BODIES)
    points = columns["keypoints3d"].reshape(-1, 144, 4)
    both = np.flatnonzero(has.sum(1) == 32)[0]
    for name in ("left_wrist", "right_wrist", "left_thumb_1", "right_pinky_3"):
        place = INDEX[name]
        assert points[both, place, :3] == pytest.approx(body[both, place], abs=1e-4)


def test_a_hand_without_a_fit_is_not_valid_and_one_without_a_wrist_has_no_joints(
    root: Path,
) -> None:
    def hide(content: Any) -> None:
        content["annotations"][0]["joint_valid"][41] = 0  # the left wrist

    edit(root / FILES.format("data"), hide)
    columns = read(root).columns
    hands = [f"{side}_hand_valid" for side in ("left", "right")]
    shown = {tuple(bool(columns[h][i]) for h in hands) for i in range(len(columns["frame"]))}
    assert {(True, True), (True, False), (False, True), (False, False)} == shown
    first = columns["keypoints3d"][columns["source_row"].tolist().index(0)].reshape(144, 4)
    left = [i for n, i in INDEX.items() if n.startswith("left_") and 20 <= i < 76 and "index" in n]
    assert (first[left, 3] == 0).all()
    assert first[INDEX["right_wrist"], 3] == 1


def test_the_first_version_is_read_from_all_else_from_one_of_its_overlapping_parts(
    root: Path,
) -> None:
    adapter, card = catalogue.adapter("interhand26m"), catalogue.card("interhand26m")
    expected = read(root).columns["instance_id"].tolist()
    folder = root / "annotations"
    (folder / "train").rename(folder / "machine_annot")
    assert read(root).columns["instance_id"].tolist() == expected
    for name in ("human_annot", "all"):
        (folder / name).mkdir()
        for path in (folder / "machine_annot").iterdir():
            (folder / name / path.name).write_bytes(path.read_bytes())
        units = {u.name: u for u in adapter.units(open_release(root, card))}
        assert len(units) == 3
        assert units["train/Capture0"].files[0].parent.name == name


@pytest.mark.parametrize("flags", [[0] * 42, [[0]] * 42, [[0, 0, 0]] * 42])
def test_joints_without_a_place_in_the_world_are_not_kept(root: Path, flags: Any) -> None:
    def hide(content: Any) -> None:
        content["0"]["21000"]["joint_valid"] = flags

    edit(root / FILES.format("joint_3d"), hide)
    columns = read(root).columns
    seen = columns["keypoints3d"].reshape(-1, 144, 4)[..., 3].any(1)
    assert not seen[columns["frame"] == 21000].any()
    assert seen[columns["frame"] == 21006].all()


def test_a_fit_of_a_hand_that_the_annotation_does_not_have_is_not_kept(root: Path) -> None:
    def lone(content: Any) -> None:
        for person in content["annotations"][:3]:
            person["hand_type"] = "left"

    before = read(root).columns
    assert before["right_hand_valid"][before["source_row"] < 3].all()
    edit(root / FILES.format("data"), lone)
    columns = read(root).columns
    mine = columns["source_row"] < 3
    assert columns["left_hand_valid"][mine].all()
    assert not columns["right_hand_valid"][mine].any()
    assert set(columns["person"]) == {"3"}  # the owners' subject


def test_capture_frames_without_any_fit_are_people_without_hands(root: Path) -> None:
    edit(root / FILES.format("MANO_NeuralAnnot"), lambda content: content.pop("0"))
    columns = read(root).columns
    assert not columns["left_hand_valid"].any()
    assert "left_hand_pose" not in columns


def test_blurhand_takes_the_annotation_of_the_middle_frame_only(tmp_path: Path) -> None:
    root = made("blurhand", tmp_path)
    path = root / "annotations/train/BlurHand_train_data.json"
    people = json.loads(path.read_text())["annotations"]
    columns = read(root, "blurhand").columns
    assert all(people[row]["is_middle"] for row in columns["source_row"])
    assert 2 * len(columns["source_row"]) == len(people)


def test_blurhand_s_images_lie_in_blur_images_or_in_images(tmp_path: Path) -> None:
    root = made("blurhand", tmp_path)
    for folder, made_there in (("blur_images", False), ("images", True), ("blur_images", True)):
        if made_there:
            (root / folder / "test").mkdir(parents=True)
        path = read(root, "blurhand").images["image_path"][0]
        assert path.startswith(f"{folder}/t")


def test_a_camera_that_is_not_in_the_file_is_an_error_that_names_it(root: Path) -> None:
    edit(root / FILES.format("camera"), lambda content: content["0"]["focal"].clear())
    release = open_release(root, catalogue.card("interhand26m"))
    adapter = catalogue.adapter("interhand26m")
    unit = next(u for u in adapter.units(release) if u.name == "train/Capture0")
    with pytest.raises(InputError, match=r"InterHand2\.6M_train_camera\.json.*KeyError: '400000'"):
        adapter.read(unit, BODIES)
