"""The rules of mesh benchmarks: one person, one prediction, errors of points on two meshes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from ehpsbench.definitions import Definition
from ehpsbench.errors import InputError
from ehpsbench.evaluation.protocol import Protocol, protocol
from ehpsbench.metrics import catalogue

PointSet = Literal["vertices", "face_vertices", "hand_vertices", "j14", "lsp14", "hand_joints"]
HAND_SETS = ("hand_vertices", "hand_joints")


class RowRule(Definition):
    """Which people of the split are scored."""

    flags: tuple[str, ...] = Field(description="columns that must be true; null says nothing")
    source_model: Literal["smplx", "smpl"] = Field(description="family of the ground truth")
    labels: Literal["parameters", "vertices"] = "parameters"
    kids: Literal["include", "exclude"] = Field(description="children: kid weight above 0")


class Sampling(Definition):
    """Which share of them.

    `annotations`: counted from 1 through each annotation file, before any filter, whatever split,
    flag or check a row falls to; multiples of `every` stay. `people`: the first of each `every`
    of the people that the row rule leaves, in the stored order.
    """

    every: int = Field(default=1, ge=1)
    counted: Literal["annotations", "people"] = "people"


class Boxes(Definition):
    """What a model is told about where the person is."""

    source: Literal["ground_truth"]
    padding: float = Field(ge=1, description="tight box × this")


class ErrorColumn(Definition):
    """One error of a person; sets of both hands make `<name>_left`, `<name>_right`, `<name>`."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    metric: str
    points: PointSet
    root: Literal["pelvis", "wrist", "neck", "none"] = Field(
        description="joint of the model's regressor that each side is centred on"
    )

    @model_validator(mode="after")
    def _metric_is_known(self) -> ErrorColumn:
        if self.metric not in catalogue.names():
            raise ValueError(f"unknown metric {self.metric!r}; known: {catalogue.names()}")
        if (self.root == "wrist") != (self.points in HAND_SETS) and self.root != "none":
            raise ValueError(f"{self.name}: hands are centred on their wrist, and nothing else is")
        if self.metric.startswith("pa_") != (self.root == "none"):
            raise ValueError(f"{self.name}: root is 'none' for aligned metrics, and only for those")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that it makes."""
        if self.points in HAND_SETS:
            return (self.name, f"{self.name}_left", f"{self.name}_right")
        return (self.name,)


class MeshProtocol(Protocol):
    """How predicted meshes are scored against true ones, person by person."""

    task: Literal["mesh"]
    rows: RowRule
    sampling: Sampling
    boxes: Boxes
    ground_truth_body: Literal["owners", "neutral_refit"]
    part_flags: bool = Field(description="hands and face count only where their flag is true")
    visible: Literal["all", "inside_image"] = Field(
        description="inside_image: only points whose truth the row's own camera sees in the image"
    )
    matching: Literal["ground_truth_boxes"]
    missing: Literal["refuse"] = Field(description="penalty for people without a prediction")
    averaging: Literal["people"] = Field(description="mean over people of the mean over points")
    unit: Literal["mm"]
    errors: tuple[ErrorColumn, ...] = Field(min_length=1)

    @field_validator("ground_truth_body")
    @classmethod
    def _refits_are_not_made(cls, value: str) -> str:
        if value != "owners":
            raise ValueError(f"{value}: no neutral refits are stored; score against 'owners'")
        return value

    @model_validator(mode="after")
    def _columns_are_sound(self) -> MeshProtocol:
        columns = [c for e in self.errors for c in e.columns]
        if len(set(columns)) < len(columns):
            raise ValueError(f"error columns named twice among {columns}")
        if self.primary not in columns:
            raise ValueError(f"primary {self.primary!r} is none of the error columns {columns}")
        return self

    @property
    def primary_error(self) -> ErrorColumn:
        """The error that the primary column belongs to."""
        return next(e for e in self.errors if self.primary in e.columns)


RULES = MeshProtocol


def mesh_protocol(benchmark: str) -> MeshProtocol:
    """The protocol of a benchmark that scores predicted bodies.

    Raises:
        InputError: it scores something else; see also `ehpsbench.evaluation.protocol.protocol`.
    """
    rules = protocol(benchmark)
    if not isinstance(rules, MeshProtocol):
        raise InputError(
            f"{benchmark} scores {rules.task}; predicted bodies cannot be scored by it."
        )
    return rules
