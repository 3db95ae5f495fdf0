"""The rules of AGORA's benchmark: whom detections are matched to, and what is averaged."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from ehpsbench.evaluation.protocol import NumberFacts, Protocol
from ehpsbench.metrics.agora_columns import RATES, number_names


class AgoraProtocol(Protocol):
    """How predicted people are matched to those of an image and scored."""

    body_roles: ClassVar[tuple[str, ...]] = ("smplx/neutral", "hands", "face", "agora_body")

    task: Literal["agora"]
    variant: Literal["official", "matched"] = Field(
        description="official: hands and face count 0 mm for those who are missed, F1 is rounded "
        "before errors are divided by it; matched: neither"
    )
    images: Literal["all", "body_face_hands"] = Field(
        description="body_face_hands: only those whose file name holds bfh or smplx, as with "
        "--onlybfh of the official code"
    )
    source_model: Literal["smplx"] = Field(description="family of the ground truth")
    ground_truth_body: Literal["owners"] = Field(description="gendered, children with their own")
    matching: Literal["spectral_norm"] = Field(
        description="nearest pair first by the spectral norm of the 24×2 joint differences"
    )
    least_iou: float = Field(ge=0, le=1, description="overlap of joint boxes, 1 px longer")
    most_occluded: float = Field(
        ge=0, le=1, description="share beyond which a valid person cannot be matched: a miss"
    )
    height: int = Field(gt=0, description="of the image whose pixels joints are given in [px]")
    root: Literal["hips_wrist_neck"] = Field(
        description="midpoint of the hips for the body, wrist for hands, neck for the face"
    )
    missing: Literal["miss"] = Field(description="people without a detection lower recall")
    averaging: Literal["people"]
    unit: Literal["mm"]

    @model_validator(mode="after")
    def _primary_is_a_number(self) -> AgoraProtocol:
        known = number_names(self.variant)
        if self.primary not in known:
            raise ValueError(f"primary {self.primary!r} is none of the numbers {known}")
        return self

    def number_facts(self) -> dict[str, NumberFacts]:
        """Unit and direction: errors in mm, and how many are found."""
        shares = NumberFacts("1", "higher")
        names = number_names(self.variant)
        rates = {n for n in names if n.removeprefix("kid_") in RATES}
        return {n: shares if n in rates else NumberFacts("mm", "lower") for n in names}


RULES = AgoraProtocol
