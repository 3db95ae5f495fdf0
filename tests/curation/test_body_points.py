"""The joints of exports: quick models give the points of the whole ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.posed import posed_joints, posed_vertices
from ehpsbench.curation.export.body_points import body_points
from ehpsbench.dataset_adapters.surface_joints import joints_127
from ehpsbench.schema import from_arrow
from ehpsbench.store import Store


@pytest.mark.parametrize("name", ["agora", "arctic", "ehf"])  # kids, templates, meshes
def test_points_on_the_surface_are_those_of_the_whole_mesh(
    name: str, stored: Callable[[str], Store], bodies: BodySet
) -> None:
    root = stored(name).release_root(name)
    columns = from_arrow(stored(name).instances(name))
    points = body_points(columns, bodies, root)
    joints, _ = posed_joints(columns, bodies, root)
    for row, mesh in enumerate(posed_vertices(columns, bodies, root)):
        gender = columns["gender"][row] if "gender" in columns else "neutral"
        expected = joints_127(mesh, joints[row], bodies.model("smplx", gender))
        assert points[row, :127, :3] == pytest.approx(expected, abs=1e-5)
        assert points[row, :, 3].tolist() == [1.0] * 127 + [0.0] * 63
    assert np.isfinite(points).all()
