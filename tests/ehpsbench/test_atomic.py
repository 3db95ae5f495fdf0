"""Files that are whole or not there."""

import contextlib
import os

import pytest
import torch
from safetensors.torch import save_file

from ehpsbench.atomic import replacing, write_text


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
