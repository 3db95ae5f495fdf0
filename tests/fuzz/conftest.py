"""A process that reads damaged files, and how files are damaged."""

from __future__ import annotations

import io
import json
import os
import selectors
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st

PATIENCE = 30  # s for one file: longer is a hang
STARTING = 120  # s until the reader is ready

Reader = Callable[..., str]


class ReaderProcess:
    """Asks the worker; one that died or hangs is replaced at the next question."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(self, **question: Any) -> str:
        """What became of a file: "read", "refused: …", or "failed: …"."""
        process = self._started()
        assert process.stdin is not None
        process.stdin.write(json.dumps({k: str(v) for k, v in question.items()}) + "\n")
        process.stdin.flush()
        return self._answer(process, PATIENCE)

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("worker.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            assert self._answer(self._process, STARTING) == "ready"
        return self._process

    def _answer(self, process: subprocess.Popen[str], seconds: float) -> str:
        assert process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ)
            if not waiting.select(seconds):
                self.close()
                return f"failed: no answer in {seconds} s"
        line = process.stdout.readline()
        if not line:
            return f"failed: the reader died with {process.wait()}"
        return str(json.loads(line))

    def close(self) -> None:
        """End the worker."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None


@pytest.fixture(scope="session")
def reader() -> Iterator[ReaderProcess]:
    process = ReaderProcess()
    yield process
    process.close()


class Change(NamedTuple):
    """One damage: its kind, where (a share of the file), and a number."""

    kind: str
    place: float
    number: int


def _changed(raw: bytearray, change: Change) -> bytearray:
    at = int(change.place * max(len(raw) - 1, 0))
    match change.kind:
        case "byte":
            raw[at : at + 1] = bytes([change.number % 256])
        case "cut":
            del raw[at:]
        case "hole":
            del raw[at : at + 1 + change.number % 64]
        case "twice":
            raw[at:at] = raw[at : at + 1 + change.number % 256]
        case "zeros":
            size = 1 + change.number % 32
            raw[at : at + size] = bytes(size)
        case "number":
            start = next((i for i in range(at, len(raw)) if chr(raw[i]).isdigit()), at)
            raw[start : start + 1] = str(change.number * 10**7).encode()
        case "word":
            words = (b"null", b"NaN", b"[]", b"{}", b'"x"', b"1e999", b"-1", b"true")
            start = next((i for i in range(at, len(raw)) if chr(raw[i]).isdigit()), at)
            raw[start : start + 1] = words[change.number % len(words)]
    return raw


KINDS = ("byte", "byte", "byte", "cut", "hole", "twice", "zeros", "number", "word")
CHANGES = st.lists(
    st.builds(Change, st.sampled_from(KINDS), st.floats(0, 1, width=32), st.integers(0, 10**6)),
    min_size=1,
    max_size=4,
)


def _damaged(raw: bytes, changes: list[Change], inside: int) -> bytes:
    """The bytes of a file, damaged; of an archive mostly one entry, packed well again."""
    if inside % 4 and raw.startswith(b"PK"):
        return _repacked(raw, changes, inside)
    result = bytearray(raw)
    for change in changes:
        result = _changed(result, change)
    return bytes(result)


def _repacked(raw: bytes, changes: list[Change], which: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(stream, "w") as new:
        names = old.namelist()
        for number, name in enumerate(names):
            content = old.read(name)
            if number == which % max(len(names), 1):
                content = _damaged(content, changes, 0)
            new.writestr(name, content)
    return stream.getvalue()


@pytest.fixture(scope="session")
def damaged() -> Callable[[bytes, list[Change], int], bytes]:
    return _damaged


@pytest.fixture(scope="session")
def changes() -> st.SearchStrategy[list[Change]]:
    return CHANGES
