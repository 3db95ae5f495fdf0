"""The files that a new dataset starts from: they say, when used, what is to be written in them."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.errors import InputError

__all__ = ["FILES", "scaffold"]

FILES = ("__init__.py", "card.toml", "adapter.py", "sample.py")
NAME = re.compile("[a-z][a-z0-9_]*")
WORDS = ("all",)  # `ehpsbench ingest all`


def scaffold(name: str, folder: Path) -> list[Path]:
    """Write the files of a new dataset to `folder/name`.

    Args:
        name: of the dataset: lower case letters, digits and underscores, a letter first.
        folder: `dataset_adapters/` of a checkout, or any other place for a package of one's own.

    Returns:
        The files, in the order in which they are filled.

    Raises:
        InputError: the name cannot be one or is taken, or there is something in the folder.
    """
    if not NAME.fullmatch(name):
        raise InputError(
            f"A dataset is named with a-z, 0-9 and _, a letter first; got {name!r}. Its name is "
            "that of its folder."
        )
    if name in catalogue.names():
        raise InputError(f"{name} is there already; choose another name.")
    if keyword.iskeyword(name) or name in WORDS or (folder / f"{name}.py").exists():
        raise InputError(
            f"{name!r} means something else already: a word of Python or of the command line, or "
            f"a module in {folder}; choose another name."
        )
    place = folder / name
    if place.exists() and any(place.iterdir()):
        raise InputError(f"{place} is not empty; give --out another folder.")
    place.mkdir(parents=True, exist_ok=True)
    package = f"ehpsbench.dataset_adapters.{name}" if _is_ours(folder) else name
    made = []
    for file in FILES:
        text = (files(__name__) / f"{file}.in").read_text(encoding="utf-8")
        path = place / file
        path.write_text(text.replace("@NAME@", name).replace("@PACKAGE@", package), "utf-8")
        made.append(path)
    return made


def _is_ours(folder: Path) -> bool:
    """Whether a folder is that of the datasets here."""
    return folder.resolve() == Path(catalogue.__file__).parent.resolve()
