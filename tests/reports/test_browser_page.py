"""The report in a browser: offline, silent, accessible, readable on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Open = Callable[..., Any]


def test_the_page_loads_nothing_and_says_nothing(open_page: Open, many_page: Path) -> None:
    opened = open_page(many_page)
    opened.page.wait_for_load_state("networkidle")
    assert opened.asked == []
    assert opened.said == []


def test_a_dataset_named_like_a_script_is_text(open_page: Open, many_page: Path) -> None:
    opened = open_page(many_page)
    shown = opened.page.locator("#ranking-table tbody th").all_inner_texts()
    assert "<script>alert(1)</script>" in shown
    assert opened.page.locator("h1").inner_text() == "Of <script>alert(1)</script>"
    assert opened.page.locator("script:not([type])").count() == 1


def test_the_policy_stops_a_script_and_a_request_that_got_in(
    open_page: Open, many_page: Path
) -> None:
    opened = open_page(many_page)
    image = '<img src=x onerror="window.ran = 1">'
    opened.page.evaluate(f"document.body.insertAdjacentHTML('beforeend', '{image}')")
    opened.page.wait_for_timeout(100)
    assert opened.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in line for line in opened.said)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["desk", "phone"])
def test_axe_finds_no_serious_problem(
    open_page: Open, many_page: Path, width: int, dark: bool
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(many_page, width=width, dark=dark).page
    page.locator("details").evaluate_all("all => all.forEach(one => one.removeAttribute('name'))")
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    found = Axe().run(page).response["violations"]
    grave = [f for f in found if f["impact"] in ("serious", "critical")]
    assert [(f["id"], [node["html"][:120] for node in f["nodes"][:3]]) for f in grave] == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_only_boxes_scroll_sideways_never_the_page(
    open_page: Open, many_page: Path, width: int
) -> None:
    page = open_page(many_page, width=width).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_theme_of_the_system_and_that_of_the_switch_change_the_ground(
    open_page: Open, many_page: Path
) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = open_page(many_page).page, open_page(many_page, dark=True).page
    assert light.evaluate(ground) == "rgb(255, 255, 255)"
    assert dark.evaluate(ground) == "rgb(18, 22, 28)"
    light.locator("#theme").select_option("dark")
    dark.locator("#theme").select_option("light")
    assert light.evaluate(ground) == "rgb(18, 22, 28)"
    assert dark.evaluate(ground) == "rgb(255, 255, 255)"


def test_figures_follow_the_theme(open_page: Open, many_page: Path) -> None:
    page = open_page(many_page, dark=True).page
    colours = page.locator("#ranking figure svg text").evaluate_all(
        "all => all.map(one => getComputedStyle(one).fill)"
    )
    assert set(colours) <= {"rgb(230, 234, 240)", "rgb(163, 174, 189)"}


def test_the_first_tab_offers_to_skip_to_the_content(open_page: Open, many_page: Path) -> None:
    page = open_page(many_page).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.locator(".skip").is_visible()


def test_on_paper_there_are_no_tools_and_the_ground_is_white(
    open_page: Open, many_page: Path
) -> None:
    page = open_page(many_page, "#?theme=dark").page
    page.emulate_media(media="print")
    assert not page.locator(".tools").first.is_visible()
    assert not page.get_by_role("navigation").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_on_paper_what_is_folded_is_open(open_page: Open, many_page: Path) -> None:
    page = open_page(many_page).page
    folded = page.locator("details:not([open], .columns) > :not(summary, .tools)")
    closed = folded.count()
    assert closed
    assert not folded.first.is_visible()
    page.emulate_media(media="print")
    assert [folded.nth(i).is_visible() for i in range(closed)] == [True] * closed
