"""What a dataset's card, manifest and rows say of it: terms, and what to doubt."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.card import Card
from ehpsbench.reports.given import Given
from ehpsbench.reports.summaries import Summary
from ehpsbench.reports.words import listed

PARTS = {
    "body": "body poses",
    "left_hand": "left hands",
    "right_hand": "right hands",
    "face": "faces",
    "shape": "shapes",
    "camera": "cameras",
}
MADE_BY = {
    "mocap": "motion capture",
    "pseudo": "pseudo ground truth, fitted to images",
    "synthetic": "synthetic, exact",
    "manual": "marked by hand",
    "scan": "fitted to scans",
}
COMMERCIAL = {"yes": "allowed", "no": "not allowed", "ask": "on request"}
REGISTRATION = {
    "none": "direct download",
    "form": "an account or a form",
    "request": "somebody decides on a request",
}


def card_of(manifest: Mapping[str, Any]) -> Card | None:
    """The card of a stored dataset; None where no dataset is called so any more."""
    return _cards().get(manifest["source_dataset"])


@cache
def _cards() -> dict[str, Card]:
    """All cards, each read once: a page asks for them many times."""
    return {name: catalogue.card(name) for name in catalogue.names()}


def _related(card: Card) -> frozenset[str]:
    """Datasets that share something with this one, whichever card says so."""
    return card.related | {other.name for other in _cards().values() if card.name in other.related}


def facts(manifest: Mapping[str, Any], found: Summary) -> list[tuple[str, str]]:
    """(what, in words) of the release: title, labels, scene, licence, people."""
    card = card_of(manifest)
    images = sum(s["images"] for s in manifest["splits"].values() if "images" in s)
    lines = [("In the store", f"{found.people:,} people here, {images:,} images in all splits")]
    if card is not None:
        shown = "allowed" if card.licence.redistribute else "not allowed"
        lines[:0] = [
            ("Release", f"{card.title} ({card.year}), {card.homepage}"),
            ("Labels", f"{MADE_BY[card.annotation]}; {card.body.family.upper()} bodies"),
            ("Quality", card.quality),
            ("Scene", f"{card.scene}, {card.kind}"),
            (
                "Licence",
                f"{card.licence.name} ({card.licence.id}). Commercial use "
                f"{COMMERCIAL[card.licence.commercial]}; showing images and meshes {shown}; "
                f"access: {REGISTRATION[card.licence.registration]}.",
            ),
            ("How to get it", card.how_to_get),
        ]
    if found.genders:
        shares = [f"{count:,} {name}" for name, count in found.genders.items()]
        lines.append(("Gender", ", ".join(shares)))
    return [(what, " ".join(words.split())) for what, words in lines]


def findings(given: Given, manifest: Mapping[str, Any], found: Summary) -> list[str]:
    """What to doubt about a dataset, a sentence each."""
    lines = [*_refused(manifest), *_flags(found)]
    if manifest.get("miniature"):
        lines.append("A miniature that ehpsbench made itself, not the release.")
    if manifest.get("limit"):
        lines.append(f"Only the first {manifest['limit']:,} people were read.")
    if manifest.get("checks_skipped"):
        lines.append(f"Checks that could not be made: {listed(manifest['checks_skipped'])}.")
    card = card_of(manifest)
    if card is not None and not manifest.get("miniature"):
        lines += _of_card(card, {m["source_dataset"] for m in given.datasets})
    return lines


def _of_card(card: Card, sources: set[str]) -> list[str]:
    """Faults that everybody knows, what nobody could check, and what is shared with others here."""
    shared = sorted((_related(card) - {card.name}) & sources)
    lines = [f"Shares images, recordings or subjects with {listed(shared)}."] if shared else []
    lines += [f"Known fault: {' '.join(words.split())}" for words in card.errata]
    return lines + [f"Not checked: {' '.join(words.split())}" for words in card.doubts]


def _refused(manifest: Mapping[str, Any]) -> list[str]:
    """What the checks refused, by rule."""
    rejects = {rule: count for rule, count in manifest["rejects"].items() if count}
    if not rejects:
        return ["The checks refused nobody."]
    kept = sum(s["instances"] for s in manifest["splits"].values())
    refused = sum(rejects.values())
    share = 100 * refused / max(refused + kept, 1)
    said = listed([f"{count:,} by {rule}" for rule, count in sorted(rejects.items())])
    return [f"The checks refused {refused:,} people ({share:.1f} %): {said}."]


def _flags(found: Summary) -> list[str]:
    """Labels that the owners or the release call not valid."""
    lines = []
    _, lacks, unknown = found.flags["owner"]
    if lacks:
        lines.append(f"The owners call {lacks:,} people ({_share(lacks, found)}) not valid.")
    missing = []
    for flag, name in PARTS.items():
        has, lacks, unknown = found.flags[flag]
        if has + lacks and has < found.people and found.people - has >= 0.01 * found.people:
            missing.append(f"{name} of {_share(found.people - has, found)}")
        elif not has + lacks and unknown:
            missing.append(f"{name} of anybody")
    if missing:
        lines.append(f"Not labelled, or not called valid: {listed(missing)}.")
    return lines


def _share(count: int, found: Summary) -> str:
    share = 100 * count / max(found.people, 1)
    return "<1 %" if share < 1 else f"{share:.0f} %"
