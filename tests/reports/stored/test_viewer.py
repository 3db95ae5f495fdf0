"""The body that turns, in a browser: it paints what is chosen, or leaves its stills."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ehpsbench.reports.build import page
from ehpsbench.reports.given import Given

Open = Callable[..., Any]
CANVAS = "[data-viewer][data-ready=true]"


@pytest.fixture(scope="module")
def written(board: Given, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("viewer") / "report.html"
    path.write_text(page(board), encoding="utf-8")
    return path


def _picture(opened: Any) -> bytes:
    """What the canvas shows, once it has drawn again."""
    opened.page.wait_for_timeout(250)
    found: bytes = opened.page.locator(CANVAS).screenshot()
    return found


def test_keys_mouse_and_buttons_turn_the_body(open_page: Open, written: Path) -> None:
    opened = open_page(written)
    opened.page.wait_for_selector(CANVAS)
    shown = [_picture(opened)]
    opened.page.locator(CANVAS).focus()
    opened.page.keyboard.press("ArrowLeft")
    shown.append(_picture(opened))
    box = opened.page.locator(CANVAS).bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    opened.page.mouse.move(*middle)
    opened.page.mouse.down()
    opened.page.mouse.move(middle[0] + 90, middle[1])
    opened.page.mouse.up()
    shown.append(_picture(opened))
    opened.page.get_by_role("button", name="Back").click()
    shown.append(_picture(opened))
    assert len(set(shown)) == 4
    opened.page.get_by_role("button", name="Front").click()
    assert _picture(opened) not in shown[1:]
    said = [line for line in opened.said if "GL Driver Message" not in line]  # of screenshots
    assert (said, opened.asked) == ([], [])


def test_another_row_is_painted_told_in_words_and_kept_in_the_address(
    open_page: Open, written: Path
) -> None:
    opened = open_page(written)
    opened.page.wait_for_selector(CANVAS)
    first, words = _picture(opened), opened.page.locator("[data-words]")
    elbow = opened.page.locator("[data-joint='18'] td").first.inner_text()
    opened.page.locator("[data-pick=row]").select_option("1")
    assert words.inner_text().startswith("far on agora-val, before alignment: mean")
    assert _picture(opened) != first
    assert opened.page.locator("[data-joint='18'] td").first.inner_text() != elbow
    opened.page.locator("[data-pick=alignment]").select_option("1")
    hash_ = opened.page.evaluate("location.hash")
    again = open_page(written, hash_)
    again.page.wait_for_selector(CANVAS)
    assert again.page.locator("[data-words]").inner_text() == words.inner_text()
    assert "after alignment" in words.inner_text()


def test_on_paper_the_stills_stand_for_the_viewer(open_page: Open, written: Path) -> None:
    opened = open_page(written)
    opened.page.wait_for_selector(CANVAS)
    assert not opened.page.locator(".still img").first.is_visible()
    opened.page.emulate_media(media="print")
    assert opened.page.locator(".still img").first.is_visible()
    assert not opened.page.locator(".viewer").is_visible()


def test_without_webgl_the_stills_stay(open_page: Open, written: Path) -> None:
    script = "HTMLCanvasElement.prototype.getContext = () => null;"
    opened = open_page(written)
    opened.page.add_init_script(script)
    opened.page.reload()
    assert opened.page.locator(".still img").first.is_visible()
    assert not opened.page.locator(".viewer").is_visible()
    assert opened.said == []


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, True)])
def test_axe_finds_no_serious_problem_and_the_page_does_not_scroll_sideways(
    open_page: Open, written: Path, width: int, dark: bool
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    opened = open_page(written, width=width, dark=dark)
    opened.page.wait_for_selector(CANVAS)
    opened.page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    named = "one => { one.textContent = 'a_very_long_name_of_a_file'.repeat(9); }"
    opened.page.locator(".dataset dd").first.evaluate(named)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(opened.page).response["violations"]
    grave = [f for f in found if f["impact"] in ("serious", "critical")]
    assert [(f["id"], [n["html"][:120] for n in f["nodes"][:3]]) for f in grave] == []
