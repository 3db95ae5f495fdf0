"""`ehpsbench leaderboard add ENTRY …` and `ehpsbench leaderboard check FOLDER`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ehpsbench.cli.options import BodyModelsOption, JsonOption, StoreOption

if TYPE_CHECKING:
    from ehpsbench.leaderboards.adding import Added
    from ehpsbench.leaderboards.checking.finding import Finding

FINDINGS = 1

EntryArgument = Annotated[str, typer.Argument(help="Its name; or a cell of the store.")]
PredictionsOption = Annotated[
    Path | None,
    typer.Option(
        help="File or folder of one benchmark, or a folder with BENCHMARK.parquet for each.",
        show_default="those in the store",
    ),
]
BenchmarksOption = Annotated[
    list[str] | None, typer.Option("--benchmark", help="On what; again for more.")
]
BoardOption = Annotated[str | None, typer.Option(help="On all benchmarks of a board.")]
TrainedOnOption = Annotated[
    list[str] | None,
    typer.Option("--trained-on", help="Dataset that trained it, by its card; again…"),
]
OtherDataOption = Annotated[
    list[str] | None, typer.Option("--other-data", help="Training data without a card; again…")
]
SeedsOption = Annotated[list[int] | None, typer.Option("--seed", help="Of its training; again…")]
DeviceOption = Annotated[
    str | None, typer.Option(help="Where to compare: cpu, cuda, cuda:1, or auto.")
]


def add(
    entry: EntryArgument,
    predictions: PredictionsOption = None,
    benchmarks: BenchmarksOption = None,
    board: BoardOption = None,
    trained_on: TrainedOnOption = None,
    other_data: OtherDataOption = None,
    title: Annotated[str | None, typer.Option(help="In words.", show_default="ENTRY")] = None,
    parameters: Annotated[int | None, typer.Option(help="Weights of the network.")] = None,
    seeds: SeedsOption = None,
    samples: Annotated[int | None, typer.Option(help="Seen in training.")] = None,
    device_seconds: Annotated[
        float | None, typer.Option(help="That training took: devices × seconds.")
    ] = None,
    trained_with: Annotated[
        str | None, typer.Option(help="Devices that it trained on, such as 8 × A100.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Of code or weights.")] = None,
    paper: Annotated[str | None, typer.Option(help="That describes it.")] = None,
    note: Annotated[str | None, typer.Option(help="What else to know.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take facts and results that differ.")
    ] = False,
    device: DeviceOption = None,
    store: StoreOption = None,
    body_models: BodyModelsOption = None,
    json: JsonOption = False,
) -> None:
    """Score an entry's predictions and record them with what trained it; all of it, or nothing."""
    from ehpsbench.cli import console
    from ehpsbench.evaluation.protocol import protocol
    from ehpsbench.leaderboards.adding import Facts
    from ehpsbench.leaderboards.adding import add as record
    from ehpsbench.store import Store, default_store

    place = Store(store or default_store())
    facts = Facts(
        title=title,
        datasets=tuple(trained_on or ()),
        other_data=tuple(other_data or ()),
        parameters=parameters,
        seeds=tuple(seeds or ()),
        samples=samples,
        device_seconds=device_seconds,
        device=trained_with,
        url=url,
        paper=paper,
        note=note,
    )
    wanted = _predictions(predictions, benchmarks or [], board)
    bodies = console.bodies_of(place, [protocol(b).dataset for b in wanted], body_models)
    with console.counting_bar(f"Scoring {entry}", "done") as bar:
        done = record(
            place, entry, wanted, bodies, facts, replace=replace, device=device, progress=bar
        )
    _print_added(done, json)


def _predictions(
    given: Path | None, benchmarks: list[str], board: str | None
) -> dict[str, Path | None]:
    """Benchmark → what to score; None: what the store has."""
    from ehpsbench.errors import InputError
    from ehpsbench.leaderboards.adding import predictions_in
    from ehpsbench.leaderboards.board import board as find_board

    if bool(benchmarks) == bool(board):
        raise InputError("On what? Give --benchmark NAME, again for more, or --board NAME.")
    names = list(find_board(board).protocols) if board else benchmarks
    if given is None:
        return dict.fromkeys(names)
    if not given.exists():
        raise InputError(f"There are no predictions at {given}.")
    if given.is_dir() and (len(names) > 1 or _holds(given, names[0])):
        return dict(predictions_in(given, names))
    if len(names) > 1:
        raise InputError(f"{given} is one file for {len(names)} benchmarks; give a folder.")
    return {names[0]: given}


def _holds(folder: Path, benchmark: str) -> bool:
    """Whether a folder names the benchmark, and is not itself its predictions."""
    return any((p.name if p.is_dir() else p.stem) == benchmark for p in folder.iterdir())


def _print_added(done: Added, json: bool) -> None:
    from ehpsbench.cli import console
    from ehpsbench.leaderboards.entry import in_domain

    summaries = {name: result.summary for name, result in done.results.items()}
    if json:
        entry = done.entry.model_dump(mode="json")
        console.print_json({"entry": entry, "results": list(summaries.values())})
        return
    rows = []
    for name, about in summaries.items():
        for line in about["notes"]:
            console.say(line)
        source = about["source_dataset"] or about["dataset"]
        reading = "in-domain" if in_domain(done.entry, source) else "zero-shot"
        value = done.results[name].number()
        rows.append((name, about["primary"], f"{value:.4g}", about["unit"], reading))
    head = ("benchmark", "error", "value", "unit", "trained on it?")
    console.print_table(f"{done.entry.title} is recorded", head, rows)
    terms = done.entry.licence
    if terms.forbids_commercial:
        words = ", ".join(terms.forbids_commercial)
        console.out.print(f"Commercial use is forbidden by what trained it: {words}")


def check(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of results.", show_default="the store's")
    ] = None,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="First rewrite what older versions wrote.")
    ] = False,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Check a folder of results that others may send to; exit 1 where something is wrong."""
    from dataclasses import asdict

    from ehpsbench.cli import console
    from ehpsbench.leaderboards.checking.folder import check_folder
    from ehpsbench.leaderboards.checking.migrate import migrate_folder
    from ehpsbench.store import Store, default_store

    place = folder or Store(store or default_store()).results
    rewritten = migrate_folder(place) if migrate and place.is_dir() else []
    found = check_folder(place)
    if json:
        paths = [path.relative_to(place).as_posix() for path in rewritten]
        console.print_json({"migrated": paths, "findings": [asdict(f) for f in found]})
    else:
        for path in rewritten:
            console.say(f"{path.relative_to(place)}: rewritten in today's layout")
        _print_findings(place, found)
    if found:
        raise typer.Exit(FINDINGS)


def _print_findings(place: Path, found: list[Finding]) -> None:
    from rich.text import Text

    from ehpsbench.cli import console

    for one in found:
        path, message = console.visible(one.path), console.visible(one.message)
        line = Text(path, "bold") + Text(f": {one.rule}: ", "red") + Text(message)
        console.out.print(line, soft_wrap=True)
    if not found:
        console.out.print(f"{place}: nothing is wrong", style="green", soft_wrap=True)
