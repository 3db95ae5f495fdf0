"""The demo's table: what each training set is worth, and what must come out."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from ehpsbench.definitions import Definition, read_definition
from ehpsbench.world.settings import WorldSettings

TABLE = Path(__file__).with_name("plan.toml")


class PlannedSet(Definition):
    """A training set of the demo."""

    name: str = Field(pattern=r"^[a-z-]+$")
    about: str
    people: int | None = Field(default=None, gt=0, description="None: as the other sets")
    settings: dict[str, Any] = Field(default_factory=dict)


class Order(Definition):
    """Every set of `before` must rank before every set of `after`."""

    before: tuple[str, ...]
    after: tuple[str, ...]


class Tie(Definition):
    """Sets that no rank may separate."""

    sets: tuple[str, ...]


class Plan(Definition):
    """The whole table.

    Attributes:
        version: raised whenever the table changes.
        layout: in which the training sets are written; one for all, only the worth may differ.
        people: in every training set.
        benchmark_people: about how many in every benchmark.
        image_scale: of the layout's own image size.
        seeds: training runs per set.
        beat_mean_pose: sets whose model must beat their mean pose on their held-out people.
        world: what all sets and the benchmarks share.
        sets: the training sets.
        order: which must stand before which.
        ties: which must not be separated.
    """

    version: int
    layout: Literal["owners", "humandata"] = "owners"
    people: int = Field(gt=0)
    benchmark_people: int = Field(gt=0)
    image_scale: float = Field(gt=0)
    seeds: int = Field(gt=0)
    beat_mean_pose: tuple[str, ...]
    world: dict[str, Any]
    sets: tuple[PlannedSet, ...]
    order: tuple[Order, ...]
    ties: tuple[Tie, ...]

    @model_validator(mode="after")
    def _names_exist(self) -> Plan:
        known = [s.name for s in self.sets]
        if len(set(known)) < len(known):
            raise ValueError(f"set names must differ: {known}")
        named = {n for o in self.order for n in (*o.before, *o.after)}
        named |= {n for t in self.ties for n in t.sets} | set(self.beat_mean_pose)
        if not named <= set(known):
            raise ValueError(f"the claims name unknown sets: {sorted(named - set(known))}")
        return self

    def settings(self, planned: PlannedSet) -> WorldSettings:
        """The world of a training set."""
        return WorldSettings(**(self.world | planned.settings))

    def benchmark_settings(self) -> WorldSettings:
        """The world of every benchmark."""
        return WorldSettings(**self.world)

    def pairs(self) -> list[tuple[str, str]]:
        """(better, worse): all pairs whose order the table fixes."""
        return [pair for o in self.order for pair in product(o.before, o.after)]

    def only(self, names: tuple[str, ...], *, people: int, benchmark_people: int) -> Plan:
        """The same experiment with fewer sets and people, for tests."""
        keep = set(names)
        return Plan.model_validate(
            self.model_dump()
            | {
                "people": people,
                "benchmark_people": benchmark_people,
                "beat_mean_pose": [n for n in self.beat_mean_pose if n in keep],
                "sets": [s.model_dump() for s in self.sets if s.name in keep],
                "order": [
                    {"before": b, "after": a}
                    for o in self.order
                    if (b := [n for n in o.before if n in keep])
                    and (a := [n for n in o.after if n in keep])
                ],
                "ties": [t.model_dump() for t in self.ties if set(t.sets) <= keep],
            }
        )


def read_plan(path: Path = TABLE) -> Plan:
    """The table in `path`; default: the one that comes with ehpsbench."""
    return read_definition(Plan, path, "plan")
