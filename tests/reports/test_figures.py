"""Figures: names as text, themed colours, nothing that breaks out of the SVG."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

from ehpsbench.leaderboards.convergence import Curve
from ehpsbench.reports.figures.curves import learning_curves
from ehpsbench.reports.figures.forest import forest
from ehpsbench.reports.figures.scatter import Axis, Dot, scatter
from ehpsbench.reports.given import Given
from ehpsbench.reports.theme import LIGHT, ROLES, STAND_INS, colour_of, palette_css

EVIL = "<script>alert(1)</script>"


def _words(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg.replace("xlink:href", "href"))
    return [str(node.text) for node in root.iter("text")]


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_words_stand_out_from_the_ground_by_4_5_to_1_in_both_themes() -> None:
    for theme in (1, 2):
        for role in ("ink", "soft", "accent", "good", "bad", "warn"):
            for ground in ("paper", "tint"):
                assert _contrast(ROLES[role][theme], ROLES[ground][theme]) >= 4.5, (role, ground)


def test_every_stand_in_is_a_colour_of_its_own() -> None:
    every = [colours[0] for colours in ROLES.values()] + list(STAND_INS)
    assert len(set(every)) == len(every)
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in every)
    assert palette_css().count("--c0:") == 3


def test_the_forest_names_every_row_and_holds_no_stand_in(many: Given) -> None:
    svg = forest(many.standings, "f", "MPE [mm]")
    names = [row.name for row in many.standings.rows]
    assert all(any(word.startswith(name) for word in _words(svg)) for name in names)
    assert EVIL not in svg
    assert not any(colours[0] in svg for colours in ROLES.values())
    assert "var(--c0)" in svg


def test_a_dollar_in_a_name_is_no_formula(many: Given) -> None:
    rows = tuple(replace(r, name=f"$x_{i}$") for i, r in enumerate(many.standings.rows))
    svg = forest(replace(many.standings, rows=rows), "f", "MPE [mm]")
    assert "$x_3$" in _words(svg)


def test_each_of_forty_sets_has_a_panel_with_its_name() -> None:
    names = [f"set-{i}" for i in range(40)]
    steps = (400, 800, 1200)
    svg = learning_curves([Curve(n, n, steps, (3.0, 2.0, 1.0)) for n in names], names, "c")
    assert set(names) <= set(_words(svg))
    assert f"var(--c{39 % len(LIGHT)})" in svg


def test_dots_of_one_place_are_drawn_side_by_side_and_names_never_twice() -> None:
    names = ["a", "b", EVIL]
    dots = [Dot(n, 100.0, 5.0, 4.0, 6.0, colour_of(names, n)) for n in names]
    svg = scatter(dots, Axis("people"), Axis("rank"), "s", "A title")
    ElementTree.fromstring(svg)
    assert EVIL not in svg
    shown = [word for word in _words(svg) if word in names]
    assert len(shown) == len(set(shown))
