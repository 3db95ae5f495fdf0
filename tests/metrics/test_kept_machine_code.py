"""Machine code on disk: found again, never another's, and not needed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

SOURCE = """
from ehpsbench.metrics.compiled import compiled

@compiled
def total(values):
    found = 0.0
    for k in range(len(values)):
        found += values[k]
    return found
"""
Load = Callable[[], Any]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """A kernel as another process would import it."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "kept"))
    file = tmp_path / "kernel.py"
    file.write_text(SOURCE)

    def loaded() -> Any:
        spec = importlib.util.spec_from_file_location("kernel", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.total

    return loaded


def test_another_process_finds_it(load: Load) -> None:
    assert load()(np.ones(3)) == 3
    again = load()
    assert again(np.ones(3)) == 3
    assert sum(again.stats.cache_hits.values()) == 1


def test_it_is_made_anew_when_another_file_of_kernels_was_edited(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load()(np.ones(3)) == 3
    monkeypatch.setattr("ehpsbench.metrics.compiled._kernels", lambda: "other text")
    again = load()
    assert again(np.ones(3)) == 3
    assert not again.stats.cache_hits


def test_numbers_are_the_same_to_the_last_bit_when_it_is_found_on_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = (
        "import torch; from ehpsbench.metrics import pa_pve; torch.manual_seed(0); "
        "print(pa_pve.score(*torch.randn(2, 200, 500, 3)).numpy().tobytes().hex())"
    )
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    first, again = (
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
        for _ in range(2)
    )
    assert first == again


def test_two_processes_that_keep_two_types_at_once_do_not_mix_them_up(
    load: Load, tmp_path: Path
) -> None:
    doubles, floats = load(), load()
    assert doubles(np.ones(3)) == 3
    (index,) = tmp_path.rglob("*.nbi")
    last = index.read_bytes()
    index.unlink()  # the other one has not seen it
    assert floats(np.ones(3, np.float32)) == 3
    index.write_bytes(last)  # it was written last, but the machine code was not
    assert load()(np.ones(3)) == 3


def run_from_no_file() -> Any:
    names: dict[str, Any] = {}
    exec(SOURCE, names)
    return names["total"]


def test_it_works_where_nothing_can_be_kept() -> None:
    assert run_from_no_file()(np.ones(3)) == 3  # there is no folder beside it


def test_numba_may_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    assert run_from_no_file()([1, 2]) == 3
