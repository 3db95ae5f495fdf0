"""Where on the body errors are: the mean error of every point, summed up while people pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from torch import Tensor

from ehpsbench.evaluation.mesh.columns import Seen
from ehpsbench.evaluation.mesh.points import (
    H36M_EVALUATED,
    LSP_FROM_SMPL,
    Figures,
    Pair,
    Picker,
    Weighted,
    pair,
)
from ehpsbench.evaluation.mesh.rules import BODY_JOINTS, ErrorColumn, MeshProtocol
from ehpsbench.evaluation.results import ALIGNMENTS
from ehpsbench.metrics.point_error import MM_PER_M, root_shift
from ehpsbench.skeleton.human_data import NAMES
from ehpsbench.skeleton.sources import SMPL_24

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SMPLX_JOINTS = 55
_H36M = (
    "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle spine neck nose head "
    "left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist"
).split()
_J14 = (
    "right_ankle right_knee right_hip left_hip left_knee left_ankle right_wrist right_elbow "
    "right_shoulder left_shoulder left_elbow left_wrist neck headtop"
).split()
JOINT_NAMES = {
    "smplx55": NAMES[:SMPLX_JOINTS],
    "lsp14": tuple(NAMES[i] for i in LSP_FROM_SMPL),
    "h36m14": tuple(_H36M[i] for i in H36M_EVALUATED),
    "smpl24": tuple(NAMES[i] for i in SMPL_24),
    "j14": tuple(_J14),
}
POINTS: pa.Schema = pa.schema(
    [
        pa.field("set", pa.dictionary(pa.int8(), pa.string())),
        pa.field("alignment", pa.dictionary(pa.int8(), pa.string())),
        pa.field("point", pa.int32()),
        pa.field("name", pa.dictionary(pa.int16(), pa.string())),
        pa.field("mean_mm", pa.float32()),
        pa.field("count", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class PointSet:
    """Points that a body's errors are kept of.

    Attributes:
        name: `vertices` or `joints`.
        of: which ones: the family of the mesh, or a key of `JOINT_NAMES`.
        pair: takes them off both meshes.
    """

    name: str
    of: str
    pair: Pair


def point_sets(rules: MeshProtocol, bodies: BodySet, device: str = "cpu") -> list[PointSet]:
    """What a benchmark keeps per-point errors of.

    The whole mesh, where the benchmark compares meshes, by the roots of its own vertex error; the
    joints of its primary error, else all that both bodies have.

    Args:
        rules: the benchmark.
        bodies: the body set.
        device: where bodies are compared.
    """
    found = []
    mesh = next((e for e in rules.errors if e.points == "vertices" and e.metric == "pve"), None)
    if mesh is not None:
        family = "smpl" if rules.rows.source_model == "smpl" else "smplx"
        found.append(PointSet("vertices", family, pair(mesh, None, rules, bodies)))
    primary = rules.primary_error
    if primary.points in BODY_JOINTS and primary.metric == "mpjpe":
        found.append(PointSet("joints", primary.points, pair(primary, None, rules, bodies)))
    elif rules.rows.source_model == "smpl":
        joints = ErrorColumn(name="joints", metric="mpjpe", points="lsp14", root="pelvis")
        found.append(PointSet("joints", "lsp14", pair(joints, None, rules, bodies)))
    else:
        found.append(PointSet("joints", "smplx55", _own_joints(bodies)))
    return [PointSet(s.name, s.of, Pair(*(p.to(device) for p in _sides(s.pair)))) for s in found]


def _sides(taken: Pair) -> tuple[Picker, Picker]:
    return taken.pred, taken.true


def _own_joints(bodies: BodySet) -> Pair:
    """All joints of the SMPL-X regressor, the pelvis for a root."""
    rows = np.asarray(bodies.model("smplx", "neutral").joint_regressor, np.float64)
    picker = Picker(Weighted.of(rows), None, Weighted.of(rows[:1]))
    return Pair(picker, picker)


@dataclass(slots=True)
class _Sums:
    """(2, P) of the two alignments: errors [mm] summed up, and how many."""

    error: Tensor
    count: Tensor


@dataclass(slots=True)
class PointErrors:
    """Running sums for each point; memory does not grow with people.

    Attributes:
        sets: of points.
    """

    sets: list[PointSet]
    _sums: dict[str, _Sums] = field(default_factory=dict)

    def add(self, pred: Figures, true: Figures, seen: Seen | None = None) -> None:
        """Take some people in.

        Args:
            pred: B predicted bodies.
            true: B true bodies.
            seen: which points count, as in `column_errors`; a similarity is fitted on all.
        """
        for points in self.sets:
            error, count = _summed(points.pair, pred, true, seen)
            sums = self._sums.get(points.name)
            if sums is None:
                self._sums[points.name] = _Sums(error, count)
            else:
                sums.error += error
                sums.count += count

    def table(self) -> pa.Table:
        """A row for each set, alignment and point, with the columns of `POINTS`; NaN of nobody.

        The metadata say whose points the sets are.
        """
        of = {f"ehpsbench.{points.name}": points.of for points in self.sets}
        tables = [
            _table(points, sums)
            for points in self.sets
            if (sums := self._sums.get(points.name)) is not None
        ]
        whole = pa.concat_tables([POINTS.empty_table(), *tables]).unify_dictionaries()
        return whole.combine_chunks().replace_schema_metadata(of)


def _summed(taken: Pair, pred: Figures, true: Figures, seen: Seen | None) -> tuple[Tensor, Tensor]:
    """Sums of errors [mm] and counts, (2, P) each."""
    shift = root_shift(taken.pred.roots(pred), taken.true.roots(true), len(true.vertices))
    everybody = slice(0, len(true.vertices))
    counted = None if seen is None else seen(taken.true.points(true), everybody)
    sums, counts = taken.points(pred, true).point_sums(shift, counted)
    return sums * MM_PER_M, counts


def _table(points: PointSet, sums: _Sums) -> pa.Table:
    count = sums.count.cpu().numpy()
    with np.errstate(invalid="ignore"):
        mean = np.where(count > 0, sums.error.cpu().numpy() / count, np.nan)
    size = mean.shape[1]
    names = JOINT_NAMES.get(points.of, ()) if points.name == "joints" else (None,) * size
    columns = {
        "set": pa.array([points.name] * 2 * size),
        "alignment": pa.array(np.repeat(ALIGNMENTS, size)),
        "point": np.tile(np.arange(size, dtype=np.int32), 2),
        "name": pa.array([*names, *names], pa.string()),
        "mean_mm": mean.ravel().astype(np.float32),
        "count": count.ravel(),
    }
    return pa.table(columns).cast(POINTS)
