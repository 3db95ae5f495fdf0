"""A protocol says exactly how a benchmark is scored; its hash is printed with each number.

A benchmark is a protocol on its data (`agora-val`), or the same rules on another dataset of the
store: `ehf@my-studio` or `ehf@my-studio@test` (protocol@dataset@split).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from ehpsbench.atomic import digest
from ehpsbench.definitions import Definition, places, read_definition
from ehpsbench.errors import InputError, UnknownName
from ehpsbench.metrics import catalogue

ENTRY_POINTS = "ehpsbench.protocols"
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


class Protocol(Definition):
    """How a benchmark is scored."""

    name: str
    version: int
    title: str
    about: str
    source: str
    dataset: str
    split: str
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
    primary: str
    errors: tuple[ErrorColumn, ...] = Field(min_length=1)

    @field_validator("ground_truth_body")
    @classmethod
    def _refits_are_not_made(cls, value: str) -> str:
        if value != "owners":
            raise ValueError(f"{value}: no neutral refits are stored; score against 'owners'")
        return value

    @model_validator(mode="after")
    def _columns_are_sound(self) -> Protocol:
        columns = [c for e in self.errors for c in e.columns]
        if len(set(columns)) < len(columns):
            raise ValueError(f"error columns named twice among {columns}")
        if self.primary not in columns:
            raise ValueError(f"primary {self.primary!r} is none of the error columns {columns}")
        return self

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of all that the protocol says."""
        return digest(self.model_dump(mode="json"))

    @property
    def primary_error(self) -> ErrorColumn:
        """The error that the primary column belongs to."""
        return next(e for e in self.errors if self.primary in e.columns)


def names() -> list[str]:
    """All protocols: the files in protocols/, and third parties' entry points."""
    return sorted(_places())


def protocol(benchmark: str) -> Protocol:
    """The protocol of a benchmark.

    Args:
        benchmark: a protocol's name, `name@dataset`, `name@dataset@split`, or a .toml file.

    Raises:
        UnknownName: there is no such protocol; says which names are near.
        InputError: the file is not a protocol.
    """
    if benchmark.endswith(".toml"):
        return read_protocol(Path(benchmark))
    name, *data = benchmark.split("@")
    if name not in _places():
        raise UnknownName.of("benchmark", name, names())
    rules = read_protocol(_places()[name])
    if not data:
        return rules
    place = dict(zip(("dataset", "split"), data, strict=False))
    if len(data) > 2 or not all(data):
        raise InputError(f"{benchmark!r} is not a benchmark; write protocol@dataset@split.")
    return rules.model_copy(update={"name": benchmark, **place})


def read_protocol(path: Path) -> Protocol:
    """The protocol in a TOML file; its name is the file's."""
    return read_definition(Protocol, path, "protocol", name=path.stem)


@cache
def _places() -> dict[str, Path]:
    folder = Path(str(files("ehpsbench.evaluation"))) / "protocols"
    return places(folder, ENTRY_POINTS)
