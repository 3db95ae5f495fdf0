"""docs/datasets.md of the cards: `python -m ehpsbench.dataset_adapters.page > docs/datasets.md`."""

from __future__ import annotations

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.card import Card
from ehpsbench.dataset_adapters.speed import Speed, read_speeds

HEAD = """\
# Datasets

Made from the cards in `dataset_adapters/` by `python -m ehpsbench.dataset_adapters.page`; a test
holds it to them. `ehpsbench datasets NAME` says everything about one: how to get it, the tree of
files that is expected, errata and doubts; `ehpsbench datasets --licence commercial --kind
synthetic --has hands` filters. Sizes are the owners' own figures, as far as they are known. Every
adapter is tested on miniature releases in the owners' layout; **none has read a licensed file
yet**: the doubts of a card are what such a file has to settle.

{speed}

| dataset | year | what | people | labels | body | commercial use | access | ingest | shares with |
|---|--:|---|--:|---|---|---|---|---|---|
"""
SPEED = """\
**ingest** is how many people a second are read, checked and stored by one worker from a generated
release (of 20,000 people, of eight sets 10,000 to 18,000: `speed.toml`), and how many times that is
what a loop over people converts of the same files ({measured};
`python benchmarks/ingest.py` says how both are done). A loop is slow for the body model that it
calls for each person, the `smplx` package's with 13,492 vertices: where it poses a hand (`mano`) or
nobody, or calls a faster one, the factor is smaller.

What stays below 20 ×, or 5 × for a file a frame: `human_art` has no bodies, so that its loop takes
0.3 ms a person, and a twentieth of that is less than writing its Parquet takes (18 µs). `ehf` has
none either, but a mesh of 57 KB: ingest hashes a person's files in 0.27 ms, reads and checks them
in 0.39 ms and needs 0.24 ms to list, store and merge; the loop takes 1.4 ms, half of it in
`trimesh` (with `plyfile`, which more loaders of EHF use, it would take 15 ms). Of `shapy_hbw` both
open a JSON file and a picture a person and do little else: 0.40 ms here, hashing included, and
0.43 ms in the loop. For the rest, JSON takes the largest part of COCO's, EFT's and InterHand's
files (12 to 30 %), opening small files that of a file a frame.

*file a frame*: at least an annotation file for every third image has to be opened; *headers*: the
sizes of images stand in the pictures only, so each is opened for its header."""
FILES = {"arrays": "", "frames": "; file a frame", "pictures": "; headers"}
FOOT = """
**Of the kind `motion`** is what has neither pictures nor cameras (`amass`, whose people are counted
in frames). A row is somebody in one frame, without what belongs to a picture: `image_path`, sizes,
lens and boxes are null, and the `images` table has no rows. What stands in for the camera frame is
an upright frame with its axes (x right, y down), into which the owners' world is turned and not
moved: `world_rotation` is that turn, `world_translation` zero: the owners' numbers come back.
`ingest`, `validate` (people before a camera that we put there), `query`, `load`, `evaluate` on
bodies, and `export` to HumanData and Hugging Face work; training, ranking and COCO want pictures,
and say so. Motions of AMASS that somebody rendered are here with their pictures: `bedlam`,
`synbody`, `whac`.
"""


def page() -> str:
    """The Markdown page: one row for each dataset, by name, and what is left out."""
    table = read_speeds()
    rows = (_row(catalogue.card(n), table.datasets.get(n)) for n in catalogue.names())
    return HEAD.format(speed=SPEED.format(measured=table.measured)) + "".join(rows) + FOOT


def _row(card: Card, speed: Speed | None) -> str:
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
        "" if speed is None else _speed(speed),
        shares or "–",
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _speed(speed: Speed) -> str:
    factor = speed.all / speed.loop
    return f"{speed.all:,.0f}/s, {factor:.{0 if factor >= 10 else 1}f} ×{FILES[speed.files]}"


if __name__ == "__main__":
    print(page(), end="")
