"""MATLAB's files: as SciPy writes them, cut off, and of other classes."""

from __future__ import annotations

import base64
import contextlib
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.dataset_adapters.readers.matlab import _text, _value, load_mat
from ehpsbench.dataset_adapters.readers.matlab_sample import save_mat
from ehpsbench.errors import InputError, MissingFiles

# scipy.io.savemat 1.17.1 (compressed), from byte 116 on: text "hallo", annot3 a cell (2, 1) of
# arange(6).reshape(2, 3) and 7.5, frames uint16 1, 2, 300, a_rather_long_name float32 1 2, 3 4
SCIPY = base64.b64decode(
    "AAAAAAAAAAAAAUlNDwAAACwAAAB4nONjYGCwAGI2IOYAYhYGCGCF8hmhbEagTElqRYkAlJ+RmJOTD6QBRcoEWw8AAABY"
    "AAAAeJzjY2BguAHEbEDMAcSMDBDACuUzQcUYoWoS8/LyS4wZGPiA7AQkfWxY9DEjmccJxAYM6IDDAUJ/sIfQAlA+A5QW"
    "cQDZY4HHHkYkDLOHA26+nAMAzmYHYg8AAAAyAAAAeJzjY2BgcABiNiDmAGJuBghghfIZgZgZSoPUpBUl5qYWMzCwQPmM"
    "DEwMOkBJAFV9AzgPAAAARQAAAHic42NgYIgAYjYg5gBidgYIYIXymaCYEYiFgDgxviixJCO1KD4nPy89Pi8xNxWiHqRP"
    "AMxqsGdgcHAAMoC4wQEAaW0KSw=="
)
# scipy.io.savemat 1.17.1 likewise: three images as MPII has them; see the test of structs
STRUCTS = base64.b64decode(
    "AAAAAAAAAAAAAUlNDwAAAIgBAAB4nONjYGBo4GRgYAPSHEDMxAABrFA+IxJmB+IgVx9Xx2BXoDwLAxdUXA6IE/Py8nMyi0sY"
    "GDJz0+NLihIz8xjKUouKM/PzwObxAfEKDvz2MENpiDgLAyeUL8QAMjUxPZUBalFRanIJVB3I3A4G4twPM5cVygfReYm5qTBz"
    "HJDMYcFiDi+SOQJQvoGhqZmBoYWZiV5WQTrMn6yk+ZMbyhcD4uLkxJxUiBTIpwX5mXklxVBzLZDcx0bAn5xQcQjgcQC7i4m0"
    "cGKD8kE02CFQdyQQMIcJh/90gLgC7iaGSgQzMwXBLI4vyyzOTIKGAmX+VnGgTL8Jhfopdf8He4r0N9hR6H4XCvXrgfUb4NEP"
    "A8j6QYDCcB8geyHxtYKRSvmMRHMGLp/JUJhOFCjUr4QR39jKb2T9AkCWAdTfDQykhTOu+gPZ/djsZ2VAth+i9vBKSMUB0n+C"
    "RHfQvt74YU9JPhqocAXxjZHqY3Ldj6yPE00fej3OBOQxAiEx6RC5fhQA8gyNGBgAdPJYuA=="
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "annot.mat").write_bytes(b"MATLAB 5.0 MAT-file".ljust(116) + SCIPY)
    return tmp_path / "annot.mat"


def test_numbers_and_cells_are_those_that_scipy_wrote(path: Path) -> None:
    found = load_mat(path, "annot3", "frames", "a_rather_long_name")
    assert found["annot3"].shape == (2, 1)
    assert found["annot3"][0, 0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["annot3"][1, 0].tolist() == [[7.5]]
    assert found["frames"].dtype == np.uint16
    assert found["frames"].tolist() == [[1, 2, 300]]
    assert found["a_rather_long_name"].tolist() == [[1, 2], [3, 4]]


def test_a_variable_is_passed_over_unless_asked_for(path: Path) -> None:
    assert [*load_mat(path, "frames")] == ["frames"]
    with pytest.raises(InputError, match=r"annot\.mat.*univ_annot3"):
        load_mat(path, "univ_annot3")


def test_structs_and_text_are_those_that_scipy_wrote(path: Path) -> None:
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(116) + STRUCTS)
    release = load_mat(path, "RELEASE")["RELEASE"]
    assert release["version"].tolist() == ["12"]
    assert release["img_train"][0].tolist() == [[1, 0, 1]]
    images = release["annolist"][0]
    assert [i["name"][0] for i in images["image"]] == ["015601864.jpg", "é.jpg", "3.jpg"]
    first, second, third = images["annorect"]
    assert first["scale"].tolist() == [3.5, 2.0, 1.0]
    assert [getattr(p, "size", 1) for p in first["annopoints"]] == [1, 0, 1]
    (point,) = first["annopoints"][0]["point"]
    assert point["x"].tolist() == [10.0, 30.5]
    assert point["id"].tolist() == [0, 15]
    assert [np.ravel(v).tolist() for v in point["is_visible"]] == [[1.0], []]
    assert second["annopoints"][0].size == third.size == 0


def test_text_of_every_width_is_read(path: Path) -> None:
    assert load_mat(path, "text") == {"text": "hallo"}
    for kind, code in ((4, "utf-16-le"), (17, "utf-16-le"), (18, "utf-32-le"), (2, "latin1")):
        assert _text(kind, memoryview("né".encode(code)), "<") == "né"


@pytest.mark.parametrize("data", [struct.pack("<II", 1 << 16 | 2, 7), struct.pack("<IId", 9, 8, 7)])
def test_a_number_is_read_in_the_small_form_that_matlab_chooses(data: bytes) -> None:
    head = struct.pack("<IIIIIIiiII", 6, 8, 6, 0, 5, 8, 1, 1, 1, 0)
    assert _value(memoryview(head + data), "<", 0) == 7


def test_structs_that_are_written_come_back(tmp_path: Path) -> None:
    rows = [{"a": 1.0, "name": "x"}, {"a": 2.0, "name": "yz"}]
    save_mat(tmp_path / "x.mat", {"one": {"inside": rows}, "none": {"empty": np.zeros((0, 0))}})
    found = load_mat(tmp_path / "x.mat", "one", "none")
    (inside,) = found["one"]["inside"]
    assert inside["a"].tolist() == [1.0, 2.0]
    assert inside["name"].tolist() == ["x", "yz"]
    assert found["none"]["empty"][0].shape == (0, 0)


def test_mutated_structs_are_an_error_of_ours_or_a_read(path: Path) -> None:
    kind, size = struct.unpack_from("<II", STRUCTS, 12)
    assert (kind, size) == (15, len(STRUCTS) - 20)
    whole, rng = np.frombuffer(zlib.decompress(STRUCTS[20:]), np.uint8), np.random.default_rng(1)
    head = b"MATLAB 5.0 MAT-file".ljust(116) + STRUCTS[:12]
    for _ in range(300):
        changed = whole.copy()
        changed[rng.integers(8, len(whole), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(head + changed.tobytes())
        with contextlib.suppress(InputError):
            load_mat(path, "RELEASE")


def test_a_file_cut_anywhere_is_named_or_lacks_nothing(path: Path) -> None:
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"annot\.mat"):
            load_mat(path, "frames", "a_rather_long_name")
    with pytest.raises(MissingFiles, match="is the release complete"):
        load_mat(path.with_name("other.mat"), "frames")


def test_mutated_bytes_are_an_error_of_ours_or_a_correct_read(path: Path) -> None:
    whole, rng = np.frombuffer(path.read_bytes(), np.uint8), np.random.default_rng(0)
    for _ in range(200):
        changed = whole.copy()
        changed[rng.integers(100, len(whole), 4)] = rng.integers(0, 256, 4)
        path.write_bytes(changed.tobytes())
        try:
            found = load_mat(path, "annot3", "frames")
        except InputError:
            continue
        assert found["annot3"].dtype == object or found["annot3"].dtype.kind in "iuf"


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    cells = [np.arange(6.0).reshape(2, 3), np.ones((1, 4))]
    save_mat(tmp_path / "a/x.mat", {"cells": cells, "row": np.arange(3.0)[None]})
    found = load_mat(tmp_path / "a/x.mat", "cells", "row")
    assert found["row"].tolist() == [[0, 1, 2]]
    assert found["cells"].shape == (2, 1)
    assert np.array_equal(found["cells"][0, 0], cells[0])
    assert np.array_equal(found["cells"][1, 0], cells[1])
