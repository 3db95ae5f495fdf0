"""PNG files of 16 bits come back to the bit, whatever their colours, filters and interlacing."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.errors import InputError
from ehpsbench.evaluation.map_files import read_map
from ehpsbench.world.renderer import Frame

Make = Callable[..., Any]
COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels → colour type of PNG's header
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
ADAM7 += [(1, 0, 2, 1)]  # first row, first column, step of rows, step of columns


def paeth(a: int, b: int, c: int) -> int:
    return min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]


def filtered(values: np.ndarray) -> bytes:
    """Rows of 16-bit samples (H, W, C), each by the next of the five filters of the standard."""
    step = 2 * values.shape[2]
    rows = values.astype(">u2").tobytes()
    width = len(rows) // len(values)
    found, above = b"", bytes(width)
    for number in range(len(values)):
        row, kind = rows[number * width : (number + 1) * width], number % 5
        before, corner = bytes(step) + row, bytes(step) + above
        said = zip(before, above, corner, strict=False)
        guess = [(0, a, b, (a + b) // 2, paeth(a, b, c))[kind] for a, b, c in said]
        found += bytes([kind]) + bytes((x - g) % 256 for x, g in zip(row, guess, strict=True))
        above = row
    return found


def plain(values: np.ndarray) -> bytes:
    """The same without a filter."""
    return b"".join(bytes(1) + row.tobytes() for row in values.astype(">u2"))


def write_png16(
    path: Path, values: np.ndarray, interlaced: bool = False, coded: Make = filtered
) -> Path:
    """Written by the standard, not by a library that may leave bits out."""
    values = values.reshape(*values.shape[:2], -1)
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    parts = [values[y::dy, x::dx] for y, x, dy, dx in passes]
    head = (*values.shape[1::-1], 16, COLOURS[values.shape[2]], 0, 0, int(interlaced))
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", *head),
        b"IDAT": zlib.compress(b"".join(coded(p) for p in parts if p.size)),
        b"IEND": b"",
    }
    whole = b"".join(
        struct.pack(">I", len(c)) + name + c + struct.pack(">I", zlib.crc32(name + c))
        for name, c in chunks.items()
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + whole)
    return path


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_come_back_to_the_bit(tmp_path: Path, channels: int, interlaced: bool) -> None:
    values = np.random.default_rng(channels).integers(0, 65536, (11, 13, channels)).astype("u2")
    found = read_map(write_png16(tmp_path / "a.png", values, interlaced))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, values.squeeze() if channels == 1 else values[..., :3])


def test_a_grey_value_beside_its_opacity_is_refused(tmp_path: Path) -> None:
    path = write_png16(tmp_path / "a.png", np.zeros((4, 5, 2), "u2"))
    with pytest.raises(InputError, match=r"mode LA;16B; expected grey, a palette, RGB"):
        read_map(path)


def test_a_16_bit_file_cut_short_is_named(tmp_path: Path) -> None:
    path = write_png16(tmp_path / "a.png", np.arange(600).reshape(10, 20, 3).astype("u2"))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"a\.png cannot be read"):
        read_map(path)


def test_perfect_normals_in_16_bits_are_off_by_the_rounding_of_16_bits(
    frames: list[Frame], tmp_path: Path, run: Make
) -> None:
    said = tmp_path / "said"
    said.mkdir()
    for i, frame in enumerate(frames):
        write_png16(said / f"{i}.png", np.rint((frame.normals + 1) / 2 * 65535), coded=plain)
    whole = run(said, "normals-pooled@made@test")
    assert 0 < whole.number() < 2e-3  # half a step of 2 / 65535 on each axis is 1.5e-3°
