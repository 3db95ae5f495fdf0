"""Published numbers: strict reading, sources, and printed means recomputed from printed cells."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from ehpsbench.errors import InputError
from ehpsbench.evaluation import protocol
from ehpsbench.leaderboards import board, published
from ehpsbench.leaderboards.published import FOLDER, read_table, read_tables
from ehpsbench.leaderboards.published_means import check_means, errata

FIVE = ("agora-val", "ubody-intra-test", "egobody-test", "pw3d-test", "ehf")
HEAD = "board,entry,training,benchmark,metric,part,value,unit,protocol,source,certainty,note"


def line(benchmark: str, value: str, note: str = "", metric: str = "pve", part: str = "all") -> str:
    return f"ehps-five,model,,{benchmark},{metric},{part},{value},mm,words,A paper,C,{note}"


def table_of(path: Path, *lines: str) -> published.PublishedTable:
    path.write_text("\n".join((HEAD, *lines)) + "\n", encoding="utf-8")
    return read_table(path, "Made")


def five(path: Path, mean: str, note: str = "") -> published.PublishedTable:
    """The 32-set row of SMPLer-X-H: 69.5, 54.5, 59.5, 75.0, 56.8, whose mean is 63.06."""
    values = ("69.5", "54.5", "59.5", "75.0", "56.8")
    cells = [line(b, v) for b, v in zip(FIVE, values, strict=True)]
    return table_of(path, *cells, line("mean", mean, note, "mpe"))


def test_every_number_has_a_source_and_every_board_has_numbers() -> None:
    tables = published.published()
    assert {t.board for t in tables} == set(board.names())
    cells = [cell for t in tables for _, _, cell in t.cells]
    assert len(cells) > 800
    assert all(re.search(r"[A-Za-z]{4}", cell.source) for cell in cells)


def test_a_protocol_in_one_word_is_one_of_ours() -> None:
    said = {cell.protocol for t in published.published() for _, _, cell in t.cells}
    assert {p for p in said if " " not in p} <= set(protocol.names())


def test_sapiens_is_there_with_all_of_its_seven_tables() -> None:
    cells = {t.name: sum(1 for _ in t.cells) for t in published.published() if "sapiens" in t.name}
    assert list(cells.values()) == [18, 24, 13 * 12 + 8, 16, 96, 80, 24]
    [pose] = published.published("pose-2d")
    last = pose.rows[-1]
    whole = published.Column("humans-5k", "ap", "whole", "%")
    assert (last.entry, last.cells[whole].value) == ("Sapiens-2B", 61.1)


def test_nothing_that_is_only_recalled_is_published() -> None:
    found = {cell.certainty for t in published.published() for _, _, cell in t.cells}
    assert found == {"C", "S"}


def test_printed_numbers_follow_from_their_cells_or_are_recorded_as_slips() -> None:
    assert len(check_means()) >= 65
    slips = {(c.row.entry, c.column.metric, str(c.gives)) for c in errata()}
    assert ("SMPLer-X-L20", "mpjpe", "120.6") in slips
    assert ("Sapiens-2B", "ap_gain", "8.0") in slips
    assert len(slips) == 7


@pytest.mark.parametrize("mean", ["63.1", "63", "63.06"])
def test_a_mean_is_right_to_the_digits_that_it_is_printed_in(tmp_path: Path, mean: str) -> None:
    [checked] = check_means([five(tmp_path / "a.csv", mean)])
    assert checked.fits


@pytest.mark.parametrize("mean", ["63.3", "62.9", "63.2"])
def test_a_slip_in_a_mean_is_found(tmp_path: Path, mean: str) -> None:
    with pytest.raises(InputError, match=r"a\.csv, line 7: model, mpe is printed as .* give 63\.1"):
        check_means([five(tmp_path / "a.csv", mean)])


def test_a_planted_slip_in_a_shipped_table_is_found(tmp_path: Path) -> None:
    path = tmp_path / "agora-test.csv"
    shutil.copy(FOLDER / path.name, path)
    text = path.read_text(encoding="utf-8")
    assert ",nmve,all,179.5," in text
    path.write_text(text.replace(",nmve,all,179.5,", ",nmve,all,197.5,"), encoding="utf-8")
    with pytest.raises(InputError, match=r"BEDLAM, nmve is printed as 197\.5, its cells give 179"):
        check_means([read_table(path, "AGORA")])


@pytest.mark.parametrize(
    ("mean", "note", "reason"),
    [
        ("63.1", "erratum: its cells give 63.1", "noted as an erratum, and fits"),
        ("63.9", "erratum: its cells give 63.5", "noted to give 63.5, its cells give 63.1"),
    ],
)
def test_an_erratum_must_be_one(tmp_path: Path, mean: str, note: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        check_means([five(tmp_path / "a.csv", mean, note)])


def test_a_recorded_slip_passes_with_what_its_cells_give(tmp_path: Path) -> None:
    table = five(tmp_path / "a.csv", "63.9", "erratum: its cells give 63.1")
    [slip] = errata([table])
    assert (slip.cell.printed, str(slip.gives)) == ("63.9", "63.1")


def test_an_erratum_of_what_cannot_be_recomputed_is_refused(tmp_path: Path) -> None:
    one = table_of(tmp_path / "a.csv", line("ehf", "62.4", "erratum: its cells give 61.0"))
    with pytest.raises(InputError, match="follows from no others"):
        check_means([one])


def test_a_mean_without_all_of_its_cells_is_not_checked(tmp_path: Path) -> None:
    four = [line(b, "70.0") for b in FIVE[1:]]
    assert check_means([table_of(tmp_path / "a.csv", *four, line("mean", "59.7", "", "mpe"))]) == ()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (line("ehf", "sixty"), "line 2: value: 'sixty' is not a number"),
        (line("ehf", "nan"), "line 2: value: 'nan' is not a number"),
        (line("ehf", "62.4").replace("A paper", ""), "line 2: source"),
        (line("ehf", "62.4").replace(",C,", ",M,"), "line 2: certainty"),
        (line("ehf", "62.4") + ",more", "line 2: 13 cells, 12 wanted"),
        (line("ehf", "62.4") + "\n" + line("ehf", "62.5"), "line 3: model has this number already"),
        (line("ehf", "1") + "\n" + line("x", "1").replace("ehps-five", "depth"), "of one board"),
    ],
)
def test_a_broken_line_is_one_message_with_its_place(
    tmp_path: Path, wrong: str, message: str
) -> None:
    with pytest.raises(InputError, match=f"made.csv.*{re.escape(message)}"):
        table_of(tmp_path / "made.csv", wrong)


def test_a_table_without_a_title_is_refused(tmp_path: Path) -> None:
    table_of(tmp_path / "made.csv", line("ehf", "62.4"))
    (tmp_path / published.TITLES).write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="made is only a file"):
        read_tables(tmp_path)
