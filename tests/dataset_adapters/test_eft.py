"""EFT's weak perspective, by the numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_vertices
from ehpsbench.checks import project_rows
from ehpsbench.dataset_adapters.readers.eft import eft_columns, eft_images, read_eft
from ehpsbench.errors import InputError

BODIES = open_bodies("small")
SIZE = np.array([[640, 480]])


def item(**changes: Any) -> dict[str, Any]:
    return {
        "parm_pose": [np.eye(3).tolist()] * 24,
        "parm_shape": [0.5] + [0.0] * 9,
        "parm_cam": [0.9, 0.1, -0.2],
        "bbox_scale": 1.5,
        "bbox_center": [200.0, 260.0],
        "imageName": "im00007.png",
    } | changes


def columns(tmp_path: Path, **changes: Any) -> dict[str, np.ndarray]:
    path = tmp_path / "eft.json"
    path.write_text(json.dumps({"data": [item(**changes)]}))
    return eft_columns(read_eft(path), SIZE, BODIES)


def test_a_fit_is_seen_where_its_weak_perspective_puts_it(tmp_path: Path) -> None:
    """x = cx + (s·X + tx)·b/2, up to the perspective of 45 m."""
    found = columns(tmp_path)
    still = found | {"transl": np.zeros((1, 3))}
    body = posed_vertices(still, BODIES)[0]
    pixels = project_rows(found, posed_vertices(found, BODIES)[0][None])[0]
    expected = np.array([200, 260]) + (0.9 * body[:, :2] + [0.1, -0.2]) * 300 / 2
    assert np.abs(pixels - expected).max() < 3
    near = np.abs(body[:, 2]).argmin()  # in the plane of the body's origin nothing is lost
    assert np.abs(pixels[near] - expected[near]).max() < 0.05


def test_the_pinhole_has_the_focal_length_of_the_network(tmp_path: Path) -> None:
    found = columns(tmp_path)
    assert found["focal"][0] == pytest.approx([5000 * 300 / 224] * 2)
    assert found["principal_point"][0].tolist() == [320, 240]
    assert found["transl"][0, 2] == pytest.approx(2 * 5000 / 224 / 0.9)


def test_only_the_body_is_valid_and_depth_is_not_metric(tmp_path: Path) -> None:
    found = columns(tmp_path)
    flags = {name for name, values in found.items() if name.endswith("_valid") and values[0]}
    assert flags == {"body_valid"}
    assert set(found["source_model"]) == {"smpl"}


def test_a_fit_without_keypoints_has_null_ones(tmp_path: Path) -> None:
    assert np.ma.getmaskarray(columns(tmp_path)["keypoints2d"]).all()
    point = [[0, 0, 0]] * 25 + [[11, 12, 1]] + [[0, 0, 0]] * 23  # SPIN's first: the right ankle
    seen = columns(tmp_path, gt_keypoint_2d=point)["keypoints2d"].reshape(144, 3)
    assert seen[8].tolist() == [11, 12, 1]


@pytest.mark.parametrize("change", [{"parm_pose": [[1, 2]]}, {"bbox_scale": "wide"}])
def test_a_broken_fit_names_the_file(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"eft\.json is not an EFT file"):
        columns(tmp_path, **change)


def test_the_images_of_a_file_are_those_of_its_fits_also_when_it_has_changed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "eft.json"
    for names in (["im00001.png"], ["im00002.png", "im00003.png"]):
        path.write_text(json.dumps({"data": [item(imageName=name) for name in names]}))
        assert eft_images(path).tolist() == names
        assert read_eft(path).image.tolist() == eft_images(path).tolist() == names
