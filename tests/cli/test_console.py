"""What verbs print of names that others chose: letters, whatever a terminal would make of them."""

from __future__ import annotations

import pytest

from ehpsbench.cli import console

CLEARING = "\x1b[2Ja\x07 [red]b[/red] δ\n"


def test_a_terminal_is_not_told_to_do_anything(capsys: pytest.CaptureFixture[str]) -> None:
    console.out.print(CLEARING)
    console.print_table("\x1b[2Jtitle", ["\x1b[31mhead", "other"], [["\x9b5m", 1000]])
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\x9b" not in said
    assert r"\x1b[2Ja\x07 [red]b[/red] δ" in said
    assert r"\x1b[31mhead" in said
    assert "1,000" in said


def test_text_without_such_letters_stays_as_it_is() -> None:
    assert console.visible("a – δ\n\tb") == "a – δ\n\tb"
