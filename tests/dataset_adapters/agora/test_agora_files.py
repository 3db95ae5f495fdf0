"""AGORA's files on a miniature release: dataframes, fits, pictures of two sizes, masks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.dataset_adapters.agora import adapter, sample
from ehpsbench.dataset_adapters.agora.pictures import pictures_below
from ehpsbench.dataset_adapters.catalogue import card
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.release_check import check
from ehpsbench.restricted_pickle import dump_frame_pandas1, dump_plain, load
from ehpsbench.schema import Instances, present
from ehpsbench.world.settings import WorldSettings

Read = Callable[..., Instances]


def test_a_folder_called_hdri_says_nothing(copy: Path, read: Read) -> None:
    before = read(copy).columns
    (copy / "train_0").rename(copy / "hdri_50mm")
    path = copy / "SMPLX" / "train_0_withjv.pkl"
    columns = dict(load(path).columns)
    columns["imgPath"] = [f"hdri_50mm/{name}" for name in columns["imgPath"]]
    dump_frame_pandas1(columns, path)
    after = read(copy).columns
    np.testing.assert_array_equal(before["focal"], after["focal"])
    assert all((copy / p).is_file() for p in after["image_path"])


def test_smpls_dataframe_and_the_one_without_joints_are_passed_over(
    agora: Path, read: Read
) -> None:
    units = adapter.units(open_release(agora, card("agora")))
    files = {u.name: u.files[0].parent.name for u in units if u.files}
    assert files == {"train_0": "SMPLX", "train_1": "Cam", "validation_0": "SMPLX"}


def test_the_dataframe_without_joints_gives_the_same_people(copy: Path, read: Read) -> None:
    whole = read(copy).columns
    shutil.rmtree(copy / "SMPLX")
    shutil.rmtree(copy / "SMPL")
    less = read(copy).columns
    assert set(whole) - set(less) == {"keypoints2d", "keypoints3d"}
    assert whole["instance_id"].tolist() == less["instance_id"].tolist()
    np.testing.assert_array_equal(whole["transl"], less["transl"])
    np.testing.assert_array_equal(whole["bbox"], less["bbox"])


def test_the_folder_of_the_dataframes_may_be_called_anything(copy: Path, read: Read) -> None:
    before = read(copy, "validation_0").columns
    shutil.rmtree(copy / "Cam")
    (copy / "validation_SMPLX").rename(copy / "camera_dataframe")
    after = read(copy, "validation_0").columns
    assert before["instance_id"].tolist() == after["instance_id"].tolist()


def test_4k_pictures_or_none_give_4k_pixels_and_the_same_ids(copy: Path, read: Read) -> None:
    small = read(copy).columns
    for path in copy.glob("*/*_1280x720.png"):
        path.rename(path.with_name(path.name.replace("_1280x720", "")))
    full = read(copy).columns
    for path in copy.glob("*/*.png"):
        path.unlink()
    none = read(copy).columns
    for columns, height in ((small, 720), (full, 2160), (none, 2160)):
        assert set(columns["height"]) == {height}
        assert columns["instance_id"].tolist() == small["instance_id"].tolist()
    for name in ("focal", "principal_point", "keypoints2d"):
        ratio = 3 * small[name].reshape(len(small["focal"]), -1, small[name].shape[1] // 144 or 2)
        big = full[name].reshape(ratio.shape)
        np.testing.assert_allclose(big[..., :2], ratio[..., :2])
    assert full["image_path"][0].startswith("train_0/")
    assert none["image_path"].tolist() == full["image_path"].tolist()


def test_of_two_sizes_on_disk_the_full_one_is_taken(copy: Path, read: Read) -> None:
    path = next((copy / "train_0").glob("*.png"))
    shutil.copy(path, path.with_name(path.name.replace("_1280x720", "")))
    images = read(copy).images
    assert sorted(images["height"])[-2:] == [720, 2160]


def test_test_pictures_and_pictures_of_nobody_are_images(agora: Path, read: Read) -> None:
    test = read(agora, "test")
    assert len(test) == 0
    assert set(test.images["split"]) == {"test"}
    assert all((agora / path).is_file() for path in test.images["image_path"])
    train = read(agora)
    assert set(train.images["image_id"]) - set(train.columns["image_id"])


def test_the_mask_of_everybody_is_found_in_the_pictures_size(copy: Path, read: Read) -> None:
    folder = copy / "train" / "ag_trainset_3dpeople_bfh_archviz"
    folder.mkdir(parents=True)
    base = "ag_trainset_3dpeople_bfh_archviz_5_10_mask_cam00_000001"
    for ending in ("00000_1280x720", "00001_1280x720", "00000"):
        (folder / f"{base}_{ending}.png").touch()
    images = read(copy).images
    assert images["mask_path"][present(images["mask_path"])].tolist() == [
        f"train/ag_trainset_3dpeople_bfh_archviz/{base}_00000_1280x720.png"
    ]
    assert not any("mask" in name for name in pictures_below(copy).small)


def test_a_missing_fit_is_named_and_so_is_a_broken_one(copy: Path, read: Read) -> None:
    path = copy / "smplx_gt" / f"{read(copy).columns['subject'][0]}.pkl"
    dump_plain({"betas": np.zeros((1, 10))}, path)
    with pytest.raises(InputError, match=f"{path.name} is not an SMPL-X fit"):
        read(copy)
    path.unlink()
    with pytest.raises(MissingFiles, match=path.name):
        read(copy)


def test_a_release_without_dataframes_or_fits_is_refused(copy: Path) -> None:
    for pattern in ("**/train_*.pkl", "**/validation_*.pkl"):
        for path in copy.glob(pattern):
            path.unlink()
    with pytest.raises(MissingFiles, match="dataframes"):
        open_release(copy, card("agora"))
    shutil.rmtree(copy / "smplx_gt")
    with pytest.raises(MissingFiles, match="smplx_gt"):
        open_release(copy, card("agora"))


def test_the_release_is_found_one_folder_up_when_it_is_the_only_one(copy: Path) -> None:
    assert open_release(copy.parent, card("agora")).root == copy.resolve()


def test_rendered_samples_have_masks_that_the_reader_finds(
    tmp_path: Path, bodies: BodySet, read: Read
) -> None:
    from PIL import Image

    sample.write(Order(tmp_path, bodies, WorldSettings(), seed=2, people=1, images="rendered"))
    images = read(tmp_path).images
    masks = images["mask_path"][present(images["mask_path"])]
    assert len(masks) >= 3
    with Image.open(tmp_path / str(masks[0])) as mask:
        assert mask.size == (1280, 720)
        assert np.asarray(mask).any()


def test_every_unit_of_labels_depends_on_the_fits(agora: Path) -> None:
    units = {u.name: u for u in adapter.units(open_release(agora, card("agora")))}
    fits = set(agora.glob("smplx_gt/**/*.pkl"))
    assert fits
    labelled = [unit for name, unit in units.items() if name != "test"]
    assert all(fits < set(unit.files) for unit in labelled)


def test_check_says_which_split_and_which_keypoints_a_release_lacks(copy: Path) -> None:
    absent = {f["what"] for f in check("agora", copy) if f["state"] != "found"}
    for path in [*copy.glob("**/train_*.pkl"), *copy.glob("**/validation_*_withjv.pkl")]:
        path.rename(path.with_name(path.name.replace("_withjv", "").replace("train", "validation")))
    less = {f["what"]: f["state"] for f in check("agora", copy) if f["state"] != "found"}
    assert set(less.values()) == {"optional"}
    assert {what.partition(" (")[0] for what in set(less) - absent} == {
        "the training split",
        "keypoints of the training split",
        "keypoints of the validation split",
    }
