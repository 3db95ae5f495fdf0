"""What an evaluation is asked for besides entry and rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Progress = Callable[[int, int], None]
"""Called with people or images done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Request:
    """How to evaluate.

    Attributes:
        bodies: the body set of labels and predictions.
        predictions: file or folder of somebody's predictions; None: those in the store.
        allow_missing: score an entry that lacks people or images; its result is marked
            incomplete, what is missing has no error, and no board takes it.
        device: where bodies are posed, and meshes and maps compared.
        progress: told after every chunk.
    """

    bodies: BodySet
    predictions: Path | None = None
    allow_missing: bool = False
    device: str = "cpu"
    progress: Progress | None = None
