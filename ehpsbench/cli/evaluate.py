"""`ehpsbench evaluate --benchmark NAME …`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehpsbench.cli.options import BodyModelsOption, JsonOption, StoreOption

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.evaluation.agora.submission import Submission
    from ehpsbench.evaluation.results import Result
    from ehpsbench.store import Store

SUBMISSION = Path("agora-submission.zip")

BenchmarkOption = Annotated[
    list[str] | None,
    typer.Option("--benchmark", help="Protocol: ehf, or NAME@dataset for other data; again…"),
]
BoardOption = Annotated[
    str | None, typer.Option(help="All benchmarks of a board, and their mean primary error.")
]
PartialOption = Annotated[
    bool, typer.Option("--partial", help="Of a board, what can be scored; called so.")
]
EntryOption = Annotated[
    str | None,
    typer.Option(help="Cell or entry with predictions in the store.", show_default="FILE"),
]
PredictionsOption = Annotated[
    Path | None, typer.Option(help="File or folder of predictions, for one benchmark.")
]
MissingOption = Annotated[
    bool, typer.Option("--allow-missing", help="Score an entry that lacks people all the same.")
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        help="Where to predict and compare: cpu, cuda, cuda:1, or auto.",
        show_default="cpu; a cell predicts on a GPU",
    ),
]
WriteOption = Annotated[
    str | None, typer.Option(help="agora: do not score, write the zip that AGORA's server takes.")
]


def evaluate(
    benchmarks: BenchmarkOption = None,
    board: BoardOption = None,
    partial: PartialOption = False,
    entry: EntryOption = None,
    predictions: PredictionsOption = None,
    allow_missing: MissingOption = False,
    slices: Annotated[bool, typer.Option("--slices", help="Also print errors by slice.")] = False,
    device: DeviceOption = None,
    write: WriteOption = None,
    out: Annotated[Path, typer.Option(help="The zip of --write.")] = SUBMISSION,
    store: StoreOption = None,
    body_models: BodyModelsOption = None,
    json: JsonOption = False,
) -> None:
    """Score predictions on benchmarks; a cell trained here is asked for its predictions first."""
    from ehpsbench.cli import console
    from ehpsbench.cli.scores import print_result
    from ehpsbench.evaluation.agora.submission import write_submission
    from ehpsbench.leaderboards.board import board as find_board
    from ehpsbench.leaderboards.scoring import benchmarks_of, score
    from ehpsbench.store import Store, default_store

    _check(benchmarks, board, partial, predictions)
    place, who = Store(store or default_store()), _entry(entry, predictions)
    rules = None if board is None else find_board(board)
    names = benchmarks_of(place, who, rules, partial=partial) if rules else tuple(benchmarks or ())
    bodies = _bodies(place, names, body_models)
    if write is not None:
        _check_write(write, names)
        made = write_submission(place, who, names[0], bodies, out, predictions=predictions)
        _print_submission(made)
        return
    how: dict[str, Any] = {"predictions": predictions, "device": device}
    how |= {"allow_missing": allow_missing}
    results = {}
    for benchmark in names:
        with console.counting_bar(f"Scoring {benchmark}", "done") as bar:
            results[benchmark] = score(place, who, benchmark, bodies, progress=bar, **how)
        if not json:
            print_result(who, results[benchmark], slices)
    _print_mean(rules, results, partial, json)


def _check(
    benchmarks: list[str] | None, board: str | None, partial: bool, predictions: Path | None
) -> None:
    from ehpsbench.errors import InputError

    if bool(benchmarks) == bool(board):
        raise InputError("Scored on what? Give --benchmark NAME, or --board NAME.")
    if partial and not board:
        raise InputError("--partial is of a --board.")
    if predictions is not None and len(benchmarks or ()) != 1:
        raise InputError("--predictions are of one benchmark; give --benchmark once.")


def _entry(entry: str | None, predictions: Path | None) -> str:
    from ehpsbench.errors import InputError

    if entry is None and predictions is None:
        raise InputError("Whom to score? Give --entry NAME, or --predictions FILE.")
    return entry or str(predictions.stem if predictions else "")


def _bodies(store: Store, benchmarks: tuple[str, ...], body_models: Path | None) -> BodySet:
    from ehpsbench.cli import console
    from ehpsbench.evaluation.available import check_readable
    from ehpsbench.evaluation.protocol import protocol

    rules = [protocol(benchmark) for benchmark in benchmarks]
    for each in rules:
        check_readable(store, each)
    return console.bodies_of(store, [each.dataset for each in rules], body_models)


def _check_write(what: str, benchmarks: tuple[str, ...]) -> None:
    from ehpsbench.errors import InputError

    if what != "agora" or len(benchmarks) != 1:
        raise InputError("--write agora is what can be written, for one --benchmark of AGORA.")


def _print_submission(made: Submission) -> None:
    from ehpsbench.cli import console

    console.out.print(
        f"{made.path}: {made.people:,} people in {made.images:,} images", soft_wrap=True
    )
    if made.empty_images:
        console.say(f"{made.empty_images:,} images have nobody; all their people will be missed.")
    if not made.fit_for_server:
        console.say("The server scores the owners' SMPL-X body; these are of another one.")


def _print_mean(rules: Any, results: dict[str, Result], partial: bool, json: bool) -> None:
    from dataclasses import asdict

    from ehpsbench.cli import console
    from ehpsbench.cli.scores import digits
    from ehpsbench.leaderboards.mpe import mean_primary_error

    one = rules is not None and rules.order == "mean"  # else ranks, which take several entries
    mean = mean_primary_error(rules, results, partial=partial) if one else None
    if json:
        means = [asdict(mean)] if mean else []
        console.print_json([r.summary for r in results.values()] + means)
    elif mean:
        console.out.print(
            f"{mean.label}: {digits(mean.value)} {mean.unit}".removesuffix(" 1"), soft_wrap=True
        )
