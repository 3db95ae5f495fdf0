"""How often each true class was given each predicted one, pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.metrics.compiled import compiled

Labels = NDArray[Any]  # whole numbers
Areas = NDArray[np.int64]


@compiled
def joint_areas(pred: Labels, target: Labels, ignored: int, ignores: bool, found: Areas) -> None:
    """Add the pixels of each (truth, prediction) to (4, C + 1, C + 1); C stands for no class.

    Of the four, one is written to while the others still wait for their last pixel.
    """
    classes = found.shape[1] - 1
    for k in range(len(target)):
        true, said = target[k], pred[k]
        if ignores and true == ignored:
            continue
        row = true if 0 <= true < classes else classes
        column = said if 0 <= said < classes else classes
        found[k & 3, row, column] += 1
