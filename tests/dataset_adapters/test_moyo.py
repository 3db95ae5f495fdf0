"""The traps of MOYO: a rest mesh for betas, millimetres, halved pictures, two fits a picture."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.moyo import adapter, sample
from ehpsbench.dataset_adapters.release import Unit, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.meshes import read_mesh
from ehpsbench.restricted_pickle import load
from ehpsbench.schema import Instances
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
TREE = "220923"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("moyo")
    sample.write(Order(root, BODIES, WorldSettings(), seed=5, people=24, images="none"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "MOYO"))


def _unit(root: Path, token: str = TREE) -> Unit:
    units = adapter.units(open_release(root, catalogue.card("moyo")))
    return next(u for u in units if u.key["sequence"].startswith(token))


def _read(root: Path, token: str = TREE) -> Instances:
    return adapter.read(_unit(root, token), BODIES)


def test_the_pelvis_is_that_of_the_rest_mesh_and_cameras_stand_in_millimetres(root: Path) -> None:
    unit, columns = _unit(root), _read(root).columns
    fit = load(unit.files[0])
    model = BODIES.model("smplx", "female")
    template = read_mesh(root / columns["template_path"][0]).vertices
    pelvis = model.joint_regressor[0] @ template + fit["trans"][columns["source_row"][0]]
    camera = json.loads(unit.files[1].read_text())["cam_1"]
    expected = np.array(camera["rotation"]) @ (pelvis - np.array(camera["position"]) / 1000)
    found = posed_joints(columns, BODIES, root)[0][0, 0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert "betas" not in columns
    assert not columns["shape_valid"].any()


def test_a_lens_of_whole_pictures_is_halved(root: Path) -> None:
    unit, images = _unit(root), _read(root).images
    camera = json.loads(unit.files[1].read_text())["cam_1"]
    np.testing.assert_allclose(images["focal"][0], camera["focal"] / 2)
    np.testing.assert_allclose(images["principal_point"][0], np.array(camera["princpt"]) / 2)


def test_every_second_fit_has_a_picture_from_the_first_number_on(root: Path) -> None:
    from PIL import Image

    unit = _unit(root)
    folder = root / unit.key["session"] / "images/train" / unit.key["sequence"] / "YOGI_Cam_02"
    folder.mkdir(parents=True)
    for number in (7, 8):
        path = folder / f"{unit.key['sequence']}_YOGI_Cam_02_{number:04d}.jpg"
        Image.new("L", (2056, 1504)).save(path)
    columns = _read(root).columns
    assert columns["frame"].tolist() == [7, 8]
    assert columns["source_row"].tolist() == [0, 2]
    assert set(columns["camera"]) == {"YOGI_Cam_02"}


def test_hands_count_in_the_session_with_markers_on_them_and_are_absolute(root: Path) -> None:
    columns = _read(root).columns
    assert columns["left_hand_valid"].all()
    assert not _read(root, "221004").columns["left_hand_valid"].any()
    pose = load(_unit(root).files[0])["fullpose"][columns["source_row"][0]]
    np.testing.assert_allclose(columns["left_hand_pose"][0], pose[75:120])
    np.testing.assert_allclose(columns["right_hand_pose"][0], pose[120:165])


@pytest.mark.parametrize("gender", ["female", b"female"])
def test_without_the_rest_mesh_the_sequence_of_amass_is_taken(
    root: Path, gender: str | bytes
) -> None:
    shutil.rmtree(root / "v_templates")
    with pytest.raises(MissingFiles, match="v_templates"):
        _read(root)
    unit = _unit(root)
    fit = load(unit.files[0])
    session = root / unit.key["session"]
    common = {"trans": fit["trans"], "gender": gender, "mocap_frame_rate": 60.0}
    places = {"SMPLH_FEMALE": 156, "SMPLX_FEMALE": 165}
    for place, width in places.items():
        path = session / f"AMASS/{place}/{unit.key['sequence']}_stageii.npz"
        betas = np.linspace(-1, 1, 16)
        save_npz(path, poses=fit["fullpose"][:, :width], betas=betas, **common)
    columns = _read(root).columns
    np.testing.assert_allclose(columns["betas"][-1], np.linspace(-1, 1, 16))
    assert columns["shape_valid"].all()
    assert set(columns["gender"]) == {"female"}
    assert "template_path" not in columns


def test_objects_of_the_fitting_in_a_file_are_no_obstacle(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pickle

    module = ModuleType("psbody.mesh")
    mesh = type("Mesh", (), {"__module__": "psbody.mesh"})
    monkeypatch.setattr(module, "Mesh", mesh, raising=False)
    monkeypatch.setitem(sys.modules, "psbody", ModuleType("psbody"))
    monkeypatch.setitem(sys.modules, "psbody.mesh", module)
    before, path = _read(root).columns, _unit(root).files[0]
    path.write_bytes(pickle.dumps({**load(path), "stagei_debug_details": [mesh()]}, 2))
    np.testing.assert_array_equal(_read(root).columns["transl"], before["transl"])


def test_a_day_without_cameras_is_named(root: Path) -> None:
    shutil.rmtree(root / sample.HANDS / "cameras/20220926")
    with pytest.raises(MissingFiles, match="20220926"):
        _unit(root, "nothing")


def test_a_file_without_any_camera_is_named(root: Path) -> None:
    _unit(root).files[1].write_text("{}")
    with pytest.raises(InputError, match=r"cameras_param\.json.*cam_1"):
        _read(root)
