"""The rules of FreiHAND's benchmark: one right hand an image, aligned by FreiHAND's own fit."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ehpsbench.evaluation.protocol import NumberFacts, Protocol

ERRORS = ("mpjpe", "pa_mpjpe", "mpvpe", "pa_mpvpe")
AREAS = ("joint_auc", "pa_joint_auc", "vertex_auc", "pa_vertex_auc")
F_SCORES = ("f_5", "f_15", "pa_f_5", "pa_f_15")


class FreihandProtocol(Protocol):
    """How predicted hands are scored."""

    task: Literal["freihand"]
    reflect: bool = Field(description="alignments may mirror a hand, as in FreiHAND's own code")

    @model_validator(mode="after")
    def _primary_is_a_number(self) -> FreihandProtocol:
        facts = self.number_facts()
        if self.primary not in facts:
            raise ValueError(f"primary {self.primary!r} is none of {', '.join(facts)}")
        if (self.unit, self.better) != (facts[self.primary].unit, facts[self.primary].better):
            raise ValueError(f"{self.primary} is in {facts[self.primary].unit}")
        return self

    def number_facts(self) -> dict[str, NumberFacts]:
        """Unit and direction: errors in mm, areas under curves and F-scores."""
        shares = dict.fromkeys((*AREAS, *F_SCORES), NumberFacts("1", "higher"))
        return dict.fromkeys(ERRORS, NumberFacts("mm", "lower")) | shares


RULES = FreihandProtocol
