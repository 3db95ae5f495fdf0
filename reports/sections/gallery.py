"""Example people of every benchmark, with truth and predictions."""

from __future__ import annotations

from collections.abc import Sequence

from ehpsbench.reports.examples import Example, examples
from ehpsbench.reports.given import Given
from ehpsbench.reports.section import Section

ORDER = 120


def section(given: Given) -> Section | None:
    """One person a benchmark, at the median error of the leading training set."""
    if not given.first or given.store is None or given.bodies is None:
        return None
    drawn = examples(
        given.store,
        given.standings,
        given.bodies,
        embed_images=given.wishes.embed_images,
        embed_meshes=given.wishes.embed_meshes,
    )
    if not drawn:
        return None
    context = {"examples": drawn, "text": _text(drawn)}
    return Section("gallery", "Examples", "gallery.html.j2", context)


def _text(examples: Sequence[Example]) -> str:
    what = "The true mesh and the predicted ones over the person's crop."
    if {e.drawn for e in examples} == {"skeleton"}:
        what = (
            "True and predicted skeletons only: images and meshes of licensed releases are drawn "
            "when asked for (--embed-images, --embed-meshes) and where the licence allows it."
        )
    return f"{what} People at the median error of the leading training set."
