"""Arrays, containers, sparse matrices, tensors and chumpy arrays as real packages pickle them."""

import pickle
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.errors import InputError, MissingFiles, RefusedPickle
from ehpsbench.restricted_pickle import Inert, SparseMatrix, load

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_python_and_numpy_pickle_comes_back_the_same(protocol, tmp_path, values, same):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(values, protocol))
    got = load(tmp_path / "a.pkl")
    assert [name for name in values if not same(values[name], got[name])] == []


def test_arrays_of_the_other_byte_order_keep_their_values(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(np.arange(3, dtype=">i4"), 2))
    assert load(tmp_path / "a.pkl").tolist() == [0, 1, 2]


def test_a_list_that_holds_itself_and_shared_arrays_keep_their_identity(tmp_path):
    shared, loop = np.ones(3), []
    loop += [loop, shared, {"again": shared}]
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(loop))
    got = load(tmp_path / "a.pkl")
    assert got[0] is got
    assert got[1] is got[2]["again"]


def test_arrays_can_be_written_to(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps([np.zeros(4), np.zeros(40_000)], 4))
    for array in load(tmp_path / "a.pkl"):
        array += 1


def test_ordered_and_default_dicts_are_plain_dicts(tmp_path):
    made = [OrderedDict(a=1, b=2), defaultdict(list, {"a": [1]}), range(3), slice(1, None), 2j]
    for protocol in (0, 2, 4):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(made, protocol))
        got = load(tmp_path / "a.pkl")
        assert got == [{"a": 1, "b": 2}, {"a": [1]}, range(3), slice(1, None), 2j]
        assert [type(value) for value in got[:2]] == [dict, dict]


def test_a_large_file_is_read_through_a_map(tmp_path):
    array = np.random.default_rng(0).random(300_000)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(array))
    assert np.array_equal(load(tmp_path / "a.pkl"), array)


@pytest.mark.parametrize("kind", ["matrix", "array"])
@pytest.mark.parametrize("form", ["csc", "csr", "coo"])
def test_scipy_matrices_of_every_form_are_the_same_dense_matrix(form, kind):
    matrix = load(DATA / "sparse.pkl")[f"{form}_{kind}"]
    assert isinstance(matrix, SparseMatrix)
    assert matrix.toarray().tolist() == [[0, 1.5, 0], [2, 0, 0]]


def test_the_module_names_of_old_scipy_are_known(tmp_path):
    raw = (DATA / "sparse.pkl").read_bytes().replace(b"scipy.sparse._cs", b"scipy.sparse.cs")
    (tmp_path / "a.pkl").write_bytes(raw)
    assert load(tmp_path / "a.pkl")["csc_matrix"].toarray().tolist() == [[0, 1.5, 0], [2, 0, 0]]


@pytest.mark.parametrize("name", ["tensor_2", "tensor_4", "tensor_cuda"])
def test_tensors_are_arrays_wherever_they_lay(name):
    got = load(DATA / f"{name}.pkl")
    assert got["betas"].dtype == np.float32
    assert got["betas"].tolist() == [[0, 1, 2, 3, 4, 5]]
    assert got["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert got["part"].tolist() == [3, 4]
    assert got["half"].tolist() == [1.5, -2.0]
    assert got["number"].shape == ()
    assert got["weight"].tolist() == [1, 1]


def test_chumpy_arrays_and_selections_are_arrays():
    got = load(DATA / "chumpy.pkl")
    assert np.array_equal(got["whole"], np.arange(12.0).reshape(3, 4))
    assert got["part"].tolist() == [[4, 5], [8, 9]]


def test_python_2_text_needs_latin1_and_the_error_says_so(tmp_path):
    (tmp_path / "a.pkl").write_bytes(b"S'caf\\xe9'\n.")
    assert load(tmp_path / "a.pkl", encoding="latin1") == "café"
    with pytest.raises(InputError, match=r"a\.pkl.*encoding='latin1'"):
        load(tmp_path / "a.pkl")


def test_python_2_objects_of_protocol_0_are_made_without_their_class(tmp_path):
    raw = (
        b"ccopy_reg\n_reconstructor\n(cchumpy.ch\nCh\nc__builtin__\nobject\nNtR"
        b"(dS'x'\ncnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR"
        b"(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbS'\\x00\\x00\\x00\\x00\\x00\\x00\\xf8?'\ntRsb."
    )
    (tmp_path / "a.pkl").write_bytes(raw)
    assert load(tmp_path / "a.pkl", encoding="latin1") == np.array(1.5)


def test_objects_of_a_package_called_opaque_are_dropped_not_refused(tmp_path):
    raw = b"(S'mesh'\ncpsbody.mesh\nMesh\n)\x81}S'v'\nI1\nsbS'trans'\nI7\nd."
    (tmp_path / "a.pkl").write_bytes(raw)
    got = load(tmp_path / "a.pkl", opaque=["psbody"])
    assert got == {"mesh": Inert("psbody.mesh.Mesh"), "trans": 7}
    with pytest.raises(RefusedPickle, match=r"psbody\.mesh\.Mesh"):
        load(tmp_path / "a.pkl")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingFiles, match=r"gone\.pkl"):
        load(tmp_path / "gone.pkl")
