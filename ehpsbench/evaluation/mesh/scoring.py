"""Per-person errors: predicted meshes against true ones, a few people at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ehpsbench.body.forward import forward
from ehpsbench.body.posed import posed_vertices
from ehpsbench.errors import BodyMismatch, MissingBody
from ehpsbench.evaluation.mesh.points import Pair, pair
from ehpsbench.evaluation.mesh.rules import HAND_SETS, ErrorColumn, MeshProtocol
from ehpsbench.geometry import project
from ehpsbench.metrics import catalogue
from ehpsbench.metrics.hand_mean import hand_mean
from ehpsbench.schema import Columns, present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

CHUNK = 64  # people at a time: about 100 MB with the licensed mesh
Progress = Callable[[int, int], None]  # people done, people in all
SIDES = ("left", "right")


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of N people.

    Attributes:
        columns: (N,) each, in the protocol's unit; NaN where not defined.
        skipped: error columns that could not be computed, and why.
    """

    columns: dict[str, NDArray[np.float64]]
    skipped: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Column:
    """One error on one set of points (one side of the hands)."""

    error: ErrorColumn
    side: str | None
    pair: Pair

    @property
    def name(self) -> str:
        return self.error.name if self.side is None else f"{self.error.name}_{self.side}"

    @property
    def flag(self) -> str | None:
        """The column that says whether the truth of this part can be trusted."""
        if self.side is not None:
            return f"{self.side}_hand_valid"
        return "face_valid" if self.error.points == "face_vertices" else None


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
    """Score predictions person by person.

    Args:
        truth: instance columns of N people.
        predictions: (N, k) neutral SMPL-X parameters of the same people, in the same order.
        protocol: what to compute.
        bodies: the body set of both.
        root: of the release, for meshes and templates.
        device: where to compare.
        chunk: people at a time.
        progress: told after every chunk.

    Raises:
        BodyMismatch: truth and prediction are meshes of different topology.
        MissingBody: a file that the primary error needs is not there.
    """
    columns, skipped = _columns(protocol, bodies, device)
    _check_models(truth, protocol, bodies)
    count = len(predictions["global_orient"])
    found = {c.name: np.full(count, np.nan) for c in columns}
    for start in range(0, count, chunk):
        rows = slice(start, min(start + chunk, count))
        part = {name: values[rows] for name, values in truth.items()}
        said = {name: values[rows] for name, values in predictions.items()}
        for name, values in _scored(part, said, protocol, bodies, columns, root, device):
            found[name][rows] = values
        if progress is not None:
            progress(rows.stop, count)
    for error in protocol.errors:
        if error.points in HAND_SETS and error.name not in skipped:
            sides = (torch.from_numpy(found[f"{error.name}_{side}"]) for side in SIDES)
            found[error.name] = hand_mean(*sides).numpy()
    order = [name for e in protocol.errors for name in e.columns if name in found]
    return Errors({name: found[name] for name in order}, skipped)


def _columns(
    protocol: MeshProtocol, bodies: BodySet, device: str
) -> tuple[list[_Column], dict[str, str]]:
    """What can be computed with this body set; the primary error must be."""
    columns: list[_Column] = []
    skipped: dict[str, str] = {}
    for error in protocol.errors:
        try:
            for side in SIDES if error.points in HAND_SETS else (None,):
                taken = pair(error, side, protocol.rows.source_model, bodies)
                placed = Pair(taken.pred.to(device), taken.true.to(device))
                columns.append(_Column(error, side, placed))
        except MissingBody as reason:
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


def _scored(
    truth: Columns,
    said: Mapping[str, NDArray[np.float64]],
    protocol: MeshProtocol,
    bodies: BodySet,
    columns: list[_Column],
    root: Path | None,
    device: str,
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    true = _stacked(posed_vertices(truth, bodies, root), protocol)
    inputs: dict[str, Any] = dict(said)
    pred = forward(bodies.model("smplx", "neutral"), **inputs, device=device).vertices
    if pred is None:
        raise BodyMismatch(f"{bodies.name} has no SMPL-X mesh.")
    meshes = pred.double(), torch.from_numpy(true).to(device)
    for column in columns:
        values = _error(column, *meshes, truth, protocol).cpu().numpy()
        if protocol.part_flags and column.flag is not None:
            values = np.where(_flag(truth, column.flag, len(values)), values, np.nan)
        yield column.name, values


def _stacked(meshes: list[NDArray[np.float64]], protocol: MeshProtocol) -> NDArray[np.float64]:
    sizes = sorted({len(mesh) for mesh in meshes})
    if len(sizes) > 1:
        raise BodyMismatch(
            f"{protocol.name}: true meshes have {sizes} vertices; they must all be of one body."
        )
    return np.stack(meshes)


def _error(
    column: _Column, pred: Tensor, true: Tensor, truth: Columns, protocol: MeshProtocol
) -> Tensor:
    """(B,) one error column of a chunk."""
    score = catalogue.score(column.error.metric)
    points = column.pair.pred.points(pred), column.pair.true.points(true)
    seen = None
    if protocol.visible == "inside_image":
        seen = torch.from_numpy(inside_image(points[1].cpu().numpy(), truth)).to(true.device)
    if column.error.root == "none":
        return score(*points, counted=seen)
    return score(
        *points,
        seen,
        pred_root=column.pair.pred.roots(pred),
        target_root=column.pair.true.roots(true),
    )


def inside_image(points: NDArray[np.float64], columns: Columns) -> NDArray[np.bool_]:
    """(B, P) True where the row's own camera sees a point strictly inside the image.

    Args:
        points: (B, P, 3) camera frame [m].
        columns: focal, principal_point, distortion, width and height of each row.
    """
    focal, centre = np.ma.getdata(columns["focal"]), np.ma.getdata(columns["principal_point"])
    pixels = project(points, focal, centre)
    if "distortion" in columns and (bent := present(columns["distortion"])).any():
        coefficients = np.ma.getdata(columns["distortion"])[bent]
        model = "opencv_rational"
        pixels[bent] = project(points[bent], focal[bent], centre[bent], coefficients, model)
    size = np.stack([columns["width"], columns["height"]], -1)[:, None, :]
    with np.errstate(invalid="ignore"):
        inside = ((pixels > 0) & (pixels < size)).all(-1)
    return np.asarray(inside & (points[..., 2] > 0))


def _flag(columns: Columns, name: str, count: int) -> NDArray[np.bool_]:
    """(N,) the flag; False where it is null."""
    if name not in columns:
        return np.zeros(count, bool)
    return np.asarray(present(columns[name]) & np.ma.getdata(columns[name]).astype(bool))
