"""Rows and batches made up for tests: random poses of the open body in front of a camera."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from ehpsbench.geometry import box_around, project


@pytest.fixture(scope="session")
def people(bodies):
    """Makes columns as the store would hold them; see `_people`."""
    return partial(_people, bodies)


def _people(bodies, count=4, seed=0, source="smplx", gender="neutral"):
    """Columns as the store would hold them, of whole bodies a few metres away."""
    from ehpsbench.body.posed import posed_joints

    rng = np.random.default_rng(seed)
    turn = np.array([np.pi, 0, 0])
    columns = {
        "instance_id": np.array([f"made/train/{i}/0/0/0" for i in range(count)], object),
        "image_id": np.array([f"made/train/{i}/0/0" for i in range(count)], object),
        "dataset": np.array(["made"] * count, object),
        "cluster": np.array([f"clip{i // 2}" for i in range(count)], object),
        "width": np.full(count, 640),
        "height": np.full(count, 480),
        "focal": np.tile([550.0, 560.0], (count, 1)),
        "principal_point": np.tile([318.0, 243.0], (count, 1)),
        "source_model": np.array([source] * count, object),
        "gender": np.array([gender] * count, object),
        "betas": np.pad(rng.standard_normal((count, 10)), ((0, 0), (0, 6))),
        "num_betas": np.full(count, 10),
        "global_orient": turn + 0.3 * rng.standard_normal((count, 3)),
        "body_pose": 0.3 * rng.standard_normal((count, 63)),
        "left_hand_pose": 0.2 * rng.standard_normal((count, 45)),
        "right_hand_pose": 0.2 * rng.standard_normal((count, 45)),
        "jaw_pose": 0.1 * np.abs(rng.standard_normal((count, 3))),
        "leye_pose": np.zeros((count, 3)),
        "reye_pose": np.zeros((count, 3)),
        "expression": rng.standard_normal((count, 10)),
        "transl": np.array([0.0, 0, 4.0]) + rng.uniform(-0.8, 0.8, (count, 3)),
        "bbox": np.zeros((count, 4)),
    }
    valid = ("body", "left_hand", "right_hand", "face", "shape", "camera", "owner")
    columns |= {f"{name}_valid": np.ones(count, bool) for name in valid}
    joints, _ = posed_joints(columns, bodies)
    pixels = project(joints[:, :22], columns["focal"], columns["principal_point"])
    columns["bbox"] = box_around(pixels)
    return columns
