"""Whether a training set teaches its own held-out people anything: beside its mean pose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ehpsbench.atomic import read_json
from ehpsbench.training import cells

if TYPE_CHECKING:
    from ehpsbench.store import Store


@dataclass(frozen=True, slots=True)
class InDomain:
    """Whether a training set teaches its own held-out people better than a mean pose would.

    Attributes:
        group: the training set and recipe.
        rows: held-out people.
        model_mm: held-out PVE, mean over the seeds [mm]; MPJPE where there are no meshes.
        mean_pose_mm: the same of the mean pose [mm].
        measure: "PVE" or "MPJPE".
        independent: no recording of theirs was trained on.
    """

    group: str
    rows: int
    model_mm: float
    mean_pose_mm: float
    measure: str
    independent: bool = True

    @property
    def passes(self) -> bool:
        """True when the model beats the mean pose."""
        return self.model_mm < self.mean_pose_mm


def read_in_domain(store: Store, group: str, entries: Sequence[str]) -> InDomain | None:
    """The check of a group of cells; None where the store does not know it."""
    reports = [r for e in entries if (r := _heldout(store, e))]
    if not reports:
        return None
    whole = all(r["model"]["pve_mm"] is not None for r in reports)
    key = "pve_mm" if whole else "mpjpe_mm"
    values = [(r["model"][key], r["mean_pose"][key]) for r in reports]
    if any(value is None for pair in values for value in pair):
        return None
    return InDomain(
        group=group,
        rows=reports[0]["rows"],
        model_mm=sum(m for m, _ in values) / len(values),
        mean_pose_mm=sum(b for _, b in values) / len(values),
        measure="PVE" if whole else "MPJPE",
        independent=all(r.get("independent", True) for r in reports),
    )


def _heldout(store: Store, entry: str) -> dict[str, Any] | None:
    """What a cell, or a rung of it, scored on its held-out people."""
    rung = "@" in entry
    path = cells.record_path(store, entry) if rung else store.runs / entry / cells.HELDOUT
    value = read_json(path, "Delete it and train again.")
    if value is None:
        return None
    return value.get("heldout") if rung else value
