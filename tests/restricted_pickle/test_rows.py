"""Rows of an array in an .npz, without reading what comes after them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load_npz

ARRAYS = {
    "numbers": np.arange(60.0).reshape(10, 3, 2),
    "text": np.array([f"a/{i}.jpg" for i in range(10)]),
    "by_column": np.asfortranarray(np.arange(30).reshape(10, 3)),
    "objects": np.array([{"row": i} for i in range(10)], object),
    "narrow": np.zeros((10, 0)),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.savez_compressed(tmp_path / "a.npz", allow_pickle=True, **ARRAYS)
    return tmp_path / "a.npz"


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("rows", [(0, 10), (3, 7), (8, 99), (4, 4), (10, 12)])
def test_rows_are_those_of_the_whole_array(name: str, rows: tuple[int, int], path: Path) -> None:
    archive = load_npz(path)
    np.testing.assert_array_equal(archive.rows(name, *rows), ARRAYS[name][slice(*rows)])
    assert archive.shape(name) == ARRAYS[name].shape


def test_rows_of_a_damaged_array_name_file_and_array(path: Path) -> None:
    np.savez(path, numbers=np.random.default_rng(0).normal(size=(1000, 3)))
    raw = bytearray(path.read_bytes())
    raw[12_000] ^= 255
    path.write_bytes(bytes(raw))
    with pytest.raises(InputError, match=r"a\.npz.*'numbers'"):
        load_npz(path).rows("numbers", 900, 1000)


def test_rows_of_an_array_that_is_not_there_say_which_are(path: Path) -> None:
    with pytest.raises(InputError, match="no array 'other'; it has numbers"):
        load_npz(path).rows("other", 0, 1)
