"""One colour-blind-safe theme for all figures and tables, light and dark, and figures as SVG.

A figure is drawn with stand-in colours that the page replaces by CSS variables, so that text, axes
and marks follow the reader's light or dark theme; text stays text, in the page's own font.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What a colour is for: (stand-in that figures are drawn with, in light, in dark).
ROLES = {
    "paper": ("#fefefe", "#ffffff", "#12161c"),
    "ink": ("#010203", "#1b2430", "#e6eaf0"),
    "soft": ("#040506", "#566173", "#a3aebd"),
    "line": ("#070809", "#dce1e8", "#2d3641"),
    "tint": ("#fafbfd", "#f4f6f9", "#1a2028"),
    "accent": ("#0a0b0c", "#1f63ad", "#7ab2ee"),
    "good": ("#0d0e0f", "#22713f", "#6cc48d"),
    "bad": ("#101112", "#a33228", "#f0968b"),
    "warn": ("#131415", "#8a5200", "#e5b062"),
}
# Eight hues after Okabe and Ito (2008), each dark enough on white and light enough on dark.
LIGHT = ("#0a69a8", "#b85a00", "#11805c", "#a3428a", "#5b55a8", "#8f6a00", "#a3322b", "#4a5666")
DARK = ("#63b3ea", "#f0a04b", "#4cc79d", "#e08cc8", "#a9a3f0", "#d9b64a", "#f08a80", "#a9b6c6")
STAND_INS = tuple(f"#0{place}a0b{place}" for place in range(len(LIGHT)))
FONT_PX = 12.0
SMALLEST = 0.78  # of its width; narrower a figure scrolls, so that its words stay readable


def colour(role: str) -> str:
    """The stand-in of a role (`ink`, `soft`, `line` …), to draw a figure with."""
    return ROLES[role][0]


def place_of(names: Sequence[str], name: str) -> int:
    """Which of the series' colours a name has, by its place on the board."""
    return list(names).index(name) % len(LIGHT)


def colour_of(names: Sequence[str], name: str) -> str:
    """The stand-in of a name's colour, to draw a figure with."""
    return STAND_INS[place_of(names, name)]


def variable_of(names: Sequence[str], name: str) -> str:
    """The same colour as a CSS value."""
    return f"var(--c{place_of(names, name)})"


def palette_css() -> str:
    """The CSS variables of both themes; the page's switch sets `data-theme` on the root."""

    def block(which: int, series: Sequence[str]) -> str:
        roles = "".join(f"--{role}:{colours[which]};" for role, colours in ROLES.items())
        return roles + "".join(f"--c{place}:{value};" for place, value in enumerate(series))

    light, dark = block(1, LIGHT), block(2, DARK)
    return (
        f":root{{color-scheme:light;{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark)"
        f"{{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n"
        f"@media screen{{:root[data-theme=dark]{{color-scheme:dark;{dark}}}}}\n"
    )


@contextmanager
def drawing() -> Iterator[None]:
    """Within it figures are drawn in the theme."""
    import matplotlib as mpl

    soft, line = colour("soft"), colour("line")
    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "ehpsbench",
        "font.size": FONT_PX * 0.75,  # points; the page shows 96 px an inch
        "text.color": colour("ink"),
        "axes.edgecolor": line,
        "axes.labelcolor": soft,
        "axes.linewidth": 0.8,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": FONT_PX * 0.75,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "grid.color": line,
        "grid.linewidth": 0.7,
        "xtick.color": line,
        "ytick.color": line,
        "xtick.labelcolor": soft,
        "ytick.labelcolor": soft,
        "lines.solid_capstyle": "round",
        "path.simplify": True,
    }
    with mpl.rc_context(settings):
        yield


def svg(figure: Figure, name: str, title: str, description: str) -> str:
    """A figure as an SVG element for the page.

    Args:
        figure: drawn within `drawing()`.
        name: unique on the page; put before every id.
        title: what it is, in a few words.
        description: what one sees, for those who do not.
    """
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    found = text.getvalue()
    found = found[found.index("<svg") :]
    found = re.sub(r"<metadata>.*?</metadata>", "", found, count=1, flags=re.DOTALL)
    found = _ids(found, name)
    found = _themed(found)
    found = re.sub(r"<!--.*?-->\n?", "", found, flags=re.DOTALL)
    found = re.sub(r"\n\s+", "\n", found)
    width = figure.get_figwidth() * 96
    head = (
        f'<svg role="img" aria-labelledby="{name}-title {name}-description" '
        f'style="max-width:{width:.0f}px;min-width:{SMALLEST * width:.0f}px" '
    )
    words = (
        f'<title id="{name}-title">{html.escape(title)}</title>'
        f'<desc id="{name}-description">{html.escape(description)}</desc>'
    )
    start = found.index(">") + 1
    opening = re.sub(r'\s(?:width|height|version|xmlns:xlink|xmlns)="[^"]*"', "", found[4:start])
    return head + opening.lstrip() + words + found[start:]


def _ids(text: str, name: str) -> str:
    """Ids that something refers to get the figure's name before them; the others go."""
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    return re.sub(r'(?:xlink:)?href="#([^"]+)"', rf'href="#{name}-\1"', text)


def _themed(text: str) -> str:
    """Stand-in colours become CSS variables, and fonts the page's own."""
    for role, colours in ROLES.items():
        text = text.replace(colours[0], f"var(--{role})")
    for place, stand_in in enumerate(STAND_INS):
        text = text.replace(stand_in, f"var(--c{place})")
    return re.sub(r"font: (\w+ )?([\d.]+px) [^;\"]*", r"font: \1\2 var(--font)", text)
