"""Files of many units: parsed once, and again when they change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ehpsbench.dataset_adapters.read_once import read_once


@read_once(1)
def _words(path: Path) -> list[str]:
    return path.read_text().split()


def test_what_was_made_of_a_file_is_kept_until_it_changes_or_another_is_read(
    tmp_path: Path,
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a b")
    two.write_text("c d")
    first = _words(one)
    assert _words(one) is first
    os.utime(one, (1, 1))
    assert _words(one) is not first
    first = _words(one)
    assert _words(two) == ["c", "d"]
    assert _words(one) is not first


def test_a_file_that_is_not_there_is_the_readers_to_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        _words(tmp_path / "nothing")
