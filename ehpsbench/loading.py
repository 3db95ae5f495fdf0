"""`ehpsbench.load(NAME)`: the rows of a dataset as polars, Arrow or Hugging Face."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, overload

from ehpsbench.errors import InputError

if TYPE_CHECKING:
    import datasets
    import polars
    import pyarrow

FORMATS = {"polars": "", "arrow": "", "datasets": "hub"}  # and the extra that each needs

Table = Literal["instances", "images"]


@overload
def load(
    name: str,
    split: str | None = ...,
    *,
    table: Table = ...,
    columns: Sequence[str] | None = ...,
    store: Path | str | None = ...,
    as_: Literal["polars"] = ...,
) -> polars.DataFrame: ...
@overload
def load(
    name: str,
    split: str | None = ...,
    *,
    table: Table = ...,
    columns: Sequence[str] | None = ...,
    store: Path | str | None = ...,
    as_: Literal["arrow"],
) -> pyarrow.Table: ...
@overload
def load(
    name: str,
    split: str | None = ...,
    *,
    table: Table = ...,
    columns: Sequence[str] | None = ...,
    store: Path | str | None = ...,
    as_: Literal["datasets"],
) -> datasets.Dataset: ...


def load(
    name: str,
    split: str | None = None,
    *,
    table: Table = "instances",
    columns: Sequence[str] | None = None,
    store: Path | str | None = None,
    as_: Literal["polars", "arrow", "datasets"] = "polars",
) -> polars.DataFrame | pyarrow.Table | datasets.Dataset:
    """The rows of a dataset in a store.

    Args:
        name: of the dataset in the store.
        split: one of its splits; None: all.
        table: "instances" (people) or "images".
        columns: only these; None: all.
        store: its folder; default `EHPSBENCH_STORE`, else ./ehps-store.
        as_: "polars" for a data frame, "arrow" for a `pyarrow.Table`, "datasets" for a Hugging
            Face `datasets.Dataset` (needs `ehpsbench[hub]`), with texts as plain strings.

    Raises:
        UnknownName: the store has no such dataset, split or column.
        InputError: another word, or a package that is not installed.
    """
    from ehpsbench.store import Store, default_store

    place = Store(Path(store) if store is not None else default_store())
    read = {"instances": place.instances, "images": place.images}
    if table not in read or as_ not in FORMATS:
        raise InputError(
            f"Expected table one of {', '.join(read)} and as_ one of {', '.join(FORMATS)}; got "
            f"table={table!r}, as_={as_!r}."
        )
    package = None if as_ == "arrow" else _package(as_)  # before anything is read
    rows = read[table](name, split, columns)
    if package is None:
        return rows
    frame: polars.DataFrame | datasets.Dataset
    frame = package.DataFrame(rows) if as_ == "polars" else package.Dataset(_plain(rows))
    return frame


def _package(name: str) -> ModuleType:
    """The package of a format, imported only when it is asked for."""
    try:
        return import_module(name)
    except ImportError as error:
        extra = f"ehpsbench[{FORMATS[name]}]" if FORMATS[name] else name
        raise InputError(
            f"as_={name!r} needs the package {name}, which is not installed: pip install "
            f"'{extra}'. as_='arrow' needs nothing more."
        ) from error


def _plain(rows: pyarrow.Table) -> pyarrow.Table:
    """The rows with strings in place of dictionaries, which `datasets` can neither save nor map."""
    import pyarrow

    fields = [
        field.with_type(field.type.value_type) if pyarrow.types.is_dictionary(field.type) else field
        for field in rows.schema
    ]
    return rows.cast(pyarrow.schema(fields))
