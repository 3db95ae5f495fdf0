"""Face landmarks in the 51 + 17 layout: points on the surface, as face index and barycentres."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from open_body.mesh import Mesh
from open_body.skeleton import NAMES
from open_body.source import Array

YAWS = 39  # degrees to each side; the table has 2 × 39 + 1 rows


def static_points(mesh: Mesh, vertices: Array) -> Array:
    """(51,2) x, y of the landmarks on the face seen from the front, right side first."""
    eye, inner, outer = _eye(mesh, vertices), _lips(mesh, vertices, 0.0), _lips(mesh, vertices, 1.0)
    tip = vertices[_nose_tip(mesh, vertices), :2]
    x0, x1, top = eye[:, 0].min(), eye[:, 0].max(), eye[:, 1].max()
    brow_x = np.linspace(x1 + 0.010, x0 - 0.006, 5)
    brow_y = top + np.array([0.008, 0.0145, 0.0165, 0.0155, 0.0125])
    brow = np.stack([brow_x, brow_y], axis=1)
    bridge = np.stack([np.zeros(4), np.linspace(eye[:, 1].mean() + 0.003, tip[1], 4)], axis=1)
    wings = np.array([[-0.013, -0.009], [-0.007, -0.0115], [0.0, -0.013]]) + np.array([0.0, tip[1]])
    base = np.concatenate([wings, _other_side(wings[1::-1])])
    return np.concatenate(
        [_other_side(brow), brow[::-1], bridge, base, _other_side(eye), eye[[3, 2, 1, 0, 5, 4]],
         outer, inner]
    )  # fmt: skip


def _nose_tip(mesh: Mesh, vertices: Array) -> int:
    """The foremost vertex of the middle line near the named point of the nose."""
    near = np.linalg.norm(vertices - vertices[mesh.named["nose"]], axis=1) < 0.03
    middle = near & (np.abs(vertices[:, 0]) < 1e-4)
    return int(np.where(middle, vertices[:, 2], -9.0).argmax())


def _other_side(points: Array) -> Array:
    return np.asarray(points * [-1, 1])


def _eye(mesh: Mesh, vertices: Array) -> Array:
    """(6,2) left eye: outer corner, two above, inner corner, two below."""
    ring = vertices[mesh.regions["eye_cavity.L edge"]]
    ring = ring[(ring[:, 0] > 0) & (ring[:, 2] > np.median(ring[:, 2]) - 0.02)]
    left, right = ring[ring[:, 0].argmax()], ring[ring[:, 0].argmin()]
    middle = (left[1] + right[1]) / 2

    def lid(share: float, above: bool) -> Array:
        x = left[0] + share * (right[0] - left[0])
        half = ring[(ring[:, 1] > middle) == above]
        nearest = half[np.abs(half[:, 0] - x).argsort()[:2]]
        return np.array([x, nearest[:, 1].mean()])

    points = [left[:2], lid(0.33, True), lid(0.67, True), right[:2], lid(0.67, False)]
    return np.stack([*points, lid(0.33, False)])


def _lips(mesh: Mesh, vertices: Array, out: float) -> Array:
    """Inner (8,2) or outer (12,2) lip line, clockwise from the right corner."""
    ring = vertices[mesh.regions["mouth_cavity edge"]]
    corner = ring[ring[:, 0].argmax()]
    shares = np.array([1.0, 0.5, 0.0, -0.5, -1.0]) if not out else np.linspace(1, -1, 7)
    middle = ring[np.abs(ring[:, 0]) < corner[0] * 0.6][:, 1].mean()
    lift = np.sqrt(np.clip(1 - shares**2, 0, 1))
    upper_y = corner[1] + lift * (middle + 0.001 + 0.0065 * out - corner[1])
    lower_y = corner[1] + lift * (middle - 0.001 - 0.0095 * out - corner[1])
    if out:
        upper_y[3] -= 0.001  # the cupid's bow
    x = -shares * (corner[0] + 0.001 * out)
    upper = np.stack([x, upper_y], axis=1)
    lower = np.stack([x, lower_y], axis=1)[-2:0:-1]
    return np.concatenate([upper, lower])


def cast(vertices: Array, faces: Array, points: Array) -> tuple[Array, Array]:
    """Foremost face (P,) under each (P,2) point seen from +z, and its barycentres (P,3)."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    u, v = (b - a)[:, :2], (c - a)[:, :2]
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    area = np.where(np.abs(area) < 1e-12, np.inf, area)
    found, barycentres = np.zeros(len(points), int), np.zeros((len(points), 3))
    for index, point in enumerate(points):
        w = point - a[:, :2]
        s = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / area
        t = (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / area
        depth = a[:, 2] + s * (b - a)[:, 2] + t * (c - a)[:, 2]
        inside = (s >= -1e-6) & (t >= -1e-6) & (s + t <= 1 + 1e-6) & (area != np.inf)
        found[index] = np.where(inside, depth, -9.0).argmax()
        s1, t1 = s[found[index]], t[found[index]]
        barycentres[index] = np.clip([1 - s1 - t1, s1, t1], 0, 1)
    return found, barycentres / barycentres.sum(axis=1, keepdims=True)


def contour(mesh: Mesh, vertices: Array) -> tuple[Array, Array]:
    """Face (79,17) and barycentres (79,17,3) of the jaw line as seen at each yaw of the head.

    Rows 0…39 are for a head turned by 0…−39 degrees about y, rows 40…78 for 1…39.
    """
    candidates = _jaw(mesh, vertices)
    points = vertices[candidates]
    ear, eye = vertices[mesh.named["left_ear"]], vertices[mesh.named["left_eye"]]
    middle = np.array([0.0, eye[1] - 0.01, ear[2] + 0.04])
    aims = np.deg2rad(np.linspace(-180, 0, 17))
    rows = []
    for yaw in np.deg2rad([*range(0, -YAWS - 1, -1), *range(1, YAWS + 1)]):
        x, y = (points - middle) @ [np.cos(yaw), 0, np.sin(yaw)], points[:, 1] - middle[1]
        angle, radius = np.arctan2(y, x), np.hypot(x, y)
        off = np.abs((angle[:, None] - aims + np.pi) % (2 * np.pi) - np.pi)
        rows.append(candidates[(radius[:, None] - 0.25 * off).argmax(axis=0)])
    return nearest(vertices, mesh.faces, vertices[np.stack(rows)])


def nearest(vertices: Array, faces: Array, points: Array) -> tuple[Array, Array]:
    """A face (…) of the vertex nearest to each point (…,3); barycentres (…,3) that pick it."""
    used = np.unique(faces)
    chosen = used[cKDTree(vertices[used]).query(points)[1]]
    corner_of = np.zeros((len(vertices), 2), int)
    for corner in range(3):
        corner_of[faces[::-1, corner], 0] = np.arange(len(faces))[::-1]
        corner_of[faces[::-1, corner], 1] = corner
    picked = corner_of[chosen]
    return picked[..., 0], np.eye(3)[picked[..., 1]]


def _jaw(mesh: Mesh, vertices: Array) -> Array:
    """Skin of the face in front of the ears and above the line from the ear to the chin."""
    head = [NAMES.index(name) for name in ("head", "jaw")]
    skin = mesh.weights[:, head].sum(axis=1) > 0.6
    points, ear = vertices, vertices[mesh.named["left_ear"]]
    eye, nose = vertices[mesh.named["left_eye"]], vertices[_nose_tip(mesh, vertices)]
    front = (np.abs(points[:, 0]) < 1e-4) & (points[:, 1] < nose[1] - 0.03) & skin
    chin = points[front & (points[:, 2] > nose[2] - 0.03)]
    chin = chin[chin[:, 1].argmin()]
    share = (points[:, 2] - ear[2]) / (chin[2] - ear[2])
    lowest = ear[1] - 0.035 + share * (chin[1] - 0.002 - ear[1] + 0.035)
    skin &= (points[:, 2] > ear[2] + 0.010) & (points[:, 1] < eye[1] + 0.015)
    skin &= points[:, 1] > lowest
    return np.flatnonzero(skin)
