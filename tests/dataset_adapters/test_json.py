"""JSON of releases means what Python's `json` reads in it, whole or broken."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ehpsbench.collector import uncollected
from ehpsbench.dataset_adapters.files import parsed_json, read_json
from ehpsbench.errors import InputError

WORDS = [*'[]{}:,"\\-+.eE01 \n\tN', "NaN", "Infinity", "-Infinity", "null", "true", "\\ud800", "é"]
ODD = (b"\xef\xbb\xbf[1]", "[1]".encode("utf-16"), b'"\xed\xa0\x80"', b"[1e400, -1e400, -0, 1E+2]")


def _outcome(parse: Any, text: bytes) -> str:
    try:
        return repr(parse(text))
    except (ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12).map(lambda words: "".join(words).encode()))
@example(b"[NaN, -Infinity, 123456789012345678901234567890, -9223372036854775809]")
@example(b'{"a": 1, "a": 2}')
@example(b"[" * 500 + b"]" * 500)
@example(b"[" * 5000)
@example(b"1" * 5000)
def test_any_text_is_what_json_makes_of_it_also_where_it_refuses(text: bytes) -> None:
    assert _outcome(parsed_json, text) == _outcome(json.loads, text)


@pytest.mark.parametrize("text", ODD)
def test_odd_encodings_and_numbers_are_read_too(text: bytes) -> None:
    assert repr(parsed_json(text)) == repr(json.loads(text))


@settings(max_examples=300, deadline=None)
@given(st.floats(), st.binary(max_size=3), st.integers(0, 200))
def test_a_damaged_file_reads_as_with_json(number: float, damage: bytes, place: int) -> None:
    text = json.dumps({"people": [{"pose": [number, [1, None]], "name": "Ä\ud83d\ude00"}] * 2})
    damaged = text.encode()[:place] + damage + text.encode()[place + len(damage) :]
    assert _outcome(parsed_json, damaged) == _outcome(json.loads, damaged)


def test_a_cut_file_is_one_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"images": [')
    with pytest.raises(InputError, match=r"a\.json is not whole JSON .*; download it again"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_as_it_was_after_an_error(enabled: bool) -> None:
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with pytest.raises(ValueError, match="Expecting"):
            parsed_json(b"[1,")
        assert gc.isenabled() is enabled
        with uncollected():
            assert not gc.isenabled()
    finally:
        (gc.enable if before else gc.disable)()
