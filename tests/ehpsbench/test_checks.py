from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.posed import posed_joints
from ehpsbench.checks import findings, project_rows, tidy
from ehpsbench.geometry import box_around, rotation_matrix
from ehpsbench.schema import nullable

Row = dict[str, np.ndarray[Any, Any]]


@pytest.fixture
def standing(bodies: BodySet) -> Row:
    """One person, upright, 4 m in front of the camera."""
    row: Row = {
        "instance_id": np.array(["a"], object),
        "source_model": np.array(["smplx"], object),
        "gender": np.array(["neutral"], object),
        "betas": np.zeros((1, 16)),
        "num_betas": np.array([10]),
        "global_orient": np.array([[np.pi, 0.0, 0.0]]),
        "body_pose": np.zeros((1, 63)),
        "transl": np.array([[0.0, 0.0, 4.0]]),
        "focal": np.array([[500.0, 500.0]]),
        "principal_point": np.array([[320.0, 240.0]]),
        "height": np.array([480]),
        "width": np.array([640]),
        "owner_valid": np.array([True]),
    }
    joints, _ = posed_joints(row, bodies)
    return row | {"bbox": box_around(project_rows(row, joints))}


def _rules(row: Row, bodies: BodySet) -> list[tuple[str, str]]:
    return [(f.rule, f.column) for f in findings(row, bodies, Path())]


def test_a_person_in_front_of_the_camera_breaks_no_rule(standing: Row, bodies: BodySet) -> None:
    assert _rules(standing, bodies) == []


def test_a_motion_has_no_camera_to_be_in_front_of(standing: Row, bodies: BodySet) -> None:
    of_pictures = {"focal", "principal_point", "height", "width", "bbox"}
    bare = {name: values for name, values in standing.items() if name not in of_pictures}
    behind = bare | {"transl": np.array([[0.0, 0.0, -4.0]])}
    assert [f.rule for f in findings(behind, bodies, Path())] == ["in_front_of_camera"]
    assert not list(findings(behind, bodies, Path(), pictured=False))
    bent = behind | {"body_pose": np.full((1, 63), 45.0)}
    assert [f.rule for f in findings(bent, bodies, Path(), pictured=False)] == ["angles"]


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("body_pose", np.full((1, 63), np.nan), "finite"),
        ("betas", np.full((1, 16), 100.0), "ranges"),
        ("focal", np.array([[-500.0, 500.0]]), "ranges"),
        ("body_pose", np.full((1, 63), 45.0), "angles"),
        ("bbox", np.array([[700.0, 10.0, 50.0, 50.0]]), "box_inside_image"),
        ("transl", np.array([[0.0, 0.0, -4.0]]), "in_front_of_camera"),
        ("transl", np.array([[1.9, 0.0, 4.0]]), "joints_near_box"),
    ],
)
def test_each_rule_finds_its_fault(
    column: str, value: np.ndarray[Any, Any], rule: str, standing: Row, bodies: BodySet
) -> None:
    assert rule in [found for found, _ in _rules(standing | {column: value}, bodies)]


def test_a_finding_names_the_row_and_the_value(standing: Row, bodies: BodySet) -> None:
    two = {name: np.concatenate([values, values]) for name, values in standing.items()}
    two["betas"][1, 3] = -31.0
    (finding,) = findings(two, bodies, Path())
    assert finding.rows.tolist() == [1]
    assert finding.values.tolist() == [-31.0]


def test_a_null_breaks_no_rule(standing: Row, bodies: BodySet) -> None:
    row = standing | {"betas_neutral": nullable(np.full((1, 10), np.nan), [False])}
    assert _rules(row, bodies) == []


def test_people_the_owners_mark_invalid_are_held_to_form_only(
    standing: Row, bodies: BodySet
) -> None:
    row = standing | {"owner_valid": np.array([False])}
    assert _rules(row | {"transl": np.array([[0.0, 0.0, -4.0]])}, bodies) == []
    assert _rules(row | {"betas": np.full((1, 16), np.nan)}, bodies)[0][0] == "finite"


def test_tidy_wraps_angles_as_rotations_and_cuts_boxes(standing: Row) -> None:
    vector = np.array([[0.0, 4.0, 0.0]])
    row = tidy(standing | {"global_orient": vector, "bbox": np.array([[-10.0, 0, 30, 600]])})
    assert np.linalg.norm(row["global_orient"]) <= np.pi
    np.testing.assert_allclose(
        rotation_matrix(row["global_orient"]), rotation_matrix(vector), atol=1e-12
    )
    assert row["bbox"].tolist() == [[0.0, 0.0, 20.0, 480.0]]


def test_a_hand_out_of_the_image_has_no_box(standing: Row) -> None:
    row = tidy(standing | {"left_hand_bbox": np.array([[700.0, 0.0, 20.0, 20.0]])})
    assert np.ma.getmaskarray(row["left_hand_bbox"]).all()
