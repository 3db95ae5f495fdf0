"""The report in a browser: sorting, filtering, searching, columns, and the address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., Any]
TABLE = "#ranking-table"


def _names(page: Page, table: str = TABLE) -> list[str]:
    """Names of the visible rows, from the top."""
    cells = page.locator(f"{table} > tbody > tr:visible > th")
    return [str(name) for name in cells.evaluate_all("cells => cells.map(c => c.dataset.value)")]


def _click_head(page: Page, words: str) -> None:
    page.locator(f"{TABLE} thead button").filter(has_text=words).first.click()


def test_a_click_on_a_head_sorts_a_second_turns_it_a_third_undoes_it(
    open_page: Open, many_page: Path
) -> None:
    page = open_page(many_page).page
    first = _names(page)
    head = page.locator(f"{TABLE} th[data-key=name]")
    _click_head(page, "Training set")
    assert _names(page) == sorted(first)
    assert head.get_attribute("aria-sort") == "ascending"
    _click_head(page, "Training set")
    assert _names(page) == sorted(first, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    _click_head(page, "Training set")
    assert _names(page) == first
    assert head.get_attribute("aria-sort") is None


def test_numbers_sort_as_numbers(open_page: Open, many_page: Path) -> None:
    page = open_page(many_page, "#?ranking.sort=-score").page
    shown = page.locator(f"{TABLE} td.main").all_inner_texts()
    assert [float(text) for text in shown] == sorted(map(float, shown), reverse=True)
    assert float(shown[0]) > 100 > float(shown[-1])  # as text, 99 would stand above 100


def test_enter_on_a_focused_head_sorts_as_a_click_does(open_page: Open, many_page: Path) -> None:
    page = open_page(many_page).page
    page.locator(f"{TABLE} thead button").filter(has_text="Training set").focus()
    page.keyboard.press("Enter")
    assert _names(page) == sorted(_names(page))
    assert page.locator(f"{TABLE} th[data-key=name]").get_attribute("aria-sort") == "ascending"


def test_searching_leaves_the_rows_that_hold_the_words(open_page: Open, many_page: Path) -> None:
    page = open_page(many_page).page
    tools = page.locator('[data-tools="ranking-table"]')
    tools.locator("[data-find]").fill("SET-0")
    assert sorted(_names(page)) == [f"set-0{i}" for i in range(10)]
    assert tools.locator("[data-count]").inner_text() == "10 of 12 rows"
    tools.locator("[data-find]").fill("<script>")
    assert _names(page) == ["<script>alert(1)</script>"]


def test_a_filter_leaves_the_rows_in_domain(open_page: Open, many_page: Path) -> None:
    page = open_page(many_page).page
    page.locator('[data-tools="ranking-table"] [data-only=domain]').select_option("in-domain")
    assert sorted(_names(page)) == ["set-00", "set-03", "set-06", "set-09"]


def test_columns_are_taken_away_and_brought_back(open_page: Open, many_page: Path) -> None:
    page = open_page(many_page).page
    page.locator('[data-tools="ranking-table"] summary').click()
    sheet = page.locator('[data-tools="ranking-table"] [data-columns]')
    sheet.get_by_label("Seeds").uncheck()
    assert not page.locator(f"{TABLE} th[data-key=seeds]").is_visible()
    sheet.get_by_label("Tie group").check()
    assert page.locator(f"{TABLE} th[data-key=tie]").is_visible()
    assert sheet.get_by_label("Training set").is_disabled()


def test_the_address_brings_back_sort_filter_search_columns_and_theme(
    open_page: Open, many_page: Path
) -> None:
    page = open_page(many_page).page
    tools = page.locator('[data-tools="ranking-table"]')
    _click_head(page, "MPE [mm]")
    _click_head(page, "MPE [mm]")
    tools.locator("[data-find]").fill("set")
    tools.locator("[data-only=domain]").select_option("zero-shot")
    tools.locator("summary").click()
    tools.get_by_label("Seeds").uncheck()
    page.locator("#theme").select_option("dark")
    again = open_page(many_page, f"#{page.url.partition('#')[2]}").page
    assert _names(again) == _names(page)
    assert _names(again)[0] == "set-10"
    assert len(_names(again)) == 7
    assert not again.locator(f"{TABLE} th[data-key=seeds]").is_visible()
    assert again.locator("html").get_attribute("data-theme") == "dark"
    assert again.locator('[data-tools="ranking-table"] [data-find]').input_value() == "set"


def test_a_link_of_the_menu_keeps_what_was_chosen(open_page: Open, many_page: Path) -> None:
    page = open_page(many_page, "#?ranking.find=set-03").page
    page.get_by_role("navigation").get_by_text("Matrix").click()
    page.wait_for_function("location.hash.startsWith('#matrix')")
    assert page.url.endswith("#matrix?ranking.find=set-03")
    assert _names(page) == ["set-03"]


def test_a_table_without_its_own_choices_sorts_alone(open_page: Open, many_page: Path) -> None:
    page = open_page(many_page, "#?matrix.sort=name").page
    assert _names(page)[:2] == ["set-00", "set-01"]
    shown = page.locator("#matrix-table tbody th").all_inner_texts()
    assert shown == sorted(shown)
