"""What verbs that spread work share: options, and what they say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehpsbench.cli import console

if TYPE_CHECKING:
    from ehpsbench.executors.settings import Settings
    from ehpsbench.leaderboards.sweeps.jobs import Work
    from ehpsbench.store import Store

FINDINGS = 1

ExecutorOption = Annotated[
    str,
    typer.Option("--executor", help="local, here (this process), slurm or ray; or a .toml file."),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Pieces of work at once; of several local ones on a CPU each has one thread.",
        show_default="local: one a GPU, else 1; clusters: all",
    ),
]
GpusOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="GPUs of each; local: 0 hides them.",
        show_default="1 where there are any",
    ),
]
PartitionOption = Annotated[str | None, typer.Option("--partition", help="Of Slurm.")]
ReadersOption = Annotated[
    int | None,
    typer.Option(
        "--readers",
        min=0,
        help="Processes of each cell that cut and read crops.",
        show_default="on GPUs: cores over cells at once, else 0",
    ),
]
CompileOption = Annotated[bool, typer.Option("--compile", help="Let torch compile.")]
ReplaceOption = Annotated[
    bool,
    typer.Option("--replace", help="Remove finished cells of these names with other content."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")]
SaveMinutesOption = Annotated[
    float, typer.Option("--save-minutes", min=0, help="Between two saved states.")
]


def executor_of(
    name: str, workers: int | None, partition: str | None, gpus: float | None = None
) -> Settings:
    """The executor's settings: those of a file, with the flags over them."""
    from ehpsbench.executors.settings import settings

    return settings(name, workers=workers, partition=partition, gpus=gpus)


def trainer_of(
    name: str, workers: int | None, partition: str | None, gpus: float | None
) -> Settings:
    """The same for what trains: a job of Slurm gets one GPU unless something else is said."""
    found = executor_of(name, workers, partition, gpus)
    bare = found.executor == "slurm" and found.gpus is None
    return found.model_copy(update={"gpus": 1.0}) if bare else found


@dataclass(frozen=True, slots=True)
class Sweeping:
    """How cells are made, as the flags say it."""

    board: str
    recipes: Sequence[str]
    budget: int | None
    weights: Path | Mapping[str, Path] | None
    body_models: Path | None
    readers: int | None = None
    compile: bool = False
    save_minutes: float = 10.0
    replace: bool = False


def work_of(store: Store, datasets: Sequence[str], how: Sweeping) -> Work:
    """What the cells of a sweep over some datasets share."""
    from ehpsbench.evaluation.protocol import protocol
    from ehpsbench.leaderboards.board import board
    from ehpsbench.leaderboards.sweeps.jobs import Work
    from ehpsbench.leaderboards.sweeps.ready import refuse_what_is_not_predicted
    from ehpsbench.training.cells import budgeted
    from ehpsbench.training.recipe import recipe

    rules = board(how.board)
    refuse_what_is_not_predicted(rules)
    found = [recipe(name) for name in how.recipes]
    found = [r if how.budget is None else budgeted(r, how.budget) for r in found]
    every = [*datasets, *(protocol(b).dataset for b in rules.protocols)]
    bodies = console.bodies_of(store, every, how.body_models)
    weights: Path | dict[str, Path] | None = None
    if isinstance(how.weights, Mapping):  # named as on the command line; a budget renames recipes
        named = {said: r.name for said, r in zip(how.recipes, found, strict=True)}
        weights = {named[said]: path.resolve() for said, path in how.weights.items()}
    elif how.weights is not None:
        weights = how.weights.resolve()
    return Work(
        store,
        {r.name: r for r in found},
        rules,
        bodies,
        weights,
        readers=how.readers,
        compile=how.compile,
        save_minutes=how.save_minutes,
        replace=how.replace,
    )


def weights_by_recipe(
    said: Sequence[str], recipes: Sequence[str]
) -> Path | Mapping[str, Path] | None:
    """Pretrained weights as flags give them: one FILE for all recipes, or RECIPE=FILE for each.

    Raises:
        InputError: both at once, several files for all, or a recipe that is not in the study.
    """
    from ehpsbench.errors import InputError

    pairs = [words.partition("=") for words in said]
    if len(said) == 1 and not pairs[0][1]:
        return Path(said[0])
    strange = [f"{one}{sign}{file}" for one, sign, file in pairs if one not in recipes or not file]
    if strange:
        raise InputError(
            f"--weights wants one file, or RECIPE=FILE for each of {', '.join(recipes)}; got "
            f"{', '.join(strange)}."
        )
    return {one: Path(file) for one, _, file in pairs} or None


def names(said: Sequence[str]) -> list[str]:
    """Names given one by one or with commas between them."""
    return [name.strip() for words in said for name in words.split(",") if name.strip()]


def numbers(said: str, flag: str, kind: type[int] | type[float]) -> list[Any]:
    """Numbers with commas between them.

    Raises:
        InputError: they are none.
    """
    from ehpsbench.errors import InputError

    try:
        return [kind(word) for word in said.split(",")]
    except ValueError as error:
        raise InputError(f"{flag} wants numbers with commas between them, got {said!r}.") from error
