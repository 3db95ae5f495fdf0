"""Rules of mesh benchmarks that cannot be meant, and the files that they need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from ehpsbench.evaluation.mesh.rules import mesh_protocol

Make = Callable[..., Any]
IN_FRAMES = {"metric": "acceleration_error", "unit": "mm/frame^2"}


@pytest.mark.parametrize(
    ("benchmark", "changes", "reason"),
    [
        ("pw3d-test", {"root": "hip_midpoint", "points": "face_vertices"}, "is a root of"),
        ("agora-val", {"points": "j14", "root": "first_joint"}, "no joint before its ankles"),
        ("pw3d-test", {"points": "smpl24"}, "needs prediction_mesh smpl"),
        ("pw3d-test", {"unit": "m/s^2"}, "mpjpe cannot be in"),
        ("pw3d-test", {"metric": "acceleration_error"}, "cannot be in mm"),
        ("pw3d-test", IN_FRAMES | {"points": "vertices"}, "motion is scored on"),
        ("pw3d-test", {"drop_hands_above_mm": 100}, "for hands only"),
        ("pw3d-test", {"metric": "freihand"}, "unknown metric"),
    ],
)
def test_columns_that_cannot_be_meant_are_refused(
    rules_of: Make, primary: dict[str, str], benchmark: str, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        rules_of(benchmark, errors=[primary | changes, primary | {"name": "b"}], primary="b")


def test_smpls_mesh_is_for_smpls_truth_and_motion_for_whole_bodies(
    rules_of: Make, motion: dict[str, str], primary: dict[str, str]
) -> None:
    with pytest.raises(ValidationError, match="for ground truth on SMPL's mesh"):
        rules_of("ehf", prediction_mesh="smpl")
    with pytest.raises(ValidationError, match="also those outside the image"):
        rules_of("pw3d-test", visible="inside_image", errors=[primary, motion])
    with pytest.raises(ValidationError, match="is not in mm"):
        rules_of("pw3d-test", errors=[motion], primary="acceleration")


def test_doctor_knows_the_files_that_each_definition_opens() -> None:
    assert mesh_protocol("pw3d-test").roles == {"smplx/neutral", "smpl/neutral"}
    h36m = {"h36m", "smpl/h36m"}
    assert mesh_protocol("pw3d-h36m14").roles == {"smplx/neutral", "smpl/neutral"} | h36m
    assert "smplx2smpl" in mesh_protocol("pw3d-smplestx").roles
