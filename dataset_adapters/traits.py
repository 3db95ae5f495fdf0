"""What the labels of a release can say of a body, and people made so that they say all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.card import Card
from ehpsbench.dataset_adapters.parameters import hand_components
from ehpsbench.world.people import Person, model_of

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.body.model import BodyModel

__all__ = ["SIDES", "Traits", "hands_of"]

Floats = NDArray[np.float64]

SIDES = ("left", "right")


def hands_of(person: Person) -> Floats | None:
    """(2, 45) absolute hands of somebody [rad]; NaN for one that the body does not have."""
    if person.family == "smpl":
        return None
    hands = np.stack([person.left_hand_pose, person.right_hand_pose])
    if person.family.startswith("mano"):
        hands[0 if person.family == "mano_right" else 1] = np.nan
    return hands


@dataclass(frozen=True, slots=True)
class Traits:
    """What the labels of a release can say of a body; its people are made so.

    Attributes:
        family: smplx, smplh, smpl, mano_left or mano_right.
        genders: of the body models; clips take turns.
        num_betas: shape components.
        hands: "absolute", "relative" or "none", as in the card.
        components: hands as so many principal components; None: 45 angles.
        fingers: False: a release without hand labels; hands rest (at the mean, if "relative").
        face: False: jaw and expression rest.
        eyes: False: eyes rest.
    """

    family: str = "smplx"
    genders: tuple[str, ...] = ("neutral",)
    num_betas: int = 10
    hands: str = "absolute"
    components: int | None = None
    fingers: bool = True
    face: bool = True
    eyes: bool = True

    @classmethod
    def of(cls, card: Card, **changes: Any) -> Traits:
        """As the card's body facts and `has` say; `changes` where a release differs."""
        body = card.body
        family = {"mano": "mano_right", "none": "smplx", "vertices": "smplx"}
        found = cls(
            family=family.get(body.family, body.family),
            genders=("female", "male") if body.gender == "gendered" else ("neutral",),
            num_betas=min(body.num_betas, 16) or 10,
            hands=body.hands,
            components=body.hand_components,
            fingers="hands" in card.has,
            face="face" in card.has,
            eyes="face" in card.has,
        )
        return replace(found, **changes)

    def trained(self, people: Sequence[Person], bodies: BodySet) -> list[Person]:
        """The same people as the labels can say them."""
        return [self._reduced(person, model_of(person, bodies)) for person in people]

    def stored_hand(self, pose: Floats, model: BodyModel, side: str) -> Floats:
        """Absolute hand poses (N, 45) as the release stores them."""
        if self.hands == "relative":
            pose = pose - model.hand_mean(side)
        if self.components is None:
            return pose
        return np.asarray(pose @ np.linalg.pinv(hand_components(model, side, self.components)))

    def _reduced(self, person: Person, model: BodyModel) -> Person:
        changes: dict[str, Any] = {}
        if not self.face:
            changes |= {"jaw_pose": np.zeros(3), "expression": np.zeros(10)}
        if not self.eyes:
            changes |= {"leye_pose": np.zeros(3), "reye_pose": np.zeros(3)}
        sides = {"smpl": (), "mano_left": ("left",), "mano_right": ("right",)}
        for side in sides.get(self.family, SIDES):
            rest = model.hand_mean(side) if self.hands == "relative" else np.zeros(45)
            pose = getattr(person, f"{side}_hand_pose") if self.fingers else rest
            if self.components is not None:
                space = hand_components(model, side, self.components)
                pose = rest + (pose - rest) @ np.linalg.pinv(space) @ space
            changes[f"{side}_hand_pose"] = pose
        return replace(person, **changes)
