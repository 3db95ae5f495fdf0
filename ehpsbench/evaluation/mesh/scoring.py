"""Per-person errors: predicted meshes against true ones, a few people at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ehpsbench.body.forward import forward
from ehpsbench.body.posed import posed_vertices, smpl_joints
from ehpsbench.errors import BodyMismatch, InputError, MissingBody
from ehpsbench.evaluation.mesh.columns import Column, Seen, column_errors
from ehpsbench.evaluation.mesh.motion import Motion, has_tracks
from ehpsbench.evaluation.mesh.per_point import PointErrors, point_sets
from ehpsbench.evaluation.mesh.points import Figures, Pair, pair
from ehpsbench.evaluation.mesh.refit import refitted
from ehpsbench.evaluation.mesh.rules import HAND_SETS, ErrorColumn, MeshProtocol
from ehpsbench.evaluation.mesh.visible import inside_image
from ehpsbench.metrics.hand_mean import hand_mean
from ehpsbench.schema import Columns, present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

CHUNK = 64  # people at a time: about 100 MB with the licensed mesh
Progress = Callable[[int, int], None]  # people done, people in all
Part = tuple[Columns, Mapping[str, NDArray[np.float64]]]  # labels and predictions of some people
SIDES = ("left", "right")


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of N people.

    Attributes:
        columns: (N,) each, in the protocol's unit; NaN where not defined.
        skipped: error columns that could not be computed, and why.
        points: the same by vertex and joint, over all people.
        residual: (N,) of neutral refits [mm]; None where the truth is the owners' bodies.
    """

    columns: dict[str, NDArray[np.float64]]
    skipped: dict[str, str]
    points: PointErrors
    residual: NDArray[np.float64] | None = None


def errors(
    truth: Columns,
    predictions: Mapping[str, NDArray[np.float64]],
    protocol: MeshProtocol,
    bodies: BodySet,
    *,
    root: Path | None = None,
    device: str = "cpu",
    chunk: int = CHUNK,
    progress: Progress | None = None,
) -> Errors:
    """Score predictions of people who are all in memory; see `errors_of_parts`."""
    count = len(predictions["global_orient"])
    return errors_of_parts(
        [(truth, predictions)],
        truth,
        protocol,
        bodies,
        count=count,
        root=root,
        device=device,
        chunk=chunk,
        progress=progress,
    )


def errors_of_parts(
    parts: Iterable[Part],
    everybody: Columns,
    protocol: MeshProtocol,
    bodies: BodySet,
    *,
    count: int,
    root: Path | None = None,
    device: str = "cpu",
    chunk: int = CHUNK,
    progress: Progress | None = None,
) -> Errors:
    """Score predictions person by person, part after part.

    Args:
        parts: instance columns of some people, and (n, k) neutral SMPL-X parameters of the same
            in the same order; N people in all.
        everybody: gender and body_hash of the N people, or of one of each kind; for errors of
            motion those of all, with track and frame.
        protocol: what to compute.
        bodies: the body set of both.
        count: N.
        root: of the release, for meshes and templates.
        device: where to pose predictions and to compare.
        chunk: people at a time.
        progress: told after every chunk.

    Raises:
        InputError: the primary error needs tracks, and the rows have none.
        BodyMismatch: truth and prediction are meshes of different topology.
        MissingBody: a file that the primary error needs is not there.
    """
    columns, skipped = _columns(everybody, protocol, bodies, device)
    _check_models(everybody, protocol, bodies)
    found = {c.name: np.full(count, np.nan) for c in columns}
    still = [c for c in columns if not c.error.of_motion]
    moving = [c for c in columns if c.error.of_motion]
    motions = {c.name: Motion(c.error, count) for c in moving}
    points = PointErrors(point_sets(protocol, bodies, device))
    residual = np.zeros(count) if protocol.ground_truth_body == "neutral_refit" else None
    rows = slice(0, 0)
    for part, said in _chunks(parts, chunk):
        rows = slice(rows.stop, rows.stop + len(said["global_orient"]))
        if residual is not None:
            part, residual[rows] = refitted(part, bodies)
        figures = _figures(part, said, protocol, bodies, columns, root, device)
        for name, values in _values(still, *figures, part, protocol).items():
            found[name][rows] = values
        points.add(*figures, _seen(part, protocol))
        for column in moving:
            motions[column.name].keep(rows, column.pair, *figures)
        if progress is not None:
            progress(rows.stop, count)
    for name, motion in motions.items():
        found[name] = motion.values(everybody)
    for error in protocol.errors:
        if error.points in HAND_SETS and error.name not in skipped:
            found |= _both_hands(error, found)
    order = [name for e in protocol.errors for name in e.columns if name in found]
    return Errors({name: found[name] for name in order}, skipped, points, residual)


def _chunks(parts: Iterable[Part], size: int) -> Iterator[Part]:
    """The same people, at most so many at a time."""
    for truth, predictions in parts:
        for start in range(0, len(predictions["global_orient"]), size):
            rows = slice(start, start + size)
            yield (
                {name: values[rows] for name, values in truth.items()},
                {name: values[rows] for name, values in predictions.items()},
            )


def _both_hands(
    error: ErrorColumn, found: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Each hand and the mean of both, after hands were dropped that the protocol drops."""
    names = [f"{error.name}_{side}" for side in SIDES]
    hands = torch.from_numpy(np.stack([found[name] for name in names]))
    mean = hand_mean(*hands)
    if error.drop_hands_above_mm is not None:
        limit = error.drop_hands_above_mm
        mean = torch.where((hands > limit).any(0), torch.nan, mean)
        dropped = hands >= limit
        dropped[1] |= hands[0] > limit  # the official loop leaves at a bad left hand
        hands = torch.where(dropped, torch.nan, hands)
    return dict(zip([*names, error.name], [*hands.numpy(), mean.numpy()], strict=True))


def _columns(
    truth: Columns, protocol: MeshProtocol, bodies: BodySet, device: str
) -> tuple[list[Column], dict[str, str]]:
    """What can be computed with this body set and these rows; the primary error must be."""
    columns: list[Column] = []
    skipped: dict[str, str] = {}
    for error in protocol.errors:
        try:
            for side in SIDES if error.points in HAND_SETS else (None,):
                if error.of_motion and not has_tracks(truth):
                    raise InputError(f"{error.name}: the rows have no track and frame to follow.")
                taken = pair(error, side, protocol, bodies)
                placed = Pair(taken.pred.to(device), taken.true.to(device))
                columns.append(Column(error, side, placed))
        except (InputError, MissingBody) as reason:
            if error == protocol.primary_error:
                raise
            skipped[error.name] = str(reason)
    return columns, skipped


def _check_models(truth: Columns, protocol: MeshProtocol, bodies: BodySet) -> None:
    """The truth's models are those of the body set, and their mesh is the prediction's."""
    family = protocol.rows.source_model
    predicted = bodies.model("smplx", "neutral")
    gender = np.asarray(truth["gender"], object)
    named = np.asarray(truth.get("body_hash", np.full(len(gender), None)), object)
    for one in sorted({g for g in gender if g is not None}):
        model = bodies.model(family, one)
        if family == "smplx" and not np.array_equal(model.faces, predicted.faces):
            raise BodyMismatch(
                f"{protocol.name}: {model.name} and {predicted.name} are meshes of different "
                "topology; their vertices cannot be compared."
            )
        others = {h for h in named[gender == one] if h not in (None, model.hash)}
        if others:
            raise BodyMismatch(
                f"{protocol.name}: labels belong to the {family}/{one} body {min(others)[:12]}, "
                f"that of {bodies.name} is {model.hash[:12]}. Ingest and evaluate with one set."
            )


def _figures(
    truth: Columns,
    said: Mapping[str, NDArray[np.float64]],
    protocol: MeshProtocol,
    bodies: BodySet,
    columns: list[Column],
    root: Path | None,
    device: str,
) -> tuple[Figures, Figures]:
    """Predicted and true bodies of a chunk."""
    true = _stacked(posed_vertices(truth, bodies, root, device=device), protocol)
    inputs: dict[str, Any] = dict(said)
    pred = forward(bodies.model("smplx", "neutral"), **inputs, device=device).vertices
    if pred is None:
        raise BodyMismatch(f"{bodies.name} has no SMPL-X mesh.")
    joints = None
    if any(column.pair.true.own_joints for column in columns):
        joints = torch.from_numpy(smpl_joints(truth, bodies, root)).to(device)
    return Figures(pred), Figures(torch.from_numpy(true).to(device), joints)


def _values(
    columns: list[Column], pred: Figures, true: Figures, truth: Columns, protocol: MeshProtocol
) -> dict[str, NDArray[np.float64]]:
    """(B,) error columns of a chunk by name; NaN where the part's flag is not true."""
    found = {}
    scored = column_errors(columns, pred, true, _seen(truth, protocol))
    for column in columns:
        values = scored[column.name].cpu().numpy()
        if protocol.part_flags and column.flag is not None:
            values = np.where(_flag(truth, column.flag, len(values)), values, np.nan)
        found[column.name] = values
    return found


def _seen(truth: Columns, protocol: MeshProtocol) -> Seen | None:
    """Which points of a chunk's people count; None where all do."""
    if protocol.visible != "inside_image":
        return None

    def seen(points: Tensor, rows: slice) -> Tensor:
        cameras = {name: values[rows] for name, values in truth.items()}
        return torch.from_numpy(inside_image(points.cpu().numpy(), cameras)).to(points.device)

    return seen


def _stacked(meshes: list[NDArray[np.float64]], protocol: MeshProtocol) -> NDArray[np.float64]:
    sizes = sorted({len(mesh) for mesh in meshes})
    if len(sizes) > 1:
        raise BodyMismatch(
            f"{protocol.name}: true meshes have {sizes} vertices; they must all be of one body."
        )
    return np.stack(meshes)


def _flag(columns: Columns, name: str, count: int) -> NDArray[np.bool_]:
    """(N,) the flag; False where it is null."""
    if name not in columns:
        return np.zeros(count, bool)
    return np.asarray(present(columns[name]) & np.ma.getdata(columns[name]).astype(bool))
