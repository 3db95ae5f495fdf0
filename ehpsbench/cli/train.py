"""`ehpsbench train DATASET …`."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ehpsbench.cli.options import BodyModelsOption, StoreOption

if TYPE_CHECKING:
    from ehpsbench.training.mix import Mix


DatasetsArgument = Annotated[
    list[str] | None, typer.Argument(help="Datasets in the store; several are mixed.")
]
DatasetOption = Annotated[list[str] | None, typer.Option(help="The same, by name.")]
MixOption = Annotated[
    str, typer.Option(help="How several are mixed: balanced, concat (by rows), or weighted.")
]
WeightOption = Annotated[
    list[str] | None, typer.Option(help="DATASET=SHARE of a weighted mix; any scale.")
]
MixFileOption = Annotated[
    Path | None, typer.Option(help="A mix as `select` writes it, instead of datasets.")
]
BudgetOption = Annotated[
    int | None, typer.Option(min=1, help="Samples seen; default: the recipe's.")
]
UntilOption = Annotated[
    int | None, typer.Option(min=1, help="Stop there, of the same schedule; go on later.")
]
SplitOption = Annotated[
    list[str] | None, typer.Option(help="Split to train on; default: those called train….")
]
WeightsOption = Annotated[
    Path | None, typer.Option(help="Pretrained weights of the trunk, if the recipe has some.")
]
StartOption = Annotated[
    str | None, typer.Option(help="A cell of the store or a file: weights of it all.")
]
DeviceOption = Annotated[
    str | None, typer.Option(help="cpu, cuda or cuda:1.", show_default="a GPU if there is one")
]
MicroBatchOption = Annotated[
    int | None, typer.Option(min=1, help="Crops at once; the batch stays.", show_default="all")
]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Over a finished run of this name; scores go too.")
]


def train(
    datasets: DatasetsArgument = None,
    dataset: DatasetOption = None,
    mix: MixOption = "balanced",
    weight: WeightOption = None,
    mix_file: MixFileOption = None,
    recipe: Annotated[str, typer.Option(help="Recipe, or a .toml file.")] = "micro-cpu",
    budget: BudgetOption = None,
    until: UntilOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the run.")] = 0,
    split: SplitOption = None,
    weights: WeightsOption = None,
    start_from: StartOption = None,
    device: DeviceOption = None,
    micro_batch: MicroBatchOption = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that cut and read crops.")] = 0,
    save_minutes: Annotated[float, typer.Option(min=0, help="Between two saved states.")] = 10.0,
    compile: Annotated[bool, typer.Option("--compile", help="Let torch compile.")] = False,
    replace: ReplaceOption = False,
    store: StoreOption = None,
    body_models: BodyModelsOption = None,
) -> None:
    """Train one cell; a stopped run goes on where it was, a finished one is left alone.

    Several GPUs: torchrun --nproc-per-node 8 -m ehpsbench train ….
    """
    from ehpsbench.cli import console
    from ehpsbench.store import Store, default_store
    from ehpsbench.training import cells, loop
    from ehpsbench.training.journal import spoken
    from ehpsbench.training.recipe import recipe as find_recipe

    names = [*(datasets or []), *(dataset or [])]
    chosen = _of_file(mix_file, names, split, weight) or _mix(names, mix, weight or [], split)
    how = find_recipe(recipe)
    place = Store(store or default_store())
    bodies = console.bodies_of(place, list(chosen.parts), body_models)
    with console.counting_bar(f"Training on {chosen.name}", "samples") as bar:
        folder = loop.train(
            place,
            chosen,
            how if budget is None else cells.budgeted(how, budget),
            seed,
            bodies,
            until=until,
            weights=weights,
            start_from=start_from,
            device=device,
            micro_batch=micro_batch,
            workers=workers,
            save_minutes=save_minutes,
            compile=compile,
            replace=replace,
            progress=bar if console.err.is_terminal else spoken(console.say, chosen.name),
            say=console.say,
        )
    if os.environ.get("RANK", "0") == "0":
        console.out.print(f"{folder}", soft_wrap=True)


def _of_file(
    file: Path | None, names: list[str], splits: list[str] | None, weights: list[str] | None
) -> Mix | None:
    """The mix in a file, which says all of it itself; None where datasets are named instead."""
    from ehpsbench.errors import InputError
    from ehpsbench.training.mix import read_mix

    if bool(names) == (file is not None):
        raise InputError("Name datasets of the store, or a mix with --mix-file; one of the two.")
    if file is None:
        return None
    for option, given in (("splits", splits), ("weights", weights)):
        if given:
            raise InputError(f"{file} names the {option} of its parts; leave --{option[:-1]} out.")
    return read_mix(file)


def _mix(names: list[str], strategy: str, weights: list[str], splits: list[str] | None) -> Mix:
    """The mix of the datasets that are named."""
    from pydantic import ValidationError

    from ehpsbench.definitions import faults
    from ehpsbench.errors import InputError
    from ehpsbench.training.mix import Mix

    if strategy not in ("balanced", "concat", "weighted"):
        raise InputError(f"--mix is balanced, concat or weighted, not {strategy!r}.")
    if (strategy == "weighted") != bool(weights):
        raise InputError("--mix weighted and a --weight DATASET=SHARE of each dataset go together.")
    shares = _shares(names, weights) if weights else None
    given = {name: tuple(splits) for name in names} if splits else {}
    fields = {"parts": tuple(names), "strategy": strategy, "splits": given, "weights": shares}
    try:
        return Mix.model_validate(fields)
    except ValidationError as error:
        raise InputError(f"{' + '.join(names)} cannot be mixed: {faults(error)}.") from error


def _shares(names: list[str], weights: list[str]) -> tuple[float, ...]:
    """The share of each dataset, from words like bedlam=3."""
    from ehpsbench.errors import InputError, UnknownName

    shares: dict[str, float] = {}
    for word in weights:
        name, _, share = word.rpartition("=")
        try:
            value = float(share)
        except ValueError:
            value = math.nan
        if not name or not 0 < value < math.inf:
            raise InputError(f"--weight is DATASET=SHARE with a share above 0, not {word!r}.")
        if name not in names:
            raise UnknownName.of("dataset of the mix", name, names)
        if name in shares:
            raise InputError(f"--weight names {name} twice. Give one share of each dataset.")
        shares[name] = value
    if lacking := [name for name in names if name not in shares]:
        raise InputError(f"{lacking[0]} has no --weight. Give one share of each dataset.")
    return tuple(shares[name] for name in names)
