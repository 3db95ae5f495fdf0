"""UBody: videos cut by `_Trim`, fits joined by annotation id, large hand boxes, flags."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.release import Unit, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.ubody import adapter, sample
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.schema import Instances, present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.staging import read_unit
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
SCENE = "Interview"
KEYPOINTS = f"annotations/{SCENE}/keypoint_annotation.json"
FITS = f"annotations/{SCENE}/smplx_annotation.json"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ubody") / "UBody"
    sample.write(Order(root, BODIES, WorldSettings(), seed=4, people=12, images="none"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "UBody"))


def unit(root: Path) -> Unit:
    release = open_release(root, catalogue.card("ubody"))
    return next(u for u in adapter.units(release) if u.name == SCENE)


def read(root: Path) -> Instances:
    return adapter.read(unit(root), BODIES)


def stored(path: Path) -> Any:
    return json.loads(path.read_text())


def edit(path: Path, change: Callable[[Any], None]) -> None:
    values = stored(path)
    change(values)
    path.write_text(json.dumps(values))


def edit_people(root: Path, **values: Any) -> None:
    edit(root / KEYPOINTS, lambda labels: [a.update(values) for a in labels["annotations"]])


def joint(instances: Instances, name: str) -> NDArray[np.float64]:
    return instances.columns["keypoints2d"].reshape(len(instances), 144, 3)[:, INDEX[name]]


def test_a_video_is_a_test_video_when_its_name_before_trim_is_in_the_list(root: Path) -> None:
    images = read(root).images
    split = dict(zip(images["sequence"].tolist(), images["split"].tolist(), strict=True))
    assert split == {"Interview/Trim7/talk_a_Trim2": "test", "Interview/talk_b": "train"}
    np.save(root / "splits/intra_scene_test_list.npy", np.array(["talk_b", "Trim7"]))
    images = read(root).images
    split = dict(zip(images["sequence"].tolist(), images["split"].tolist(), strict=True))
    assert split == {"Interview/Trim7/talk_a_Trim2": "train", "Interview/talk_b": "test"}


def test_a_slash_before_the_file_name_changes_nothing(root: Path) -> None:
    before = read(root)
    files = [image["file_name"] for image in stored(root / KEYPOINTS)["images"]]
    assert all(name.startswith("/") for name in files)
    edit(
        root / KEYPOINTS,
        lambda labels: [i.update(file_name=i["file_name"].lstrip("/")) for i in labels["images"]],
    )
    after = read(root)
    assert after.images["image_path"].tolist() == before.images["image_path"].tolist()
    assert after.images["image_path"][0] == f"images/{SCENE}{files[0]}"
    assert after.columns["instance_id"].tolist() == before.columns["instance_id"].tolist()


def test_frames_count_from_1_at_30_a_second(root: Path) -> None:
    images = read(root).images
    assert images["frame"].min() == 1
    np.testing.assert_allclose(images["timestamp"], (images["frame"] - 1) / 30)


def test_fits_are_joined_by_annotation_id_in_any_order(root: Path) -> None:
    before = read(root).columns
    values = stored(root / FITS)
    (root / FITS).write_text(json.dumps(dict(reversed(values.items()))))
    after = read(root).columns
    np.testing.assert_array_equal(before["body_pose"], after["body_pose"])
    first = values[before["person"][0]]["smplx_param"]
    np.testing.assert_array_equal(after["global_orient"][0], first["root_pose"])


def test_who_has_no_fit_is_left_out_but_counts_in_the_row(root: Path) -> None:
    people, before = stored(root / KEYPOINTS)["annotations"], read(root).columns
    gone = before["source_row"][1]
    edit(root / FITS, lambda fits: fits.pop(str(people[gone]["id"])))
    rows = read(root).columns["source_row"].tolist()
    assert rows == [row for row in before["source_row"] if row != gone]
    kept = [str(person["id"]) in stored(root / FITS) for person in people]
    assert rows == np.flatnonzero(kept).tolist()


def test_a_frame_with_nobody_is_an_image(root: Path) -> None:
    instances = read(root)
    empty = set(instances.images["image_id"]) - set(instances.columns["image_id"])
    assert [image.rpartition("/")[2] for image in empty] == ["9001"]


def test_hands_are_stored_about_the_mean_and_read_absolute(root: Path) -> None:
    columns, fits = read(root).columns, stored(root / FITS)
    model = BODIES.model("smplx", "neutral")
    for side, name in (("left", "lhand_pose"), ("right", "rhand_pose")):
        file = np.asarray([fits[p]["smplx_param"][name] for p in columns["person"]])
        found = columns[f"{side}_hand_pose"]
        np.testing.assert_allclose(found, file + model.hand_mean(side))


def test_there_are_no_eye_poses_and_no_camera_of_the_image(root: Path) -> None:
    instances = read(root)
    assert not {"leye_pose", "reye_pose"} & set(instances.columns)
    assert "focal" not in instances.images  # every annotation has a virtual one of its own
    assert not instances.columns["camera_valid"].any()


def test_a_hand_box_of_150_px_is_a_hand_of_100_px_about_the_same_centre(root: Path) -> None:
    edit_people(root, lefthand_box=[200.0, 100.0, 150.0, 60.0], righthand_box=[0.0] * 4)
    columns = read(root).columns
    np.testing.assert_allclose(columns["left_hand_bbox"][0], [225.0, 110.0, 100.0, 40.0])
    assert not present(columns["right_hand_bbox"]).any()


def test_the_face_box_is_around_the_face_keypoints_that_were_seen(root: Path) -> None:
    points = np.zeros((68, 3))
    points[3], points[60], points[9] = (10, 20, 1), (50, 90, 0.3), (500, 500, 0)
    edit_people(root, face_kpts=points.ravel().tolist(), face_box=[1.0, 1.0, 900.0, 900.0])
    assert read(root).columns["face_bbox"][0].tolist() == [10, 20, 40, 70]
    edit_people(root, face_kpts=[0.0] * 204)
    assert not present(read(root).columns["face_bbox"]).any()


def test_133_keypoints_have_their_places(root: Path) -> None:
    body, foot, face = np.zeros((17, 3)), np.zeros((6, 3)), np.zeros((68, 3))
    left, right = np.zeros((21, 3)), np.zeros((21, 3))
    body[0], foot[5], face[17], left[8], right[4] = ([n, n, 1.0] for n in (1, 2, 3, 4, 5))
    edit_people(
        root,
        keypoints=body.ravel().tolist(),
        foot_kpts=foot.ravel().tolist(),
        face_kpts=face.ravel().tolist(),
        lefthand_kpts=left.ravel().tolist(),
        righthand_kpts=right.ravel().tolist(),
    )
    instances = read(root)
    names = ("nose", "right_heel", "face_17", "left_index", "right_thumb")
    assert [joint(instances, name)[0, 0] for name in names] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("score", "expected"), [(0.0, 7.0), (0.5, 70.0)])
def test_the_wrist_of_the_hand_wins_where_it_was_seen(
    score: float, expected: float, root: Path
) -> None:
    body, hand = np.zeros((17, 3)), np.zeros((21, 3))
    body[9], hand[0] = (7, 7, 0.9), (70, 70, score)
    edit_people(root, keypoints=body.ravel().tolist(), lefthand_kpts=hand.ravel().tolist())
    assert joint(read(root), "left_wrist")[0, 0] == expected


@pytest.mark.parametrize("flag", [{"iscrowd": 1}, {"num_keypoints": 0}, {"valid_label": 0}])
def test_people_whom_the_owners_skip_are_kept_and_marked(flag: dict[str, int], root: Path) -> None:
    before = len(read(root))
    edit_people(root, **flag)
    columns = read(root).columns
    assert len(columns["owner_valid"]) == before
    assert not columns["owner_valid"].any()


@pytest.mark.parametrize(
    ("in_keypoints", "in_fit", "valid"),
    [(True, True, True), (True, None, True), (True, False, False), (False, True, False)],
)
def test_a_hand_is_valid_where_both_files_say_so_or_the_fit_says_nothing(
    in_keypoints: bool, in_fit: bool | None, valid: bool, root: Path
) -> None:
    def change(fits: Any) -> None:
        for entry in fits.values():
            del entry["smplx_param"]["lhand_valid"]
            if in_fit is not None:
                entry["smplx_param"]["lhand_valid"] = in_fit

    edit_people(root, lefthand_valid=in_keypoints)
    edit(root / FITS, change)
    columns = read(root).columns
    assert set(columns["left_hand_valid"].tolist()) == {valid}
    assert columns["right_hand_valid"].all()


def test_boxes_that_stick_out_of_the_image_are_cut(root: Path) -> None:
    def stick_out(labels: Any) -> None:
        for person in labels["annotations"]:
            x, y, w, h = person["bbox"]
            person["bbox"] = [-30.0, y, x + w + 30, h]

    edit(root / KEYPOINTS, stick_out)
    kept, _, _ = read_unit(unit(root), BODIES)
    assert kept.num_rows
    assert min(box[0] for box in kept["bbox"].to_pylist()) == 0


@pytest.mark.parametrize("file", [KEYPOINTS, FITS])
def test_broken_or_missing_files_are_named(file: str, root: Path) -> None:
    (root / file).write_text((root / file).read_text()[:-40])
    with pytest.raises(InputError, match=rf"{Path(file).name} is not whole JSON"):
        read_unit(unit(root), BODIES)
    taken = unit(root)
    (root / file).unlink()
    with pytest.raises(InputError, match=rf"{Path(file).name} is not there"):
        read_unit(taken, BODIES)


def test_an_annotation_of_an_unknown_image_is_an_error_that_names_the_file(root: Path) -> None:
    edit_people(root, image_id=424242)
    with pytest.raises(InputError, match=r"Interview/keypoint_annotation\.json.*424242"):
        read_unit(unit(root), BODIES)


def test_in_the_test_split_every_hundredth_annotation_is_a_person(tmp_path: Path) -> None:
    sample.write(
        Order(tmp_path, BODIES, WorldSettings(), seed=4, people=4, images="none", split="test")
    )
    release = open_release(tmp_path, catalogue.card("ubody"))
    rows = [adapter.read(u, BODIES).columns["source_row"] for u in adapter.units(release)]
    assert all((row % 100 == 99).all() and len(row) for row in rows)


def test_in_both_splits_the_people_of_test_videos_are_every_hundredth(root: Path) -> None:
    columns = read(root).columns
    scored = (columns["source_row"] % 100 == 99) & (columns["split"] == "test")
    ordinary = (columns["split"] == "test") & (columns["frame"] < 9000)
    assert scored[ordinary].all()
    assert ordinary.sum() >= 2


@pytest.mark.parametrize("file", [KEYPOINTS, FITS])
def test_a_scene_with_one_of_its_two_files_is_an_error(file: str, root: Path) -> None:
    (root / file).unlink()
    with pytest.raises(MissingFiles, match=rf"{Path(file).name} is not there.*both of {SCENE}"):
        unit(root)


@pytest.mark.parametrize("name", ["../a/000001.png", "//a/000001.png", "a/..\\1.png", "C:/1.png"])
def test_a_file_name_that_leads_out_of_the_release_is_refused(name: str, root: Path) -> None:
    edit(root / KEYPOINTS, lambda labels: labels["images"][0].update(file_name=name))
    with pytest.raises(InputError, match="leads out of the release"):
        read(root)


def test_a_miniature_has_feet_and_faces_whose_boxes_are_around_the_face(tmp_path: Path) -> None:
    sample.write(
        Order(tmp_path, BODIES, WorldSettings(), seed=4, people=12, images="none", split="train")
    )
    for each in adapter.units(open_release(tmp_path, catalogue.card("ubody"))):
        instances = adapter.read(each, BODIES)
        eyes = [joint(instances, f"{side}_eye") for side in ("left", "right")]
        mouth = joint(instances, "face_51")  # the middle of the upper lip
        box = np.ma.getdata(instances.columns["face_bbox"])
        for point in (*eyes, mouth):
            assert (point[:, 2] > 0).all()
            inside = point[:, :2] - box[:, :2]
            assert ((inside > -0.2 * box[:, 2:]) & (inside < 1.2 * box[:, 2:])).all()
        assert (box[:, 3] < np.ma.getdata(instances.columns["bbox"])[:, 3] / 4).all()
        assert (joint(instances, "left_heel")[:, 2] > 0).sum() >= 5  # one stands below the edge
