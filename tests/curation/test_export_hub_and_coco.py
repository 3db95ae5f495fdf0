"""Hugging Face folders and COCO-WholeBody files, read by their own libraries."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.checks import project_rows
from ehpsbench.curation.export import pictures
from ehpsbench.curation.export.folder import export
from ehpsbench.curation.export.selection import Selection
from ehpsbench.errors import InputError, UnknownName
from ehpsbench.pictures import open_picture
from ehpsbench.schema import Columns, from_arrow
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import COCO_17, COCO_FEET_6, FACE_68, LEFT_HAND_21, RIGHT_HAND_21
from ehpsbench.store import Store

Stored = Callable[[str], Store]
NAMES = ("agora", "arctic", "bedlam", "egobody_egocentric", "ehf", "freihand", "pw3d", "ubody")
PARTS = {
    "keypoints": COCO_17,
    "foot_kpts": COCO_FEET_6,
    "face_kpts": FACE_68,
    "lefthand_kpts": LEFT_HAND_21,
    "righthand_kpts": RIGHT_HAND_21,
}


@pytest.mark.parametrize("name", ["bedlam", "freihand", "ubody"])  # bodies, hands, odd splits
def test_load_dataset_reads_every_value_of_the_store(
    name: str, stored: Stored, tmp_path: Path
) -> None:
    import datasets

    store = stored(name)
    export(Selection(store, name), "hf", tmp_path / "out")
    assert next((tmp_path / "out").rglob("*.png"), None) is None
    for table, rows in (("instances", store.instances), ("images", store.images)):
        found = datasets.load_dataset(
            str(tmp_path / "out"), table, cache_dir=str(tmp_path / "cache")
        )
        for split in store.manifest(name)["splits"]:
            expected = rows(name, split).to_pylist()
            if expected:
                assert found[split.replace("-", "_")].to_list() == expected


def test_embedded_pictures_are_decoded_as_the_labels_mean_them(
    stored: Stored, tmp_path: Path
) -> None:
    import datasets

    store = stored("bedlam")
    export(Selection(store, "bedlam", "train"), "hf", tmp_path / "out", embed_images=True)
    found = datasets.load_dataset(
        str(tmp_path / "out"), "images", split="train", cache_dir=str(tmp_path / "cache")
    )
    assert set(found["orientation"]) == {1, 6}
    for row in found:
        path = store.release_root("bedlam") / row["image_path"]
        expected = np.asarray(open_picture(path, row["orientation"]))
        assert row["image"].size == (row["width"], row["height"])
        assert (np.asarray(row["image"].convert("RGB")) == expected).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_told_its_orientation_and_keeps_its_pixels(
    orientation: int, tmp_path: Path
) -> None:
    from io import BytesIO

    from PIL import Image, ImageOps

    noise = np.random.default_rng(1).integers(0, 255, (8, 24, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 3  # what the camera said is not what the labels mean
    Image.fromarray(noise).save(tmp_path / "a.jpg", exif=exif)
    raw = pictures.upright(tmp_path / "a.jpg", orientation)
    with Image.open(BytesIO(raw)) as told:
        shown = np.asarray(ImageOps.exif_transpose(told))
    assert (shown == np.asarray(open_picture(tmp_path / "a.jpg", orientation))).all()


def test_the_card_names_licence_configurations_and_body(stored: Stored, tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard

    store = stored("agora")
    export(Selection(store, "agora"), "hf", tmp_path / "out")
    card = DatasetCard.load(tmp_path / "out" / "README.md", ignore_metadata_errors=False)
    assert card.data.license == "other"
    assert [c["config_name"] for c in card.data.configs] == ["instances", "images"]
    assert store.manifest("agora")["body_set"]["id"] in card.text
    assert "Licence of the data" in card.text


@pytest.mark.parametrize("name", NAMES)
def test_a_coco_library_finds_the_labelled_keypoints_and_boxes(
    name: str, stored: Stored, tmp_path: Path
) -> None:
    from faster_coco_eval import COCO

    store = stored(name)
    report = export(Selection(store, name), "coco", tmp_path / "out")
    people = 0
    for path in sorted((tmp_path / "out" / "annotations").glob("*.json")):
        coco = COCO(str(path))
        split = path.stem.removeprefix(f"{name}_")
        columns = from_arrow(store.instances(name, split))
        assert len(coco.imgs) == store.images(name, split).num_rows
        for row, note in enumerate(coco.loadAnns(coco.getAnnIds())):
            people += 1
            image = coco.loadImgs(note["image_id"])[0]
            assert image["file_name"] == columns["image_path"][row]
            assert (image["height"], image["width"]) == (
                columns["height"][row],
                columns["width"][row],
            )
            if not np.ma.getmaskarray(columns["bbox"])[row].any():
                assert note["bbox"] == pytest.approx(columns["bbox"][row], abs=1e-2)
            assert _labels(note) == pytest.approx(_expected(columns, row), abs=1e-2)
    assert people == sum(count.get("instances", 0) for count in report.counts.values())


def _labels(note: dict[str, Any]) -> np.ndarray:
    """Our columns from the 133 keypoints: those that somebody labelled."""
    sources = []
    for key, joints in PARTS.items():
        points = np.asarray(note[key], float).reshape(1, -1, 3)
        points[..., 2] = points[..., 2] == 2
        sources.append((points, joints))
    return keypoint_columns(2, *sources)["keypoints2d"][0]


def _expected(columns: Columns, row: int) -> np.ndarray:
    points = np.zeros((144, 3))
    if "keypoints2d" in columns:
        stored = np.ma.filled(columns["keypoints2d"][row], 0).reshape(144, 3)
        which = sorted({joint for joints in PARTS.values() for joint in joints})
        points[which] = stored[which]
        points[points[:, 2] <= 0] = 0
        points[:, 2] = points[:, 2] > 0
    return points.ravel()


def test_where_nothing_is_labelled_the_body_stands_in_with_visibility_1(
    stored: Stored, bodies: object, tmp_path: Path
) -> None:
    from ehpsbench.body.bodies import open_bodies
    from ehpsbench.body.posed import posed_joints

    store = stored("arctic")
    export(Selection(store, "arctic", "train"), "coco", tmp_path / "out")
    text = (tmp_path / "out" / "annotations" / "arctic_train.json").read_text()
    notes = json.loads(text)["annotations"]
    columns = from_arrow(store.instances("arctic", "train"))
    joints, _ = posed_joints(columns, open_bodies("small"), store.release_root("arctic"))
    pixels = project_rows(columns, joints)
    for row, note in enumerate(notes):
        hip = np.asarray(note["keypoints"]).reshape(17, 3)[11]
        assert hip[2] in (0, 1)
        if hip[2]:
            assert hip[:2] == pytest.approx(pixels[row, 1], abs=1e-2)


def test_where_keeps_the_people_and_only_their_images(stored: Stored, tmp_path: Path) -> None:
    store = stored("bedlam")
    some = store.instances("bedlam", "train")["image_id"][0].as_py()
    chosen = Selection(store, "bedlam", "train", f"image_id = '{some}' -- the first")
    report = export(chosen, "coco", tmp_path / "out")
    people = store.instances("bedlam", "train")["image_id"].to_pylist().count(some)
    assert report.counts == {"train": {"images": 1, "instances": people}}


@pytest.mark.parametrize("where", ["nonsense > 1", "1 = 1); SELECT (1", "frame <"])
def test_a_condition_that_is_none_is_refused(where: str, stored: Stored, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--where"):
        export(Selection(stored("bedlam"), "bedlam", None, where), "coco", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_pictures_stay_where_the_card_says_so(stored: Stored, tmp_path: Path) -> None:
    manifest = stored("agora").manifest("agora") | {"redistribute": False}
    with pytest.raises(InputError, match="does not allow its images to be passed on"):
        pictures.check_embedding(manifest, embed=True)
    pictures.check_embedding(manifest, embed=False)


def test_wrong_words_are_answered_with_the_right_ones(stored: Stored, tmp_path: Path) -> None:
    store = stored("bedlam")
    with pytest.raises(InputError, match="humandata, hf, coco"):
        export(Selection(store, "bedlam"), "yolo", tmp_path / "out")
    with pytest.raises(UnknownName, match="Did you mean train"):
        export(Selection(store, "bedlam", "trainin"), "coco", tmp_path / "out")
    with pytest.raises(InputError, match="Nobody"):
        export(Selection(store, "bedlam", None, "frame < -5"), "coco", tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(InputError, match="not an empty folder"):
        export(Selection(store, "bedlam"), "coco", tmp_path / "full")
