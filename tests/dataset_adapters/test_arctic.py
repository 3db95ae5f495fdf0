"""ARCTIC: frame offsets, nine views, two protocols, personal templates and the ego lens."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ehpsbench import geometry
from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.arctic import adapter, sample
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.meshes import read_mesh, write_obj
from ehpsbench.restricted_pickle import load_npy
from ehpsbench.schema import Instances, present
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
TRAIN, VAL = "train/s04/box_use_01", "val/s05/box_use_01"
ROWS = "raw_seqs/s04/box_use_01.smplx.npy"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("arctic") / "data"
    sample.write(Order(root, BODIES, WorldSettings(), seed=2, people=30, images="flat", scale=0.02))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "data"))


def read(root: Path, name: str = TRAIN) -> Instances:
    release = open_release(root, catalogue.card("arctic"))
    return next(adapter.read(u, BODIES) for u in adapter.units(release) if u.name == name)


def edit_npy(path: Path, **changes: Any) -> None:
    np.save(path, np.array(load_npy(path) | changes, object), allow_pickle=True)


def edit_json(path: Path, change: Any) -> None:
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def seen(instances: Instances, view: int) -> NDArray[np.bool_]:
    return np.asarray(instances.columns["camera"] == str(view))


def test_the_row_of_an_image_is_its_number_minus_the_offset_of_12(root: Path) -> None:
    columns = read(root).columns
    np.testing.assert_array_equal(columns["source_row"], columns["frame"] - 12)
    poses = load_npy(root / ROWS)["left_hand_pose"]
    np.testing.assert_array_equal(columns["left_hand_pose"], poses[columns["frame"] - 12])


def test_images_without_a_row_and_the_10_at_either_end_have_nobody(root: Path) -> None:
    instances, count = read(root), len(load_npy(root / ROWS)["transl"])
    people, images = set(instances.columns["frame"]), set(instances.images["frame"])
    assert {9, 10, 11, count - 10, count + 12} <= images - people  # 10 and 11 are rows −2 and −1
    assert people == set(range(12, count - 10))


def test_without_images_every_labelled_frame_has_nine_derived_paths(root: Path) -> None:
    on_disk = read(root).columns["image_path"].tolist()
    shutil.rmtree(root / "images")
    instances = read(root)
    assert instances.columns["image_path"].tolist() == on_disk
    assert len(instances.images["image_id"]) == len(on_disk)
    assert on_disk[0] == "images/s04/box_use_01/0/00012.jpg"


def test_sizes_are_stored_width_first_and_static_view_v_is_entry_v_minus_1(root: Path) -> None:
    instances = read(root)
    misc = json.loads((root / "meta/misc.json").read_text())["s04"]
    assert {(40, 56)} == {
        (int(w), int(h))
        for w, h, view in zip(
            *(instances.columns[k] for k in ("width", "height", "camera")), strict=True
        )
        if view != "0"
    }
    assert instances.columns["width"][seen(instances, 0)][0] == 56
    world = np.array(misc["world2cam"])
    for view in range(1, 9):
        rows = seen(instances, view)
        expected = world[view - 1, :3, :3].reshape(9)
        np.testing.assert_allclose(instances.columns["world_rotation"][rows][0], expected)


def test_only_the_ego_view_is_distorted_and_its_camera_moves(root: Path) -> None:
    instances = read(root)
    bent = present(instances.columns["distortion"])
    np.testing.assert_array_equal(bent, seen(instances, 0))
    ego = load_npy(root / "raw_seqs/s04/box_use_01.egocam.dist.npy")
    assert instances.columns["distortion"][bent][0].tolist() == ego["dist8"].tolist()
    moved = np.ma.getdata(instances.columns["world_translation"])[bent]
    rows = instances.columns["source_row"][bent]
    np.testing.assert_allclose(moved, ego["T_k_cam_np"][rows, :, 0])
    assert np.ptp(moved, axis=0).max() > 0.01


def test_a_lens_that_folds_the_scene_back_shows_nothing_past_the_fold() -> None:
    barrel = np.array([-0.3, 0, 0, 0, 0, 0, 0, 0])  # r (1 − 0.3 r²) turns at 1/√0.9 = 1.054
    assert geometry.lens_radius(barrel) == pytest.approx(1.054, abs=0.006)
    assert geometry.lens_radius(np.zeros(8)) == np.inf
    points = [[1.0, 0, 1], [2, 0, 1]]
    pixels = geometry.project(points, [100, 100], [0, 0], barrel, "opencv_rational")
    np.testing.assert_allclose(pixels, [[70, 0], [np.nan, np.nan]])


def test_shape_is_the_template_and_no_betas_and_the_pelvis_is_its_own(root: Path) -> None:
    columns = read(root).columns
    assert not {"betas", "num_betas", "expression"} & set(columns)
    assert set(columns["template_path"]) == {"meta/subject_vtemplates/s04.obj"}
    assert set(columns["gender"]) == {"male"}
    before = columns["transl"][0]
    path = root / "meta/subject_vtemplates/s04.obj"
    mesh = read_mesh(path)
    write_obj(path, mesh.vertices + np.array([0, 0.1, 0]), mesh.faces)
    # a rest mesh 10 cm higher is only moved: transl' = R (J0 + 0.1) + t − J0 − 0.1
    rotation = np.ma.getdata(columns["world_rotation"])[0].reshape(3, 3)
    expected = before + rotation @ [0, 0.1, 0] - [0, 0.1, 0]
    np.testing.assert_allclose(read(root).columns["transl"][0], expected, atol=1e-6)


def test_a_template_of_another_topology_is_refused(root: Path) -> None:
    mesh = read_mesh(root / "meta/subject_vtemplates/s04.obj")
    write_obj(root / "meta/subject_vtemplates/s04.obj", mesh.vertices[:-1], mesh.faces[:0])
    with pytest.raises(InputError, match=r"s04\.obj has 1503 vertices.*1504"):
        read(root)


def test_faces_and_shapes_are_not_valid_and_bodies_are(root: Path) -> None:
    columns = read(root).columns
    assert columns["body_valid"].all()
    assert not columns["face_valid"].any()
    assert not columns["shape_valid"].any()


@pytest.mark.parametrize("name", [TRAIN, VAL])
def test_flags_come_from_the_small_file_or_the_split_and_a_hand_needs_the_frame(
    root: Path, name: str
) -> None:
    instances = read(root, name)
    owner, right = instances.columns["owner_valid"], instances.columns["right_hand_valid"]
    assert not owner[seen(instances, 8)][0]  # planted
    assert owner[seen(instances, 1)].all()
    assert not right[~owner].any()
    shutil.rmtree(root / "processed_seqs")
    shutil.rmtree(root / "splits")
    assert read(root, name).columns["owner_valid"].all()


def test_flags_of_a_hand_alone_do_not_touch_the_other(root: Path) -> None:
    path = root / "processed_seqs/s04/box_use_01.npy"
    flags = load_npy(path)["cam_coord"]
    flags["left_valid"] = np.zeros_like(flags["left_valid"])
    edit_npy(path, cam_coord=flags)
    columns = read(root).columns
    assert not columns["left_hand_valid"].any()
    assert columns["right_hand_valid"].any()


def test_all_views_of_a_sequence_are_one_cluster_of_one_split(root: Path) -> None:
    columns = read(root, VAL).columns
    assert set(columns["camera"]) == {str(view) for view in range(9)}
    assert set(columns["cluster"]) == {"arctic/s05:box_use_01"}
    assert set(columns["split"]) == {"val"}
    assert columns["instance_id"][0].startswith("arctic/val/s05:box_use_01/0/")


def test_protocols_that_disagree_are_refused(root: Path) -> None:
    def swap(splits: dict[str, list[str]]) -> None:
        splits["train"], splits["val"] = splits["val"], splits["train"]

    edit_json(root / "splits_json/protocol_p2.json", swap)
    with pytest.raises(InputError, match=r"protocol_p2\.json: .* one split"):
        read(root)


def test_withheld_test_labels_leave_images_without_people(root: Path) -> None:
    instances = read(root, "test/s03/box_grab_01")
    assert len(instances) == 0
    assert len(instances.images["image_id"]) == 9
    assert present(instances.images["focal"]).sum() == 8  # the ego camera is withheld too


def test_ego_images_without_their_camera_are_an_error(root: Path) -> None:
    (root / "raw_seqs/s04/box_use_01.egocam.dist.npy").unlink()
    with pytest.raises(MissingFiles, match=r"box_use_01\.egocam\.dist\.npy is not there"):
        read(root)


def test_without_ego_images_or_their_camera_the_ego_view_has_nobody(root: Path) -> None:
    (root / "raw_seqs/s04/box_use_01.egocam.dist.npy").unlink()
    shutil.rmtree(root / "images")
    instances = read(root)
    assert set(instances.columns["camera"]) == {str(view) for view in range(1, 9)}
    assert "0" in set(instances.images["camera"])


def test_a_truncated_label_file_is_refused_by_name(root: Path) -> None:
    path = root / ROWS
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"box_use_01\.smplx\.npy"):
        read(root)


def test_dropped_frames_are_black_and_labelled_ones_show_the_person(tmp_path: Path) -> None:
    from PIL import Image

    settings = WorldSettings(background="flat")
    sample.write(
        Order(
            tmp_path, BODIES, settings, seed=4, people=9, split="val", scale=0.03, images="rendered"
        )
    )
    instances = read(tmp_path, VAL)
    labelled = set(instances.columns["image_path"])
    assert len(labelled) == 9
    for path in instances.images["image_path"]:
        with Image.open(tmp_path / path) as picture:
            assert (np.asarray(picture).max() > 0) == (path in labelled)


@pytest.mark.parametrize("text", ["", '{"train": ["s04/box', "{}", '{"train": []}', "[]"])
def test_a_broken_protocol_is_named_with_what_it_should_hold(text: str, root: Path) -> None:
    (root / "splits_json/protocol_p2.json").write_text(text)
    with pytest.raises(InputError, match=r"protocol_p2\.json.*each of train, val, test"):
        read(root)


def test_every_file_that_rows_depend_on_is_a_file_of_the_unit(root: Path) -> None:
    release = open_release(root, catalogue.card("arctic"))
    (unit,) = (u for u in adapter.units(release) if u.name == TRAIN)
    assert {release.relative(path) for path in unit.files} == {
        "meta/misc.json",
        "meta/subject_vtemplates/s04.obj",
        "processed_seqs/s04/box_use_01.npy",
        "raw_seqs/s04/box_use_01.egocam.dist.npy",
        ROWS,
        "splits_json/protocol_p1.json",
        "splits_json/protocol_p2.json",
    }
