"""Height, chest, waist, hips and mass of bodies in T-pose, from their meshes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ehpsbench.metrics.card import MetricCard
from ehpsbench.metrics.convex_hull import hull_perimeter
from ehpsbench.metrics.plane_section import UP, mesh_edges, section_points
from ehpsbench.metrics.point_error import MM_PER_M

DENSITY = 985.0  # kg/m³
GIRTHS = ("chest", "waist", "hips")
MEASURES = ("height", *GIRTHS, "mass")

CARD = MetricCard(
    title="Body measurement errors",
    unit="mm; mass kg",
    better="lower",
    definition=(
        "Mean over people of the absolute difference of each measurement of the T-posed meshes. "
        "Height: from the left heel to the head's top, upwards only. Chest, waist, hips: perimeter "
        "of the convex hull of the whole mesh's section by the horizontal plane through the right "
        "nipple, the belly button, the crotch. Mass: volume × 985 kg/m³."
    ),
    source=(
        "Choutas et al. 2022 (SHAPY): shapy a5daa70 "
        "mesh-mesh-intersection/body_measurements/body_measurements.py and its "
        "smplx_measurements.yaml, regressor/hbw_evaluation/evaluate_hbw.py."
    ),
    others=(
        "SHAPY drops triangle 0 from sections and cuts them at 1 m from the axis; neither touches "
        "a body. SMPL-Anthropometry names other landmarks."
    ),
    undefined=(
        "A measurement that is not finite, or whose plane misses the mesh, is left out and not "
        "counted; NaN where none is left."
    ),
)
COLUMNS = tuple(name for measure in MEASURES for name in (measure, f"{measure}_count"))


@dataclass(frozen=True, slots=True)
class Landmark:
    """A point of the surface: (K,) vertices and their weights, which sum to 1."""

    vertices: tuple[int, ...]
    weights: tuple[float, ...] = (1.0,)

    def on(self, meshes: Tensor) -> Tensor:
        """(B, 3) the point on (B, V, 3) meshes."""
        weights = torch.tensor(self.weights, dtype=torch.float64, device=meshes.device)
        return torch.einsum("k,bkd->bd", weights, meshes[:, list(self.vertices)].double())


Landmarks = Mapping[str, Landmark]
"""`head_top`, `heel`, `chest`, `waist`, `hips` of one topology."""

# SHAPY's landmarks: triangle of the SMPL-X mesh and barycentres; vertex of the SMPL mesh.
_ON_SMPLX = {
    "head_top": (2581, (0.8277337276382795, 0.1422200962169292, 0.030046176144791284)),
    "heel": (15605, (0.0, 1.0, 0.0)),
    "chest": (18402, (0.0, 0.0, 1.0)),
    "waist": (19229, (0.0, 1.0, 0.0)),
    "hips": (6194, (0.0, 0.0, 1.0)),
}
_ON_SMPL = {"head_top": 411, "heel": 3466, "chest": 6489, "waist": 3501, "hips": 1210}
SMPL_LANDMARKS: Landmarks = {name: Landmark((vertex,)) for name, vertex in _ON_SMPL.items()}


def smplx_landmarks(faces: Tensor) -> Landmarks:
    """SHAPY's landmarks on the owners' SMPL-X mesh, whose (20908, 3) `faces` are given."""
    if faces.shape != (20908, 3):
        raise ValueError(f"SMPL-X has (20908, 3) faces, got {tuple(faces.shape)}.")
    corners = {name: tuple(faces[face].tolist()) for name, (face, _) in _ON_SMPLX.items()}
    return {name: Landmark(corners[name], w) for name, (_, w) in _ON_SMPLX.items()}


def measurements(vertices: Tensor, faces: Tensor, landmarks: Landmarks) -> Mapping[str, Tensor]:
    """The measurements of bodies in T-pose.

    Args:
        vertices: (B, V, 3) y upwards [m].
        faces: (F, 3).
        landmarks: where to measure.

    Returns:
        Each of `MEASURES` (B,) float64 [m], mass [kg]; NaN where a plane misses the mesh, and for
        bodies that are not finite.

    Raises:
        ValueError: shapes do not fit, or a landmark is missing.
    """
    _check(vertices, faces, landmarks)
    vertices = vertices.detach()
    finite = vertices.isfinite().flatten(1).all(1)
    vertices = torch.where(finite[:, None, None], vertices.to(torch.float64), 0.0)
    points = {name: landmark.on(vertices) for name, landmark in landmarks.items()}
    edges = mesh_edges(faces)
    girths = {
        name: hull_perimeter(*section_points(vertices, edges, points[name][:, UP]))
        for name in GIRTHS
    }
    height = (points["head_top"] - points["heel"])[:, UP].abs()
    found = {"height": height, **girths, "mass": DENSITY * volume(vertices, faces)}
    return {name: torch.where(finite, values, torch.nan) for name, values in found.items()}


def score(
    pred: Tensor,
    target: Tensor,
    faces: Tensor,
    landmarks: Landmarks,
    *,
    target_faces: Tensor | None = None,
    target_landmarks: Landmarks | None = None,
) -> Tensor:
    """Absolute errors of each person and how many there are; their sums give the means.

    Args:
        pred: (B, V, 3) predicted bodies in T-pose, y upwards [m].
        target: (B, V', 3) true ones [m].
        faces: (F, 3) of the predicted mesh.
        landmarks: of the predicted mesh.
        target_faces: (F', 3) of the true mesh; None: the same.
        target_landmarks: None: the same.

    Returns:
        (B, 10) float64, `COLUMNS`: errors [mm], mass [kg].

    Raises:
        ValueError: shapes do not fit, or a landmark is missing.
    """
    if len(pred) != len(target):
        raise ValueError(f"{len(pred)} bodies are predicted and {len(target)} are true.")
    said = measurements(pred, faces, landmarks)
    true = measurements(
        target,
        faces if target_faces is None else target_faces,
        landmarks if target_landmarks is None else target_landmarks,
    )
    columns = []
    for name in MEASURES:
        error = (said[name] - true[name]).abs() * (1.0 if name == "mass" else MM_PER_M)
        columns += [torch.where(error.isfinite(), error, 0.0), error.isfinite().to(error)]
    return torch.stack(columns, -1)


def numbers(sums: Tensor) -> Mapping[str, Tensor]:
    """Sums of rows (…, 10) → `<measure>_error` (…) [mm], mass [kg]."""
    means = (sums[..., 0::2] / sums[..., 1::2]).unbind(-1)
    return {f"{name}_error": mean for name, mean in zip(MEASURES, means, strict=True)}


def volume(vertices: Tensor, faces: Tensor) -> Tensor:
    """(B,) volume that closed meshes (B, V, 3) enclose, whichever way their faces turn [m³]."""
    a, b, c = vertices.double()[:, faces.long()].unbind(2)
    found: Tensor = (torch.linalg.cross(a, b) * c).sum((1, 2)).abs() / 6
    return found


def _check(vertices: Tensor, faces: Tensor, landmarks: Landmarks) -> None:
    if vertices.ndim != 3 or vertices.shape[-1] != 3:
        raise ValueError(f"vertices must be (B, V, 3), got {tuple(vertices.shape)}.")
    if faces.ndim != 2 or faces.shape[-1] != 3:
        raise ValueError(f"faces must be (F, 3), got {tuple(faces.shape)}.")
    if missing := {"head_top", "heel", *GIRTHS} - set(landmarks):
        raise ValueError(f"landmarks lack {sorted(missing)}; they have {sorted(landmarks)}.")
