"""HumanData's files: two dialects, splits, caches and code that are no data, portions, lengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.readers import humandata, humandata_sample
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError, RefusedPickle
from ehpsbench.staging import read_unit
from ehpsbench.world.settings import WorldSettings

Make = Callable[..., Any]
Content = dict[str, Any]


class Bomb:
    """Unpickling it makes a folder."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return (os.mkdir, ("run",))


@pytest.mark.parametrize("dataset", ["bedlam", "agora", "pw3d"])
def test_the_two_dialects_of_the_same_people_give_the_same_rows(
    dataset: str, read: Make, bodies: BodySet, tmp_path: Path
) -> None:
    found = []
    for dialect in ("v2", "classic"):
        root = tmp_path / dialect
        order = Order(root, bodies, WorldSettings(), 3, 6, "none", "train")
        humandata_sample.write(order, dataset=dataset, dialect=dialect)
        found.append(dict(read(root, dataset).columns))
    later, classic = found
    assert "smpl_hand_pose" in later if dataset == "pw3d" else "left_hand_pose" in later
    same = [n for n in later if n in classic and later[n].dtype.kind == "f" and "eye" not in n]
    assert {"body_pose", "betas", "transl", "focal", "bbox", "keypoints2d_extra"} <= set(same)
    for name in same:
        np.testing.assert_allclose(later[name], classic[name], atol=1e-12, err_msg=name)


def test_a_pickled_file_gives_the_rows_of_the_npz(
    write: Make, content: Make, read: Make, columns_of: Make, tmp_path: Path
) -> None:
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
def test_caches_are_refused_by_name(
    values: Content, what: str, write: Make, units: Make, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=f"{what}.*no annotation file"):
        units(write(tmp_path, values, "cache/bedlam_train.npz"))


def test_files_that_are_no_humandata_are_said_to_be_none(
    write: Make, units: Make, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"holds no HumanData file of BEDLAM.*image_path"):
        units(write(tmp_path, {"imgname": ["a.png"]}, "bedlam.npz"))


def test_code_in_a_file_is_refused_not_run(
    write: Make, content: Make, read: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the code would leave its folder
    write(tmp_path, content(misc=np.array(Bomb(), object)))
    with pytest.raises(RefusedPickle, match="mkdir"):
        read(tmp_path)
    assert not (tmp_path / "run").exists()


def test_a_truncated_file_is_named(write: Make, content: Make, units: Make, tmp_path: Path) -> None:
    path = write(tmp_path, content()) / "annot/train.npz"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match=r"train\.npz.*truncated"):
        units(tmp_path)


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
    dataset: str, name: str, split: str, write: Make, content: Make, read: Make, tmp_path: Path
) -> None:
    found = dict(read(write(tmp_path, content(), name), dataset).columns)
    assert set(found["split"]) == {split}


def test_in_a_folder_of_many_datasets_only_ones_own_files_are_read(
    write: Make, content: Make, units: Make, tmp_path: Path
) -> None:
    for name in ("bedlam_train.npz", "agora_train.npz", "EgoBody_Egocentric_test.npz"):
        write(tmp_path, content(), f"annot/{name}")
    assert [u.name for u in units(tmp_path, "agora")] == ["annot/agora_train.npz"]
    found = [u.name for u in units(tmp_path, "egobody_egocentric")]
    assert found == ["annot/EgoBody_Egocentric_test.npz"]
    with pytest.raises(InputError, match="holds no HumanData file of UBody"):
        units(tmp_path, "ubody")


def test_a_file_read_in_portions_gives_the_same_rows(
    write: Make, content: Make, units: Make, bodies: BodySet, tmp_path: Path
) -> None:
    (unit,) = units(write(tmp_path, content()))
    whole = humandata.read(unit, bodies).columns
    portions = [
        humandata.read(replace(unit, key={**unit.key, "rows": rows}), bodies).columns
        for rows in ((0, 1), (1, 3), (3, 4))
    ]
    for name in whole:
        joined = np.ma.concatenate([portion[name] for portion in portions])
        np.testing.assert_array_equal(joined, whole[name], err_msg=name)


def test_files_of_more_than_50_000_people_are_units_of_50_000(
    write: Make, units: Make, tmp_path: Path
) -> None:
    write(tmp_path, {"image_path": np.full(100_001, "a/1.jpg")})
    assert [(u.name, u.key["rows"]) for u in units(tmp_path)] == [
        ("annot/train.npz:0", (0, 50_000)),
        ("annot/train.npz:50000", (50_000, 100_000)),
        ("annot/train.npz:100000", (100_000, 100_001)),
    ]


def test_a_file_of_nobody_is_read(
    write: Make, units: Make, bodies: BodySet, tmp_path: Path
) -> None:
    kept, images, _ = read_unit(
        units(write(tmp_path, {"image_path": np.array([], str)}))[0], bodies
    )
    assert (kept.num_rows, images.num_rows) == (0, 0)


@pytest.mark.parametrize("name", ["bbox_xywh", "keypoints2d"])
@pytest.mark.parametrize("suffix", ["npz", "pkl"])
def test_an_array_of_another_length_is_named_with_both(
    suffix: str, name: str, write: Make, content: Make, read: Make, tmp_path: Path
) -> None:
    values = content()
    root = write(tmp_path, values | {name: values[name][:3]}, f"annot/train.{suffix}")
    with pytest.raises(InputError, match=rf"'{name}' has 3 rows, but 'image_path' has 4"):
        read(root)
