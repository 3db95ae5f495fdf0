"""Human3.6M: world fits and millimetres by their formulas, views, frames without a fit, SMPL."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.human36m import adapter, sample
from ehpsbench.dataset_adapters.release import Release, Unit, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.geometry import rotation_matrix
from ehpsbench.schema import present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture
def release(tmp_path: Path) -> Release:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 24, "none"))
    return open_release(tmp_path, catalogue.card("human36m"))


def unit(release: Release, name: str) -> Unit:
    return next(u for u in adapter.units(release) if u.name == name)


def table(release: Release, subject: int, kind: str) -> Any:
    path = release.root / f"annotations/Human36M_subject{subject}_{kind}.json"
    return json.loads(path.read_text())


def test_a_fit_of_the_world_turns_about_its_pelvis_into_each_camera(release: Release) -> None:
    """R' = R·exp(root), T' = R(J0 + trans) + t/1000 − J0."""
    columns = adapter.read(unit(release, "S9"), BODIES).columns
    fits, cameras = table(release, 9, "SMPLX_NeuralAnnot"), table(release, 9, "camera")
    for row, camera in enumerate(columns["camera"]):
        fit = fits["5"]["1"][str(columns["frame"][row])]
        turn, shift = np.array(cameras[camera]["R"]), np.array(cameras[camera]["t"]) / 1000
        rest = BODIES.model("smplx", "neutral").rest_joints(np.array([fit["shape"]]))[0, 0]
        stored = rotation_matrix(columns["global_orient"][row])
        assert np.allclose(stored, turn @ rotation_matrix(fit["root_pose"]), atol=1e-9)
        expected = turn @ (rest + fit["trans"]) + shift - rest
        assert np.allclose(columns["transl"][row], expected, atol=1e-9)


def test_joints_are_metres_in_the_camera_and_where_its_lens_sees_them(release: Release) -> None:
    columns = adapter.read(unit(release, "S9"), BODIES).columns
    joints, cameras = table(release, 9, "joint_3d"), table(release, 9, "camera")
    solid = columns["keypoints3d"].reshape(-1, 144, 4)
    flat = columns["keypoints2d"].reshape(-1, 144, 3)
    knee = INDEX["left_knee"]
    seen = 0
    for row, camera in enumerate(columns["camera"]):
        view = cameras[camera]
        world = np.array(joints["5"]["1"][str(columns["frame"][row])][5])  # L_Knee
        place = (np.array(view["R"]) @ world + view["t"]) / 1000
        assert np.allclose(solid[row, knee], [*place, 1], atol=1e-9)
        if flat[row, knee, 2]:
            pixel = view["f"] * place[:2] / place[2] + view["c"]
            assert np.allclose(flat[row, knee, :2], pixel, atol=1e-6)
            seen += 1
    assert seen


def test_all_views_of_an_action_are_one_cluster_and_ids_tell_camera_and_frame(
    release: Release,
) -> None:
    found = adapter.read(unit(release, "S9"), BODIES)
    assert {*found.columns["cluster"]} == {"human36m/S9:act_05_subact_01"}
    assert {*found.columns["camera"]} == {"1", "2", "3", "4"}
    assert {*found.columns["split"]} == {"test"}
    first = found.images["image_path"][1]  # file numbers are one ahead of frames
    assert first.endswith(f"_ca_01_{found.images['frame'][1] + 1:06d}.jpg")
    assert np.allclose(found.images["timestamp"], found.images["frame"] / 50)


def test_a_frame_without_a_fit_keeps_its_joints_in_every_view(release: Release) -> None:
    columns = adapter.read(unit(release, "S5"), BODIES).columns
    bare = columns["frame"] == sample.BARE[1]
    assert bare.sum() == 4
    assert (present(columns["transl"]) == ~bare).all()
    assert (columns["body_valid"] == ~bare).all()
    assert present(columns["keypoints3d"]).all()
    assert columns["camera_valid"][~bare].all()


def test_people_of_smpl_are_those_of_the_world(
    recovered: Callable[..., tuple[dict[str, np.ndarray], float]],
) -> None:
    columns, worst = recovered("human36m", source="smpl")
    assert worst < 1e-4  # m
    assert {*columns["source_model"]} - {None} == {"smpl"}
    assert not columns["shape_valid"].any()


def test_smplx_is_read_where_both_families_are_there(release: Release) -> None:
    for path in release.find("annotations/*_SMPLX_NeuralAnnot.json"):
        path.with_name(path.name.replace("SMPLX", "SMPL")).write_text("{}")
    assert unit(release, "S9").key["fits"] == "Human36M_subject9_SMPLX_NeuralAnnot.json"


def test_a_subject_without_its_cameras_is_refused(release: Release) -> None:
    (release.root / "annotations/Human36M_subject9_camera.json").unlink()
    with pytest.raises(MissingFiles, match=r"subject9_camera\.json is not there"):
        adapter.read(unit(release, "S9"), BODIES)


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        ("camera", {"1": {}}, r"no camera for \[2\]|StopIteration"),
        ("camera", [], "is no table by cam_idx"),
        ("joint_3d", {"5": {"1": {"0": [[1, 2, 3]]}}}, r"17 × 3 \[mm\]"),
        ("SMPLX_NeuralAnnot", {"5": {"1": {"0": {"root_pose": [0, 0, 0]}}}}, "body_pose"),
    ],
)
def test_a_broken_table_is_named(release: Release, kind: str, content: Any, words: str) -> None:
    path = release.root / f"annotations/Human36M_subject9_{kind}.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"subject9_{kind}\.json.*({words})"):
        adapter.read(unit(release, "S9"), BODIES)
