"""A filled-in board as a file: CSV, JSON and Parquet for programs, Markdown and LaTeX for papers.

CSV, JSON and Parquet hold one row for each entry and number, with all that a number needs to stand
alone; they read back as they were written. Markdown and LaTeX hold the table as people read it.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ehpsbench.atomic import replacing, write_text
from ehpsbench.errors import InputError
from ehpsbench.leaderboards.page import latex, markdown
from ehpsbench.leaderboards.table import BenchmarkFacts, Standing, Standings, Value

Format = Literal["csv", "json", "md", "latex", "parquet"]
Cell = str | float | int | bool | None
Line = dict[str, Cell]

ORDER = "order"  # the benchmark of lines that hold what entries are ordered by
EMPTY = ("unit",)  # text that may be empty, which is not the same as not known
# Text that a spreadsheet would run stands behind an apostrophe, and so does what looks like that.
_RUN = re.compile(r"'*[=+\-@\t\r]")
_QUOTED = re.compile(rf"'{_RUN.pattern}")
COLUMNS: dict[str, type] = {
    "board": str,
    "board_hash": str,
    "name": str,
    "entries": str,
    "benchmark": str,
    "protocol": str,
    "protocol_hash": str,
    "body_set": str,
    "number": str,
    "unit": str,
    "better": str,
    "counts": bool,
    "value": float,
    "low": float,
    "high": float,
    "rank": int,
    "rank_low": int,
    "rank_high": int,
    "tie_group": int,
    "in_domain": bool,
    "people": int,
    "clusters": int,
    "missing": str,
    "marks": str,
}


def lines(found: Standings) -> list[Line]:
    """One line for each row and number, the order's own first; None where there is nothing."""
    made = []
    for row in found.rows:
        made.append(_line(found, row, None, row.mpe))
        made += [_line(found, row, fact, row.errors[fact.id]) for fact in found.benchmarks]
    return made


def write_table(found: Standings, format: Format, out: Path | None = None) -> str | None:
    """Write a board into a file, or hand its text over.

    Args:
        found: the board.
        format: of the file.
        out: the file; None: give the text back.

    Raises:
        InputError: Parquet is no text.
    """
    if format == "parquet":
        if out is None:
            raise InputError("Parquet is no text; name a file with --out.")
        _write_parquet(lines(found), out)
        return None
    text = _text(found, format)
    if out is None:
        return text
    write_text(out, text)
    return None


def read_lines(path: Path) -> list[Line]:
    """The lines of a .csv, .json or .parquet that `write_table` wrote.

    Raises:
        InputError: another kind of file, or other columns.
    """
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        read: list[dict[str, Any]] = pq.read_table(path, partitioning=None).to_pylist()
    elif path.suffix == ".json":
        read = json.loads(path.read_text(encoding="utf-8"))["rows"]
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            read = [_parsed(row) for row in csv.DictReader(file)]
    else:
        raise InputError(f"{path} is no .csv, .json or .parquet.")
    if read and list(read[0]) != list(COLUMNS):
        raise InputError(f"{path} has the columns {list(read[0])}, expected {list(COLUMNS)}.")
    return read


def _line(found: Standings, row: Standing, fact: BenchmarkFacts | None, value: Value) -> Line:
    score = found.score
    if fact is None:
        own: Line = {"benchmark": ORDER, "protocol": None, "protocol_hash": None}
        own |= {"number": score.name, "unit": score.unit, "better": score.direction}
        own |= {"counts": True, "in_domain": bool(row.in_domain), "people": None, "clusters": None}
    else:
        own = {"benchmark": fact.id, "protocol": fact.protocol}
        own |= {"protocol_hash": fact.protocol_hash or None, "number": fact.primary}
        own |= {"unit": fact.unit, "better": fact.direction, "counts": fact.counts}
        own |= {"in_domain": fact.id in row.in_domain}
        own |= {"people": fact.people, "clusters": fact.clusters}
    whole: Line = {
        "board": str(found.board["name"]),
        "board_hash": str(found.board["hash"]),
        "name": row.name,
        "entries": json.dumps(row.entries, ensure_ascii=False),
        "body_set": found.body_set or None,
        "value": _finite(value.mean),
        "low": _finite(value.low),
        "high": _finite(value.high),
        "rank": value.rank,
        "rank_low": value.rank_low,
        "rank_high": value.rank_high,
        "tie_group": row.tie_group if fact is None else None,
        "missing": json.dumps(row.missing, ensure_ascii=False),
        "marks": json.dumps(row.marks, ensure_ascii=False),
        **own,
    }
    return {name: whole[name] for name in COLUMNS}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _text(found: Standings, format: Format) -> str:
    if format == "csv":
        return _csv(lines(found))
    if format == "json":
        about = {
            "board": dict(found.board),
            "method": found.method,
            "samples": found.samples,
            "seed": found.seed,
            "remarks": list(found.remarks),
        }
        whole = {**about, "rows": lines(found)}
        return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return markdown(found) if format == "md" else latex(found)


def _csv(rows: Sequence[Line]) -> str:
    """Numbers in full; an empty field is nothing, but for those of `EMPTY`."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows([{k: _written(v) for k, v in row.items()} for row in rows])
    return file.getvalue()


def _written(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}" if _RUN.match(value) else value
    return repr(value)


def _parsed(row: Mapping[str, str]) -> dict[str, Any]:
    """Fields as the values that they were."""
    made: dict[str, Any] = {}
    for name, text in row.items():
        kind = COLUMNS.get(name, str)
        if kind is bool:
            made[name] = text == "true"
        elif text == "" and name not in EMPTY:
            made[name] = None
        else:
            made[name] = text[1:] if kind is str and _QUOTED.match(text) else kind(text)
    return made


def _write_parquet(rows: Sequence[Line], out: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds: dict[type, pa.DataType] = {
        str: pa.string(),
        float: pa.float64(),
        int: pa.int64(),
        bool: pa.bool_(),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
    with replacing(out) as temporary:
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), temporary)
