"""Record files of TensorFlow and files of joblib, by bytes that others wrote or specify."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.dataset_adapters.readers.joblib_files import read_joblib
from ehpsbench.dataset_adapters.readers.joblib_sample import save_joblib
from ehpsbench.dataset_adapters.readers.tfrecord import crc32c, masked_crc, read_records
from ehpsbench.dataset_adapters.readers.tfrecord_sample import save_records
from ehpsbench.errors import InputError, RefusedPickle

# joblib 1.6.0: dump({"bbox": np.array([[1, 2]], np.float32)}, …)
REAL = (
    b"\x80\x04\x95\xdc\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x04bbox\x94\x8c\x13joblib.numpy_pickle"
    b"\x94\x8c\x11NumpyArrayWrapper\x94\x93\x94)\x81\x94}\x94(\x8c\x08subclass\x94\x8c\x05numpy\x94"
    b"\x8c\x07ndarray\x94\x93\x94\x8c\x05shape\x94K\x01K\x02\x86\x94\x8c\x05order\x94\x8c\x01C\x94"
    b"\x8c\x05dtype\x94h\x08\x8c\x05dtype\x94\x93\x94\x8c\x02f4\x94\x89\x88\x87\x94R\x94(K\x03\x8c"
    b"\x01<\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t\x94b\x8c\nallow_mmap\x94\x88\x8c\x1b"
    b"numpy_array_alignment_bytes\x94K\x10ub\x08\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x80?\x00"
    b"\x00\x00@s."
)


def test_what_joblib_wrote_is_read(tmp_path: Path) -> None:
    path = tmp_path / "real.pt"
    path.write_bytes(REAL)
    content = read_joblib(path)
    assert content["bbox"].tolist() == [[1.0, 2.0]]
    assert content["bbox"].dtype == np.float32


def test_arrays_between_lists_come_back(tmp_path: Path) -> None:
    content = {"a": np.arange(6).reshape(2, 3), "b": ["x", "y"], "c": np.array([1.5])}
    save_joblib(tmp_path / "a.pt", content)
    found = read_joblib(tmp_path / "a.pt")
    assert found["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (found["b"], found["c"].tolist()) == (["x", "y"], [1.5])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x78\x9c compressed", "joblib.dump"),
        (REAL[:-9], "not a whole file of joblib"),
        (REAL.replace(b"\x01K\x02\x86", b"\x01K\xff\x86"), "not a whole file of joblib"),
    ],
)
def test_a_damaged_or_compressed_file_of_joblib_is_named(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "bad.pt").write_bytes(content)
    with pytest.raises(InputError, match=rf"bad\.pt.*{message}"):
        read_joblib(tmp_path / "bad.pt")


def test_a_file_of_joblib_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "evil.pt").write_bytes(b"\x80\x04cos\nsystem\n(\x8c\x04trueo.")
    with pytest.raises(RefusedPickle, match=r"os\.system"):
        read_joblib(tmp_path / "evil.pt")


def test_the_checksum_is_that_of_its_specification() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4


def test_a_message_is_read_as_protocol_buffers_specify_it(tmp_path: Path) -> None:
    whole = bytes([0x1A, 5, 0x0A, 3, 0x96, 0x01, 2])  # int64_list { value: [150, 2] }, packed
    single = bytes([0x12, 5, 0x0D]) + struct.pack("<f", 0.5)  # float_list, not packed
    entries = b""
    for name, feature in ((b"n", whole), (b"x", single)):
        entry = bytes([0x0A, 1]) + name + bytes([0x12, len(feature)]) + feature
        entries += bytes([0x0A, len(entry)]) + entry
    message = bytes([0x0A, len(entries)]) + entries
    length = struct.pack("<Q", len(message))
    record = length + struct.pack("<I", masked_crc(length)) + message + bytes(4)
    (tmp_path / "a.tfrecord").write_bytes(record)
    (example,) = read_records(tmp_path / "a.tfrecord")
    assert (list(example["n"]), list(example["x"])) == ([150, 2], [0.5])


def test_an_entry_without_a_name_is_no_example(tmp_path: Path) -> None:
    message = bytes([0x0A, 2, 0x0A, 0])  # features { feature { } }
    length = struct.pack("<Q", len(message))
    record = length + struct.pack("<I", masked_crc(length)) + message + bytes(4)
    (tmp_path / "bad.tfrecord").write_bytes(record)
    with pytest.raises(InputError, match=r"bad\.tfrecord holds a record that is no"):
        list(read_records(tmp_path / "bad.tfrecord"))


def test_large_and_negative_numbers_come_back(tmp_path: Path) -> None:
    numbers = [0, 1, 127, 128, 300, -1, 2**62, -(2**63)]
    save_records(tmp_path / "a.tfrecord", [{"n": np.array(numbers), "s": [b"", b"x" * 300]}])
    (example,) = read_records(tmp_path / "a.tfrecord")
    assert list(example["n"]) == numbers
    assert example["s"] == [b"", b"x" * 300]


def test_a_garbled_record_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.tfrecord"
    for content in (b"no record", bytes(40), b"\xff" * 64):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.tfrecord"):
            list(read_records(path))
