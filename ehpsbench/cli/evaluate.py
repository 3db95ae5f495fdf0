"""`ehpsbench evaluate ENTRY BENCHMARK …`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ehpsbench.cli.options import BodyModelsOption, JsonOption, StoreOption


def evaluate(
    entry: Annotated[str, typer.Argument(help="Cell, or entry with predictions in the store.")],
    benchmarks: Annotated[
        list[str], typer.Argument(help="Protocols: agora-val, ehf, or NAME@dataset for other data.")
    ],
    store: StoreOption = None,
    body_models: BodyModelsOption = None,
    json: JsonOption = False,
) -> None:
    """Score an entry on benchmarks; a cell trained here is asked for its predictions first."""
    from ehpsbench.cli import console
    from ehpsbench.evaluation.protocol import protocol
    from ehpsbench.leaderboards.scoring import score
    from ehpsbench.store import Store, default_store

    place = Store(store or default_store())
    bodies = console.bodies_of(place, [protocol(b).dataset for b in benchmarks], body_models)
    summaries = []
    for benchmark in benchmarks:
        summaries.append(score(place, entry, benchmark, bodies).summary)
        if not json:
            _print_errors(entry, summaries[-1])
    if json:
        console.print_json(summaries)


def _print_errors(entry: str, summary: dict[str, Any]) -> None:
    from ehpsbench.cli import console

    rows = [
        (name, f"{n['value']:.2f}", _interval(n), f"{n['count']:,}", n["clusters"])
        for name, n in summary["numbers"].items()
        if n["value"] is not None
    ]
    head = ("number", f"[{summary['unit']}]", "95 %", "rows", "clusters")
    console.print_table(f"{entry} on {summary['benchmark']}", head, rows)


def _interval(number: dict[str, Any]) -> str:
    known = number["low"] is not None and number["high"] is not None
    return f"{number['low']:.2f} to {number['high']:.2f}" if known else ""
