"""HumanData exports: as the loader of SMPLest-X reads them, and as we read them again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.posed import posed_joints, posed_vertices
from ehpsbench.checks import project_rows
from ehpsbench.curation.export.folder import export
from ehpsbench.curation.export.humandata import SUBTRACTS
from ehpsbench.curation.export.selection import Selection
from ehpsbench.errors import InputError
from ehpsbench.ingest import ingest
from ehpsbench.schema import from_arrow, present
from ehpsbench.store import Store

Stored = Callable[[str], Store]
BODY_OF_137 = [0, 1, 2, 4, 5, 7, 8, 12, 16, 17, 18, 19, 20, 21]  # the loader's first joints
WHOLE = ("agora", "arctic", "bedlam", "egobody_egocentric", "pw3d", "ubody")


def loaded(path: Path, dataset: str, means: dict[str, Any]) -> list[dict[str, Any]]:
    """What SMPLest-X's `HumanDataset.load_data` makes of a file, by its rules.

    First key that is there wins; one mask for all rows, of the 3D key; rows that the owners mark
    invalid, children, rows without a box and rows with NaN joints are skipped; some classes take
    the mean hand away; a hand of zeros is invalid; SMPL's shape is dropped.
    """
    content = np.load(path, allow_pickle=True)
    assert not content["__keypoints_compressed__"]
    meta, family = content["meta"].item(), next(m for m in ("smplx", "smpl") if m in content)
    table = content[family].item()
    two = next(k for k in (f"keypoints2d{s}" for s in ("", "_smplx", "_smpl")) if k in content)
    three = next(k for k in (f"keypoints3d{s}" for s in ("", "_smplx", "_smpl")) if k in content)
    rows = []
    for i in range(len(content["image_path"])):
        param = {name: values[i] for name, values in table.items()}
        x, y, w, h = content["bbox_xywh"][i][:4]
        right, bottom = min(meta["width"][i] - 1, x + w - 1), min(meta["height"][i] - 1, y + h - 1)
        boxed = right > max(x, 0) and bottom > max(y, 0)
        if not meta["annot_valid"][i] or param.pop("betas_extra", 0) != 0 or not boxed:
            continue
        assert not np.isnan(content[three][i][:, :3]).any()
        if dataset in SUBTRACTS:
            for side, mean in means.items():
                param[f"{side}_hand_pose"] -= mean.reshape(15, 3)
        if family == "smpl":
            param["body_pose"] = param["body_pose"].reshape(-1, 3)[:21]
        for side in means:
            hand = param.get(f"{side}_hand_pose")
            param[f"{side}_valid"] = hand is not None and bool((hand != 0).any())
        rows.append({
            "row": i, "id": meta["instance_id"][i], "path": str(content["image_path"][i]),
            "joint_img": content[two][i][:, :2], "joint_cam": content[three][i][:, :3],
            "mask": content[f"{three}_mask"], "param": param, "family": family,
            "box": (x, y, w, h), "hands": content["lhand_bbox_xywh"][i],
        })  # fmt: skip
    return rows


def exported(store: Store, name: str, out: Path, **options: Any) -> list[Path]:
    export(Selection(store, name), "humandata", out, **options)
    return sorted((out / "annot").glob("*.npz"))


@pytest.mark.parametrize("name", WHOLE)
def test_the_loader_of_smplestx_finds_the_bodies_and_joints_of_the_store(
    name: str, stored: Stored, bodies: BodySet, tmp_path: Path
) -> None:
    columns = from_arrow(stored(name).instances(name))
    joints, _ = posed_joints(columns, bodies, stored(name).release_root(name))
    place = {key: row for row, key in enumerate(columns["instance_id"])}
    seen = set()
    for path in exported(stored(name), name, tmp_path / "out"):
        means = {s: bodies.model("smplx").hand_mean(s) for s in ("left", "right")}
        for found in loaded(path, name, means):
            row = place[found["id"]]
            seen.add(row)
            body = joints[row, BODY_OF_137]
            assert found["joint_cam"][BODY_OF_137] == pytest.approx(body, abs=1e-5)
            one = {key: values[row : row + 1] for key, values in columns.items()}
            pixels = project_rows(one, body[None])[0]
            front = body[:, 2] > 0.05
            drawn = found["joint_img"][BODY_OF_137]
            assert drawn[front] == pytest.approx(pixels[front], rel=1e-5, abs=1e-2)
            assert found["mask"][BODY_OF_137].all()
            _same_parameters(found, one, means)
    expected = np.ma.filled(np.ma.asarray(columns["owner_valid"]), True).astype(bool)
    expected &= present(columns["bbox"])
    if "kid" in columns:
        expected &= np.ma.filled(columns["kid"], 0) == 0
    if "vertices_path" in columns:
        expected &= ~present(columns["vertices_path"])
    assert {int(row) for row in np.flatnonzero(expected)} == seen


def _same_parameters(found: dict[str, Any], one: Any, means: dict[str, Any]) -> None:
    """Pose as stored, hands without the mean of the model."""
    if np.ma.filled(one["body_valid"], False)[0]:
        pose = found["param"]["body_pose"].reshape(-1)
        assert pose == pytest.approx(one["body_pose"][0], abs=1e-6)
    for side, mean in means.items():
        valid = bool(np.ma.filled(one[f"{side}_hand_valid"], False)[0])
        assert found["param"][f"{side}_valid"] == valid
        if valid and one["gender"][0] == "neutral":
            hand = found["param"][f"{side}_hand_pose"].reshape(-1) + mean
            assert hand == pytest.approx(one[f"{side}_hand_pose"][0], abs=1e-6)


@pytest.mark.parametrize("name", WHOLE)
def test_our_own_reader_finds_the_same_people_again(
    name: str, stored: Stored, bodies: BodySet, tmp_path: Path
) -> None:
    exported(stored(name), name, tmp_path / "out", embed_images=True)
    again = Store(tmp_path / "store")
    report = ingest(name, tmp_path / "out", again, layout="humandata")
    assert report.rejects == {}
    before, after = (from_arrow(s.instances(name)) for s in (stored(name), again))
    place = {
        (f"{path.rpartition('.')[0]}", str(person)): row
        for row, (path, person) in enumerate(
            zip(before["image_path"], before["person"], strict=True)
        )
    }
    rows = [
        place[path.removeprefix("img/").rpartition(".")[0], str(person)]
        for path, person in zip(after["image_path"], after["person"], strict=True)
    ]
    assert len(set(rows)) == len(rows) >= 8
    root = stored(name).release_root(name)
    whole = {key: values[rows] for key, values in before.items()}
    if "template_path" not in before and bool(before["body_valid"].all()):
        old, new = posed_vertices(whole, bodies, root), posed_vertices(after, bodies)
        hands = np.ma.filled(whole["left_hand_valid"] & whole["right_hand_valid"], False)
        for row in np.flatnonzero(hands | (whole["source_model"] == "smpl")):
            assert new[row] == pytest.approx(old[row], abs=1e-4)
    for column in ("focal", "principal_point", "height", "width", "owner_valid", "source_model"):
        assert np.ma.filled(after[column], 1) == pytest.approx(np.ma.filled(whole[column], 1))
    if "keypoints2d" in before:
        score = np.ma.filled(whole["keypoints2d"], 0).reshape(len(rows), 144, 3)
        labels = np.where(score[..., 2:] > 0, score, 0).reshape(len(rows), -1)
        assert np.ma.filled(after["keypoints2d"], 0) == pytest.approx(labels, abs=1e-3)


def test_a_tight_box_comes_back_unless_it_was_cut_at_the_border(
    stored: Stored, tmp_path: Path
) -> None:
    (path, *_) = exported(stored("agora"), "agora", tmp_path / "out")
    content = np.load(path, allow_pickle=True)
    columns = from_arrow(stored("agora").instances("agora", "train"))
    x, y, w, h = content["bbox_xywh"][:, :4].T
    inside = (x > 0) & (y > 0) & (x + w < 1280) & (y + h < 720)
    tight = np.stack([x + w / 12, y + h / 12, w / 1.2, h / 1.2], 1)  # 1.2 times around the centre
    assert inside.sum() >= 3
    assert tight[inside] == pytest.approx(np.asarray(columns["bbox"])[inside], abs=1e-2)


def test_a_release_of_meshes_has_nothing_for_a_file_of_parameters(
    stored: Stored, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="none of the chosen people of ehf has any"):
        exported(stored("ehf"), "ehf", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_hands_alone_become_the_wrists_that_the_loader_evaluates(
    stored: Stored, tmp_path: Path
) -> None:
    (path, *_) = exported(stored("freihand"), "freihand", tmp_path / "out")
    table = np.load(path, allow_pickle=True)["smplx"].item()
    ids = np.load(path, allow_pickle=True)["meta"].item()["instance_id"].tolist()
    columns = from_arrow(stored("freihand").instances("freihand"))
    rows = [columns["instance_id"].tolist().index(key) for key in ids]
    wrist = np.ma.filled(columns["right_hand_orient"], 0)[rows]
    assert table["rhand_root"] == pytest.approx(wrist, abs=1e-6)
    assert not table["body_pose"].any()
    assert not table["global_orient"].any()
