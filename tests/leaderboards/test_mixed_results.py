"""Results edited by hand in a store, that must not meet: each verb refuses them with the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from ehpsbench.cli.main import app
from ehpsbench.errors import BodyMismatch, EhpsbenchError, InputError
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.evaluation.results import rows_path
from ehpsbench.store import Store

BENCHMARK = "agora-val@bedlam@train"
ODD_HASH = "0123456789ab" + 52 * "c"
VERBS = ("show", "compare", "report", "export")
NOT_TODAY = (
    rf"odd was scored on {re.escape(BENCHMARK)} by the protocol 0123456789ab \(version 1\), "
    rf"today's is {protocol(BENCHMARK).hash[:12]}\. Evaluate it again"
)
TWO_RULES = r"(?s)by the protocol .*0123456789ab"
TWO_BODIES = r"was scored with the body set .* with (the body set )?(other|open)"


@pytest.fixture
def board(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    text = f'title = "Mine"\n[[benchmarks]]\nid = "{BENCHMARK}"\nprimary = "pve"\n'
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def two(entry_store: Store, predict: Callable[[str, float], Path]) -> Store:
    """`even` and `odd`, scored by the same rules with the same bodies."""
    for name, noise in (("even", 0.1), ("odd", 0.2)):
        words = ("--predictions", str(predict(BENCHMARK, noise)), "--benchmark", BENCHMARK)
        words += ("--trained-on", "agora", "--store", str(entry_store.root))
        done = CliRunner().invoke(app, ["leaderboard", "add", name, *words])
        assert done.exit_code == 0, done.output
    return entry_store


def edit(store: Store, field: str, value: str) -> None:
    """Write another value into the summary of `odd`."""
    path = rows_path(store, "odd", BENCHMARK).with_suffix(".json")
    summary = json.loads(path.read_text(encoding="utf-8"))
    assert summary[field] != value
    path.write_text(json.dumps(summary | {field: value}), encoding="utf-8")


def run(verb: str, store: Store, board: Path, out: Path) -> Result:
    words = {
        "show": ["leaderboard", "show", str(board)],
        "compare": ["leaderboard", "compare", "even", "odd", "--board", str(board)],
        "report": ["report", "--board", str(board), "--out", str(out)],
        "export": ["leaderboard", "export", str(board), "--out", str(out)],
    }[verb]
    return CliRunner().invoke(app, [*words, "--store", str(store.root)])


@pytest.mark.parametrize(
    ("field", "value", "error", "reasons"),
    [
        ("protocol_hash", ODD_HASH, InputError, (NOT_TODAY, TWO_RULES)),
        ("body_set", "other", BodyMismatch, (TWO_BODIES, TWO_BODIES)),
    ],
)
def test_every_verb_refuses_what_must_not_meet_and_writes_nothing(
    two: Store,
    board: Path,
    tmp_path: Path,
    field: str,
    value: str,
    error: type[EhpsbenchError],
    reasons: tuple[str, str],
) -> None:
    out = tmp_path / "written"
    for verb in VERBS:
        before = run(verb, two, board, out)
        assert before.exit_code == 0, before.output
    out.unlink()
    edit(two, field, value)
    for verb in VERBS:
        refused = run(verb, two, board, out)
        assert type(refused.exception) is error, (verb, refused.output)
        assert re.search(reasons[verb == "compare"], str(refused.exception)), verb
        assert "odd" in str(refused.exception)
        assert not out.exists()
