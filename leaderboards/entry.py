"""Who stands on a board: what trained it, on whose terms, how large it is and what it cost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from ehpsbench.atomic import read_json, write_json
from ehpsbench.definitions import Definition, faults
from ehpsbench.errors import InputError
from ehpsbench.evaluation.predictions import file_name
from ehpsbench.training import cells

if TYPE_CHECKING:
    from ehpsbench.store import Store

FORMAT: Literal[1] = 1
FILE = "entry.json"
LONGEST = 2_000  # characters of one field
_MEAN_POSE = "--mean-pose"
_REMEDY = "Add the entry again: ehpsbench leaderboard add."
Commercial = Literal["yes", "ask", "no"]
_STRICTNESS: dict[Commercial, int] = {"yes": 0, "ask": 1, "no": 2}


def _fit_for_a_file(name: str) -> str:
    try:
        return file_name(name)
    except InputError as error:
        raise ValueError(str(error)) from None


def _web(address: str) -> str:
    if address and not re.fullmatch(r"https?://\S+", address):
        raise ValueError(f"{address!r} is no http(s) address")
    return address


Words = Annotated[str, Field(max_length=LONGEST)]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_fit_for_a_file)]
Address = Annotated[Words, AfterValidator(_web)]
Count = Annotated[int, Field(ge=1, strict=True)]


class Licence(Definition):
    """What the terms of the training data leave of the right to use what was trained on them."""

    commercial: Commercial = Field(description="the strictest of all datasets")
    redistribute: bool = Field(description="every dataset allows it")
    forbids_commercial: tuple[str, ...] = Field(description="datasets that forbid commercial use")
    ask: tuple[str, ...] = Field(description="datasets whose owners decide, or with unknown terms")


class Cost(Definition):
    """What training took; null is unknown."""

    samples: Count | None = None
    device_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    device: Words = ""


class Entry(Definition):
    """The facts of an entry.

    Attributes:
        format: of the file.
        name: of its folder.
        title: in words.
        kind: a cell trained here, or somebody's model.
        datasets: what trained it, by the names of their cards.
        other_data: what else trained it and has no card; its terms and overlaps are unknown.
        licence: inherited from all of them.
        parameters: weights of the network.
        body_set: of its predictions.
        seeds: of its training.
        cost: of its training.
        url: of code or weights.
        paper: that describes it.
        note: what else to know.
    """

    format: Literal[1] = FORMAT
    name: Name
    title: Words
    kind: Literal["cell", "model"]
    datasets: tuple[Name, ...]
    other_data: tuple[Words, ...] = ()
    licence: Licence
    parameters: Count | None = None
    body_set: str | None = None
    seeds: tuple[Annotated[int, Field(ge=0, strict=True)], ...] = ()
    cost: Cost = Cost()
    url: Address = ""
    paper: Words = ""
    note: Words = ""

    @model_validator(mode="after")
    def _each_once(self) -> Entry:
        for what in ("datasets", "other_data", "seeds"):
            values = getattr(self, what)
            if len(set(values)) < len(values):
                raise ValueError(f"{what} names one twice")
        return self


def inherited(datasets: Iterable[str], other_data: Sequence[str] = ()) -> Licence:
    """The strictest terms of all that trained an entry.

    Args:
        datasets: names of cards.
        other_data: data without a card: somebody has to be asked.

    Raises:
        UnknownName: there is no such card.
    """
    from ehpsbench.dataset_adapters import catalogue

    terms = {name: catalogue.card(name).licence for name in datasets}
    said: list[Commercial] = [t.commercial for t in terms.values()]
    said += ["ask"] * len(other_data)
    ask = [name for name, t in terms.items() if t.commercial == "ask"] + list(other_data)
    return Licence(
        commercial=max(said, key=_STRICTNESS.__getitem__, default="yes"),
        redistribute=not other_data and all(t.redistribute for t in terms.values()),
        forbids_commercial=tuple(n for n, t in terms.items() if t.commercial == "no"),
        ask=tuple(ask),
    )


def share_data(one: str, other: str) -> bool:
    """Whether a model of one dataset has seen the other: the same, or cards say that they overlap.

    Args:
        one: name of a card, or of data without one.
        other: the same.
    """
    from ehpsbench.dataset_adapters import catalogue

    if _letters(one) == _letters(other):
        return True
    known = catalogue.names()
    return (one in known and other in catalogue.related(one)) or (
        other in known and one in catalogue.related(other)
    )


def in_domain(entry: Entry, source_dataset: str) -> bool:
    """Whether a benchmark on that dataset's data is in-domain for an entry; else it is zero-shot.

    Args:
        entry: who.
        source_dataset: the card's name of the benchmark's data, as the result's summary says.
    """
    return any(share_data(one, source_dataset) for one in (*entry.datasets, *entry.other_data))


def entry_of(store: Store, name: str) -> Entry | None:
    """The facts of an entry: a cell's from its own record, a model's from its file; else None.

    Raises:
        InputError: the file is broken.
    """
    if (found := _of_cell(store, name)) is not None:
        return found
    path = entry_path(store.results, name)
    return read_entry(path) if path.is_file() else None


def entry_path(results: Path, name: str) -> Path:
    """Where the facts of an entry lie in a folder of results."""
    return results / file_name(name) / FILE


def read_entry(path: Path) -> Entry:
    """The facts in a file.

    Raises:
        InputError: it is broken, or a field is missing, unknown or out of range.
    """
    found = read_json(path, _REMEDY)
    if found is None:
        raise InputError(f"{path} is missing. {_REMEDY}")
    if isinstance(found.get("format"), int) and found["format"] > FORMAT:
        raise InputError(
            f"{path} is an entry of format {found['format']}; this ehpsbench reads up to {FORMAT}. "
            "Upgrade ehpsbench."
        )
    try:
        return Entry.model_validate(found)
    except ValidationError as error:
        raise InputError(f"{path} is not a valid entry: {faults(error)}. {_REMEDY}") from error


def write_entry(results: Path, entry: Entry) -> Path:
    """Write the facts of an entry in one step."""
    path = entry_path(results, entry.name)
    write_json(path, entry.model_dump(mode="json"))
    return path


def _of_cell(store: Store, name: str) -> Entry | None:
    """What a finished cell's record says of it; a mean pose is known by any cell of its dataset."""
    mean_pose = name.endswith(_MEAN_POSE)
    if not mean_pose and not cells.trained(store, name):
        return None
    of = _cell_of_mean_pose(store, name) if mean_pose else name
    if of is None:
        return None
    record = cells.record(store, of)
    datasets = sorted({_card_of(store, part) for part in record["parts"]})
    facts: dict[str, Any] = {"title": f"Mean pose of {record['dataset']}"}
    if not mean_pose:
        facts = {
            "title": f"{record['dataset']}, {record['recipe']}, seed {record['seed']}",
            "parameters": _parameters(record),
            "seeds": (record["seed"],),
            "cost": _cost(record),
        }
    return Entry(
        name=name,
        kind="cell",
        datasets=tuple(datasets),
        licence=inherited(datasets),
        body_set=record["body_set"],
        **facts,
    )


def _cell_of_mean_pose(store: Store, name: str) -> str | None:
    dataset = name.removesuffix(_MEAN_POSE)
    found = (c for c in cells.finished(store) if cells.record(store, c)["dataset"] == dataset)
    return next(found, None)


def _cost(record: dict[str, Any]) -> Cost:
    ranks, seconds = record.get("ranks", 1), record.get("seconds", {}).get("training")
    device = str(record.get("device", ""))
    return Cost(
        samples=record.get("samples_seen"),
        device_seconds=None if seconds is None else ranks * seconds,
        device=f"{ranks} × {device}" if ranks > 1 else device,
    )


def _parameters(record: dict[str, Any]) -> int:
    """Weights of the network that the recipe describes; nothing is allocated."""
    import torch

    from ehpsbench.training.models.network import network

    with torch.device("meta"):
        return sum(p.numel() for p in network(cells.recipe_of(record)).parameters())


def _card_of(store: Store, dataset: str) -> str:
    """The card's name of a dataset of the store; its own where the store no longer holds it."""
    held = dataset in store.datasets()
    return str(store.manifest(dataset)["source_dataset"]) if held else dataset


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
