"""CrowdPose: fourteen joints, swapped sizes, whose fit it is, crowds, and where files may lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.crowdpose import adapter
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.schema import Instances, present
from ehpsbench.skeleton.human_data import INDEX

BODIES = open_bodies("small")
ORDER = (  # of the file's categories
    "left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_hip_extra "
    "right_hip_extra left_knee right_knee left_ankle right_ankle headtop neck_extra"
).split()
FIT = {"pose": [0.1] * 72, "shape": [0.5] * 10, "trans": [0.0, 0.0, 5.0]}
LENS = {"focal": [1500.0, 1400.0], "princpt": [70.0, 50.0]}


def person(number: int, **changes: Any) -> dict[str, Any]:
    points = np.column_stack([np.arange(14), 20 + np.arange(14), np.full(14, 2)])
    record = {"id": number, "image_id": 100, "category_id": 1, "bbox": [1, 2, 30, 40]}
    record |= {"keypoints": points.ravel().tolist(), "num_keypoints": 12, "iscrowd": 0}
    return record | changes


def read(root: Path, people: list[dict[str, Any]], fits: Any = None, folder: str = "") -> Instances:
    (root / "images").mkdir(exist_ok=True)
    Image.new("RGB", (140, 100)).save(root / "images/100.jpg")
    (root / folder).mkdir(exist_ok=True)
    image = {"id": 100, "file_name": "100.jpg", "width": 100, "height": 140, "crowdIndex": 0.5}
    content = {"images": [image], "annotations": people}
    (root / folder / "crowdpose_train.json").write_text(json.dumps(content))
    if fits is not None:
        (root / folder / adapter.FITS).write_text(json.dumps(fits))
    (unit,) = adapter.units(open_release(root, catalogue.card("crowdpose")))
    return adapter.read(unit, BODIES)


def test_joints_stand_under_the_names_of_the_file_s_categories(tmp_path: Path) -> None:
    columns = read(tmp_path, [person(7)]).columns
    names = ("keypoints2d", "keypoints2d_extra")
    points = np.concatenate([np.ravel(columns[name]) for name in names]).reshape(190, 3)
    for number, name in enumerate(ORDER):
        assert points[INDEX[name]].tolist() == [number, 20 + number, 2], name
    assert (points[:, 2] > 0).sum() == 14


def test_the_image_tells_its_size_where_the_file_has_it_the_wrong_way_round(
    tmp_path: Path,
) -> None:
    images = read(tmp_path, [person(7)]).images
    assert (images["width"].tolist(), images["height"].tolist()) == ([140], [100])


@pytest.mark.parametrize("folder", ["", "json", "annotations"])
def test_a_fit_belongs_to_the_annotation_of_its_number_flat_or_wrapped(
    tmp_path: Path, folder: str
) -> None:
    fits = {
        "8": {"smpl_param": FIT, "cam_param": LENS},
        "9": {**FIT, "fit_err": 3, "cam_param": LENS},
    }
    columns = read(tmp_path, [person(7), person(8), person(9)], fits, folder).columns
    assert columns["person"].tolist() == ["7", "8", "9"]
    assert present(columns["transl"]).tolist() == [False, True, True]
    assert np.ma.getdata(columns["focal"])[1:].tolist() == [[1500, 1400]] * 2
    assert columns["body_valid"].tolist() == [False, True, True]
    assert not columns["shape_valid"].any()  # SMPL's
    assert not columns["camera_valid"].any()  # a virtual camera a person


def test_crowds_and_people_with_a_head_alone_do_not_count(tmp_path: Path) -> None:
    head = [0] * 36 + [5, 6, 2, 7, 8, 1]
    people = [
        person(7),
        person(8, iscrowd=1, keypoints=[0] * 42, num_keypoints=0),
        person(9, keypoints=head, num_keypoints=0),
    ]
    columns = read(tmp_path, people).columns
    assert columns["owner_valid"].tolist() == [True, False, False]
    assert present(columns["keypoints2d_extra"]).tolist() == [True, False, True]
