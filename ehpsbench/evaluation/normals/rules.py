"""The rules of benchmarks on surface normals: which pixels, pooled or averaged over images."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ehpsbench.evaluation.protocol import NumberFacts, Protocol
from ehpsbench.metrics.angular_error import WITHIN

NUMBERS = ("mean", "median", "rmse", *WITHIN)


class NormalsProtocol(Protocol):
    """How maps of normals are scored."""

    task: Literal["normals"]
    averaging: Literal["pixels", "images"] = Field(
        description="pixels: of all images together; images: numbers of each image, then their mean"
    )
    pixels: Literal["person", "all"] = Field(description="where normals count: people, by the mask")
    zero_truth: Literal["leave_out", "right_angle"] = Field(
        description="a true vector of length 0: does not count, or is at 90° to everything"
    )

    @model_validator(mode="after")
    def _is_sound(self) -> NormalsProtocol:
        if self.primary not in NUMBERS:
            raise ValueError(f"primary {self.primary!r} is none of {', '.join(NUMBERS)}")
        if (self.better == "higher") != self.primary.startswith("within"):
            raise ValueError("of normals only the shares within an angle are better higher")
        return self

    def number_facts(self) -> dict[str, NumberFacts]:
        """Unit and direction: angles, and shares of pixels within one."""
        angle, share = NumberFacts("degrees", "lower"), NumberFacts("%", "higher")
        return {name: share if name in WITHIN else angle for name in NUMBERS}


RULES = NormalsProtocol
