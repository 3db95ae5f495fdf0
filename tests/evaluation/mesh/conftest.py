"""Predictions scored against people whose truth is known, with changed rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.forward import forward
from ehpsbench.evaluation.mesh.rules import MeshProtocol, mesh_protocol
from ehpsbench.evaluation.mesh.scoring import Errors, errors

Make = Callable[..., Any]


def _rules_of(benchmark: str, **changes: Any) -> MeshProtocol:
    """The rules of a benchmark with some of them changed."""
    rules = mesh_protocol(benchmark).model_dump()
    return MeshProtocol.model_validate(rules | changes)


@pytest.fixture(scope="session")
def rules_of() -> Make:
    """`_rules_of`."""
    return _rules_of


def _all_errors(
    truth: dict[str, Any],
    said: dict[str, Any],
    rules: MeshProtocol,
    bodies: BodySet,
    **options: Any,
) -> Errors:
    """Errors of predictions as they are written."""
    parameters = {n: v for n, v in said.items() if n != "instance_id"}
    return errors(truth, parameters, rules, bodies, **options)


@pytest.fixture(scope="session")
def all_errors() -> Make:
    """`_all_errors`."""
    return _all_errors


def _scored(*args: Any, **options: Any) -> dict[str, np.ndarray]:
    """Their columns."""
    return _all_errors(*args, **options).columns


@pytest.fixture(scope="session")
def scored() -> Make:
    """`_scored`."""
    return _scored


def _pred_mesh(said: dict[str, Any], bodies: BodySet) -> np.ndarray:
    """(B, V, 3) predicted vertices [m]."""
    parameters = {n: v for n, v in said.items() if n != "instance_id"}
    vertices = forward(bodies.model("smplx"), **parameters, dtype=torch.float64).vertices
    assert vertices is not None
    return vertices.numpy()


@pytest.fixture(scope="session")
def pred_mesh() -> Make:
    """`_pred_mesh`."""
    return _pred_mesh


@pytest.fixture(scope="session")
def motion() -> dict[str, str]:
    """A column of acceleration errors."""
    return {
        "name": "acceleration",
        "metric": "acceleration_error",
        "points": "lsp14",
        "root": "pelvis",
        "unit": "mm/frame^2",
    }


@pytest.fixture(scope="session")
def primary() -> dict[str, str]:
    """A column of joint errors, to be counted."""
    return {"name": "mpjpe", "metric": "mpjpe", "points": "lsp14", "root": "pelvis"}
