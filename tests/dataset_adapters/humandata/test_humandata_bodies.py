"""HumanData's bodies: poses and shapes of every kind, hands, pieces that are missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.dataset_adapters.readers import humandata
from ehpsbench.errors import InputError, MissingBody
from ehpsbench.schema import present
from ehpsbench.staging import read_unit

Make = Callable[..., Any]
COUNT = 4
RNG = np.random.default_rng(8)


@pytest.mark.parametrize("shape", [(21, 3), (63,), (1, 63), (23, 3)])
def test_body_poses_of_any_shape_are_21_joints(
    shape: tuple[int, ...], changed: Make, columns_of: Make, tmp_path: Path
) -> None:
    pose = RNG.normal(0, 0.1, (COUNT, *shape))
    found = columns_of(tmp_path, changed("smplx", body_pose=pose))["body_pose"]
    np.testing.assert_array_equal(found, pose.reshape(COUNT, -1)[:, :63])


def test_a_pose_of_another_width_is_an_error_that_names_it(
    changed: Make, columns_of: Make, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"left_hand_pose.*has 12 numbers.*expected 45"):
        columns_of(tmp_path, changed("smplx", left_hand_pose=np.zeros((COUNT, 12))))


@pytest.mark.parametrize("shape", [(23, 3), (69,)])
def test_smpl_fills_21_joints_and_two_hand_joints(
    shape: tuple[int, ...], content: Make, columns_of: Make, tmp_path: Path
) -> None:
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


def test_smplx_goes_before_smpl_and_smpl_before_smplh(
    content: Make, columns_of: Make, tmp_path: Path
) -> None:
    values = content()
    poses = {n: values["smplx"][n] for n in ("global_orient", "body_pose", "transl")}
    three = values | {"smpl": poses | {"body_pose": np.zeros((COUNT, 69))}, "smplh": poses}
    models = []
    for number, gone in enumerate([(), ("smplx",), ("smplx", "smpl")]):
        left = {name: value for name, value in three.items() if name not in gone}
        models.append(columns_of(tmp_path / str(number), left)["source_model"][0])
    assert models == ["smplx", "smpl", "smplh"]


def test_parameters_with_another_number_of_rows_are_missing(
    changed: Make, columns_of: Make, tmp_path: Path
) -> None:
    values = changed("smplx", leye_pose=np.zeros((0, 3)), jaw_pose=np.ones((1, 3)))
    found = columns_of(tmp_path, values)
    assert not {"leye_pose", "jaw_pose"} & set(found)
    assert "body_pose" in found


def test_a_file_without_any_body_still_has_people(
    content: Make, columns_of: Make, tmp_path: Path
) -> None:
    found = columns_of(tmp_path, content(smplx={}))
    assert "global_orient" not in found
    assert not found["body_valid"].any()
    assert present(found["bbox"]).all()


def test_20_betas_and_100_expressions_keep_what_is_past_the_schema(
    changed: Make, columns_of: Make, tmp_path: Path
) -> None:
    betas, expression = RNG.normal(0, 1, (COUNT, 20)), RNG.normal(0, 1, (COUNT, 100))
    found = columns_of(tmp_path, changed("smplx", betas=betas, expression=expression))
    np.testing.assert_array_equal(found["betas"], betas[:, :16])
    np.testing.assert_array_equal(np.stack(list(found["betas_more"])), betas[:, 16:])
    np.testing.assert_array_equal(np.stack(list(found["expression_more"])), expression[:, 10:])
    assert found["num_betas"].tolist() == [20] * COUNT


def test_neutral_betas_and_the_weight_of_a_child_have_columns_of_their_own(
    changed: Make, columns_of: Make, tmp_path: Path
) -> None:
    kid = np.array([[0.0], [0.5], [0.0], [0.2]])
    neutral = RNG.normal(0, 1, (COUNT, 10))
    values = changed("smplx", betas_neutral=neutral, betas_extra=kid)
    found = columns_of(tmp_path, values, "agora")
    np.testing.assert_array_equal(found["kid"], kid[:, 0])
    np.testing.assert_array_equal(found["betas_neutral"], neutral)
    np.testing.assert_array_equal(found["betas"][:, :10], values["smplx"]["betas"])


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [("bedlam", ["neutral"] * 4), ("agora", ["male", "female", "neutral", "male"])],
)
def test_gender_is_that_of_the_model_only_where_models_are_gendered(
    dataset: str, expected: list[str], changed: Make, columns_of: Make, tmp_path: Path
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
    dataset: str,
    said: bool | None,
    absolute: bool,
    changed: Make,
    columns_of: Make,
    bodies: BodySet,
    tmp_path: Path,
) -> None:
    values = changed("misc", flat_hand_mean=said)
    found = columns_of(tmp_path, values, dataset)
    model = bodies.model("smplx", "neutral")
    for side in ("left", "right"):
        mean = np.zeros(45) if absolute else model.hand_mean(side)
        stored = values["smplx"][f"{side}_hand_pose"]
        np.testing.assert_allclose(found[f"{side}_hand_pose"], stored + mean)


def test_relative_hands_need_a_body_model(
    write: Make, changed: Make, units: Make, tmp_path: Path
) -> None:
    write(tmp_path, changed("misc", flat_hand_mean=False))
    with pytest.raises(MissingBody, match="relative to the model's mean"):
        humandata.read(units(tmp_path)[0], None)


def test_parts_that_are_all_zero_are_invalid_in_their_row_alone(
    content: Make, columns_of: Make, tmp_path: Path
) -> None:
    values = content(misc={"flat_hand_mean": False})
    for row, name in enumerate(("left_hand_pose", "right_hand_pose", "body_pose")):
        values["smplx"][name][row] = 0
    found = columns_of(tmp_path, values)
    assert found["left_hand_valid"].tolist() == [False, True, True, True]
    assert found["right_hand_valid"].tolist() == [True, False, True, True]
    assert found["body_valid"].tolist() == [True, True, False, True]


def test_a_body_without_a_place_is_kept_and_its_camera_is_not_metric(
    write: Make, changed: Make, units: Make, bodies: BodySet, tmp_path: Path
) -> None:
    write(tmp_path, changed("smplx", transl=np.zeros((COUNT, 3))))
    kept, _, rejects = read_unit(units(tmp_path)[0], bodies)
    assert (kept.num_rows, rejects.num_rows) == (COUNT, 0)
    assert kept["transl"].null_count == COUNT
    assert not any(kept["camera_valid"].to_pylist())
