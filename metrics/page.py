"""docs/metrics.md, made from the cards: `python -m ehpsbench.metrics.page > docs/metrics.md`."""

from __future__ import annotations

from ehpsbench.metrics import catalogue

HEAD = """\
# Metrics

Made from the cards of `metrics/` by `python -m ehpsbench.metrics.page`; a test holds it to them.
Each is a pure function on tensors: `from ehpsbench.metrics import pve; pve.score(pred, target)`.
Lengths go in as metres. Which points, roots and people a benchmark takes is said by its protocol
(`ehpsbench protocol show NAME`). No protocol takes `body_measurements` yet: the landmarks that it
asks for are, for the bodies of a store, `body_landmarks(bodies)` of
`ehpsbench.evaluation.mesh.landmarks`.

| metric | unit | definition | follows | where others differ | undefined |
|---|---|---|---|---|---|
"""


def page() -> str:
    """The Markdown page: one row for each metric, by name."""
    return HEAD + "".join(_row(name) for name in catalogue.names())


def _row(name: str) -> str:
    card = catalogue.card(name)
    arrow = {"lower": "↓", "higher": "↑"}[card.better]
    cells = (
        f"`{name}`: {card.title}",
        f"{card.unit} {arrow}",
        card.definition,
        card.source,
        card.others or "–",
        card.undefined,
    )
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"


if __name__ == "__main__":
    print(page(), end="")
