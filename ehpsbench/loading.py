"""`ehpsbench.load(NAME)`: the rows of a dataset as polars, Arrow or Hugging Face."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from ehpsbench.errors import InputError

if TYPE_CHECKING:
    import datasets
    import polars
    import pyarrow

Formats = ("polars", "arrow", "hub")


@overload
def load(
    name: str,
    split: str | None = ...,
    *,
    table: Literal["instances", "images"] = ...,
    columns: Sequence[str] | None = ...,
    store: Path | str | None = ...,
    format: Literal["polars"] = ...,
) -> polars.DataFrame: ...
@overload
def load(
    name: str,
    split: str | None = ...,
    *,
    table: Literal["instances", "images"] = ...,
    columns: Sequence[str] | None = ...,
    store: Path | str | None = ...,
    format: Literal["arrow"],
) -> pyarrow.Table: ...
@overload
def load(
    name: str,
    split: str | None = ...,
    *,
    table: Literal["instances", "images"] = ...,
    columns: Sequence[str] | None = ...,
    store: Path | str | None = ...,
    format: Literal["hub"],
) -> datasets.Dataset: ...


def load(
    name: str,
    split: str | None = None,
    *,
    table: Literal["instances", "images"] = "instances",
    columns: Sequence[str] | None = None,
    store: Path | str | None = None,
    format: Literal["polars", "arrow", "hub"] = "polars",
) -> polars.DataFrame | pyarrow.Table | datasets.Dataset:
    """The rows of a dataset in a store.

    Args:
        name: of the dataset in the store.
        split: one of its splits; None: all.
        table: "instances" (people) or "images".
        columns: only these; None: all.
        store: its folder; default `EHPSBENCH_STORE`, else ./ehps-store.
        format: "polars", "arrow", or "hub" for a Hugging Face `datasets.Dataset`
            (needs `ehpsbench[hub]`).

    Raises:
        UnknownName: the store has no such dataset, split or column.
    """
    from ehpsbench.store import Store, default_store

    place = Store(Path(store) if store is not None else default_store())
    read = {"instances": place.instances, "images": place.images}
    if table not in read or format not in Formats:
        raise InputError(f"table is one of {tuple(read)}, format one of {Formats}.")
    rows = read[table](name, split, columns)
    if format == "arrow":
        return rows
    if format == "polars":
        import polars

        return polars.DataFrame(rows)
    try:
        import datasets
    except ImportError as error:
        raise InputError("format='hub' needs: pip install 'ehpsbench[hub]'.") from error
    return datasets.Dataset(rows)
