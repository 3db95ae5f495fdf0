"""What the numbers of 2D keypoints are made of: detections with their fate, or counts of joints."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ehpsbench.evaluation.keypoints2d.rules import NUMBERS, Keypoints2dProtocol, Shares
from ehpsbench.evaluation.stored import Detected, Statistics, Sums, stacked

if TYPE_CHECKING:
    from torch import Tensor

    from ehpsbench.metrics.keypoint_ap import Matches

PEOPLE = ("people", "people_medium", "people_large")
FLAGS = 30  # of a detection: 10 thresholds in each of 3 ranges of areas, range by range


def statistics(rules: Keypoints2dProtocol, rows: pa.Table) -> tuple[Statistics, ...]:
    """See `ehpsbench.evaluation.stored.statistics`."""
    if rules.detections is not None:
        return tuple(_detected(rows, group) for group in rules.detections.groups)
    return () if rules.pck is None else tuple(_shares(rows, rules.pck))


def named_number(name: str, rule: Shares, sums: Tensor) -> dict[str, Tensor]:
    """PCK of sums of joints that are right and that are labelled, by its name."""
    from ehpsbench.metrics.pck import numbers

    return {name: numbers(sums)["pck" if rule.averaging == "joints" else "pck_pooled"]}


def _detected(rows: pa.Table, group: str) -> Detected:
    return detected(stored_matches(rows, group), group)


def detected(matches: Matches, group: str) -> Detected:
    """What the ten numbers of a part are made of."""
    names = tuple(f"{group}_{number}" for number in NUMBERS)
    return Detected(names, matches, np.arange(len(matches.people)))


def stored_matches(rows: pa.Table, group: str) -> Matches:
    """The matches of a part, as `task` has stored them: see its `_columns`."""
    import torch

    from ehpsbench.metrics.keypoint_ap import Matches

    scores = rows[f"{group}_scores"].combine_chunks()
    lengths = np.asarray(scores.value_lengths().fill_null(0), np.int64)
    image = np.repeat(np.arange(rows.num_rows), lengths)
    flags = {}
    for name in ("correct", "wrong"):
        bits = np.asarray(rows[f"{group}_{name}"].combine_chunks().flatten(), np.int64)
        each = (bits[:, None] >> np.arange(FLAGS)) & 1
        flags[name] = torch.from_numpy(each.astype(bool).reshape(len(bits), 3, FLAGS // 3))
    return Matches(
        image=torch.from_numpy(image),
        scores=torch.from_numpy(np.array(scores.flatten(), np.float64)),
        people=torch.from_numpy(stacked(rows, [f"{group}_{n}" for n in PEOPLE])),
        **flags,
    )


def _shares(rows: pa.Table, rule: Shares) -> list[Sums]:
    """One for each threshold; all share the counts of labelled joints."""
    labelled = [name for name in rows.column_names if name.startswith("labelled_")]
    found = []
    for level in rule.thresholds:
        name = f"pck_{level:g}"
        columns = [*(n.replace("labelled", f"{name}_correct") for n in labelled), *labelled]
        made = partial(named_number, name, rule)
        found.append(Sums((name,), stacked(rows, columns), made))
    return found
