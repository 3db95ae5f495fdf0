"""Cards, protocols, boards, recipes: TOML files checked by strict models, ours and others'."""

from __future__ import annotations

import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ehpsbench.errors import InputError


class Definition(BaseModel):
    """Fields that a file may hold; one that is not declared is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Kind = TypeVar("Kind", bound=Definition)


def read_definition(kind: type[Kind], path: Path, what: str, **fields: str) -> Kind:
    """The definition in a TOML file.

    Args:
        kind: what it must be.
        path: the file.
        what: it, in words, for messages.
        **fields: values of fields that the file need not hold.

    Raises:
        InputError: no such file, broken TOML, or a field missing, unknown or out of range.
    """
    try:
        return kind.model_validate({**fields, **tomllib.loads(path.read_text(encoding="utf-8"))})
    except OSError as error:
        raise InputError(f"The {what} {path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        raise InputError(f"{path} is not a valid {what}: {faults(error)}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a valid {what}: {error}") from error


def faults(error: ValidationError) -> str:
    """What is wrong with which field, without pydantic's own words around ours."""
    return "; ".join(
        f"{_place(found['loc'])}: {found['msg'].removeprefix('Value error, ')}"
        for found in error.errors()
    )


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "as a whole"


def places(folder: Path, group: str) -> dict[str, Path]:
    """Name → file: the TOML files of a folder, and what other packages offer as entry points."""
    found = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    for point in entry_points(group=group):
        found.setdefault(point.name, Path(str(point.load())))
    return found
