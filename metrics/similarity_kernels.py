"""The best similarity of one person's points from their moments, in machine code."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ehpsbench.metrics.compiled import compiled

# Points nearer together than this share of their coordinates are one point: rounding noise of
# float64 is 1e-16, true bodies are 1e-2 and more.
COINCIDENT = 1e-12
LEAST_POINTS = 3
MOMENTS = 17  # both sums or means (3 each), both sums of squares, nine products pred ⊗ true
FIT = 16  # scale, rotation (3 × 3), both means (3 each)
SWEEPS = 30  # some six are enough: each doubles the digits
NOTHING = 1e-33  # of squares: below the last digit of float64
Floats = NDArray[np.float64]


@compiled
def add_moments(a: Floats, t: Floats, start: int, end: int, out: Floats) -> None:
    """Sums, squares and products of some points in planes about the first, onto earlier ones."""
    across, down, away = t[0][start:end], t[1][start:end], t[2][start:end]
    tx, ty, tz = t[0, 0], t[1, 0], t[2, 0]
    for i in range(3):
        sum_a = sum_t = squares_a = squares_t = to_x = to_y = to_z = 0.0
        near, known, said, true = a[i, 0], t[i, 0], a[i][start:end], t[i][start:end]
        for k in range(len(said)):
            x, y = said[k] - near, true[k] - known
            sum_a += x
            sum_t += y
            squares_a += x * x
            squares_t += y * y
            to_x += x * (across[k] - tx)
            to_y += x * (down[k] - ty)
            to_z += x * (away[k] - tz)
        out[i] += sum_a
        out[3 + i] += sum_t
        out[6] += squares_a
        out[7] += squares_t
        out[8 + 3 * i] += to_x
        out[9 + 3 * i] += to_y
        out[10 + 3 * i] += to_z


@compiled
def centre(a: Floats, t: Floats, count: int, out: Floats) -> None:
    """Moments about the first points → about the means, and sums → means from the origin.

    Summed up about a point of each set they keep their digits however far off all points lie; not
    if that point lies ten thousand times as far off as the others are apart.
    """
    for i in range(3):
        out[6] -= out[i] * out[i] / count
        out[7] -= out[3 + i] * out[3 + i] / count
        for j in range(3):
            out[8 + 3 * i + j] -= out[i] * out[3 + j] / count
    for i in range(3):
        out[i] = a[i, 0] + out[i] / count
        out[3 + i] = t[i, 0] + out[3 + i] / count


@compiled
def fit_similarity(moments: Floats, count: int, fit: Floats) -> None:
    """FIT numbers of the best similarity; left as they are where it is not defined.

    The rotation's quaternion maximises a quadratic form, Horn 1987: the eigenvector of its
    greatest eigenvalue, which is the scale times the spread of the predicted points.
    """
    if not (_apart(moments, 0, count) and _apart(moments, 1, count)):
        return
    form, vectors = np.empty((4, 4)), np.empty((4, 4))
    unit = 0.0
    for k in range(8, MOMENTS):
        unit = max(unit, abs(moments[k]))
    unit = unit if unit > 0.0 else 1.0
    _form(moments[8:], unit, form)
    greatest = _diagonalise(form, vectors)
    fit[0] = form[greatest, greatest] * (unit / moments[6])
    _turn(vectors[:, greatest], fit[1:10])
    for i in range(6):  # of slices, numba would compile for seconds what says that they differ
        fit[10 + i] = moments[i]


@compiled
def _apart(moments: Floats, side: int, count: int) -> bool:
    """The points of one side are finite, and not all in one place."""
    spread, largest = moments[6 + side], 0.0
    for i in range(3):
        largest = max(largest, abs(moments[3 * side + i]))
    return math.isfinite(spread) and math.sqrt(spread / count) > COINCIDENT * largest


@compiled
def _form(products: Floats, unit: float, form: Floats) -> None:
    """(4, 4) quadratic form of quaternions (w, x, y, z) for nine products, in some unit."""
    xx, xy, xz = products[0] / unit, products[1] / unit, products[2] / unit
    yx, yy, yz = products[3] / unit, products[4] / unit, products[5] / unit
    zx, zy, zz = products[6] / unit, products[7] / unit, products[8] / unit
    form[0, 0], form[1, 1] = xx + yy + zz, xx - yy - zz
    form[2, 2], form[3, 3] = yy - xx - zz, zz - xx - yy
    form[0, 1] = form[1, 0] = yz - zy
    form[0, 2] = form[2, 0] = zx - xz
    form[0, 3] = form[3, 0] = xy - yx
    form[1, 2] = form[2, 1] = xy + yx
    form[1, 3] = form[3, 1] = zx + xz
    form[2, 3] = form[3, 2] = yz + zy


@compiled
def _diagonalise(form: Floats, vectors: Floats) -> int:
    """Which eigenvalue of a symmetric form is the greatest, by Jacobi's turns.

    Eigenvalues come to stand on the form's diagonal, their vectors in columns.
    """
    size = len(form)
    vectors[:] = 0.0
    for i in range(size):
        vectors[i, i] = 1.0
    for _ in range(SWEEPS):
        beside = along = 0.0
        for i in range(size):
            along += form[i, i] * form[i, i]
            for j in range(i + 1, size):
                beside += form[i, j] * form[i, j]
        if beside <= NOTHING * along:
            break
        for i in range(size):
            for j in range(i + 1, size):
                _turn_away(form, vectors, i, j)
    greatest = 0
    for i in range(size):
        if form[i, i] > form[greatest, greatest]:
            greatest = i
    return greatest


@compiled
def _turn_away(form: Floats, vectors: Floats, i: int, j: int) -> None:
    """One turn in the plane of two axes, after which nothing stands beside their diagonal."""
    if form[i, j] == 0.0:
        return
    slope = (form[j, j] - form[i, i]) / (2.0 * form[i, j])
    tangent = math.copysign(1.0, slope) / (abs(slope) + math.hypot(slope, 1.0))
    cosine = 1.0 / math.sqrt(tangent * tangent + 1.0)
    sine = tangent * cosine
    for k in range(len(form)):
        left, right = form[k, i], form[k, j]
        form[k, i], form[k, j] = cosine * left - sine * right, sine * left + cosine * right
    for k in range(len(form)):
        left, right = form[i, k], form[j, k]
        form[i, k], form[j, k] = cosine * left - sine * right, sine * left + cosine * right
        left, right = vectors[k, i], vectors[k, j]
        vectors[k, i], vectors[k, j] = cosine * left - sine * right, sine * left + cosine * right


@compiled
def _turn(quaternion: Floats, rotation: Floats) -> None:
    """(9,) rotation of a unit quaternion (w, x, y, z)."""
    w, x, y, z = quaternion[0], quaternion[1], quaternion[2], quaternion[3]
    rotation[0] = w * w + x * x - y * y - z * z
    rotation[4] = w * w - x * x + y * y - z * z
    rotation[8] = w * w - x * x - y * y + z * z
    rotation[1], rotation[3] = 2.0 * (x * y - w * z), 2.0 * (x * y + w * z)
    rotation[2], rotation[6] = 2.0 * (x * z + w * y), 2.0 * (x * z - w * y)
    rotation[5], rotation[7] = 2.0 * (y * z - w * x), 2.0 * (y * z + w * x)
