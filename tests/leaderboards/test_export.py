"""A board as CSV, JSON, Parquet, Markdown and LaTeX: read back, and safe whatever names hold."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.errors import InputError
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.export import COLUMNS, Format, lines, read_lines, write_table
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.leaderboards.table import Standings

NAMES = ('a_b & 50% #1 {x} ~^\\ "q" $y$', "<script>alert(1)</script> | `z` *b*", "=1+1,\nnew\tline")
BOARD = Board.of("two_b", "Two & three_four", {"one": "pve", "other": "mpjpe"})


@pytest.fixture
def found() -> Standings:
    ids = np.array([f"p{i}" for i in range(24)])
    clusters = np.array([f"v{i % 6}" for i in range(24)])
    rng = np.random.default_rng(0)
    rows = {
        name: {b: ErrorRows(ids, clusters, rng.normal(90 + 9 * i, 2, 24)) for b in BOARD.ids}
        for i, name in enumerate(NAMES)
    }
    del rows[NAMES[2]]["other"]
    known = {NAMES[0]: Entrant(NAMES[0], frozenset({"one"}), doubt='a "doubt", said')}
    return rank(rows, BOARD, entrants=known, samples=40)


@pytest.mark.parametrize("format", ["csv", "json", "parquet"])
def test_programs_read_back_every_number_as_it_was(
    found: Standings, tmp_path: Path, format: Format
) -> None:
    path = tmp_path / f"board.{format}"
    write_table(found, format, path)
    read = read_lines(path)
    assert read == lines(found)
    assert [list(line) for line in read] == [list(COLUMNS)] * 9
    first = read[0]
    assert (first["name"], first["benchmark"], first["number"]) == (NAMES[0], "order", "MPE")
    assert first["value"] == found.rows[0].mpe.mean
    assert (first["rank"], first["tie_group"], first["unit"]) == (1, 1, "mm")
    assert [line["in_domain"] for line in read[:3]] == [True, True, False]
    assert json.loads(str(read[8]["missing"])) == ["other"]
    assert read[8]["value"] is None


def test_a_name_that_a_spreadsheet_would_run_is_kept_from_it_and_read_back(
    found: Standings, tmp_path: Path
) -> None:
    path, names = tmp_path / "board.csv", ("=1+1", "'@sum", "-2 mm")
    rows = tuple(replace(r, name=n) for r, n in zip(found.rows, names, strict=True))
    risky = replace(found, rows=rows)
    write_table(risky, "csv", path)
    text = path.read_text(encoding="utf-8")
    cells = [cell for row in csv.reader(text.splitlines()) for cell in row]
    assert {"'=1+1", "''@sum", "'-2 mm"} <= set(cells)
    assert not [c for c in cells if c[:1] in ("=", "+", "@")]
    assert read_lines(path) == lines(risky)


def plain(text: str) -> str:
    """LaTeX without what is escaped: no special character may be left."""
    return re.sub(r"\\ensuremath\{[^{}]*\{?\}?\}|\\[a-zA-Z]+\d*(\{\})?|\\[{}$&%#_\\]", "", text)


def test_latex_has_a_cell_for_each_column_and_nothing_unescaped(found: Standings) -> None:
    text = write_table(found, "latex")
    assert text is not None
    inside = text.split("\\toprule\n")[1].split("\\bottomrule")[0]
    rows = [line for line in inside.splitlines() if line != "\\midrule"]
    assert len(rows) == 4
    for row in rows:
        assert row.endswith(r" \\")
        cells = re.split(r"(?<!\\)&", row.removesuffix(r" \\"))
        assert len(cells) == 6
        for cell in cells:
            assert not set(plain(cell)) & set('{}$&%#_^~\\|<>"\n'), cell
    assert r"a\_b \& 50\% \#1 \{x\}" in text
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert text.startswith("% needs \\usepackage{booktabs}")


def test_markdown_shows_names_as_text(found: Standings) -> None:
    text = write_table(found, "md")
    assert text is not None
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 5
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {7}
    assert "<script>" not in text
    assert r"\<script\>alert\(1\)\</script\> \| \`z\` \*b\*" in text


def test_parquet_needs_a_file_and_other_files_are_refused(found: Standings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--out"):
        write_table(found, "parquet")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="has the columns"):
        read_lines(tmp_path / "x.csv")
    with pytest.raises(InputError, match=r"no \.csv"):
        read_lines(tmp_path / "x.txt")
