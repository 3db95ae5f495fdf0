"""Frames written by real pandas 1.5.3, 2.2.3 and 3.1.1 (see data/make.py), read without pandas.

`frame_pandas1_old.pkl` has the block layout of pandas 1.0 to 1.2; pandas 1.5.3 read it as equal.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import load

DATA = Path(__file__).parent / "data"
LAYOUTS = ["pandas1", "pandas1_old", "pandas2", "pandas3"]
VERSIONS = ["pandas1", "pandas2", "pandas3"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_pandas_layout_gives_the_same_columns(layout):
    frame = load(DATA / f"frame_{layout}.pkl")
    order = ["imgPath", "camX", "camYaw", "shard", "indoor", "gender", "joints"]
    assert list(frame) == order
    assert frame["imgPath"].tolist() == ["a.png", "b.png", "c.png"]
    assert frame["camX"].dtype == np.float64
    assert frame["camX"].tolist() == [1.5, -2.5, 0.0]
    assert frame["shard"].dtype == np.int64
    assert frame["indoor"].tolist() == [True, False, True]
    assert frame["gender"].tolist() == [["male", "female"], ["male"], []]
    assert frame.index.tolist() == [0, 1, 2]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_lists_of_arrays_in_a_cell_keep_their_dtype_and_values(layout):
    joints = load(DATA / f"frame_{layout}.pkl")["joints"]
    assert [len(people) for people in joints] == [2, 1, 0]
    assert joints[1][0].dtype == np.float32
    assert np.array_equal(joints[1][0], np.full((2, 3), 1.5))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_filtered_frame_keeps_its_row_labels(version):
    frame = load(DATA / f"indexed_{version}.pkl")
    assert len(frame) == 2
    assert frame.index.tolist() == ["a.png", "c.png"]
    assert frame["camYaw"].tolist() == [90.0, 45.0]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_series_is_a_frame_of_one_column(version):
    frame = load(DATA / f"series_{version}.pkl")
    assert list(frame) == ["camX"]
    assert frame["camX"].tolist() == [1.5, -2.5, 0.0]


@pytest.mark.parametrize("version", VERSIONS)
def test_categories_text_and_nullable_numbers_have_none_where_missing(version):
    frame = load(DATA / f"odd_{version}.pkl")
    assert frame["category"].tolist() == ["x", "y", None]
    assert frame["text"].tolist() == ["a", None, "ü"]
    assert frame["whole"].tolist() == [1, None, 3]
    assert frame["day"].astype("M8[D]").astype(str).tolist()[0] == "2021-06-19"
    assert frame.index.tolist() == [("s", 1), ("s", 2), ("t", 1)]


def test_a_column_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(InputError, match=r"no column 'camx'.*imgPath, camX"):
        load(DATA / "frame_pandas1.pkl")["camx"]


def test_neither_pandas_nor_torch_nor_scipy_is_imported():
    script = (
        "import sys; from ehpsbench.restricted_pickle import load; "
        f"[load(f) for f in {[str(f) for f in sorted(DATA.glob('*.pkl'))]}]; "
        "print({'pandas', 'torch', 'scipy', 'chumpy', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
