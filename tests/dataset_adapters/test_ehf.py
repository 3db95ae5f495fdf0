"""EHF: one camera, a mesh for a label, OpenPose's detections, stills counted 1 to 100."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.ehf import adapter, sample
from ehpsbench.dataset_adapters.ehf.camera import read_camera
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.meshes import read_mesh, write_ply
from ehpsbench.schema import Instances, present
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
# of the owners' evaluators, worked out from the rotation vector
ROTATION = [
    [0.999245, -0.004880, 0.038552],
    [-0.010720, -0.988204, 0.152766],
    [0.037351, -0.153063, -0.987510],
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ehf") / "EHF"
    sample.write(Order(root, BODIES, WorldSettings(), seed=3, people=8, images="none"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "EHF"))


def read(root: Path) -> Instances:
    (unit,) = adapter.units(open_release(root, catalogue.card("ehf")))
    return adapter.read(unit, BODIES)


def row_of(columns: dict[str, NDArray[Any]], still: int) -> int:
    return int(np.flatnonzero(columns["frame"] == still)[0])


def test_the_camera_is_the_published_one_to_6_digits(root: Path) -> None:
    camera = read_camera(root / "EHF_camera.txt")
    np.testing.assert_allclose(camera.rotation, ROTATION, atol=1e-6)
    np.testing.assert_allclose(camera.translation, [-0.03609917, 0.43416458, 2.37101226])
    np.testing.assert_allclose(camera.focal, 1498.22426237)
    np.testing.assert_allclose(camera.principal_point, [790.263706, 578.90334])


@pytest.mark.parametrize(
    "text",
    [
        "# Focal length (px)\n[1498.22426237, 1498.22426237]\n"
        "Principal Point\n[790.263706 578.90334]\nTranslation :\n"
        "-0.03609917 0.43416458 2.37101226\nRotation vector (3x1) =\n"
        "[-2.98747896e+00 1.172457e-02 -5.704687e-02]",
        "FOCAL LENGTH 1498.22426237\nprincipal point 790.263706, 578.90334\n"
        "translation -0.03609917, 0.43416458, 2.37101226\nrotation (3x3)\n"
        "0.9992446 -0.0048801 0.0385524\n-0.0107199 -0.9882044 0.1527656\n"
        "0.0373508 -0.1530635 -0.9875104",
    ],
)
def test_the_wording_of_the_camera_file_and_the_form_of_its_rotation_do_not_matter(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "EHF_camera.txt").write_text(text)
    camera = read_camera(tmp_path / "EHF_camera.txt")
    np.testing.assert_allclose(camera.rotation, ROTATION, atol=1e-5)
    np.testing.assert_allclose(camera.focal, [1498.22426237] * 2)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (("2.37101226", "2371.01226"), "translation"),
        (("0.01172457", "0.11172457"), "rotation"),
        (("Principal Point", "Centre"), "focal"),
        (("1498.22426237", ""), "focal .* found nothing"),
    ],
)
def test_a_camera_file_with_another_figure_is_refused_by_name(
    root: Path, change: tuple[str, str], found: str
) -> None:
    path = root / "EHF_camera.txt"
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(InputError, match=f"expected {found}"):
        read_camera(path)


def test_stills_are_in_the_order_1_2_99_100_and_one_recording_is_one_cluster(root: Path) -> None:
    frames = read(root).columns["frame"].tolist()
    assert frames == sorted(frames)
    assert {2, 99, 100} <= set(frames)
    assert set(read(root).images["cluster"]) == {"ehf/EHF"}


def test_a_still_without_a_mesh_is_an_image_with_nobody(root: Path) -> None:
    images, people = read(root).images["frame"], read(root).columns["frame"]
    assert set(images) - set(people) == set()  # images="none" leaves no trace of it
    (root / "07_img.jpg").touch()
    assert set(read(root).images["frame"]) - set(read(root).columns["frame"]) == {7}


def test_the_png_is_taken_only_where_there_is_no_jpg(root: Path) -> None:
    for name in ("01_img.jpg", "01_img.png", "02_img.png"):
        (root / name).touch()
    paths = read(root).images["image_path"]
    assert paths[:3].tolist() == ["01_img.jpg", "02_img.png", "03_img.jpg"]


def test_the_label_is_the_mesh_moved_by_rotation_and_translation(root: Path) -> None:
    columns = dict(read(root).columns)
    assert not {"global_orient", "body_pose", "betas", "num_betas", "transl"} & set(columns)
    row = row_of(columns, 1)
    mesh = read_mesh(root / "01_align.ply").vertices
    moved = mesh @ np.transpose(ROTATION) + [-0.03609917, 0.43416458, 2.37101226]
    wrist = BODIES.model("smplx").joint_regressor[20] @ moved
    joints, has = posed_joints(columns, BODIES, root)
    assert has[row].all()
    np.testing.assert_allclose(joints[row, 20], wrist, atol=1e-5)


def test_a_mesh_with_another_vertex_count_is_refused_with_both_counts(root: Path) -> None:
    write_ply(root / "01_align.ply", np.zeros((10475, 3)), np.zeros((1, 3)))
    with pytest.raises(InputError, match=r"01_align\.ply has 10475 vertices.*1504"):
        read(root)


def test_openpose_points_go_to_their_names(root: Path) -> None:
    path = root / "01_2Djnt.json"
    found = json.loads(path.read_text())
    person = found["people"][0]
    person["pose_keypoints_2d"] = [k for i in range(25) for k in (i, 100 + i, 0.5)]
    person["hand_left_keypoints_2d"] = [k for i in range(21) for k in (200 + i, 0, 0.5)]
    person["face_keypoints_2d"] = [k for i in range(70) for k in (300 + i, 0, 0.5)]
    path.write_text(json.dumps(found))
    columns = read(root).columns
    row = row_of(dict(columns), 1)
    main = np.ma.getdata(columns["keypoints2d"])[row].reshape(144, 3)
    extra = np.ma.getdata(columns["keypoints2d_extra"])[row].reshape(46, 3)
    assert extra[9:34, 0].tolist() == list(range(25))  # names 153-177 are OpenPose's body
    assert main[[20, 37, 66, 25, 31, 70], 0].tolist() == [200, 201, 204, 205, 217, 220]
    assert main[[76, 126, 127, 143], 0].tolist() == [317, 367, 300, 316]  # brow, lip, contour
    assert main[[24, 23], 0].tolist() == [368, 369]  # right pupil, then the left one


def test_a_missing_file_or_nobody_detected_is_null_not_zero(root: Path) -> None:
    (root / "01_2Djnt.json").unlink()
    (root / "05_2Djnt.json").write_text('{"version": 1.0, "people": []}')
    columns = dict(read(root).columns)
    here = present(columns["keypoints2d"])
    assert not here[row_of(columns, 1)]
    assert not here[row_of(columns, 5)]
    assert here[row_of(columns, 6)]


def test_a_truncated_mesh_is_refused_by_name(root: Path) -> None:
    path = root / "02_align.ply"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match=re.escape("02_align.ply")):
        read(root)


def test_ehf_has_no_training_split(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only the split 'test'"):
        sample.write(Order(tmp_path, BODIES, WorldSettings(), seed=0, people=1, split="train"))
