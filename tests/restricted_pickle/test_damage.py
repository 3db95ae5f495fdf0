"""Truncated and damaged files end in an error that names the file, never in anything else."""

import contextlib
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ehpsbench.errors import EhpsbenchError, InputError, MissingFiles
from ehpsbench.restricted_pickle import load, load_npy, load_npz

DATA = Path(__file__).parent / "data"
ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "o": np.array([[1], "x"], dtype=object), "s": {1}}
PICKLES = [
    *(path.read_bytes() for path in sorted(DATA.glob("*.pkl"))),
    *(pickle.dumps(ARRAYS, protocol) for protocol in range(6)),
]
CHANGES = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4)


def damaged(raw, keep, changes):
    """The first bytes of `raw`, some of them changed."""
    out = bytearray(raw[: int(keep * len(raw))])
    for place, value in changes:
        if out:
            out[place % len(out)] = value
    return bytes(out)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PICKLES), st.sampled_from([0.3, 0.9, 1.0, 1.0, 1.0]), CHANGES)
def test_a_damaged_pickle_loads_or_is_refused_and_nothing_else(raw, keep, changes):
    with contextlib.suppress(EhpsbenchError):
        load(io.BytesIO(damaged(raw, keep, changes)), encoding="latin1")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["npz", "npy"]), st.sampled_from([0.5, 0.95, 1.0, 1.0]), CHANGES)
def test_a_damaged_npz_or_npy_loads_or_is_refused_and_nothing_else(
    tmp_path_factory, kind, keep, changes
):
    path = tmp_path_factory.mktemp("damage") / f"a.{kind}"
    if kind == "npz":
        np.savez_compressed(path, numbers=np.arange(50.0), names=np.array(["a", None], object))
    else:
        np.save(path, ARRAYS, allow_pickle=True)
    path.write_bytes(damaged(path.read_bytes(), keep, changes))
    with contextlib.suppress(EhpsbenchError):
        dict(load_npz(path)) if kind == "npz" else load_npy(path)


@pytest.mark.parametrize("keep", [0, 1, 2, 500, 1300])
def test_a_truncated_pickle_is_named_with_the_byte_where_it_breaks_off(keep, tmp_path):
    raw = (DATA / "frame_pandas1.pkl").read_bytes()[:keep]
    (tmp_path / "cut.pkl").write_bytes(raw)
    with pytest.raises(InputError, match=rf"cut\.pkl .*byte \d+ of {keep}.*copy or unpack it from"):
        load(tmp_path / "cut.pkl")


def test_text_that_is_no_pickle_is_said_to_be_none(tmp_path):
    (tmp_path / "a.pkl").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(InputError, match=r"a\.pkl is not a whole pickle"):
        load(tmp_path / "a.pkl")


def test_an_npz_is_read_name_by_name_and_answers_a_wrong_name_with_those_it_has(tmp_path):
    np.savez(tmp_path / "a.npz", betas=np.ones((2, 10)), meta=np.array({"gender": ["male"]}))
    archive = load_npz(tmp_path / "a.npz")
    assert list(archive) == ["betas", "meta"]
    assert "pose" not in archive
    assert archive.get("pose") is None
    assert archive["meta"].item() == {"gender": ["male"]}
    with pytest.raises(InputError, match=r"a\.npz has no array 'pose'; it has betas, meta"):
        archive["pose"]


def test_a_broken_entry_of_an_npz_does_not_spoil_the_others(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("bad.npy", b"\x93NUMPY\x01\x00")
        for name, values in (("good", np.ones(2)), ("old", np.ones(2))):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, values, version=(2, 0))
            archive.writestr(f"{name}.npy", buffer.getvalue())
    got = load_npz(tmp_path / "a.npz")
    assert got["good"].tolist() == got["old"].tolist() == [1, 1]
    with pytest.raises(InputError, match=r"a\.npz has a broken array 'bad'"):
        got["bad"]


def test_a_changed_byte_in_the_numbers_of_an_npz_is_noticed(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.full(1000, 3, np.uint8))
    raw = bytearray((tmp_path / "a.npz").read_bytes())
    raw[raw.index(b"\x03" * 1000) + 500] = 4
    (tmp_path / "a.npz").write_bytes(raw)
    with pytest.raises(InputError, match="CRC"):
        load_npz(tmp_path / "a.npz")["a"]


def test_a_truncated_npz_and_one_that_is_not_there_are_named(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.arange(1000))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:4000])
    with pytest.raises(InputError, match=r"cut\.npz is not a whole \.npz file"):
        load_npz(tmp_path / "cut.npz")
    for read in (load_npz, load_npy):
        with pytest.raises(MissingFiles, match=r"gone\.np"):
            read(tmp_path / "gone.np")


def test_npy_gives_numbers_as_an_array_and_a_pickled_dict_as_a_dict(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6).reshape(2, 3))
    np.save(tmp_path / "b.npy", {"right": {"rot": np.ones((4, 3))}}, allow_pickle=True)
    assert load_npy(tmp_path / "a.npy").tolist() == [[0, 1, 2], [3, 4, 5]]
    assert load_npy(tmp_path / "b.npy")["right"]["rot"].shape == (4, 3)


def test_an_npy_whose_header_is_no_python_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.arange(3))
    path.write_bytes(path.read_bytes().replace(b"}", b" "))
    with pytest.raises(InputError, match="header cannot be read"):
        load_npy(path)
