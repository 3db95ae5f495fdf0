"""DNA-Rendering: cameras to world, five numbers of a lens, rows that lack, 131 of 190 joints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.dna_rendering import adapter, sample
from ehpsbench.dataset_adapters.dna_rendering_hires import adapter as hires
from ehpsbench.dataset_adapters.readers.smc import LABELLED
from ehpsbench.dataset_adapters.readers.smc_frames import write_frames
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.schema import Instances
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
LABELS, MAIN = "annotations/0013_01_annots.smc", "main/0013_01.smc"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 8, "flat", scale=0.2))
    return tmp_path


def read(root: Path, module: Any = adapter) -> Instances:
    release = open_release(root, catalogue.card(module.__name__.split(".")[-2]))
    return module.read(next(module.units(release)), BODIES)


def replaced(path: Path, name: str, values: Any, other: str | None = None) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
        file[other or name] = values


def value(path: Path, name: str) -> Any:
    with h5py.File(path, "r") as file:
        return np.asarray(file[name])


def test_rt_is_where_the_camera_stands_in_the_world(root: Path) -> None:
    chain = value(root / LABELS, "Camera_Parameter/11/RT")
    columns = read(root).columns
    row = columns["camera"].tolist().index("11")
    turn = columns["world_rotation"][row].reshape(3, 3)
    eye = turn @ chain[:3, 3] + columns["world_translation"][row]
    ahead = turn @ (chain @ [0, 0, 2, 1])[:3] + columns["world_translation"][row]
    assert [*eye, *ahead] == pytest.approx([0, 0, 0, 0, 0, 2], abs=1e-9)


def test_d_is_opencvs_k1_k2_p1_p2_k3(root: Path) -> None:
    stored = value(root / LABELS, "Camera_Parameter/00/D")
    assert read(root).columns["distortion"][0] == pytest.approx([*stored, 0, 0, 0])


def test_each_set_has_its_cameras_and_their_size(root: Path) -> None:
    size = (round(2448 * 0.05), round(2048 * 0.05))
    low, high = read(root).images, read(root, hires).images
    assert set(low["camera"]) == {"00", "11"}
    assert set(high["camera"]) == {"48", "59"}
    assert (low["width"][0], low["height"][0]) == size
    assert (high["width"][0], high["height"][0]) == tuple(round(side * 1.5) for side in size)


def test_a_sequence_without_pictures_of_a_group_has_nobody_there(root: Path) -> None:
    with h5py.File(root / MAIN, "r+") as file:
        del file["Camera_12mp"]
    assert set(read(root).images["camera"]) == {"00", "11"}
    found = read(root, hires)
    assert len(found.images["image_id"]) == len(found) == 0


def test_the_principal_point_tells_which_side_is_the_width(root: Path) -> None:
    before = read(root).images["width"]
    with h5py.File(root / MAIN, "r+") as file:
        pair = file["Camera_5mp"].attrs["resolution"]
        file["Camera_5mp"].attrs["resolution"] = pair[::-1]
    assert read(root).images["width"].tolist() == before.tolist()


def test_one_row_of_betas_is_for_all_frames(root: Path) -> None:
    betas = value(root / LABELS, "SMPLx/betas")
    replaced(root / LABELS, "SMPLx/betas", betas[-1:])
    columns = read(root).columns
    assert columns["betas"][:, :10] == pytest.approx(
        np.repeat(betas[-1:], len(columns["betas"]), 0)
    )


def test_expressions_of_some_frames_only_are_left_out(root: Path) -> None:
    replaced(root / LABELS, "SMPLx/expression", np.ones((2, 10)))
    columns = read(root).columns
    assert "expression" not in columns
    assert not columns["face_valid"].any()
    assert columns["body_valid"].all()


def test_a_fingers_joint_and_a_toe_are_found_among_the_131(root: Path) -> None:
    # HumanData 1-2, 4-5, 7-8, 16-21 are twelve, so joint 25 is the thirteenth of the file
    stored = value(root / LABELS, "Keypoints_2D/00")[0]
    points = read(root).columns["keypoints2d"][0].reshape(144, 3)
    assert points[25] == pytest.approx(stored[12])
    assert points[INDEX["left_bigtoe"]] == pytest.approx(stored[12 + 60 - 25])
    assert points[INDEX["pelvis"], 2] == 0


def test_2d_joints_of_undistorted_pictures_are_bent_as_the_stored_ones_are(root: Path) -> None:
    for camera in ("00", "11"):
        matrix, chain = (
            value(root / LABELS, f"Camera_Parameter/{camera}/{n}") for n in ("K", "RT")
        )
        world = value(root / LABELS, "Keypoints_3D/keypoints3d")
        ahead = np.concatenate([world, np.ones((*world.shape[:2], 1))], -1) @ np.linalg.inv(chain).T
        straight = ahead[..., :2] / ahead[..., 2:3] * matrix[0, 0] * 4 + matrix[:2, 2] * 4
        lens = matrix.copy()
        lens[:2] *= 4  # of full size, so that the lens bends by pixels
        replaced(root / LABELS, f"Camera_Parameter/{camera}/K", lens)
        points = np.concatenate([straight, world.any(-1)[..., None]], -1)[:, list(LABELLED)]
        replaced(root / LABELS, f"Keypoints_2D/{camera}", points)
    columns = read(root).columns
    k1, k2, p1, p2, k3 = value(root / LABELS, "Camera_Parameter/00/D")
    stored = columns["keypoints2d"][0].reshape(144, 3)
    lens = value(root / LABELS, "Camera_Parameter/00/K")
    before = value(root / LABELS, "Keypoints_2D/00")[0]
    row = list(LABELLED).index(INDEX["left_wrist"])
    x, y = (before[row, :2] - lens[:2, 2]) / lens[0, 0]
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    bent = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    assert stored[INDEX["left_wrist"], 0] == pytest.approx(bent * lens[0, 0] + lens[0, 2], abs=1e-6)
    assert abs(stored[INDEX["left_wrist"], 0] - before[row, 0]) > 0.1


def test_joints_of_the_world_stand_before_the_camera(root: Path) -> None:
    point = value(root / LABELS, "Keypoints_3D/keypoints3d")[0, 20]
    chain = np.linalg.inv(value(root / LABELS, "Camera_Parameter/00/RT"))
    joints = read(root).columns["keypoints3d"][0].reshape(144, 4)
    assert joints[20] == pytest.approx([*(chain @ [*point, 1])[:3], 1])
    assert joints[INDEX["spine_1"], 3] == 0


def test_names_of_the_owners_page_are_read_too(root: Path) -> None:
    expected = read(root).columns["transl"]
    for name, other in (("fullpose", "full_pose"), ("betas", "beta")):
        values = value(root / LABELS, f"SMPLx/{name}")
        replaced(root / LABELS, f"SMPLx/{name}", values, f"SMPLx/{other}")
    assert np.array_equal(read(root).columns["transl"], expected, equal_nan=True)


def test_frames_are_written_as_they_are_encoded_and_only_those_count(root: Path) -> None:
    before = {p.relative_to(root): p.read_bytes() for p in root.glob("frames/*/*/*.jpg")}
    for path in before:
        (root / path).unlink()
    count = write_frames(root, every=2)
    after = {p.relative_to(root): p.read_bytes() for p in root.glob("frames/*/*/*.jpg")}
    assert count == len(after) > 0
    assert after == {path: data for path, data in before.items() if int(path.stem) % 2 == 0}
    assert set(read(root).images["frame"] % 2) == {0}


def test_what_is_missing_is_named(root: Path) -> None:
    replaced(root / LABELS, "SMPLx/transl", np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"0013_01_annots\.smc cannot be read"):
        read(root)
    (root / MAIN).unlink()
    with pytest.raises(MissingFiles, match=r"main/0013_01\.smc is not there"):
        read(root)
