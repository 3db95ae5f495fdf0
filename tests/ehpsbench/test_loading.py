"""`ehpsbench.load`: one dataset in three forms."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import ehpsbench
from ehpsbench.errors import InputError, UnknownName
from ehpsbench.store import Store


def test_three_forms_hold_the_same_people(bedlam_store: Store) -> None:
    rows = ehpsbench.load("bedlam", store=bedlam_store.root, as_="arrow").to_pylist()
    assert len(rows) == bedlam_store.instances("bedlam").num_rows
    assert ehpsbench.load("bedlam", store=bedlam_store.root).to_dicts() == rows
    assert ehpsbench.load("bedlam", store=bedlam_store.root, as_="datasets").to_list() == rows


def test_a_split_of_images_with_two_columns(bedlam_store: Store) -> None:
    found = ehpsbench.load(
        "bedlam",
        "train",
        table="images",
        columns=["image_id", "split"],
        store=bedlam_store.root,
        as_="datasets",
    )
    assert found.column_names == ["image_id", "split"]
    assert set(found["split"]) == {"train"}


def test_a_hugging_face_dataset_can_be_saved_and_mapped(
    bedlam_store: Store, tmp_path: Path
) -> None:
    import datasets

    found = ehpsbench.load("bedlam", store=bedlam_store.root, as_="datasets")
    found.save_to_disk(tmp_path / "saved")
    again = datasets.load_from_disk(tmp_path / "saved")
    assert again.to_list() == found.to_list()
    heights = again.select_columns(["transl"]).with_format("numpy")[:]["transl"]
    assert heights.shape == (len(found), 3)


def test_a_package_that_is_not_there_is_named_with_what_installs_it(
    bedlam_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"needs the package datasets.*'ehpsbench\[hub\]'"):
        ehpsbench.load("bedlam", store=bedlam_store.root, as_="datasets")
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(InputError, match="pip install 'polars'"):
        ehpsbench.load("bedlam", store=bedlam_store.root)


def test_wrong_words_are_answered_with_the_right_ones(bedlam_store: Store) -> None:
    load: Any = ehpsbench.load
    with pytest.raises(InputError, match=r"polars, arrow, datasets; got .*as_='pandas'"):
        load("bedlam", store=bedlam_store.root, as_="pandas")
    with pytest.raises(UnknownName, match="betas"):
        ehpsbench.load("bedlam", store=bedlam_store.root, columns=["beta"])
