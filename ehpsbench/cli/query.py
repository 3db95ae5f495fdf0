"""`ehpsbench query "SQL"`."""

from __future__ import annotations

from typing import Annotated

import typer

from ehpsbench.cli.options import JsonOption, StoreOption


def query(
    sql: Annotated[str, typer.Argument(help="SQL over instances, images, rejects, results.")],
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Ask the store in SQL (DuckDB): SELECT dataset, count(*) FROM instances GROUP BY ALL."""
    from ehpsbench.cli import console
    from ehpsbench.store import Store, default_store

    head, rows = Store(store or default_store()).query(sql)
    if json:
        console.print_json([dict(zip(head, row, strict=True)) for row in rows])
    else:
        console.print_table("", head, rows)
