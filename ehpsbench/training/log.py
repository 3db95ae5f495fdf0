"""log.jsonl, the curve of a run: what each of its points says, a JSON object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ehpsbench.atomic import write_text
from ehpsbench.errors import InputError
from ehpsbench.training.cells import LOG

Point = dict[str, Any]


def read_log(folder: Path) -> list[Point]:
    """The points of the run in a folder, first to last; none where there is no log.

    Raises:
        InputError: a line is no JSON object.
    """
    path = folder / LOG
    if not path.is_file():
        return []
    points: list[Point] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            # Earlier runs wrote NaN, which JSON lacks.
            point = json.loads(line, parse_constant=lambda _: None)
        except ValueError as error:
            raise _broken(path, number, str(error)) from error
        if not isinstance(point, dict):
            raise _broken(path, number, "no object")
        points.append(point)
    return points


def write_log(folder: Path, points: Sequence[Point]) -> None:
    """Write the whole log in one step."""
    lines = [json.dumps(point, allow_nan=False) + "\n" for point in points]
    write_text(folder / LOG, "".join(lines))


def sayable(values: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers as JSON can say them: None for NaN and infinity.

    A term that weighs nothing may be no number and stop nobody.
    """
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _broken(path: Path, number: int, why: str) -> InputError:
    return InputError(
        f"{path} is broken in line {number} ({why}). Delete the run's folder and train again."
    )
