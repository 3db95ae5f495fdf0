"""Definition files: strict, and one message says which file is wrong and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from ehpsbench.definitions import Definition, read_definition
from ehpsbench.errors import InputError


class Fruit(Definition):
    name: str
    grams: int


def test_a_field_given_by_the_caller_yields_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "apple.toml"
    path.write_text("grams = 150")
    assert read_definition(Fruit, path, "fruit", name="apple") == Fruit(name="apple", grams=150)
    path.write_text('grams = 150\nname = "pear"')
    assert read_definition(Fruit, path, "fruit", name="apple").name == "pear"


def test_our_own_words_stand_alone(tmp_path: Path) -> None:
    from ehpsbench.training.mix import read_mix

    (tmp_path / "mix.toml").write_text('parts = ["a", "a"]')
    with pytest.raises(InputError, match=r"valid mix: as a whole: a part is named twice"):
        read_mix(tmp_path / "mix.toml")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"grams = ", "is not a valid fruit"),
        (b"grams = 1\ncolour = 2", "colour"),
        (b"", "grams"),
        (b"grams = 1 # \xff", "is not a valid fruit"),
        (None, "The fruit .* cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: bytes | None, reason: str) -> None:
    path = tmp_path / "apple.toml"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(InputError, match=reason):
        read_definition(Fruit, path, "fruit", name="apple")
