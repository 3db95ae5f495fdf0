"""COCO: each source of fits, flags of parts, boxes, the order of the 133 keypoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.mscoco import adapter, sample
from ehpsbench.dataset_adapters.release import Release, Unit, open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import InputError
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.ingest import ingest
from ehpsbench.schema import present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.store import Store
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
LABELS = "annotations/coco_wholebody_train_v1.0.json"


@pytest.fixture
def release(tmp_path: Path) -> Release:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 12, "none"))
    return open_release(tmp_path, catalogue.card("mscoco"))


def unit(release: Release, split: str = "train") -> Unit:
    return next(u for u in adapter.units(release) if u.name == split)


def record(release: Release, number: int) -> dict[str, Any]:
    labels = json.loads((release.root / LABELS).read_text())
    return next(a for a in labels["annotations"] if a["id"] == number)


@pytest.mark.parametrize("source", ["neuralannot smpl", "osx", "eft", "eft part", "cliff"])
def test_people_of_every_source_are_those_of_the_world(
    recovered: Callable[..., tuple[dict[str, np.ndarray], float]], source: str
) -> None:
    columns, worst = recovered("mscoco", source=source)
    assert worst < 1e-4  # m
    assert not columns["camera_valid"].any()
    keys = {int(key) for key in columns["person"]}
    assert min(keys) >= sample.FIRST  # annotation ids, not row numbers


def test_a_hand_counts_where_it_was_labelled_and_the_fit_says_nothing_against_it(
    release: Release,
) -> None:
    hidden = sample.FIRST + 100_000 + sample.HIDDEN[1]
    assert not record(release, hidden)["lefthand_valid"]
    found = adapter.read(unit(release), BODIES).columns
    row = found["person"].tolist().index(str(hidden))
    assert found["body_valid"][row]
    assert not found["left_hand_valid"][row]
    assert not present(found["left_hand_bbox"])[row]
    labelled = [r for r, p in enumerate(found["person"]) if record(release, int(p))["face_valid"]]
    fitted = [r for r in labelled if found["body_valid"][r]]
    assert fitted
    assert found["face_valid"][fitted].all()
    path = unit(release).files[1]
    fits = json.loads(path.read_text())
    key = str(found["person"][fitted[0]])
    fits[key]["smplx_param"]["face_valid"] = False
    path.write_text(json.dumps(fits))
    assert not adapter.read(unit(release), BODIES).columns["face_valid"][fitted[0]]


def test_face_comes_before_the_hands_and_any_score_above_zero_is_kept(release: Release) -> None:
    found = adapter.read(unit(release), BODIES).columns
    points = found["keypoints2d"].reshape(-1, 144, 3)
    row = next(r for r, p in enumerate(found["person"]) if record(release, int(p))["face_valid"])
    labels = record(release, int(found["person"][row]))
    parts = {"face_30": ("face_kpts", 30), "left_index": ("lefthand_kpts", 8)}
    parts |= {"right_thumb_1": ("righthand_kpts", 1), "left_heel": ("foot_kpts", 2)}
    for name, (key, place) in parts.items():
        said = np.reshape(labels[key], (-1, 3))[place]
        assert points[row, INDEX[name]].tolist() == said.tolist(), name
    assert 0.75 in points[..., 2]
    assert 2.0 in points[..., 2]


def test_crowds_carry_the_owners_flag_and_everybody_of_an_image_is_there(release: Release) -> None:
    found = adapter.read(unit(release, "val"), BODIES).columns
    assert found["owner_valid"].tolist().count(False) == 1
    _, count = np.unique(found["image_id"], return_counts=True)
    assert (count == 2).all()
    assert "transl" not in found


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ("images/train2014/COCO_train2014_000000000036.jpg",) * 2,
        ("train2014/COCO_train2014_000000000036.jpg",) * 2,
        ("images/val2017/000000000036.jpg",) * 2,
        ("nowhere.jpg", "images/train2014/COCO_train2014_000000000036.jpg"),
    ],
)
def test_an_image_of_2014_is_found_under_its_name_or_that_of_2017(
    tmp_path: Path, stored: str, found: str
) -> None:
    (tmp_path / stored).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / stored).touch()
    assert adapter._listed(tmp_path, "COCO_train2014_000000000036.jpg") == found


def test_keypoints_of_another_count_are_refused_by_the_file_name(release: Release) -> None:
    path = release.root / LABELS
    labels = json.loads(path.read_text())
    labels["annotations"][0]["face_kpts"] = [0.0] * 203
    path.write_text(json.dumps(labels))
    with pytest.raises(InputError, match=r"coco_wholebody_train_v1\.0\.json is not COCO's"):
        adapter.read(unit(release), BODIES)


def test_people_of_the_validation_are_found_by_their_own_joints_and_crowds_are_not_missed(
    release: Release, tmp_path: Path
) -> None:
    path = release.root / "annotations/person_keypoints_val2017.json"
    people = json.loads(path.read_text())["annotations"]
    crowd = [person for person in people if person["iscrowd"]]
    assert len(crowd) == 1
    assert {len(person["keypoints"]) for person in people} == {51}
    keys = ("image_id", "category_id", "keypoints")
    said = [{k: p[k] for k in keys} | {"score": 1.0} for p in people if not p["iscrowd"]]
    store = Store(tmp_path / "store")
    ingest("mscoco", release.root, store)
    found = []
    for name, results in (("all", said), ("half", said[::2])):
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(results))
        found.append(evaluate(store, name, "coco-val", BODIES, predictions=file).number())
    assert found[0] == pytest.approx(1.0)
    assert 0.3 < found[1] < 0.7
