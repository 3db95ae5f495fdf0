"""docs/datasets.md of the cards: `python -m ehpsbench.dataset_adapters.page > docs/datasets.md`."""

from __future__ import annotations

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.card import Card

HEAD = """\
# Datasets

Made from the cards in `dataset_adapters/` by `python -m ehpsbench.dataset_adapters.page`; a test
holds it to them. `ehpsbench datasets NAME` says everything about one: how to get it, the tree of
files that is expected, errata and doubts; `ehpsbench datasets --licence yes --kind synthetic --has
hands` filters. Sizes are the owners' own figures, as far as they are known. Every adapter is tested
on miniature releases in the owners' layout; **none has read a licensed file yet**: the doubts of a
card are what such a file has to settle.

| dataset | year | what | people | labels | body | commercial use | access | shares with |
|---|--:|---|--:|---|---|---|---|---|
"""
FOOT = """
**AMASS is not here**: it has motions, but no images and no cameras. An instance is one person in
one image: `validate` refuses a row without `image_path`, `height` or `width`, training, exports and
contact sheets open the picture, and `global_orient` and `transl` are in that picture's camera
frame, where a motion in a world has no place but one that we would invent (a body behind an
invented camera would be refused, a path moved in front of one would no longer be the owners').
Motions of AMASS that somebody rendered are here with their pictures: `bedlam`, `synbody`, `whac`.
"""


def page() -> str:
    """The Markdown page: one row for each dataset, by name, and what is left out."""
    return HEAD + "".join(_row(catalogue.card(name)) for name in catalogue.names()) + FOOT


def _row(card: Card) -> str:
    people = "" if card.size.people is None else f"{card.size.people:,}"
    body = "–" if card.body.family == "none" else card.body.family
    shares = ", ".join(f"{other.dataset} ({other.shares})" for other in card.overlaps)
    cells = (
        f"`{card.name}` {card.title}",
        str(card.year),
        f"{card.kind}, {card.scene}{', video' if card.video else ''}",
        people,
        f"{', '.join(card.has)}; {card.annotation}",
        body if card.body.gender in ("none", "neutral") else f"{body}, gendered",
        card.licence.commercial,
        {"none": "free", "form": "form", "request": "on request"}[card.licence.registration],
        shares or "–",
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    print(page(), end="")
