"""The solver of a similarity beside LAPACK's, on forms of any size and with equal eigenvalues."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ehpsbench.metrics.similarity_kernels import _diagonalise

Floats = NDArray[np.float64]


def solved(form: Floats) -> tuple[float, Floats]:
    """The greatest eigenvalue and its vector."""
    turned, vectors = form.copy(), np.empty((4, 4))
    greatest = _diagonalise(turned, vectors)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(4), atol=1e-14)
    return turned[greatest, greatest], vectors[:, greatest]


def of_eigenvalues(values: list[float], seed: int) -> Floats:
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))[0]
    return np.asarray(turn * values @ turn.T)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("size", [1e-150, 1e-9, 1.0, 1e9, 1e140])
def test_any_form_is_solved_as_lapack_solves_it(seed: int, size: float) -> None:
    form = np.random.default_rng(seed).normal(size=(4, 4)) * size
    form += form.T
    value, vector = solved(form)
    values, vectors = np.linalg.eigh(form)
    assert value == pytest.approx(values[3], rel=1e-13)
    assert abs(vector @ vectors[:, 3]) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    "values", [[1, 1, 1, 1], [0, 0, 0, 0], [2, 2, -1, -1], [1, 1 - 1e-12, 0, -3], [3, 0, 0, 1e-300]]
)
@pytest.mark.parametrize("seed", range(5))
def test_of_equal_eigenvalues_any_vector_will_do(values: list[float], seed: int) -> None:
    form = of_eigenvalues(values, seed)
    value, vector = solved(form)
    assert value == pytest.approx(max(values), abs=1e-14)
    np.testing.assert_allclose(form @ vector, value * vector, atol=1e-14)


def test_a_form_that_is_diagonal_is_left_alone() -> None:
    value, vector = solved(np.diag([1.0, -7.0, 5.0, 2.0]))
    assert value == 5
    assert vector.tolist() == [0, 0, 1, 0]
