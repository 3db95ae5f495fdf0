"""A filled-in board as a table for people: Markdown, and LaTeX with booktabs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ehpsbench.leaderboards.digits import NOTHING, digits, with_unit
from ehpsbench.leaderboards.spelling import spelled
from ehpsbench.leaderboards.table import Standing, Standings, Value

STAR = "*"
HASH = 12  # letters of a hash that are shown
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "–": "--",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "δ": r"\ensuremath{\delta}",
    "°": r"\ensuremath{^\circ}",
    "→": r"\ensuremath{\to}",
    "↑": r"\ensuremath{\uparrow}",
    "↓": r"\ensuremath{\downarrow}",
    "≤": r"\ensuremath{\le}",
    "≥": r"\ensuremath{\ge}",
}
_MARKDOWN = "\\`*_{}[]<>()#+!|~$"


def markdown(found: Standings) -> str:
    """The board as a table of GitHub's Markdown."""
    head, rows = _table(found)
    body = [_row(head, _in_markdown), f"|{'|'.join(_aligned(len(head)))}|"]
    body += [_row(row, _in_markdown) for row in rows]
    notes = "\n".join(f"- {_in_markdown(line)}" for line in _notes(found))
    return f"## {_in_markdown(str(found.board['title']))}\n\n" + "\n".join(body) + f"\n\n{notes}\n"


def latex(found: Standings) -> str:
    """The board as a LaTeX table; needs booktabs."""
    head, rows = _table(found)
    columns = "l" * 2 + "r" * (len(head) - 2)
    body = "\n".join(_in_row(row) for row in rows)
    notes = " ".join(f"{_in_latex(line)}." for line in _notes(found))
    return (
        "% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n"
        f"\\caption{{{_in_latex(str(found.board['title']))}. {notes}}}\n"
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{_in_row(head)}\n\\midrule\n{body}\n"
        "\\bottomrule\n\\end{tabular}\n\\end{table}\n"
    )


def _table(found: Standings) -> tuple[list[str], list[list[str]]]:
    """Names of the columns, and the rows."""
    score, alone = found.score, len(found.benchmarks) == 1
    facts = () if alone else found.benchmarks
    head = ["rank", "name", with_unit(spelled(score.name), score.unit), "95 %"]
    head += [f"{with_unit(f.id, f.unit)} {'↑' if f.direction == 'higher' else '↓'}" for f in facts]
    rows = []
    for row in found.rows:
        own = [
            digits(row.errors[f.id].mean, f.unit) + STAR * (f.id in row.in_domain) for f in facts
        ]
        rows.append([_rank(found, row), row.name, *_value(row.mpe, score.unit), *own])
    return head, rows


def _rank(found: Standings, row: Standing) -> str:
    """`2= (2–4)`: the rank, shared by a tie group, and its interval."""
    if row.mpe.rank is None:
        return NOTHING
    return f"{found.shown_rank(row)} ({row.mpe.rank_low}–{row.mpe.rank_high})"


def _value(value: Value, unit: str) -> tuple[str, str]:
    if value.rank is None:
        return NOTHING, NOTHING
    return digits(value.mean, unit), f"{digits(value.low, unit)} to {digits(value.high, unit)}"


def _notes(found: Standings) -> list[str]:
    """What a reader needs beside the numbers."""
    protocols = dict.fromkeys(f"{f.protocol} {f.protocol_hash[:HASH]}" for f in found.benchmarks)
    said = [
        "Rank: 2= is a tie that starts at the second place; in brackets the 95 % interval",
        f"Protocols: {', '.join(protocols)}",
        f"Board: {found.board['name']} version {found.board['version']}, "
        f"{str(found.board['hash'])[:HASH]}",
    ]
    if found.body_set:
        said.append(f"Body set: {found.body_set}")
    if any(row.in_domain for row in found.rows):
        said.append(f"{STAR} trained on data of the benchmark, or on data that overlap with them")
    if shown := [f.id for f in found.benchmarks if not f.counts]:
        said.append(f"Shown only, not in the order: {', '.join(shown)}")
    said += [f"{row.name}: {'; '.join(row.marks)}" for row in found.rows if row.marks]
    return [*said, *found.remarks, found.method]


def _row(cells: Sequence[str], escaped: Callable[[str], str]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"


def _in_row(cells: Sequence[str]) -> str:
    return " & ".join(map(_in_latex, cells)) + r" \\"


def _aligned(count: int) -> list[str]:
    return ["---", "---", *(["--:"] * (count - 2))]


def _in_latex(text: str) -> str:
    """Text that stands as it is; control characters become spaces."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return "".join(_LATEX.get(c, c) for c in clean)


def _in_markdown(text: str) -> str:
    """Text that is neither markup nor HTML nor a border of a cell."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return "".join(f"\\{c}" if c in _MARKDOWN else c for c in clean.replace("&", "&amp;"))
