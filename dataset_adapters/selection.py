"""Which cards answer a wish: licence, kind, what is labelled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ehpsbench.dataset_adapters.card import Card
from ehpsbench.errors import InputError

__all__ = ["CHOICES", "Wish", "matching"]

# "commercial" shows what may be used so, "ask" also what the owners want to be asked for
LICENCES = {
    "commercial": ("yes",),
    "ask": ("yes", "ask"),
    "research": ("yes", "ask", "no"),
}
CHOICES = {
    "licence": tuple(LICENCES),
    "kind": ("real", "synthetic", "composite", "motion"),
    "scene": ("in the wild", "indoor", "studio", "mixed"),
    "body": ("smplx", "smplh", "smpl", "mano", "vertices", "none"),
    "annotation": ("mocap", "pseudo", "synthetic", "manual", "scan"),
    "has": (
        *("body", "shape", "hands", "face", "keypoints2d", "keypoints3d"),
        *("masks", "depth", "normals", "video"),
    ),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a dataset must be; None: anything.

    Attributes:
        licence: of `LICENCES`.
        kind: real, synthetic, composite or motion (no pictures).
        scene: where it was taken.
        body: family of the body model.
        annotation: how the labels were made.
        has: parts that must all be labelled; "video" for frames of recordings.
    """

    licence: str | None = None
    kind: str | None = None
    scene: str | None = None
    body: str | None = None
    annotation: str | None = None
    has: Sequence[str] = ()

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in CHOICES}
        for name, value in given.items():
            for one in value if name == "has" else (value,):
                if one is not None and one not in CHOICES[name]:
                    allowed = ", ".join(CHOICES[name])
                    raise InputError(f"--{name} must be one of {allowed}; got {one!r}.")

    def fits(self, card: Card) -> bool:
        """Whether a card answers it."""
        own: dict[str, str] = {"kind": card.kind, "scene": card.scene}
        own |= {"body": card.body.family, "annotation": card.annotation}
        if any(getattr(self, name) not in (None, value) for name, value in own.items()):
            return False
        if self.licence and card.licence.commercial not in LICENCES[self.licence]:
            return False
        return set(self.has) <= {*card.has, *(("video",) if card.video else ())}


def matching(cards: Iterable[Card], wish: Wish) -> list[Card]:
    """The cards that answer a wish, in their order."""
    return [card for card in cards if wish.fits(card)]
