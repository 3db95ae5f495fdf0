"""`validate`: everything that can be checked about a stored dataset, and a sheet to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ehpsbench.curation.validation.files import check_images, check_parts, check_release
from ehpsbench.curation.validation.findings import Finding, Findings
from ehpsbench.curation.validation.rows import check_relations, check_rows
from ehpsbench.curation.validation.sheet import draw_sheet
from ehpsbench.errors import MissingBody
from ehpsbench.store import Store

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["Validation", "validate"]

DAMAGE = ("store_file", "store_rows")  # what hinders reading the rows


@dataclass(frozen=True, slots=True)
class Validation:
    """What was checked, and what was found.

    Attributes:
        dataset: name in the store.
        people: how many rows were checked.
        images: how many images.
        pictured: False for motions, which have none.
        findings: rules that something breaks.
        notes: what could not be checked, and why.
        measures: numbers to look at, by name.
        sheet: the picture, where one was drawn.
    """

    dataset: str
    people: int
    images: int
    pictured: bool
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    measures: dict[str, float]
    sheet: Path | None


def validate(
    store: Store,
    name: str,
    *,
    sheet: Path | None = None,
    hashes: bool = True,
    body_models: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Validation:
    """Check a stored dataset again.

    Args:
        store: with the dataset.
        name: of the dataset.
        sheet: where to draw the contact sheet; None: nowhere.
        hashes: compare the hashes of the store's parts and of the release's annotation files.
        body_models: folder of licensed body models, for rows that were read with such.
        progress: called with people done and in all.

    Raises:
        UnknownName: the store has no such dataset.
        StoreError: its manifest is broken.
    """
    people, images = (_count(store, name, table) for table in ("instances", "images"))
    found, notes = Findings(), list[str]()
    bodies = _bodies(store, name, body_models, notes)
    check_parts(store, name, found, hashes=hashes)
    there = check_release(store, name, found, hashes=hashes)
    measures: dict[str, float] = {}
    drawn: Path | None = None
    if any(finding.rule in DAMAGE for finding in found.all()):
        notes.append("Rows were not checked: parts of the store are damaged.")
    else:
        check_relations(store, name, found)
        measures = check_rows(store, name, bodies, found, lambda done: progress(done, people))
        if there:
            check_images(store, name, found)
        if sheet is not None and people:
            draw_sheet(store, name, bodies, sheet)
            drawn = sheet
    pictured = store.pictured(name)
    return Validation(name, people, images, pictured, found.all(), tuple(notes), measures, drawn)


def _count(store: Store, name: str, table: str) -> int:
    return sum(int(account[table]) for account in store.manifest(name)["splits"].values())


def _bodies(store: Store, name: str, body_models: Path | None, notes: list[str]) -> BodySet | None:
    """The body set of the rows, or None and a note why what needs it is left out."""
    from ehpsbench.label_bodies import bodies_of_rows

    try:
        return bodies_of_rows(store, [name], body_models)
    except MissingBody as error:
        notes.append(f"Nothing that needs bodies was checked or drawn. {error}")
        return None
