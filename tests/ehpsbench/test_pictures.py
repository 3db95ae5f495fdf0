"""Sizes from the first bytes of pictures are those that Pillow finds."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image, UnidentifiedImageError

from ehpsbench.pictures import picture_size

SIZE = (23, 41)


def _saved(path: Path, **options: object) -> Path:
    Image.new("RGB", SIZE, (120, 60, 30)).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "png", "bmp", "webp"])
def test_width_and_height_are_those_of_the_picture(tmp_path: Path, suffix: str) -> None:
    assert picture_size(_saved(tmp_path / f"a.{suffix}")) == SIZE


def test_a_progressive_jpeg_with_comments_longer_than_a_block(tmp_path: Path) -> None:
    path = _saved(tmp_path / "a.jpg", progressive=True, comment=b"c" * 60_000, exif=b"e" * 60_000)
    assert picture_size(path) == SIZE


def test_bytes_between_the_segments_are_left_to_pillow(tmp_path: Path) -> None:
    path = _saved(tmp_path / "a.jpg")
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xff" + data[3:])
    assert picture_size(path) == SIZE


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"x" * 99])
def test_what_is_no_picture_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises((UnidentifiedImageError, OSError)):
        picture_size(tmp_path / "a.jpg")


@pytest.mark.parametrize("left", range(0, 200, 7))
def test_a_cut_jpeg_is_the_size_or_an_error(tmp_path: Path, left: int) -> None:
    path = _saved(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[:left])
    with suppress(OSError):
        assert picture_size(path) == SIZE
