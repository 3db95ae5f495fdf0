"""Files that are whole or not there."""

import contextlib
import os

import pytest
import torch
from safetensors.torch import save_file

from ehpsbench.atomic import intact_json, read_json, replacing, write_json, write_text
from ehpsbench.errors import InputError


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_weights_and_texts_may_be_read_by_whom_the_umask_lets(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        write_text(tmp_path / "a.json", "{}")
        with replacing(tmp_path / "a.safetensors") as temporary:
            save_file({"a": torch.zeros(2)}, temporary)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"a.json": mode, "a.safetensors": mode}


def test_a_file_that_is_not_finished_leaves_the_one_before(tmp_path):
    write_text(tmp_path / "a.txt", "before")
    with contextlib.suppress(KeyError), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise KeyError
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "before")]


def test_json_comes_back_and_a_missing_file_is_none(tmp_path):
    write_json(tmp_path / "a.json", {"ü": [1.5, None]})
    assert read_json(tmp_path / "a.json", "") == {"ü": [1.5, None]}
    assert read_json(tmp_path / "b.json", "") is None
    assert read_json(tmp_path / "a.json" / "c.json", "") is None
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert intact_json(tmp_path / "a.json") == {"ü": [1.5, None]}


@pytest.mark.parametrize("text", ['{"a": 1', "[1]", "\x00"])
def test_a_broken_file_is_named_with_what_to_do_or_counts_as_none(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json .*Train again\."):
        read_json(tmp_path / "a.json", "Train again.")
    assert intact_json(tmp_path / "a.json") == {}
