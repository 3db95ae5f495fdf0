"""The held-out clusters of a training set: the learning curve, and the in-domain check."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.training.data import batches
from ehpsbench.training.estimate import (
    CHUNK,
    Estimate,
    estimate,
    joined,
    view_joints,
    view_vertices,
)
from ehpsbench.training.joints import BODY, PELVIS
from ehpsbench.training.labels import text

if TYPE_CHECKING:
    import torch

    from ehpsbench.body.bodies import BodySet
    from ehpsbench.training.models.network import Network
    from ehpsbench.training.parts import Part
    from ehpsbench.training.recipe import Input


def held_out(
    clusters: Sequence[str], images: Sequence[str], share: float
) -> tuple[NDArray[np.bool_], bool]:
    """Which rows to hold out: whole clusters, in the order of their hash, until `share` is met.

    The choice does not depend on the seed, the recipe or the order of the rows.

    Args:
        clusters: of each row.
        images: of each row; they stand in for clusters where there is only one.
        share: of the rows, at least.

    Returns:
        (N,) True for held-out rows, and whether they are independent recordings.
    """
    independent = len(set(clusters)) > 1
    groups = np.asarray(clusters if independent else images, str)
    names, counts = np.unique(groups, return_counts=True)
    hashes = [hashlib.sha256(str(name).encode()).digest() for name in names]
    order = sorted(range(len(names)), key=hashes.__getitem__)
    before = np.cumsum([0, *counts[order][:-1]])
    chosen = [i for i, seen in zip(order[:-1], before, strict=False) if seen < share * len(groups)]
    return np.isin(groups, names[chosen]), independent


def evenly(rows: NDArray[np.intp], limit: int) -> NDArray[np.intp]:
    """At most `limit` of the rows, evenly spaced."""
    if len(rows) <= limit:
        return rows
    return np.asarray(rows[np.linspace(0, len(rows) - 1, limit).round().astype(int)])


def joint_error(
    found: NDArray[Any], wanted: NDArray[Any], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(N,) mean distance of the 22 body joints, pelvis on pelvis [m]; NaN where it is unknown.

    Args:
        found: (N, 55, 3) [m].
        wanted: (N, 55, 3) [m].
        known: (N, 55).
    """
    centred = (found - found[:, PELVIS, None]) - (wanted - wanted[:, PELVIS, None])
    distance = np.linalg.norm(centred[:, BODY].astype(np.float64), axis=-1)
    mask = known[:, BODY] & known[:, PELVIS, None]
    with np.errstate(invalid="ignore"):
        return np.asarray((distance * mask).sum(1) / np.where(mask.any(1), mask.sum(1), np.nan))


@dataclass(frozen=True, slots=True)
class Check:
    """Held-out rows of every dataset of a run, to score estimates with.

    Crops and meshes are read when they are needed, a few at a time.

    Attributes:
        parts: the datasets.
        roots: release root of each.
        truth: of each its scored rows' joints (N, 55, 3) [m], which of them are known (N, 55), and
            the rotations (N, 3, 3) camera → view.
        bodies: whose neutral SMPL-X body estimates are of.
    """

    parts: tuple[Part, ...]
    roots: tuple[Path, ...]
    truth: tuple[tuple[NDArray[Any], NDArray[np.bool_], NDArray[Any]], ...]
    bodies: BodySet

    @classmethod
    def of(cls, parts: Sequence[Part], roots: Sequence[Path], bodies: BodySet) -> Check:
        """The check on the held-out rows of some datasets."""
        return cls(tuple(parts), tuple(roots), tuple(_truth(part) for part in parts), bodies)

    def look(self, network: Network, settings: Input, device: torch.device) -> tuple[Estimate, ...]:
        """What the network says of the rows of each dataset."""
        return tuple(
            joined(
                estimate(network, part.scored.take(rows).crops, settings, device)
                for rows in pieces(len(part.scored))
            )
            for part in self.parts
        )

    def always(self, body: Estimate) -> tuple[Estimate, ...]:
        """One body as the answer to every row."""
        return tuple(body.repeated(len(part.scored)) for part in self.parts)

    def joints_mm(self, found: Sequence[Estimate]) -> float | None:
        """Mean error of the 22 body joints, pelvis on pelvis [mm]; None where none is known.

        Each dataset counts the same, however many of its rows are scored.
        """
        return _mean([self._joints_mm(i, said) for i, said in enumerate(found)])

    def report(self, model: Sequence[Estimate], mean_pose: Sequence[Estimate]) -> dict[str, Any]:
        """The errors of both, of each dataset and of all."""
        parts: dict[str, dict[str, Any]] = {
            part.name: {
                "rows": len(part.scored),
                "independent": part.independent,
                "model": self._errors(i, model[i]),
                "mean_pose": self._errors(i, mean_pose[i]),
            }
            for i, part in enumerate(self.parts)
        }
        if len(parts) == 1:
            return next(iter(parts.values()))
        whole: dict[str, Any] = {
            "rows": sum(p["rows"] for p in parts.values()),
            "independent": all(p["independent"] for p in parts.values()),
        }
        for who in ("model", "mean_pose"):
            whole[who] = {
                **{k: _mean([p[who][k] for p in parts.values()]) for k in ("mpjpe_mm", "pve_mm")},
                "pve_rows": sum(p[who]["pve_rows"] for p in parts.values()),
            }
        return whole | {"parts": parts}

    def _joints_mm(self, i: int, found: Estimate) -> float | None:
        joints, known, _ = self.truth[i]
        return _mean_mm(joint_error(view_joints(found, self.bodies), joints, known))

    def _errors(self, i: int, found: Estimate) -> dict[str, float | int | None]:
        """`mpjpe_mm` as above, `pve_mm` over the rows with a SMPL-X mesh, and how many."""
        each = np.full(len(self.parts[i].scored), np.nan)
        for rows in pieces(len(each)):
            each[rows] = self._vertex_errors(i, rows, found.take(rows))
        return {
            "mpjpe_mm": self._joints_mm(i, found),
            "pve_mm": _mean_mm(each),
            "pve_rows": int(np.isfinite(each).sum()),
        }

    def _vertex_errors(
        self, i: int, rows: NDArray[np.intp], found: Estimate
    ) -> NDArray[np.float64]:
        """(n,) mean distance of the vertices [m]; NaN where a row's mesh is not SMPL-X."""
        from ehpsbench.body.posed import posed_vertices

        joints, known, rotation = (values[rows] for values in self.truth[i])
        columns = self.parts[i].scored.read(rows)
        errors = np.full(len(rows), np.nan)
        whole = np.flatnonzero((text(columns, "source_model") == "smplx") & known[:, PELVIS])
        if len(whole):
            chosen = {name: values[whole] for name, values in columns.items()}
            wanted = np.stack(posed_vertices(chosen, self.bodies, self.roots[i]))
            turned = wanted @ rotation[whole].swapaxes(1, 2) - joints[whole, PELVIS, None]
            off = view_vertices(found.take(whole), self.bodies) - turned
            errors[whole] = np.linalg.norm(off, axis=-1).mean(-1)
        return errors


def _truth(part: Part) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[Any]]:
    found = [part.scored.take(rows) for rows in pieces(len(part.scored))]
    return (
        np.concatenate([p.targets.joints for p in found]),
        np.concatenate([p.targets.joints_known for p in found]),
        np.concatenate([p.views.rotation for p in found]),
    )


def pieces(count: int) -> Iterator[NDArray[np.intp]]:
    """Rows 0 to `count`, a few at a time."""
    return (np.arange(rows.start, rows.stop) for rows in batches(count, CHUNK))


def _mean(values: Sequence[float | None]) -> float | None:
    """Mean of what is known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _mean_mm(metres: NDArray[np.float64]) -> float | None:
    known = metres[np.isfinite(metres)]
    return float(1000 * known.mean()) if len(known) else None
