"""SynHand: HumanData under the owners' names; splits, hands, files of others beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.synhand import adapter, sample
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("synhand")
    sample.write(Order(root, BODIES, WorldSettings(), seed=3, people=8, images="flat"))
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "data"))


def test_a_file_that_does_not_say_test_is_train_and_pictures_lie_with_synbody_s(
    root: Path,
) -> None:
    units = list(adapter.units(open_release(root, catalogue.card("synhand"))))
    assert [unit.files[0].name for unit in units] == list(sample.NAMES.values())
    for unit, split in zip(units, sample.NAMES, strict=True):
        images = adapter.read(unit, BODIES).images
        assert set(images["split"]) == {split}
        assert all((root / path).is_file() for path in images["image_path"])
        assert all(path.startswith("img/synbody/") for path in images["image_path"])


@pytest.mark.parametrize(("flat", "mean"), [(None, 0.0), (True, 0.0), (False, 1.0)])
def test_hands_are_absolute_unless_the_file_says_otherwise(
    root: Path, flat: bool | None, mean: float
) -> None:
    path = root / f"annot/{sample.NAMES['train']}"
    content = {name: np.asarray(value) for name, value in load_npz(path).items()}
    misc = dict(content["misc"].item())
    misc.pop("flat_hand_mean", None)
    content["misc"] = np.asarray(misc if flat is None else {**misc, "flat_hand_mean": flat}, object)
    save_npz(path, **content)
    unit = next(iter(adapter.units(open_release(root, catalogue.card("synhand")))))
    columns = adapter.read(unit, BODIES).columns
    said = np.asarray(content["smplx"].item()["left_hand_pose"]).reshape(-1, 45)
    expected = said + mean * BODIES.model("smplx", "neutral").hand_mean("left")
    good = np.isfinite(expected).all(1)
    np.testing.assert_allclose(columns["left_hand_pose"][good], expected[good], atol=1e-6)


def test_files_of_another_dataset_in_the_folder_are_left_alone(root: Path) -> None:
    shutil.copy(root / f"annot/{sample.NAMES['train']}", root / "annot/synbody_train.npz")
    units = list(adapter.units(open_release(root, catalogue.card("synhand"))))
    assert [unit.files[0].name for unit in units] == list(sample.NAMES.values())


def test_a_cache_of_the_owners_loader_is_refused_by_its_name(root: Path) -> None:
    save_npz(root / "cache/synhand_train.npz", data_len=np.array(3), data_strategy=np.array("x"))
    with pytest.raises(InputError, match=r"synhand_train\.npz is a datalist cache of SMPLest-X"):
        list(adapter.units(open_release(root, catalogue.card("synhand"))))


def test_a_folder_without_it_is_told_that_it_is_not_released(tmp_path: Path) -> None:
    with pytest.raises(MissingFiles, match="Not released"):
        open_release(tmp_path, catalogue.card("synhand"))
