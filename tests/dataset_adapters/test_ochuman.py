"""OCHuman: corners, hidden joints, whose annotation a fit is, and releases without the owners'."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.ochuman import adapter, sample
from ehpsbench.dataset_adapters.ochuman.people import NEAR
from ehpsbench.dataset_adapters.release import Release, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances, present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture
def release(tmp_path: Path) -> Release:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 8, "flat"))
    return open_release(tmp_path, catalogue.card("ochuman"))


def read(release: Release, split: str = "test") -> Instances:
    units = {unit.key["split"]: unit for unit in adapter.units(release)}
    return adapter.read(units[split], BODIES)


def owners(release: Release) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((release.root / "ochuman.json").read_text())
    return content


def records(release: Release, columns: Any) -> list[list[dict[str, Any]]]:
    """The owners' annotations of each row's image."""
    found = {r["file_name"]: r["annotations"] for r in owners(release)["images"]}
    return [found[Path(path).name] for path in columns["image_path"]]


def test_boxes_are_the_owners_corners_of_the_same_person(release: Release) -> None:
    columns = read(release).columns
    for row, people in enumerate(records(release, columns)):
        x, y, w, h = np.asarray(columns["bbox"][row], float)
        corners = np.array([x, y, x + w, y + h])
        gap = [np.abs(corners - p["bbox"]).max() for p in people]
        person = int(columns["person"][row])
        assert np.argmin(gap) == 1 - person  # the file has them in the other order
        assert min(gap) < 1e-9


def test_hidden_joints_score_as_the_others_and_lie_where_the_owners_guess(
    release: Release,
) -> None:
    columns = read(release).columns
    points = columns["keypoints2d"].reshape(-1, 144, 3)
    for row, people in enumerate(records(release, columns)):
        said = np.reshape(people[1 - int(columns["person"][row])]["keypoints"], (19, 3))
        for name in ("right_shoulder", "right_elbow", "left_ankle", "nose"):
            place = sample.NAMES.split().index(name)
            if said[place, 2] > 0:
                assert points[row, INDEX[name]].tolist() == [*said[place, :2], 1.0]


def test_whose_keypoints_are_elsewhere_keeps_the_box_of_its_own_joints(release: Release) -> None:
    before = read(release).columns
    content = owners(release)
    for image in content["images"]:
        for person in image["annotations"]:
            if person["keypoints"]:
                moved = np.reshape(person["keypoints"], (19, 3))
                moved[:, 0] += NEAR + 1
                person["keypoints"], person["bbox"] = moved.ravel().tolist(), [0, 0, 5, 5]
    (release.root / "ochuman.json").write_text(json.dumps(content))
    after = read(release).columns
    assert np.allclose(after["bbox"], before["bbox"], atol=1e-6)
    assert (np.asarray(after["bbox"])[:, 2:] > 5).all()


def test_who_has_no_fit_has_the_owners_box_and_joints_alone(release: Release) -> None:
    columns = read(release, "train").columns
    (row,) = np.flatnonzero(~present(columns["transl"]))
    people = records(release, columns)[row]
    said = np.reshape(people[0]["keypoints"], (19, 3))
    assert columns["person"][row] == "owners0"
    assert not columns["body_valid"][row]
    left, top, right, bottom = people[0]["bbox"]
    assert np.allclose(columns["bbox"][row], [left, top, right - left, bottom - top])
    joints = columns["keypoints2d"][row].reshape(144, 3)
    elbow = sample.NAMES.split().index("left_elbow")
    assert joints[INDEX["left_elbow"]].tolist() == [*said[elbow, :2], float(said[elbow, 2] > 0)]
    assert not present(columns["source_row"])[row]


def test_nobody_is_added_to_an_image_with_a_fit_that_is_nobodys(release: Release) -> None:
    path = release.root / "eft_fit/OCHuman_train_ver10.json"
    content = json.loads(path.read_text())
    for point in content["data"][0]["gt_keypoint_2d"]:
        point[0] += NEAR + 1
    path.write_text(json.dumps(content))
    columns = read(release, "train").columns
    assert present(columns["transl"]).all()
    assert not any(person.startswith("owners") for person in columns["person"])


def test_an_image_that_the_owners_file_lacks_has_the_size_of_its_header(
    release: Release,
) -> None:
    before = read(release)
    (release.root / "ochuman.json").write_text(json.dumps(owners(release) | {"images": []}))
    after = read(release)
    assert after.images["width"].tolist() == before.images["width"].tolist()
    assert after.columns["instance_id"].tolist() == before.columns["instance_id"].tolist()


def test_a_broken_annotation_is_named_with_what_was_expected(release: Release) -> None:
    content = owners(release)
    for image in content["images"]:
        image["annotations"][0]["keypoints"] = [1.0] * 56
    (release.root / "ochuman.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"ochuman\.json has a broken annotation.*57 keypoints"):
        read(release)
