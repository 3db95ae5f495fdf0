"""HumanData: two dialects, masks, shapes of every kind, caches that are no data, missing pieces."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.readers import humandata, humandata_sample
from ehpsbench.dataset_adapters.readers.humandata_sample_arrays import compressed
from ehpsbench.dataset_adapters.release import Release, Unit, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingBody, MissingFiles, RefusedPickle
from ehpsbench.schema import Instances, present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.staging import read_unit
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
COUNT = 4
POSES = {"global_orient": 3, "body_pose": 63, "left_hand_pose": 45, "right_hand_pose": 45}
RNG = np.random.default_rng(5)
Content = dict[str, Any]


def content(**changes: Any) -> Content:
    """Four people in two images, as a file of the first dialect holds them."""
    smplx = {name: RNG.normal(0, 0.1, (COUNT, size)) for name, size in POSES.items()}
    smplx |= {"betas": RNG.normal(0, 1, (COUNT, 10)), "jaw_pose": RNG.normal(0, 0.1, (COUNT, 3))}
    smplx |= {"expression": RNG.normal(0, 1, (COUNT, 10)), "transl": np.full((COUNT, 3), 4.0)}
    points = RNG.uniform(1, 100, (COUNT, 190, 3))
    mask = np.zeros(190, np.uint8)
    mask[[0, 5, 20, 55, INDEX["pelvis_openpose"]]] = 1
    points[:, mask == 0] = 0
    return {
        "image_path": ["a/000007.jpg", "a/000007.jpg", "b/000008.jpg", "b/000008.jpg"],
        "bbox_xywh": np.tile([10.0, 20.0, 60.0, 120.0, 1.0], (COUNT, 1)),
        "keypoints2d": points,
        "keypoints2d_mask": mask,
        "smplx": smplx,
        "meta": {"height": [200] * COUNT, "width": [300] * COUNT, "gender": []},
        "misc": {"focal_length": 500.0, "principal_point": (150.0, 100.0)},
        "__data_len__": COUNT,
        "__key_strict__": False,
        "__keypoints_compressed__": False,
        **changes,
    }


def changed(name: str, **values: Any) -> Content:
    """`content` with other values in one of its dictionaries; None takes a value away."""
    whole = content()
    table = {**whole[name], **values}
    return whole | {name: {k: v for k, v in table.items() if v is not None}}


def write(root: Path, values: Mapping[str, Any], name: str = "annot/train.npz") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".pkl":
        path.write_bytes(pickle.dumps(dict(values)))
    else:
        np.savez_compressed(path, allow_pickle=True, **values)
    return root


def release(root: Path, dataset: str = "bedlam") -> Release:
    return open_release(root, catalogue.card(dataset), layout="humandata")


def units(root: Path, dataset: str = "bedlam") -> list[Unit]:
    return list(humandata.units(release(root, dataset)))


def read(root: Path, dataset: str = "bedlam") -> Instances:
    (unit,) = units(root, dataset)
    return humandata.read(unit, BODIES)


def columns_of(
    tmp_path: Path, values: Mapping[str, Any], dataset: str = "bedlam"
) -> dict[str, NDArray[Any]]:
    return dict(read(write(tmp_path, values), dataset).columns)


@pytest.mark.parametrize("dataset", ["bedlam", "agora", "pw3d"])
def test_the_two_dialects_of_the_same_people_give_the_same_rows(
    dataset: str, tmp_path: Path
) -> None:
    found = []
    for dialect in ("v2", "classic"):
        root = tmp_path / dialect
        order = Order(root, BODIES, WorldSettings(), 3, 6, "none", "train")
        humandata_sample.write(order, dataset=dataset, dialect=dialect)
        found.append(dict(read(root, dataset).columns))
    later, classic = found
    assert "smpl_hand_pose" in later if dataset == "pw3d" else "left_hand_pose" in later
    same = [n for n in later if n in classic and later[n].dtype.kind == "f" and "eye" not in n]
    assert {"body_pose", "betas", "transl", "focal", "bbox", "keypoints2d_extra"} <= set(same)
    for name in same:
        np.testing.assert_allclose(later[name], classic[name], atol=1e-12, err_msg=name)


def test_compressed_keypoints_come_back_to_the_places_of_their_mask(tmp_path: Path) -> None:
    values = content()
    whole = columns_of(tmp_path / "whole", values)
    small = columns_of(tmp_path / "small", compressed(values))
    for name in ("keypoints2d", "keypoints2d_extra"):
        np.testing.assert_array_equal(whole[name], small[name])
    at = INDEX["pelvis_openpose"]
    extra = small["keypoints2d_extra"].reshape(COUNT, 46, 3)[:, at - 144]
    np.testing.assert_array_equal(extra, values["keypoints2d"][:, at])


@pytest.mark.parametrize("flag", [True, False, None])
def test_full_width_keypoints_are_read_whatever_the_flag_says(
    flag: bool | None, tmp_path: Path
) -> None:
    values = content(__keypoints_compressed__=flag)
    if flag is None:
        values = {name: value for name, value in values.items() if not name.startswith("__")}
    found = columns_of(tmp_path, values)["keypoints2d"].reshape(COUNT, 144, 3)
    np.testing.assert_array_equal(found[:, 20], values["keypoints2d"][:, 20])


def test_144_joints_without_a_mask_are_those_of_smplx(tmp_path: Path) -> None:
    values = content()
    values["keypoints2d"] = RNG.uniform(1, 100, (COUNT, 144, 3))
    del values["keypoints2d_mask"]
    found = columns_of(tmp_path, values)
    np.testing.assert_array_equal(found["keypoints2d"], values["keypoints2d"].reshape(COUNT, -1))
    assert "keypoints2d_extra" not in found


def test_every_key_has_its_own_mask_and_one_that_none_explains_is_passed_over(
    tmp_path: Path,
) -> None:
    values = content()
    whole = values["keypoints2d"]
    mask = np.zeros(190)
    mask[[3, 4]] = 1
    values |= {"keypoints2d": whole[:, :17], "keypoints2d_smplx": whole[:, :2] + 1}
    found = columns_of(tmp_path, values | {"keypoints2d_smplx_mask": mask})["keypoints2d"]
    joints = found.reshape(COUNT, 144, 3)
    np.testing.assert_array_equal(joints[:, [3, 4]], values["keypoints2d_smplx"])
    assert np.flatnonzero(joints[0, :, 2]).tolist() == [3, 4]


def test_joints_outside_the_mask_or_without_confidence_are_absent(tmp_path: Path) -> None:
    values = content()
    values["keypoints2d"][:, 7] = 5  # not in the mask
    values["keypoints2d"][1, 20, 2] = 0
    joints = columns_of(tmp_path, values)["keypoints2d"].reshape(COUNT, 144, 3)
    assert not joints[:, 7].any()
    assert [bool(row.any()) for row in joints[:, 20]] == [True, False, True, True]


def test_labels_of_the_dataset_go_before_projections_of_its_body(tmp_path: Path) -> None:
    values = content()
    original = np.ones((COUNT, 190, 3))
    values |= {"keypoints2d_smplx": values.pop("keypoints2d"), "keypoints2d_original": original}
    found = columns_of(tmp_path, values)["keypoints2d"]
    assert (found == 1).all()


def test_coco_keypoints_that_were_never_converted_go_by_their_convention(tmp_path: Path) -> None:
    points = RNG.uniform(1, 100, (COUNT, 17, 3))
    found = columns_of(tmp_path, content(keypoints2d=points, keypoints2d_convention="coco"))
    nose, right_ankle = found["keypoints2d"].reshape(COUNT, 144, 3)[:, [55, 8]].swapaxes(0, 1)
    np.testing.assert_array_equal(nose, points[:, 0])
    np.testing.assert_array_equal(right_ankle, points[:, 16])


@pytest.mark.parametrize("aligned", [True, False])
def test_3d_keypoints_about_the_root_are_not_in_the_camera_frame(
    aligned: bool, tmp_path: Path
) -> None:
    values = changed("misc", kps3d_root_aligned=aligned)
    values["keypoints3d"] = np.ones((COUNT, 190, 4))
    assert ("keypoints3d" in columns_of(tmp_path, values)) is not aligned


def test_a_pickled_file_gives_the_rows_of_the_npz(tmp_path: Path) -> None:
    values = content()
    npz = columns_of(tmp_path / "npz", values)
    write(tmp_path / "pkl", values, "bedlam_train.pkl")
    pkl = dict(read(tmp_path / "pkl").columns)
    assert set(npz) == set(pkl)
    for name in set(npz) - {"source_file"}:
        np.testing.assert_array_equal(npz[name], pkl[name], err_msg=name)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"0": {}, "1": {}, "data_len": 2, "data_strategy": "balance"}, "SMPLest-X"),
        ({"0": {}, "slice_size": 2, "data_len": 2, "non_sliced_data": {}}, "HumanDataCache"),
    ],
)
def test_caches_are_refused_by_name(values: Content, what: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{what}.*no annotation file"):
        units(write(tmp_path, values, "cache/bedlam_train.npz"))


def test_files_that_are_no_humandata_are_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no HumanData file of BEDLAM.*image_path"):
        units(write(tmp_path, {"imgname": ["a.png"]}, "bedlam.npz"))


def test_code_in_a_file_is_refused_not_run(tmp_path: Path) -> None:
    write(tmp_path, content(misc=np.array(Bomb(), object)))
    with pytest.raises(RefusedPickle, match="mkdir"):
        read(tmp_path)
    assert not (tmp_path / "run").exists()


class Bomb:
    """Unpickling it makes a folder."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return (os.mkdir, ("run",))


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, content()) / "annot/train.npz"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match=r"train\.npz.*truncated"):
        units(tmp_path)


@pytest.mark.parametrize("shape", [(21, 3), (63,), (1, 63), (23, 3)])
def test_body_poses_of_any_shape_are_21_joints(shape: tuple[int, ...], tmp_path: Path) -> None:
    pose = RNG.normal(0, 0.1, (COUNT, *shape))
    found = columns_of(tmp_path, changed("smplx", body_pose=pose))["body_pose"]
    np.testing.assert_array_equal(found, pose.reshape(COUNT, -1)[:, :63])


def test_a_pose_of_another_width_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"left_hand_pose.*has 12 numbers.*expected 45"):
        columns_of(tmp_path, changed("smplx", left_hand_pose=np.zeros((COUNT, 12))))


@pytest.mark.parametrize("shape", [(23, 3), (69,)])
def test_smpl_fills_21_joints_and_two_hand_joints(shape: tuple[int, ...], tmp_path: Path) -> None:
    values = content()
    pose = RNG.normal(0, 0.1, (COUNT, *shape))
    smpl = {name: values["smplx"][name] for name in ("global_orient", "betas", "transl")}
    values = values | {"smpl": smpl | {"body_pose": pose}, "smplx": {}}
    found = columns_of(tmp_path, values, "pw3d")
    assert set(found["source_model"]) == {"smpl"}
    flat = np.concatenate([found["body_pose"], found["smpl_hand_pose"]], 1)
    np.testing.assert_array_equal(flat, pose.reshape(COUNT, 69))
    assert not found["left_hand_valid"].any()
    assert not found["shape_valid"].any()


def test_smplx_goes_before_smpl_and_smpl_before_smplh(tmp_path: Path) -> None:
    values = content()
    poses = {n: values["smplx"][n] for n in ("global_orient", "body_pose", "transl")}
    three = values | {"smpl": poses | {"body_pose": np.zeros((COUNT, 69))}, "smplh": poses}
    models = []
    for number, gone in enumerate([(), ("smplx",), ("smplx", "smpl")]):
        left = {name: value for name, value in three.items() if name not in gone}
        models.append(columns_of(tmp_path / str(number), left)["source_model"][0])
    assert models == ["smplx", "smpl", "smplh"]


def test_parameters_with_another_number_of_rows_are_missing(tmp_path: Path) -> None:
    values = changed("smplx", leye_pose=np.zeros((0, 3)), jaw_pose=np.ones((1, 3)))
    found = columns_of(tmp_path, values)
    assert not {"leye_pose", "jaw_pose"} & set(found)
    assert "body_pose" in found


def test_a_file_without_any_body_still_has_people(tmp_path: Path) -> None:
    found = columns_of(tmp_path, content(smplx={}))
    assert "global_orient" not in found
    assert not found["body_valid"].any()
    assert present(found["bbox"]).all()


def test_20_betas_and_100_expressions_keep_what_is_past_the_schema(tmp_path: Path) -> None:
    betas, expression = RNG.normal(0, 1, (COUNT, 20)), RNG.normal(0, 1, (COUNT, 100))
    found = columns_of(tmp_path, changed("smplx", betas=betas, expression=expression))
    np.testing.assert_array_equal(found["betas"], betas[:, :16])
    np.testing.assert_array_equal(np.stack(list(found["betas_more"])), betas[:, 16:])
    np.testing.assert_array_equal(np.stack(list(found["expression_more"])), expression[:, 10:])
    assert found["num_betas"].tolist() == [20] * COUNT


def test_neutral_betas_and_the_weight_of_a_child_have_columns_of_their_own(tmp_path: Path) -> None:
    kid = np.array([[0.0], [0.5], [0.0], [0.2]])
    neutral = RNG.normal(0, 1, (COUNT, 10))
    values = changed("smplx", betas_neutral=neutral, betas_extra=kid)
    found = columns_of(tmp_path, values, "agora")
    np.testing.assert_array_equal(found["kid"], kid[:, 0])
    np.testing.assert_array_equal(found["betas_neutral"], neutral)
    np.testing.assert_array_equal(found["betas"][:, :10], values["smplx"]["betas"])


@pytest.mark.parametrize(
    "value",
    [500.0, (500.0, 500.0), np.full((COUNT, 2), 500.0), [500.0] * COUNT, [(500.0, 500.0)] * COUNT],
)
@pytest.mark.parametrize("table", ["meta", "misc"])
def test_focal_lengths_of_any_shape_are_two_a_person(
    value: Any, table: str, tmp_path: Path
) -> None:
    values = changed("misc", focal_length=None)
    values[table] = values[table] | {"focal_length": value}
    found = columns_of(tmp_path, values)
    np.testing.assert_array_equal(found["focal"], np.full((COUNT, 2), 500.0))
    assert found["camera_valid"].all()


SLICED = ("image_path", "bbox_xywh", "keypoints2d")


def test_one_principal_point_for_a_file_of_two_people_is_a_point(tmp_path: Path) -> None:
    values = content(misc={"focal_length": 500.0})
    values = {n: v[:2] if n in SLICED else v for n, v in values.items()}
    values["smplx"] = {name: rows[:2] for name, rows in values["smplx"].items()}
    values["meta"] = {"height": [200] * 2, "width": [300] * 2, "princpt": (140.0, 90.0)}
    values["meta"]["focal_length"] = [400.0, 500.0]  # but these are two people's
    found = columns_of(tmp_path, values)
    assert found["principal_point"].tolist() == [[140.0, 90.0]] * 2
    assert found["focal"].tolist() == [[400.0, 400.0], [500.0, 500.0]]


def test_without_a_camera_focal_is_null_and_the_camera_invalid(tmp_path: Path) -> None:
    found = columns_of(tmp_path, content(misc={}))
    assert not present(found["focal"]).any()
    assert not found["camera_valid"].any()


def test_a_focal_length_alone_looks_through_the_centre_of_the_image(tmp_path: Path) -> None:
    found = columns_of(tmp_path, changed("misc", principal_point=None))
    assert found["principal_point"].tolist() == [[150.0, 100.0]] * COUNT
    assert not found["camera_valid"].any()


@pytest.mark.parametrize(
    ("meta", "misc"),
    [
        ({"height": [200] * COUNT, "width": [300] * COUNT}, {}),
        ({"image_height": [200] * COUNT, "image_width": [300] * COUNT}, {}),
        ({"height": [], "width": []}, {"image_shape": (200, 300)}),
        ({}, {}),
    ],
)
def test_the_size_of_an_image_is_looked_up_and_measured_last(
    meta: Content, misc: Content, tmp_path: Path
) -> None:
    from PIL import Image

    for name in ("a/000007.jpg", "b/000008.jpg"):
        (tmp_path / "img/bedlam" / name).parent.mkdir(parents=True)
        Image.new("RGB", (300, 200)).save(tmp_path / "img/bedlam" / name)
    images = read(write(tmp_path, content(meta=meta, misc=misc))).images
    assert images["height"].tolist() == [200, 200]
    assert images["width"].tolist() == [300, 300]
    assert images["image_path"].tolist() == [
        f"img/bedlam/{a}" for a in ("a/000007.jpg", "b/000008.jpg")
    ]


def test_a_size_that_nothing_tells_asks_for_the_images(tmp_path: Path) -> None:
    with pytest.raises(MissingFiles, match="how large its images are"):
        columns_of(tmp_path, content(meta={}))


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [("bedlam", ["neutral"] * 4), ("agora", ["male", "female", "neutral", "male"])],
)
def test_gender_is_that_of_the_model_only_where_models_are_gendered(
    dataset: str, expected: list[str], tmp_path: Path
) -> None:
    said = ["male", "F", "neutral", "m"]
    found = columns_of(tmp_path, changed("meta", gender=said), dataset)
    assert found["gender"].tolist() == expected
    assert found["subject_gender"].tolist() == ["male", "female", None, "male"]


@pytest.mark.parametrize(
    ("dataset", "said", "absolute"),
    [
        ("agora", None, False),
        ("agora", True, True),
        ("bedlam", None, True),
        ("bedlam", False, False),
    ],
)
def test_hands_are_absolute_as_the_file_says_and_else_the_card(
    dataset: str, said: bool | None, absolute: bool, tmp_path: Path
) -> None:
    values = changed("misc", flat_hand_mean=said)
    found = columns_of(tmp_path, values, dataset)
    model = BODIES.model("smplx", "neutral")
    for side in ("left", "right"):
        mean = np.zeros(45) if absolute else model.hand_mean(side)
        stored = values["smplx"][f"{side}_hand_pose"]
        np.testing.assert_allclose(found[f"{side}_hand_pose"], stored + mean)


def test_relative_hands_need_a_body_model(tmp_path: Path) -> None:
    write(tmp_path, changed("misc", flat_hand_mean=False))
    with pytest.raises(MissingBody, match="relative to the model's mean"):
        humandata.read(units(tmp_path)[0], None)


def test_parts_that_are_all_zero_are_invalid_in_their_row_alone(tmp_path: Path) -> None:
    values = content(misc={"flat_hand_mean": False})
    for row, name in enumerate(("left_hand_pose", "right_hand_pose", "body_pose")):
        values["smplx"][name][row] = 0
    found = columns_of(tmp_path, values)
    assert found["left_hand_valid"].tolist() == [False, True, True, True]
    assert found["right_hand_valid"].tolist() == [True, False, True, True]
    assert found["body_valid"].tolist() == [True, True, False, True]


def test_flags_of_hands_and_face_count(tmp_path: Path) -> None:
    flags = {"lefthand_valid": [1, 0, 1, 1], "face_valid": [True, True, False, True]}
    found = columns_of(tmp_path, changed("meta", **flags))
    assert found["left_hand_valid"].tolist() == [True, False, True, True]
    assert found["face_valid"].tolist() == [True, True, False, True]
    assert found["right_hand_valid"].all()


@pytest.mark.parametrize(
    "flag",
    [
        {"annot_valid": [True, False, True, True]},
        {"iscrowd": [0, 1, 0, 0]},
        {"num_keypoints": [17, 0, 3, 1]},
        {"valid_label": [2, 0, 1, 2]},
    ],
)
def test_people_whom_the_owners_skip_are_marked(flag: Content, tmp_path: Path) -> None:
    found = columns_of(tmp_path, changed("meta", **flag))
    assert found["owner_valid"].tolist() == [True, False, True, True]


def test_a_padded_box_of_60_by_120_is_50_by_100_about_the_same_centre(tmp_path: Path) -> None:
    found = columns_of(tmp_path, content())
    np.testing.assert_allclose(found["bbox"][0], [15, 30, 50, 100])
    scaled = columns_of(tmp_path / "s", changed("misc", bbox_body_scale=1.5))
    np.testing.assert_allclose(scaled["bbox"][0], [20, 40, 40, 80])


def test_boxes_of_four_numbers_count_and_those_without_confidence_do_not(tmp_path: Path) -> None:
    values = content()
    hand = values["bbox_xywh"].copy()
    hand[:, 4] = [1, 0, -1, 1]
    values |= {"bbox_xywh": values["bbox_xywh"][:, :4], "lhand_bbox_xywh": hand}
    found = columns_of(tmp_path, values)
    assert present(found["bbox"]).all()
    assert present(found["left_hand_bbox"]).tolist() == [True, False, False, True]
    np.testing.assert_allclose(found["left_hand_bbox"][0], [10, 20, 60, 120])  # not padded


def test_a_body_without_a_place_is_kept_and_its_camera_is_not_metric(tmp_path: Path) -> None:
    write(tmp_path, changed("smplx", transl=np.zeros((COUNT, 3))))
    kept, _, rejects = read_unit(units(tmp_path)[0], BODIES)
    assert (kept.num_rows, rejects.num_rows) == (COUNT, 0)
    assert kept["transl"].null_count == COUNT
    assert not any(kept["camera_valid"].to_pylist())


def test_ids_are_folder_number_and_person(tmp_path: Path) -> None:
    found = columns_of(tmp_path, content())["instance_id"].tolist()
    ids = [f"bedlam/train/{image}/{i}" for image in ("a/0/7", "b/0/8") for i in (0, 1)]
    assert found == ids
    tracked = changed("meta", track_id=[5, 9, 5, 5], cam_id=["x"] * 4)
    found = columns_of(tmp_path / "t", tracked)["instance_id"].tolist()
    keys = [("a/x/7", 5), ("a/x/7", 9), ("b/x/8", 0), ("b/x/8", 1)]  # 5 is there twice
    assert found == [f"bedlam/train/{image}/{person}" for image, person in keys]


def test_paths_of_any_spelling_name_the_same_images(tmp_path: Path) -> None:
    paths = ["/a/p_1_720.jpg", "a\\p_1_720.jpg", "a/p_2_720.jpg", "a/face.jpg"]
    instances = read(write(tmp_path, content(image_path=paths)))
    assert instances.images["image_path"].tolist() == [
        "a/p_1_720.jpg",
        "a/p_2_720.jpg",
        "a/face.jpg",
    ]
    assert instances.images["image_id"].tolist() == [
        "bedlam/train/a:p_1_720/0/720",  # 720 is no frame number
        "bedlam/train/a:p_2_720/0/720",
        "bedlam/train/a:face/0/0",
    ]


@pytest.mark.parametrize(
    ("dataset", "name", "split"),
    [
        ("bedlam", "bedlam_train.npz", "train"),
        ("bedlam", "bedlam_val_230908_100.npz", "validation"),
        ("agora", "agora_validation.npz", "validation"),
        ("arctic", "p1_validation.npz", "val"),
        ("ehf", "ehf_val_230908_100.npz", catalogue.card("ehf").splits[0]),
        ("bedlam", "retrained.npz", "train"),
        ("ubody", "ubody_test.npz", "test"),
    ],
)
def test_the_split_is_a_word_of_the_file_name(
    dataset: str, name: str, split: str, tmp_path: Path
) -> None:
    found = dict(read(write(tmp_path, content(), name), dataset).columns)
    assert set(found["split"]) == {split}


def test_in_a_folder_of_many_datasets_only_ones_own_files_are_read(tmp_path: Path) -> None:
    for name in ("bedlam_train.npz", "agora_train.npz", "EgoBody_Egocentric_test.npz"):
        write(tmp_path, content(), f"annot/{name}")
    assert [u.name for u in units(tmp_path, "agora")] == ["annot/agora_train.npz"]
    found = [u.name for u in units(tmp_path, "egobody_egocentric")]
    assert found == ["annot/EgoBody_Egocentric_test.npz"]
    with pytest.raises(InputError, match="holds no HumanData file of UBody"):
        units(tmp_path, "ubody")


def test_a_file_read_in_portions_gives_the_same_rows(tmp_path: Path) -> None:
    (unit,) = units(write(tmp_path, content()))
    whole = humandata.read(unit, BODIES).columns
    portions = [
        humandata.read(replace(unit, key={**unit.key, "rows": rows}), BODIES).columns
        for rows in ((0, 1), (1, 3), (3, 4))
    ]
    for name in whole:
        joined = np.ma.concatenate([portion[name] for portion in portions])
        np.testing.assert_array_equal(joined, whole[name], err_msg=name)


def test_files_of_more_than_50_000_people_are_units_of_50_000(tmp_path: Path) -> None:
    write(tmp_path, {"image_path": np.full(100_001, "a/1.jpg")})
    assert [(u.name, u.key["rows"]) for u in units(tmp_path)] == [
        ("annot/train.npz:0", (0, 50_000)),
        ("annot/train.npz:50000", (50_000, 100_000)),
        ("annot/train.npz:100000", (100_000, 100_001)),
    ]


def test_a_file_of_nobody_is_read(tmp_path: Path) -> None:
    kept, images, _ = read_unit(
        units(write(tmp_path, {"image_path": np.array([], str)}))[0], BODIES
    )
    assert (kept.num_rows, images.num_rows) == (0, 0)


@pytest.mark.parametrize("name", ["bbox_xywh", "keypoints2d"])
@pytest.mark.parametrize("suffix", ["npz", "pkl"])
def test_an_array_of_another_length_is_named_with_both(
    suffix: str, name: str, tmp_path: Path
) -> None:
    values = content()
    root = write(tmp_path, values | {name: values[name][:3]}, f"annot/train.{suffix}")
    with pytest.raises(InputError, match=rf"'{name}' has 3 rows, but 'image_path' has 4"):
        read(root)
