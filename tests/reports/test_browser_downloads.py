"""The report in a browser: downloads hold what is shown, in every format."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ehpsbench.reports.given import Given

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., Any]
EVIL = "<script>alert(1)</script>"
# Zero-shot rows from the worst, and four columns of the ranking.
CHOSEN = "#?ranking.sort=-score&ranking.only.domain=zero-shot&ranking.columns=rank,name,score,zero"


def _download(page: Page, format: str, table: str = "ranking-table") -> tuple[str, str]:
    """File name and text."""
    with page.expect_download() as started:
        page.locator(f'[data-tools="{table}"] [data-format={format}]').click()
    text = Path(str(started.value.path())).read_text(encoding="utf-8")
    return str(started.value.suggested_filename), text


@pytest.fixture(scope="module")
def expected(many: Given) -> list[list[str]]:
    """What stands in the chosen rows and columns, from the standings themselves."""
    rows = [row for row in reversed(many.standings.rows) if not row.in_domain]
    groups = [row.tie_group for row in many.standings.rows]
    ranks = [1 + sum((g or 0) < (row.tie_group or 0) for g in groups) for row in rows]
    return [
        [
            f"{rank}=" if groups.count(row.tie_group) > 1 else f"{rank}",
            row.name,
            f"{row.mpe.mean:.1f}",
            f"{row.zero_shot.mean:+.1f}",
        ]
        for rank, row in zip(ranks, rows, strict=True)
    ]


HEADS = ["Rank", "Training set", "MPE [mm]", "Zero-shot to median"]


def test_csv_holds_the_shown_rows_and_columns_in_their_order(
    open_page: Open, many_page: Path, expected: list[list[str]]
) -> None:
    name, text = _download(open_page(many_page, CHOSEN).page, "csv")
    assert name == "ehps-five-ranking.csv"
    assert list(csv.reader(io.StringIO(text))) == [HEADS, *expected]


def test_json_holds_the_same_with_numbers_as_numbers(
    open_page: Open, many_page: Path, expected: list[list[str]]
) -> None:
    _, text = _download(open_page(many_page, CHOSEN).page, "json")
    found = json.loads(text)
    assert found["columns"] == HEADS
    assert [row["Training set"] for row in found["rows"]] == [row[1] for row in expected]
    assert [row["MPE [mm]"] for row in found["rows"]] == [float(row[2]) for row in expected]


def test_markdown_holds_the_same_and_shows_a_script_as_text(
    open_page: Open, many_page: Path, expected: list[list[str]]
) -> None:
    _, text = _download(open_page(many_page, CHOSEN).page, "md")
    lines = [re.split(r" \| ", line.strip("| ")) for line in text.splitlines()]
    plain = [[re.sub(r"\\(.)", r"\1", cell).replace("−", "-") for cell in line] for line in lines]
    assert plain == [HEADS, ["---:", "---", "---:", "---:"], *expected]
    assert "<script" not in text.replace("\\<", "")


def test_latex_holds_the_same_and_compiles_no_foreign_command(
    open_page: Open, many_page: Path, expected: list[list[str]]
) -> None:
    _, text = _download(open_page(many_page, CHOSEN).page, "tex")
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    words = {r"\textless{}": "<", r"\textgreater{}": ">", "$-$": "-", r"\%": "%"}
    for written, meant in words.items():
        lines = [line.replace(written, meant) for line in lines]
    assert [line.removesuffix(r" \\").split(" & ") for line in lines] == [HEADS, *expected]
    assert text.startswith(r"\begin{tabular}{rlrr}")


def test_without_a_choice_every_row_and_first_column_is_there(
    open_page: Open, many_page: Path, many: Given
) -> None:
    _, text = _download(open_page(many_page).page, "csv")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 1 + len(many.standings.rows)
    assert [row[1] for row in rows[1:]] == [row.name for row in many.standings.rows]
    assert rows[1][-1] == "did not converge"


def test_a_name_that_a_spreadsheet_would_run_is_kept_from_it(
    open_page: Open, many_page: Path
) -> None:
    page = open_page(many_page).page
    cell = "document.querySelector('#ranking-table tbody th').textContent = '=1+2'"
    page.evaluate(cell)
    _, text = _download(page, "csv")
    assert "'=1+2" in text


@pytest.mark.parametrize(
    ("format", "written"),
    [
        ("md", r"| \[x\] \$y\$ δ1 \<b\> |"),
        ("tex", r"{}[x] \$y\$ $\delta$1 \textless{}b\textgreater{} &"),
    ],
)
def test_a_name_is_no_mathematics_and_no_argument_of_the_row_before(
    open_page: Open, many_page: Path, format: str, written: str
) -> None:
    page = open_page(many_page).page
    page.evaluate("document.querySelector('#matrix-table tbody th').textContent = '[x] $y$ δ1 <b>'")
    _, text = _download(page, format, "matrix-table")
    assert any(line.startswith(written) for line in text.splitlines())


def test_the_matrix_writes_the_interval_behind_the_number(
    open_page: Open, many_page: Path, many: Given
) -> None:
    _, text = _download(open_page(many_page).page, "csv", "matrix-table")
    rows = list(csv.reader(io.StringIO(text)))
    value = many.standings.rows[0].errors["ehf"]
    assert rows[0] == ["Training set", "ehf PVE [mm]", "pw3d-test MPJPE [mm]"]
    assert rows[1][1] == f"{value.mean:.1f} ({value.low:.1f} to {value.high:.1f})"
