"""The rules of benchmarks on body parts: a class for each pixel, areas pooled over the set."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ehpsbench.evaluation.protocol import NumberFacts, Protocol
from ehpsbench.metrics.part_classes import CLASS_SETS

NUMBERS = ("miou", "macc", "aacc")


class SegmentationProtocol(Protocol):
    """How label maps are scored."""

    task: Literal["segmentation"]
    classes: str | tuple[str, ...] = Field(
        description=f"a class set ({', '.join(CLASS_SETS)}), or names in the order of the labels"
    )
    ignore_index: int | None = Field(
        default=255, description="true label that says nothing; so does the map's invalid value"
    )
    pixels: Literal["all", "person"] = Field(default="all", description="where labels count")
    predicted_out_of_range: Literal["error", "count"] = Field(
        description="a prediction that is no class; count: wrong, as in mmsegmentation"
    )
    true_out_of_range: Literal["error", "count"] = Field(
        description="a truth neither class nor ignored; count: its prediction still counts"
    )
    better: Literal["higher"] = "higher"

    @model_validator(mode="after")
    def _is_sound(self) -> SegmentationProtocol:
        if isinstance(self.classes, str) and self.classes not in CLASS_SETS:
            raise ValueError(f"unknown class set {self.classes!r}; known: {list(CLASS_SETS)}")
        if len(set(self.names)) < len(self.names):
            raise ValueError("a class is named twice")
        if self.primary not in self.number_facts():
            raise ValueError(f"primary {self.primary!r} is none of {', '.join(NUMBERS)}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, in the order of the labels."""
        return CLASS_SETS[self.classes] if isinstance(self.classes, str) else self.classes

    @property
    def every_number(self) -> tuple[str, ...]:
        """Names of all that comes out."""
        return (*self.number_facts(), "classes_used")

    def number_facts(self) -> dict[str, NumberFacts]:
        """Unit and direction of each score."""
        names = (*NUMBERS, *(f"{n}_{c}" for n in ("iou", "acc") for c in self.names))
        return dict.fromkeys(names, NumberFacts("%", "higher"))


RULES = SegmentationProtocol
