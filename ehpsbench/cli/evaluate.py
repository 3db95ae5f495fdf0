"""`ehpsbench evaluate --benchmark NAME …`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehpsbench.cli.options import BodyModelsOption, JsonOption, StoreOption

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.evaluation.results import Result
    from ehpsbench.store import Store


def evaluate(
    benchmarks: Annotated[
        list[str] | None,
        typer.Option(
            "--benchmark", help="Protocol: agora-val, ehf, or NAME@dataset for other data; again…"
        ),
    ] = None,
    board: Annotated[
        str | None, typer.Option(help="All benchmarks of a board, and their mean primary error.")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Also a mean over fewer than the board's benchmarks.")
    ] = False,
    entry: Annotated[
        str | None,
        typer.Option(help="Cell or entry with predictions in the store.", show_default="FILE"),
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="File or folder of predictions, for one benchmark.")
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Score an entry that lacks people all the same.")
    ] = False,
    write: Annotated[
        str | None,
        typer.Option(help="agora: do not score, write the zip that AGORA's server takes."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The zip of --write.")] = Path("agora-submission.zip"),
    slices: Annotated[bool, typer.Option("--slices", help="Also print errors by slice.")] = False,
    store: StoreOption = None,
    body_models: BodyModelsOption = None,
    json: JsonOption = False,
) -> None:
    """Score predictions on benchmarks; a cell trained here is asked for its predictions first."""
    from dataclasses import asdict

    from ehpsbench.cli import console
    from ehpsbench.errors import InputError
    from ehpsbench.evaluation.protocol import protocol
    from ehpsbench.leaderboards.board import board as find_board
    from ehpsbench.leaderboards.mpe import mean_primary_error
    from ehpsbench.leaderboards.scoring import score
    from ehpsbench.store import Store, default_store

    rules = None if board is None else find_board(board)
    benchmarks = [*(benchmarks or []), *(rules.ids if rules else ())]
    if not benchmarks:
        raise InputError("Scored on what? Give --benchmark NAME, or --board NAME.")
    if predictions is not None and len(benchmarks) != 1:
        raise InputError("--predictions are of one benchmark; give --benchmark once.")
    if entry is None:
        if predictions is None:
            raise InputError("Whom to score? Give --entry NAME, or --predictions FILE.")
        entry = predictions.stem
    place = Store(store or default_store())
    if partial and rules:
        held = set(place.datasets())
        benchmarks = [b for b in benchmarks if protocol(b).dataset in held]
    bodies = console.bodies_of(place, [protocol(b).dataset for b in benchmarks], body_models)
    if write is not None:
        _write(write, place, entry, benchmarks, bodies, out)
        return
    results = {}
    for benchmark in benchmarks:
        with console.progress_bar(f"Scoring {benchmark}", "done") as bar:
            result = score(
                place,
                entry,
                benchmark,
                bodies,
                predictions=predictions,
                allow_missing=allow_missing,
                progress=lambda done, total, bar=bar: bar(done, total, done),  # type: ignore[misc]
            )
        for note in result.summary["notes"]:
            console.say(note)
        results[benchmark] = result
        if not json:
            _print(entry, result, slices)
    mean = mean_primary_error(rules, results, partial=partial) if rules else None
    if json:
        console.print_json([r.summary for r in results.values()] + ([asdict(mean)] if mean else []))
    elif mean:
        console.out.print(f"{mean.label}: {mean.value:.2f} mm", soft_wrap=True)


def _write(
    what: str, store: Store, entry: str, benchmarks: list[str], bodies: BodySet, out: Path
) -> None:
    from ehpsbench.cli import console
    from ehpsbench.errors import InputError
    from ehpsbench.evaluation.agora.submission import write_submission

    if what != "agora" or len(benchmarks) != 1:
        raise InputError("--write agora is what can be written, for one --benchmark of AGORA.")
    made = write_submission(store, entry, benchmarks[0], bodies, out)
    console.out.print(
        f"{made.path}: {made.people:,} people in {made.images:,} images", soft_wrap=True
    )
    if made.empty_images:
        console.say(f"{made.empty_images:,} images have nobody; all their people will be missed.")
    if not made.fit_for_server:
        console.say("The server scores the owners' SMPL-X body; these are of another one.")


def _print(entry: str, result: Result, slices: bool) -> None:
    from ehpsbench.cli import console

    about = result.summary
    _print_numbers(f"{entry} on {about['benchmark']}", "number", about["numbers"], about["unit"])
    if slices:
        for name, parts in about["slices"].items():
            title = f"{about['primary']} by {name}"
            _print_numbers(title, name, parts, about["unit"])
    hidden = {**about["left_out"], **about["removed_by_rule"]}
    if hidden:
        words = ", ".join(f"{why} {count:,}" for why, count in hidden.items())
        console.out.print(f"Not scored: {words}", soft_wrap=True)
    console.out.print(
        f"{about['scored']:,} scored, {about['missing_predictions']:,} without a prediction; "
        f"protocol {about['protocol_hash'][:12]}",
        soft_wrap=True,
    )


def _print_numbers(title: str, what: str, numbers: dict[str, Any], unit: str) -> None:
    from ehpsbench.cli import console

    rows = [
        (name, f"{n['value']:.2f}", _interval(n), f"{n['count']:,}", n["clusters"])
        for name, n in numbers.items()
        if n["value"] is not None
    ]
    head = (what, f"[{unit}]", "95 %", "rows", "clusters")
    console.print_table(title, head, rows)


def _interval(number: dict[str, Any]) -> str:
    known = number["low"] is not None and number["high"] is not None
    return f"{number['low']:.2f} to {number['high']:.2f}" if known else ""
