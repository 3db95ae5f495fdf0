"""The weights that a run starts from: whether they fit together, and what is hashed of them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ehpsbench.atomic import file_digest
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.training.recipe import Recipe


def pretrained_hash(recipe: Recipe, weights: Path | None, *, started: bool) -> str | None:
    """Hash of the trunk's pretrained weights; None without.

    Args:
        recipe: says whether it wants some.
        weights: the file that is given.
        started: whether the whole network starts from weights of its own.

    Raises:
        InputError: weights that have no place in the run.
        MissingFiles: there are none, and the recipe wants some.
    """
    kind = recipe.model.pretrained
    if started and weights is not None:
        raise InputError(
            f"The whole network starts from a cell, so {weights} has no place in it. Leave one out."
        )
    if kind == "none" and weights is not None:
        raise InputError(
            f"The recipe {recipe.name} starts from no pretrained weights, so {weights} has no "
            "place in it. Set model.pretrained in the recipe, or leave the file out."
        )
    if kind != "none" and weights is None and not started:
        raise MissingFiles(
            f"The recipe {recipe.name} starts from {kind} weights; give their file with --weights, "
            "or a trained cell with --start-from."
        )
    return None if weights is None else content_hash(weights)


def content_hash(path: Path) -> str:
    """Hash of a file of weights.

    Raises:
        MissingFiles: it cannot be read.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise MissingFiles(f"The weights {path} cannot be read: {error.strerror}.") from error
    return _file_digest(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=64)
def _file_digest(path: Path, size: int, changed: int) -> str:
    """Hash of a file, made again only when its size or time is another."""
    return file_digest(path)
