"""The containers of releases under damage: an error of ours or a correct read, nothing else."""

from __future__ import annotations

import io
import json
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ehpsbench.dataset_adapters.readers.cdf_sample import save_cdf

pytestmark = pytest.mark.fuzz

EXAMPLES = int(os.environ.get("EHPSBENCH_FUZZ", "0"))
PROFILE = settings(
    max_examples=EXAMPLES or 60,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[*HealthCheck],
)
PICKLES = sorted((Path(__file__).parents[1] / "restricted_pickle" / "data").glob("*.pkl"))
TABLE = {"body_pose": np.ones((4, 21, 3)), "gender": ["male", "female"], "n": 4, "x": None}


def _npz() -> bytes:
    stream = io.BytesIO()
    numbers = np.arange(60.0).reshape(4, 15)
    np.savez(stream, allow_pickle=True, numbers=numbers, names=["a", "b"], table=np.array(TABLE))
    return stream.getvalue()


def _npy(value: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, value, allow_pickle=True)
    return stream.getvalue()


def _cdf(*, packed: bool) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.cdf"
        save_cdf(path, "Pose", np.arange(60.0).reshape(1, 5, 12), packed=packed)
        return path.read_bytes()


PLY = (
    b"ply\nformat binary_little_endian 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
    b"property float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
    + np.arange(9, dtype="<f4").tobytes()
    + b"\x03"
    + np.arange(3, dtype="<i4").tobytes()
)
ASCII_PLY = (
    b"ply\nformat ascii 1.0\n"
    + PLY[36:].split(b"end_header")[0]
    + (b"end_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
)
FILES = {
    "pkl": [path.read_bytes() for path in PICKLES]
    + [pickle.dumps(TABLE, protocol) for protocol in range(6)],
    "npz": [_npz()],
    "npy": [_npy(np.arange(30).reshape(5, 6)), _npy(TABLE)],
    "ply": [PLY, ASCII_PLY],
    "cdf": [_cdf(packed=True), _cdf(packed=False)],
    "obj": [b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\nf 3/1/1 2/2/2 1/3/3\n"],
}


@pytest.mark.parametrize("kind", FILES)
def test_a_whole_file_is_read(kind: str, reader: Any, tmp_path: Path) -> None:
    for number, raw in enumerate(FILES[kind]):
        path = tmp_path / f"{number}.{kind}"
        path.write_bytes(raw)
        assert reader.ask(kind=_kind(kind), path=path) == "read"


@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_file_is_read_or_refused(
    kind: str, reader: Any, damaged: Any, changes: Any, tmp_path: Path
) -> None:
    path = tmp_path / f"damaged.{kind}"

    @PROFILE
    @given(st.sampled_from(FILES[kind]), changes, st.integers(0, 11))
    def holds(raw: bytes, how: list[Any], inside: int) -> None:
        path.write_bytes(damaged(raw, how, inside))
        found = reader.ask(kind=_kind(kind), path=path)
        assert not found.startswith("failed"), found

    holds()


def _kind(kind: str) -> str:
    return "mesh" if kind in ("ply", "obj") else kind


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000, 15), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (4000000000,), }",
        "{'descr': '<U500000000', 'fortran_order': False, 'shape': (2,), }",
        "{'descr': '<f8', 'fortran_order': True, 'shape': (-1, 9999999999), }",
        "[" * 5000,
    ],
)
def test_a_header_that_promises_too_much_costs_no_memory(
    header: str, reader: Any, tmp_path: Path
) -> None:
    raw = header.encode() + b"\n"
    whole = b"\x93NUMPY\x01\x00" + len(raw).to_bytes(2, "little") + raw + b"x" * 100
    (tmp_path / "a.npy").write_bytes(whole)
    assert reader.ask(kind="npy", path=tmp_path / "a.npy").startswith("refused")


def test_a_nest_of_a_hundred_thousand_lists_is_refused(reader: Any, tmp_path: Path) -> None:
    path = tmp_path / "nest.pkl"
    path.write_bytes(b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b".")
    assert not reader.ask(kind="pkl", path=path).startswith("failed")
    assert reader.ask(kind="pkl", path=_small(tmp_path)) == "read"


def _small(folder: Path) -> Path:
    (folder / "small.pkl").write_bytes(pickle.dumps(json.loads("[1]")))
    return folder / "small.pkl"
