"""The traps of RICH: small pictures with whole-size lenses, moving cameras, genders, two trees."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_joints
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.readers.fit_files import opencv_lens, same_frame
from ehpsbench.dataset_adapters.release import Unit, open_release
from ehpsbench.dataset_adapters.rich import adapter, sample
from ehpsbench.dataset_adapters.rich.views import lens_scale, native_size
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.restricted_pickle import load
from ehpsbench.schema import Instances
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rich")
    sample.write(Order(root, BODIES, WorldSettings(), seed=5, people=12, images="none"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "RICH"))


def _units(root: Path) -> list[Unit]:
    return list(adapter.units(open_release(root, catalogue.card("rich"))))


def _read(root: Path, split: str = "val") -> Instances:
    return adapter.read(next(u for u in _units(root) if u.name.startswith(split)), BODIES)


def test_a_lens_of_whole_pictures_shrinks_with_them_and_one_that_fits_stays() -> None:
    assert lens_scale((4112, 3008), (2050, 1510)) == 1
    assert lens_scale((1028, 752), (2050, 1510)) == 0.25
    assert lens_scale((1028, 752), (510, 380)) == 1
    assert lens_scale((752, 1028), (1510, 2050)) == 0.25  # a camera that stands upright
    assert native_size((1510, 2050)).tolist() == [3008, 4112]


def test_every_image_meets_every_fit_of_its_frame() -> None:
    image, fit = same_frame([7, 8, 7, 9], [8, 7, 7])
    assert list(zip(image.tolist(), fit.tolist(), strict=True)) == [
        (0, 1),
        (0, 2),
        (1, 0),
        (2, 1),
        (2, 2),
    ]


def test_coefficients_past_the_eighth_must_be_zero() -> None:
    assert opencv_lens([0.1, 0.2], "x").tolist() == [0.1, 0.2, 0, 0, 0, 0, 0, 0]
    with pytest.raises(InputError, match=r"camera\.xml.*found 12"):
        opencv_lens([*range(12)], "camera.xml")


def test_the_chain_turns_a_body_about_the_pelvis_of_its_gendered_shape(root: Path) -> None:
    columns = _read(root).columns
    row = int(np.flatnonzero(columns["camera"] == "cam_02")[0])
    fit = load(root / columns["source_file"][row])
    model = BODIES.model("smplx", columns["gender"][row])
    pelvis = model.rest_joints(fit["betas"].astype(np.float64))[0, 0]
    scene = pelvis + fit["transl"][0]  # the root joint in the scene
    turn = columns["world_rotation"][row].reshape(3, 3)
    expected = turn @ scene + columns["world_translation"][row]
    found = posed_joints(columns, BODIES, root)[0][row, 0]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_hands_are_components_of_the_subject_s_gender_plus_its_mean(root: Path) -> None:
    columns = _read(root).columns
    fit = load(root / columns["source_file"][0])
    model = BODIES.model("smplx", columns["gender"][0])
    assert model.right_hand_components is not None
    expected = (
        model.hand_mean("right") + fit["right_hand_pose"][0] @ model.right_hand_components[:12]
    )
    np.testing.assert_allclose(columns["right_hand_pose"][0], expected, atol=1e-5)


def test_genders_are_known_without_the_toolkit_s_table_and_by_numbers_without_zeros(
    root: Path,
) -> None:
    before = _read(root).columns["gender"].tolist()
    (root / "gender.json").unlink()
    assert _read(root).columns["gender"].tolist() == before
    path = next(root.glob("bodies/val/*/*/*.pkl"))
    path.rename(path.with_name("077.pkl"))
    with pytest.raises(InputError, match=r"subject 077 .*gender\.json"):
        _read(root)


def test_a_table_of_genders_that_is_a_list_is_refused_by_its_name(root: Path) -> None:
    (root / "gender.json").write_text("[1, 2]")
    with pytest.raises(InputError, match=r"gender\.json"):
        _read(root)


def test_a_sequence_of_which_only_the_moving_camera_is_there_is_no_unit(root: Path) -> None:
    before = [unit.name for unit in _units(root)]
    sequence = next(name for name in before if name.startswith("val/")).removeprefix("val/")
    (root / f"images/val/{sequence}/cam_{sample.MOVING}").mkdir(parents=True)
    assert [unit.name for unit in _units(root)] == [n for n in before if not n.endswith(sequence)]


def test_a_missing_fit_leaves_the_other_person_alone(root: Path) -> None:
    columns = _read(root).columns
    people = {f: set(columns["person"][columns["frame"] == f]) for f in set(columns["frame"])}
    assert len(people[sample.FIRST]) == 1
    assert all(len(who) == 2 for f, who in people.items() if f != sample.FIRST)


def test_the_tree_of_the_archives_is_read_like_that_of_the_toolkit(root: Path) -> None:
    before = _read(root)
    shutil.move(root / "bodies/val", root / "val_body")
    folder = next((root / "val_body").iterdir())
    for camera in (0, 2, sample.MOVING):
        (root / f"val/{folder.name}/cam_{camera:02d}").mkdir(parents=True)
    for image in before.images["image_path"]:
        if "cam_05" not in image:
            picture = root / str(image).removeprefix("images/").replace(".png", ".jpeg")
            _picture(picture)
    after = _read(root)
    assert set(after.images["camera"]) == {"cam_00", "cam_02"}  # on disk and calibrated
    kept = before.columns["camera"] != "cam_05"
    np.testing.assert_array_equal(after.columns["transl"], before.columns["transl"][kept])
    np.testing.assert_allclose(after.columns["focal"] * 8, before.columns["focal"][kept])


def _picture(path: Path) -> None:
    from PIL import Image

    Image.new("L", (514, 376)).save(path)


def test_a_scene_without_cameras_is_named(root: Path) -> None:
    shutil.rmtree(root / "scan_calibration/Pavallion")
    with pytest.raises(MissingFiles, match="scan_calibration/Pavallion"):
        _units(root)
