"""The rules of benchmarks on depth: which pixels, aligned how, errors averaged over images."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ehpsbench.evaluation.protocol import NumberFacts, Protocol
from ehpsbench.metrics.depth import MEANS

DELTAS = ("delta1", "delta2", "delta3")
How = Literal["none", "least_squares", "per_sequence", "median", "midas"]


class DepthProtocol(Protocol):
    """How depth maps are scored."""

    task: Literal["depth"]
    alignment: How = Field(
        description="none: metric; least_squares: scale and shift of each image in the space of "
        "the prediction; per_sequence: the same of each video; median: scale of each image; midas: "
        "least_squares in disparity, capped"
    )
    pixels: Literal["person", "all"] = Field(description="where depth counts: people, by the mask")
    range: tuple[float, float] = Field(description="true depth between these counts, ends not [m]")
    clip: tuple[float, float] | None = Field(
        default=None, description="aligned depth is clipped to these [m]"
    )
    cap: float | None = Field(default=None, gt=0, description="midas: greatest aligned depth [m]")
    least_pixels: int = Field(
        default=10, ge=1, description="images with fewer pixels that count are left out"
    )

    @model_validator(mode="after")
    def _is_sound(self) -> DepthProtocol:
        for name, pair in (("range", self.range), ("clip", self.clip)):
            if pair is not None and not 0 <= pair[0] < pair[1]:
                raise ValueError(f"{name} must be least and greatest depth, got {pair}")
        if (self.alignment == "midas") != (self.cap is not None):
            raise ValueError("cap belongs to alignment = 'midas', which needs one")
        if self.primary not in MEANS:
            raise ValueError(f"primary {self.primary!r} is none of {', '.join(MEANS)}")
        if (self.better == "higher") != self.primary.startswith("delta"):
            raise ValueError("of depth errors only delta1, delta2 and delta3 are better higher")
        return self

    def number_facts(self) -> dict[str, NumberFacts]:
        """Unit and direction of each error."""
        units = {"sq_rel": "m", "rmse": "m", "silog_rmse": "%", "bad_pixel": "%"}
        return {
            name: NumberFacts(units.get(name, "1"), "higher" if name in DELTAS else "lower")
            for name in MEANS
        }


RULES = DepthProtocol
