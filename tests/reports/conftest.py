"""Standings with known numbers, pages made from them, and their tables read back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.convergence import Curve, ending
from ehpsbench.leaderboards.drawn import ErrorRows
from ehpsbench.leaderboards.groups import Entrant
from ehpsbench.leaderboards.in_domain import InDomain
from ehpsbench.leaderboards.ranking import rank
from ehpsbench.leaderboards.table import Standings
from ehpsbench.reports.build import page
from ehpsbench.reports.given import Given

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Tables = dict[str, list[list[str]]]

FALLING = Curve("good", "good--s0", (400, 800, 1000, 1200), (120.0, 80.0, 70.0, 60.0))
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
MUST = "EHPSBENCH_NEED_BROWSER"  # set where a missing browser is a failure
MANY = 12  # rows of the board that the browser opens
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="session")
def standings() -> Standings:
    """`good` at 50 and 70 mm, `bad & <ugly>` 100 mm worse, `partial` lacks a benchmark."""
    rng = np.random.default_rng(0)
    board = Board.of("tiny", "Tiny board", {"one": "pve", "two": "mpjpe"})
    people = np.array([f"p{i}" for i in range(40)])
    clusters = np.array([f"c{i // 2}" for i in range(40)])
    noise = rng.normal(0, 1, 40)
    noise -= noise.mean()

    def rows(mean: float) -> ErrorRows:
        return ErrorRows(people, clusters, mean + noise)

    found = {
        "good": {"one": rows(50), "two": rows(70)},
        "bad": {"one": rows(150), "two": rows(170)},
        "partial": {"one": rows(60)},
    }
    entrants = {
        "good": Entrant("good", frozenset({"one"})),
        "bad": Entrant("bad & <ugly>"),
        "partial": Entrant("partial"),
    }
    return rank(found, board, entrants=entrants, samples=200)


@pytest.fixture(scope="session")
def data(standings: Standings) -> Given:
    """What the page of those standings is made from, without a store."""
    good, bad, partial = standings.rows
    end = ending(FALLING)
    assert end is not None
    rows = (
        replace(good, own_people=InDomain("good", 30, 40.0, 80.0, "PVE"), endings=(end,)),
        replace(
            bad,
            own_people=InDomain("bad & <ugly>", 30, 90.0, 80.0, "PVE", independent=False),
            marks=('learnt "nothing" & <worse>', "and failed"),
        ),
        partial,
    )
    return Given(title="A title", standings=replace(standings, rows=rows), curves=(FALLING,))


@pytest.fixture(scope="session")
def many() -> Given:
    """Twelve rows, two of each mean; the last is named like a script, every third in-domain."""
    rng = np.random.default_rng(1)
    board = Board.of("ehps-five", "Twelve rows", {"ehf": "pve", "pw3d-test": "mpjpe"})
    people = np.array([f"p{i}" for i in range(60)])
    noise = {b: rng.normal(0, 12, 60) for b in board.ids}
    names = [f"set-{place:02}" for place in range(MANY - 1)] + [EVIL]
    found = {
        name: {
            b: ErrorRows(people, people, 80.0 + 10 * (place // 2) + noise[b] + rng.normal(0, 4, 60))
            for b in board.ids
        }
        for place, name in enumerate(names)
    }
    entrants = {
        name: Entrant(name, frozenset({"ehf"} if place % 3 == 0 else ()))
        for place, name in enumerate(names)
    }
    ranked = rank(found, board, entrants=entrants, samples=300)
    marked = (replace(ranked.rows[0], marks=("did not converge",)), *ranked.rows[1:])
    steps = (100, 200, 400, 800)
    curves = tuple(
        Curve(name, f"{name}--s0", steps, tuple(150.0 - place - s / 10 for s in steps))
        for place, name in enumerate(names)
    )
    return Given(title=f"Of {EVIL}", standings=replace(ranked, rows=marked), curves=curves)


@pytest.fixture(scope="session")
def text(data: Given) -> str:
    """The page of the small standings."""
    return page(data)


@pytest.fixture(scope="session")
def tables_of() -> Callable[[str], Tables]:
    """Text of the cells of a page by table id."""

    def read(text: str) -> Tables:
        parser = _Cells()
        parser.feed(text)
        return parser.rows

    return read


@pytest.fixture(scope="session")
def tables(text: str, tables_of: Callable[[str], Tables]) -> Tables:
    """The tables of the page of the small standings."""
    return tables_of(text)


class _Cells(HTMLParser):
    """Collects the text of table cells; what is small stands behind a bar."""

    def __init__(self) -> None:
        super().__init__()
        self.table = ""
        self.rows: Tables = {}
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.table = str(dict(attrs).get("id"))
            self.rows[self.table] = []
        elif tag == "tr":
            self.rows[self.table].append([])
        elif tag in ("td", "th"):
            self.rows[self.table][-1].append("")
            self.inside = True
        elif tag == "small" and self.inside:
            self.rows[self.table][-1][-1] += "|"

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[self.table][-1][-1] += data.strip()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window: the system's, else the one that playwright installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
        if found is None and not own.is_file():
            words = "No Chromium: apt-get install chromium, or playwright install chromium."
            if os.environ.get(MUST):
                pytest.fail(words)
            pytest.skip(words)
        flags = ["--enable-unsafe-swiftshader"]  # WebGL where there is no GPU
        flags += ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=found, args=flags)
        yield opened
        opened.close()


@dataclass(frozen=True, slots=True)
class Opened:
    """A page in the browser.

    Attributes:
        page: to look at and to act on.
        said: what it wrote to the console, and errors of its scripts.
        asked: addresses that it tried to load, but for itself and what is inside it.
    """

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


def _hear(opened: Opened, text: str) -> None:
    """Keep a line of the console; how long its own software GL took is the browser's matter."""
    if "GL Driver Message (OpenGL, Performance" not in text:
        opened.said.append(text)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a file with the network blocked: `open_page(path, "#hash", width=, dark=)`."""
    contexts = []

    def open_file(path: Path, hash: str = "", *, width: int = 1280, dark: bool = False) -> Opened:
        context = browser.new_context(
            viewport={"width": width, "height": 844},
            color_scheme="dark" if dark else "light",
            offline=True,
            accept_downloads=True,
        )
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.on("console", lambda message: _hear(opened, message.text))
        opened.page.on("pageerror", lambda error: opened.said.append(str(error)))
        opened.page.on("request", lambda request: opened.asked.append(request.url))
        opened.page.goto(path.as_uri() + hash)
        opened.asked[:] = [a for a in opened.asked if not a.startswith((path.as_uri(), "blob:"))]
        return opened

    yield open_file
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def many_page(many: Given, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the twelve rows on disk."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page(many), encoding="utf-8")
    return path
