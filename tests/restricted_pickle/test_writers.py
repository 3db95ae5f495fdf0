"""The owners' dialects, read back by us and by the packages they imitate.

`dump_frame_pandas1` was also read with real pandas 1.5.3 on NumPy 1.26.4 (`pd.read_pickle`, fresh
environment): dtypes, cells, filtering and `assert_frame_equal` with the frame it imitates. Here
today's pandas stands in for it, since it reads the layout of 1.5 too.
"""

import io
import pickle

import numpy as np
import pytest

from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import (
    dump_cuda_tensors,
    dump_frame_pandas1,
    dump_plain,
    dump_python2,
    load,
)

COLUMNS = {
    "imgPath": ["a.png", "b.png"],
    "camX": [1.5, -2.5],
    "shard": [1, 2],
    "indoor": [True, False],
    "occlusion": [[0.0, 12.5], []],
    "gt_verts": [[np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)], []],
    "weight": np.array([1, 2], np.float32),
}


def test_a_frame_comes_back_with_the_columns_it_was_written_with(tmp_path, same):
    dump_frame_pandas1(COLUMNS, tmp_path / "a.pkl")
    frame = load(tmp_path / "a.pkl")
    assert list(frame) == list(COLUMNS)
    assert {name: frame[name].dtype.kind for name in frame} == dict(
        imgPath="O", camX="f", shard="i", indoor="b", occlusion="O", gt_verts="O", weight="f"
    )
    assert all(same(list(COLUMNS["gt_verts"][i]), frame["gt_verts"][i]) for i in range(2))
    assert frame["occlusion"].tolist() == COLUMNS["occlusion"]


def test_pandas_reads_the_frame_as_the_one_it_would_have_written(tmp_path):
    pd = pytest.importorskip("pandas")
    dump_frame_pandas1(COLUMNS, tmp_path / "a.pkl")
    got = pd.read_pickle(tmp_path / "a.pkl")
    made = pd.DataFrame({name: COLUMNS[name] for name in got if name != "gt_verts"})
    pd.testing.assert_frame_equal(
        got.drop(columns="gt_verts").astype({"imgPath": made["imgPath"].dtype}),
        made,
        check_column_type=False,
    )
    assert np.array_equal(got["gt_verts"][0][0], np.ones((2, 3)))


def test_a_frame_names_the_classes_of_pandas_1_and_numpy_1(tmp_path):
    dump_frame_pandas1(COLUMNS, tmp_path / "a.pkl")
    raw = (tmp_path / "a.pkl").read_bytes()
    assert b"pandas.core.internals.managers" in raw
    assert b"numpy.core.numeric" in raw
    assert b"numpy._core" not in raw
    assert raw[:2] == b"\x80\x05"


def test_columns_of_different_lengths_are_refused(tmp_path):
    with pytest.raises(InputError, match="one length"):
        dump_frame_pandas1({"a": [1, 2], "b": [1]}, tmp_path / "a.pkl")


def test_a_plain_pickle_is_protocol_4_of_numpy_1_and_python_reads_it(tmp_path, values, same):
    dump_plain(values, tmp_path / "a.pkl")
    raw = (tmp_path / "a.pkl").read_bytes()
    assert raw[:2] == b"\x80\x04"
    assert b"numpy._core" not in raw
    for got in (load(tmp_path / "a.pkl"), pickle.loads(raw)):
        assert [name for name in values if not same(values[name], got[name])] == []


def test_a_python_2_pickle_holds_byte_strings_and_reads_as_latin1(tmp_path, values, same):
    dump_python2(values, tmp_path / "a.pkl")
    raw = (tmp_path / "a.pkl").read_bytes()
    assert raw[:2] == b"\x80\x02"
    with pytest.raises(UnicodeDecodeError):
        pickle.loads(raw)
    for got in (load(tmp_path / "a.pkl", encoding="latin1"), pickle.loads(raw, encoding="latin1")):
        assert [name for name in values if not same(values[name], got[name])] == []


def test_cuda_tensors_are_read_by_torch_once_mapped_to_the_cpu(tmp_path):
    torch = pytest.importorskip("torch")
    arrays = {
        "root_pose": np.arange(3, dtype=np.float32).reshape(1, 1, 3),
        "count": np.array(7),
        "valid": np.array([[True], [False]]),
    }
    dump_cuda_tensors(arrays, tmp_path / "a.pkl")
    raw = (tmp_path / "a.pkl").read_bytes()
    assert b"cuda:0" in raw

    class OnCpu(pickle.Unpickler):
        def find_class(self, module, name):
            if (module, name) == ("torch.storage", "_load_from_bytes"):
                return lambda raw: torch.load(
                    io.BytesIO(raw), map_location="cpu", weights_only=False
                )
            return super().find_class(module, name)

    tensors, ours = OnCpu(io.BytesIO(raw)).load(), load(tmp_path / "a.pkl")
    for name, array in arrays.items():
        assert np.array_equal(tensors[name].numpy(), array)
        assert ours[name].dtype == array.dtype
        assert np.array_equal(ours[name], array)


def test_a_value_without_a_plain_form_is_not_written(tmp_path):
    with pytest.raises(TypeError, match="a object has no plain"):
        dump_plain({"a": object()}, tmp_path / "a.pkl")
    with pytest.raises(InputError, match="no tensors of <U1"):
        dump_cuda_tensors({"a": np.array(["x"])}, tmp_path / "a.pkl")
