"""MPI-INF-3DHP: each source, cameras and joints by their formulas, SPIN's place, the test set."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.mpi_inf_3dhp import adapter, recordings, sample
from ehpsbench.dataset_adapters.mpi_inf_3dhp.calibration import read_calibration
from ehpsbench.dataset_adapters.readers.hdf5 import hdf5
from ehpsbench.dataset_adapters.readers.matlab import load_mat
from ehpsbench.dataset_adapters.readers.mpi_inf import MPI_INF_17, MPI_INF_24, MPI_INF_24_OF_28
from ehpsbench.dataset_adapters.release import Release, Unit, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.schema import present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
TENTH = 1e-4  # m
OWNERS_28 = (
    "spine3 spine4 spine2 spine pelvis neck head head_top left_clavicle left_shoulder left_elbow "
    "left_wrist left_hand right_clavicle right_shoulder right_elbow right_wrist right_hand "
    "left_hip left_knee left_ankle left_foot left_toe right_hip right_knee right_ankle right_foot "
    "right_toe"
).split()
Recovered = Callable[..., tuple[dict[str, np.ndarray], float]]


def _release(tmp_path: Path, source: str) -> Release:
    order = Order(tmp_path / "3dhp", BODIES, WorldSettings(), 4, 6, "none")
    sample.write(order, source)
    return open_release(tmp_path / "3dhp", catalogue.card("mpi_inf_3dhp"))


def _unit(release: Release, name: str) -> Unit:
    return next(unit for unit in adapter.units(release) if unit.name == name)


@pytest.mark.parametrize(
    ("source", "labels"),
    [("neuralannot smpl", "neuralannot"), ("spin", "spin"), ("recordings", None)],
)
def test_people_of_every_source_are_those_of_the_world(
    recovered: Recovered, source: str, labels: str | None
) -> None:
    columns, worst = recovered("mpi_inf_3dhp", source=source)
    assert worst < TENTH
    found = np.ma.filled(columns["labels"], None) if "labels" in columns else np.array([None])
    assert {*found.tolist()} - {None} == {labels} - {None}
    assert {*columns["split"]} == {"train", "test"}


def test_a_fit_turns_about_its_pelvis_into_each_camera(tmp_path: Path) -> None:
    release = _release(tmp_path, "neuralannot")
    columns = adapter.read(_unit(release, "train"), BODIES).columns
    fits, cameras = (
        json.loads((release.root / f"data/MPI-INF-3DHP_{kind}.json").read_text())
        for kind in ("SMPLX_NeuralAnnot", "camera_1k")
    )
    row = len(columns["frame"]) - 1  # the last camera of S2/Seq2
    fit, camera = fits["2"]["2"][str(columns["frame"][row])], cameras["2"]["2"]["8"]
    pelvis = BODIES.model("smplx", "neutral").rest_joints(np.array([fit["shape"]]))[0, 0]
    turn, shift = np.array(camera["R"]), np.array(camera["t"]) / 1000  # mm
    expected = turn @ (np.array(fit["trans"]) + pelvis) + shift - pelvis
    assert np.allclose(columns["transl"][row], expected, atol=1e-6)
    assert columns["focal"][row].tolist() == camera["focal"]
    assert columns["image_path"][row].endswith(f"S2/Seq2/imageSequence/img_S2_Seq2_V8_{3:06d}.jpg")


def test_joints_of_the_parsed_set_are_world_millimetres_seen_by_each_camera(
    tmp_path: Path,
) -> None:
    release = _release(tmp_path, "neuralannot")
    columns = adapter.read(_unit(release, "train"), BODIES).columns
    joints, cameras = (
        json.loads((release.root / f"data/MPI-INF-3DHP_{kind}.json").read_text())
        for kind in ("joint_3d", "camera_1k")
    )
    world, camera = np.array(joints["2"]["2"]["0"]), cameras["2"]["2"]["4"]
    row = columns["instance_id"].tolist().index("mpi_inf_3dhp/train/S2:Seq2/4/0/S2")
    seen = (world @ np.array(camera["R"]).T + camera["t"]) / 1000
    elbow = INDEX["left_elbow"]  # the seventh of the owners' 17
    assert MPI_INF_17[6] == elbow
    assert np.allclose(columns["keypoints3d"][row].reshape(-1, 4)[elbow], [*seen[6], 1], atol=1e-6)
    pixel = camera["focal"] * seen[6, :2] / seen[6, 2] + camera["princpt"]
    assert np.allclose(columns["keypoints2d"][row].reshape(-1, 3)[elbow, :2], pixel, atol=1e-3)


def test_a_frame_without_a_fit_keeps_its_joints(tmp_path: Path) -> None:
    release = _release(tmp_path, "neuralannot")
    columns = adapter.read(_unit(release, "train"), BODIES).columns
    bare = (columns["sequence"] == "S2/Seq2") & (columns["frame"] == 0)
    assert bare.sum() == 3
    assert present(columns["transl"]).tolist() == (~bare).tolist()
    assert present(columns["keypoints3d"]).all()


def test_24_of_the_28_joints_have_a_place_and_it_is_theirs() -> None:
    names = [next(n for n, i in INDEX.items() if i == place) for place in MPI_INF_24]
    owners = [OWNERS_28[place] for place in MPI_INF_24_OF_28]
    assert [n for n in OWNERS_28 if n not in owners] == [
        "spine3",
        "spine2",
        "left_foot",
        "right_foot",
    ]
    for ours, theirs in zip(names, owners, strict=True):
        known = {"spine4": "spine_4_3dhp", "head_top": "headtop"}
        assert ours in (known.get(theirs), theirs, f"{theirs}_extra", f"{theirs}_3dhp")


def test_annot3_is_read_in_metres_and_projects_with_the_calibration_onto_annot2(
    tmp_path: Path,
) -> None:
    release = _release(tmp_path, "recordings")
    unit = _unit(release, "S2/Seq2")
    columns = adapter.read(unit, BODIES).columns
    mat = load_mat(unit.files[0], "annot2", "annot3")
    values = unit.files[1].read_text().splitlines()[7 * 4 + 5].split()[1:]  # camera 4
    lens = np.array(values, float).reshape(4, 4)
    wrist = mat["annot3"][4, 0][1].reshape(28, 3)[OWNERS_28.index("right_wrist")]
    pixel = (lens[:3, :3] @ wrist)[:2] / wrist[2]
    labelled = mat["annot2"][4, 0][1].reshape(28, 2)[OWNERS_28.index("right_wrist")]
    assert np.allclose(pixel, labelled, atol=1e-6)
    row = columns["instance_id"].tolist().index("mpi_inf_3dhp/train/S2:Seq2/4/1/S2")
    stored = columns["keypoints3d"][row].reshape(-1, 4)[INDEX["right_wrist"]]
    assert np.allclose(stored, [*wrist / 1000, 1])
    assert columns["image_path"][row] == "S2/Seq2/imageFrames/video_4/frame_000002.jpg"


def test_spins_fits_stand_where_their_limbs_are_and_wrong_names_do_not_count(
    tmp_path: Path,
) -> None:
    release = _release(tmp_path, "spin")
    columns = adapter.read(_unit(release, "S2/Seq2"), BODIES).columns
    first = columns["frame"] == 0  # missing, has_smpl 0, labels of the next frame
    assert columns["body_valid"].tolist() == (~first).tolist()
    assert present(columns["keypoints2d"]).all()
    joints, _ = posed_joints(columns, BODIES)
    limbs = [INDEX[f"{side}_{j}"] for side in ("left", "right") for j in ("elbow", "ankle")]
    labels = columns["keypoints3d"].reshape(len(joints), -1, 4)[:, limbs, :3]
    assert np.allclose(joints[~first][:, limbs], labels[~first], atol=TENTH)


def test_spins_file_is_read_once_for_all_recordings(tmp_path: Path) -> None:
    release = _release(tmp_path, "spin")
    first = _unit(release, "S1/Seq1")
    adapter.read(first, BODIES)
    found = first.files[2].stat()
    first.files[2].write_bytes(bytes(found.st_size))
    os.utime(first.files[2], ns=(found.st_atime_ns, found.st_mtime_ns))
    assert adapter.read(_unit(release, "S2/Seq2"), BODIES).columns["body_valid"].any()


def test_rows_end_where_a_video_does_and_cameras_are_those_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = _release(tmp_path, "recordings")
    unit = _unit(release, "S1/Seq1")
    assert {*adapter.read(unit, BODIES).columns["camera"]} == {"0", "4", "8"}
    for video in unit.files[0].parent.glob("imageSequence/*.avi"):
        video.unlink()
    cameras = adapter.read(unit, BODIES).columns["camera"]
    assert [*dict.fromkeys(cameras)] == ["0", "1", "2", "4", "5", "6", "7", "8"]
    folder = unit.files[0].parent / "video_8"
    folder.mkdir()
    (folder / "000001.jpg").write_bytes(b"")
    columns = adapter.read(unit, BODIES).columns
    assert {*columns["camera"]} == {"8"}
    assert columns["image_path"][0] == "S1/Seq1/video_8/000001.jpg"
    monkeypatch.setitem(recordings.SHORT, ("S1/Seq1", 8), 1)
    assert adapter.read(unit, BODIES).columns["frame"].tolist() == [0]


def test_the_outdoor_test_camera_is_distorted_as_opencv_does(tmp_path: Path) -> None:
    release = _release(tmp_path, "recordings")
    unit = _unit(release, "TS5")
    columns = adapter.read(unit, BODIES).columns
    with hdf5().File(unit.files[0]) as content:
        x, y, z = content["annot3"][0, 0, 9] / 1000  # right knee
        labelled = content["annot2"][0, 0, 9]
    k1, k2, p1, p2, k3 = -0.276859611, 0.131125256, -0.000360494, -0.001149441, -0.049318332
    a, b = x / z, y / z
    r = a * a + b * b
    radial = 1 + k1 * r + k2 * r**2 + k3 * r**3
    u = a * radial + 2 * p1 * a * b + p2 * (r + 2 * a * a)
    v = b * radial + p1 * (r + 2 * b * b) + 2 * p2 * a * b
    assert np.allclose(labelled, [1683.98 * u + 939.86, 1672.59 * v + 556.35], atol=1e-6)
    assert columns["distortion"][0].tolist() == [k1, k2, p1, p2, k3, 0, 0, 0]
    assert (columns["width"][0], columns["height"][0]) == (1920, 1080)
    assert columns["owner_valid"].tolist() == [False, *[True] * (len(columns["frame"]) - 1)]


@pytest.mark.parametrize(("sequence", "height"), [("TS1", 1043.03), ("TS5", 560.14)])
def test_the_labels_tell_at_what_height_a_test_cameras_centre_is(
    tmp_path: Path, sequence: str, height: float
) -> None:
    release = _release(tmp_path, "recordings")
    unit = _unit(release, sequence)
    before = adapter.read(unit, BODIES).columns["principal_point"]
    with hdf5().File(unit.files[0], "r+") as content:
        content["annot2"][..., 1] += height - before[0, 1]
    after = adapter.read(unit, BODIES).columns["principal_point"]
    assert before[0].tolist() in ([1017.39, 1043.49], [939.86, 556.35])
    assert after.tolist() == [[before[0, 0], height]] * len(after)


def test_broken_files_are_named(tmp_path: Path) -> None:
    release = _release(tmp_path, "spin")
    unit = _unit(release, "S1/Seq1")
    text = unit.files[1].read_text()
    unit.files[1].write_text(text.replace("intrinsic   1", "intrinsic   one 1"))
    with pytest.raises(InputError, match=r"camera\.calibration"):
        adapter.read(unit, BODIES)
    unit.files[1].write_text("\n".join(text.splitlines()[:8]))
    with pytest.raises(InputError, match="has 1 cameras, expected 9"):
        read_calibration(unit.files[1], 9)
    unit.files[1].unlink()
    with pytest.raises(MissingFiles, match=r"camera\.calibration"):
        adapter.read(unit, BODIES)
    unit.files[1].write_text(text)
    np.savez(unit.files[2], imgname=np.array(["S1/Seq1/imageFrames/video_0/frame_000001.jpg"]))
    with pytest.raises(InputError, match=r"mpi_inf_3dhp_train\.npz"):
        adapter.read(unit, BODIES)
