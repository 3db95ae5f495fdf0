"""AGORA's benchmark from a miniature release to numbers: pickles in, misses and F1 out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from ehpsbench.body.bodies import BodySet, open_bodies
from ehpsbench.errors import BodyMismatch, InputError, MissingFiles, RefusedPickle
from ehpsbench.evaluation.agora import task
from ehpsbench.evaluation.agora.images import image_name
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.predictions import write_predictions
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.evaluation.results import Result
from ehpsbench.geometry import rotation_matrix
from ehpsbench.ingest import ingest
from ehpsbench.restricted_pickle import dump_plain, load
from ehpsbench.samples import write_sample
from ehpsbench.schema import from_arrow
from ehpsbench.store import Store

OFFICIAL = "agora-val-official"
MICROMETRE = 1e-3  # mm: what float32 meshes some metres away allow
People = dict[str, list[dict[str, Any]]]
ROTATIONS = {"global_orient": 1, "body_pose": 21, "left_hand_pose": 15, "right_hand_pose": 15}
ROTATIONS |= {"jaw_pose": 1, "leye_pose": 1, "reye_pose": 1}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("agora")
    write_sample("agora", root / "release", people=40, seed=3, images="flat", body="open-small")
    store = Store(root / "store")
    ingest("agora", root / "release", store)
    return store


@pytest.fixture(scope="module")
def rules(store: Store) -> Callable[..., str]:
    """A protocol file on all images of the training split, where one person is invalid."""

    def written(variant: str) -> str:
        text = (
            Path(task.__file__).parents[3] / f"leaderboards/protocols/{OFFICIAL}.toml"
        ).read_text()
        for old, new in (
            ("body_face_hands", "all"),
            ("validation", "train"),
            ("official", variant),
        ):
            text = text.replace(f'"{old}"', f'"{new}"')
        path = store.root / f"{variant}.toml"
        path.write_text(text)
        return str(path)

    return written


@pytest.fixture(scope="module")
def truth(store: Store) -> People:
    """What the owners' dataframe says of everybody in the store: image → people."""
    frames = [load(p) for p in sorted(store.release_root("agora").glob("SMPLX/*_withjv.pkl"))]
    rows = store.instances("agora", "train", ["image_path", "person"])
    wanted = {(image_name(r["image_path"]), int(r["person"])) for r in rows.to_pylist()}
    people: People = {}
    for frame in frames:
        for i, path in enumerate(frame["imgPath"]):
            for j, valid in enumerate(frame["isValid"][i]):
                if (Path(path).stem, j) not in wanted:
                    continue
                person = {
                    "joints": frame["gt_joints_2d"][i][j][:24],
                    "allSmplJoints3d": frame["gt_joints_3d"][i][j],
                    "verts": frame["gt_verts"][i][j],
                }
                here = people.setdefault(Path(path).stem, [])
                here.append({"said": person, "valid": valid, "kid": frame["kid"][i][j]})
    return people


def written(folder: Path, people: People, change: Callable[[dict[str, Any]], Any] = dict) -> Path:
    """Prediction pickles of people, changed one by one; None is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for image, here in people.items():
        said = [change(person["said"]) for person in here]
        for number, person in enumerate(p for p in said if p is not None):
            dump_plain(person, folder / f"{image}_personId_{number}.pkl")
    return folder


def valid(people: People) -> People:
    """Only those whom the owners call valid."""
    return {image: [p for p in here if p["valid"]] for image, here in people.items()}


def scored(store: Store, benchmark: str, folder: Path, bodies: BodySet, **more: Any) -> Result:
    return evaluate(store, "model", benchmark, bodies, predictions=folder, **more)


def dataframe_only(store: Store, people: People) -> int:
    """People in the store whom only the dataframe without joints lists."""
    return store.instances("agora", "train").num_rows - sum(map(len, people.values()))


def test_repeating_the_owners_joints_and_meshes_has_no_error(
    store: Store, rules: Any, truth: People, bodies: BodySet, tmp_path: Path
) -> None:
    result = scored(store, rules("matched"), written(tmp_path, valid(truth)), bodies)
    lost = dataframe_only(store, truth)
    people = sum(map(len, valid(truth).values()))
    assert result.number("f1") == pytest.approx(2 * people / (2 * people + lost))
    assert result.number("precision") == 1
    for part in ("body", "left_hand", "right_hand", "face", "fullbody", "kid_fullbody"):
        assert result.number(f"{part}_mpjpe") < MICROMETRE
        assert result.number(f"{part}_mve") < MICROMETRE
    assert result.summary["false_positives"] == 0
    assert result.summary["scored"] == people + lost
    assert result.summary["left_out"] == {"owner_valid": 1}
    assert result.summary["complete"]


def test_a_detection_of_an_invalid_person_is_a_false_positive(
    store: Store, rules: Any, truth: People, bodies: BodySet, tmp_path: Path
) -> None:
    result = scored(store, rules("matched"), written(tmp_path, truth), bodies)
    people = sum(map(len, valid(truth).values()))
    assert result.summary["false_positives"] == 1
    assert result.number("precision") == pytest.approx(people / (people + 1))
    assert result.number("body_mpjpe") < MICROMETRE


def test_missing_people_costs_recall_and_dilutes_official_hands_only(
    store: Store, rules: Any, truth: People, bodies: BodySet, tmp_path: Path
) -> None:
    people = valid(truth)
    two = [image for image, here in people.items() if len(here) >= 2][:3]
    kept = {image: here[1:] if image in two else here for image, here in people.items()}

    def bent(said: dict[str, Any]) -> dict[str, Any]:
        joints = said["allSmplJoints3d"].copy()
        joints[25:40, 2] += 0.016  # 15 of the 16 joints of the left hand
        return said | {"allSmplJoints3d": joints}

    folder = written(tmp_path, kept, bent)
    official = scored(store, rules("official"), folder, bodies)
    matched = scored(store, rules("matched"), folder, bodies)
    found, lost = sum(map(len, kept.values())), dataframe_only(store, truth)
    assert official.summary["people_missed"] == 3 + lost
    assert official.number("recall") == round(found / (found + 3 + lost), 2)
    assert matched.number("left_hand_mpjpe") == pytest.approx(15, abs=1e-3)
    assert official.number("left_hand_mpjpe") == pytest.approx(15 * found / (found + 3), abs=0.06)
    f1 = 2 * found / (2 * found + 3 + lost)
    assert matched.number("fullbody_nmje") == pytest.approx(5 / f1, abs=1e-3)


def test_an_image_without_predictions_does_not_dilute_official_hands(
    store: Store, rules: Any, truth: People, bodies: BodySet, tmp_path: Path
) -> None:
    people = valid(truth)
    image = next(name for name, here in people.items() if here)
    rest = {name: here for name, here in people.items() if name != image}

    def wider(said: dict[str, Any]) -> dict[str, Any]:
        return said | {
            "verts": said["verts"] * 1.1,
            "allSmplJoints3d": said["allSmplJoints3d"] * 1.1,
        }

    result = scored(store, rules("official"), written(tmp_path, rest, wider), bodies)
    matched = scored(store, rules("matched"), tmp_path, bodies)
    assert result.number("left_hand_mve") == round(matched.number("left_hand_mve"), 1)
    assert result.summary["people_missed"] == len(people[image]) + dataframe_only(store, truth)


def parameters(row: dict[str, Any], bodies: BodySet, vectors: bool) -> dict[str, Any]:
    """A row of the store as AGORA's server wants parameters."""
    child = row["kid"] > 0
    gender = "female" if child and row["gender"] == "neutral" else row["gender"]
    params = {n: np.asarray(row[n], float)[None] for n in ("transl", "expression", *ROTATIONS)}
    for name, count in ROTATIONS.items():
        if not vectors:
            params[name] = rotation_matrix(params[name].reshape(1, count, 3))
        elif "hand" in name:
            model = bodies.model("smplx", row["gender"])
            params[name] = params[name] - model.hand_mean(name.split("_")[0])
    betas = np.asarray(row["betas"][:10])
    params["betas"] = np.append(betas, row["kid"])[None] if child else betas[None]
    return {"gender": gender, "kid_flag": child, "pose2rot": vectors, "params": params}


@pytest.mark.parametrize("vectors", [True, False])
def test_gendered_parameters_also_of_children_are_posed_as_the_server_does(
    store: Store, rules: Any, bodies: BodySet, tmp_path: Path, vectors: bool
) -> None:
    rows = store.instances("agora", "train")
    pixels = np.ma.getdata(from_arrow(rows)["keypoints2d"]).reshape(rows.num_rows, 144, 3) * 3
    joints, _ = task_joints(store, rows, bodies)
    for i, row in enumerate(rows.to_pylist()):
        if not row["owner_valid"]:
            continue
        said = parameters(row, bodies, vectors)
        known = pixels[i, :24, :2] if row["keypoints2d"] else joints[i]
        name = f"{image_name(row['image_path'])}_1280x720_personId_{row['person']}.pkl"
        dump_plain(said | {"joints": known}, tmp_path / "predictions" / name)
    result = scored(store, rules("official"), tmp_path, bodies)
    assert [result.number(n) for n in ("f1", "precision", "recall", "kid_recall")] == [1, 1, 1, 1]
    assert result.number("fullbody_mve") == 0
    assert result.number("kid_fullbody_mpjpe") == 0


def task_joints(store: Store, rows: Any, bodies: BodySet) -> tuple[np.ndarray, np.ndarray]:
    """(N, 24, 2) first joints [px of the 4K image], and boxes."""
    from ehpsbench.evaluation.agora.images import images_of
    from ehpsbench.evaluation.agora.posed import posed

    images = images_of(store, protocol(f"{OFFICIAL}@agora@train"))
    place = {name: i for i, name in enumerate(images.ids.tolist())}
    image = np.array([place[name] for name in rows["image_id"].to_pylist()])
    found = posed(from_arrow(rows), image, images, bodies)
    return found.joints2d, found.boxes


def test_joints_are_seen_where_the_owners_see_them(
    store: Store, truth: People, bodies: BodySet
) -> None:
    rows = store.instances("agora", "train")
    joints, boxes = task_joints(store, rows, bodies)
    columns = from_arrow(rows)
    known = np.asarray(rows["keypoints2d"].is_valid())
    owners = np.ma.getdata(columns["keypoints2d"])[known].reshape(-1, 144, 3)[:, :127, :2] * 3
    inside = (np.abs(owners - [1920, 1080]) < [1920, 1080]).all((1, 2))
    assert inside.sum() > 5
    np.testing.assert_allclose(joints[known][inside], owners[inside, :24], atol=0.05)
    np.testing.assert_allclose(boxes[known][inside, 2:], owners[inside].max(1), atol=0.05)


def said_by_store(store: Store, bodies: BodySet, split: str = "train") -> dict[str, Any]:
    """Neutral predictions: everybody's pose and place on the mean body, a little bent."""
    columns = from_arrow(store.instances("agora", split))
    names = ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose", "transl")
    found = {name: np.asarray(np.ma.getdata(columns[name])) for name in (*names, "jaw_pose")}
    found["body_pose"] = found["body_pose"] + 0.05
    count = len(found["transl"])
    return found | {"instance_id": columns["instance_id"], "betas": np.zeros((count, 10))}


def test_predictions_of_the_store_are_detections_of_their_images_whatever_their_key(
    store: Store, rules: Any, bodies: BodySet, tmp_path: Path
) -> None:
    said = said_by_store(store, bodies)
    write_predictions(store, "rows", protocol(rules("matched")).name, said, bodies)
    first = evaluate(store, "rows", rules("matched"), bodies)
    images = [name.rpartition("/")[0] for name in said["instance_id"]]
    ids = np.array([f"{image}/detection-{99 - i}" for i, image in enumerate(images)], object)
    path = write_predictions(
        Store(tmp_path), "x", protocol(rules("matched")).name, said | {"instance_id": ids}, bodies
    )
    second = evaluate(store, "model", rules("matched"), bodies, predictions=path)
    assert first.number("recall") > 0.8
    assert 5 < first.number("body_mpjpe") < 200
    for name, number in first.summary["numbers"].items():
        assert second.summary["numbers"][name]["value"] == pytest.approx(number["value"], rel=1e-9)


def test_a_focal_length_of_the_predictor_says_where_the_person_is_seen(
    store: Store, rules: Any, bodies: BodySet
) -> None:
    said = said_by_store(store, bodies)
    columns = from_arrow(store.instances("agora", "train"))
    further = said | {"focal": 3 * np.ma.getdata(columns["focal"])}
    name = protocol(rules("matched")).name
    write_predictions(store, "wide", name, further, bodies)
    lost = evaluate(store, "wide", rules("matched"), bodies).number("recall")
    write_predictions(store, "same", name, said | {"focal": columns["focal"]}, bodies)
    assert lost < evaluate(store, "same", rules("matched"), bodies).number("recall")


def test_the_size_of_chunks_changes_no_number(
    store: Store, rules: Any, truth: People, bodies: BodySet, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = written(tmp_path, truth)
    whole = scored(store, rules("matched"), folder, bodies)
    monkeypatch.setattr(task, "CHUNK", 1)
    done: list[int] = []
    single = scored(store, rules("matched"), folder, bodies, progress=lambda n, of: done.append(n))
    assert single.rows.column_names == whole.rows.column_names
    for name in whole.rows.column_names[2:]:
        np.testing.assert_allclose(single.rows[name], whole.rows[name], atol=MICROMETRE)
    assert done == list(range(1, store.images("agora", "train").num_rows + 1))


def test_rows_are_people_who_count_and_images_and_carry_the_interval(
    store: Store, rules: Any, truth: People, bodies: BodySet, tmp_path: Path
) -> None:
    result = scored(store, rules("official"), written(tmp_path, truth), bodies)
    rows = pq.read_table(store.results / "model" / "official.parquet")
    images = store.images("agora", "train").num_rows
    assert rows.num_rows == result.summary["scored"] + images
    assert sum(rows["people"].to_pylist()) == result.summary["scored"]
    f1 = result.summary["numbers"]["f1"]
    assert f1["low"] <= f1["value"] <= f1["high"]
    assert f1["clusters"] == len(set(rows["cluster"].to_pylist()))


def test_slices_hold_the_people_who_count_and_no_false_positives(
    store: Store, rules: Any, bodies: BodySet
) -> None:
    people = store.instances("agora", "train").to_pylist()
    genders = np.array([person["subject_gender"] or person["gender"] for person in people])
    said = said_by_store(store, bodies)
    men = {name: values[genders == "male"] for name, values in said.items()}
    twice = {name: np.concatenate([values, values]) for name, values in men.items()}
    keys = [f"{name}-{i}" for i, name in enumerate(twice["instance_id"])]
    twice["instance_id"] = np.array(keys, object)
    twice["transl"][len(keys) // 2 :, 0] += 30  # where nobody is
    write_predictions(store, "men", protocol(rules("matched")).name, twice, bodies)
    result = evaluate(store, "men", rules("matched"), bodies)
    slices = result.summary["slices"]
    assert {"gender", "occlusion", "size", "pose"} <= set(slices)
    assert sum(part["count"] for part in slices["gender"].values()) == result.summary["scored"]
    assert slices["gender"]["female"]["value"] is None
    assert result.summary["false_positives"] >= len(keys) // 2
    assert 0 < slices["gender"]["male"]["value"] < result.number() / 1.5


def test_the_published_rules_score_images_with_hands_and_faces_only(
    store: Store, truth: People, bodies: BodySet, tmp_path: Path
) -> None:
    folder = written(tmp_path, valid(truth))
    result = scored(store, f"{OFFICIAL}@agora@train", folder, bodies)
    left = sum(len(here) for image, here in valid(truth).items() if "bfh" not in image)
    assert left > 0
    assert result.summary["unused_predictions"] == left
    assert result.summary["left_out"]["images"] >= left
    assert result.number("precision") == 1


def test_the_test_split_has_no_labels(store: Store, bodies: BodySet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="write the zip for their server"):
        scored(store, "agora-test-official", tmp_path, bodies)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"joints": np.full((24, 2), np.nan)}, "joints is not finite.*does not return"),
        ({"joints": np.zeros((23, 2))}, r"joints must be \(24, 2\)"),
        ({"verts": np.zeros((6890, 3))}, r"verts must be \(1504, 3\)"),
        ({"allSmplJoints3d": np.zeros((24, 3))}, r"must be \(127, 3\)"),
        ({"allSmplJoints3d": 1000 * np.random.default_rng(0).normal(size=(127, 3))}, "millimetres"),
        ({"verts": None, "allSmplJoints3d": "many"}, "no array of numbers"),
    ],
)
def test_a_file_of_another_shape_or_unit_is_refused_by_name(
    store: Store,
    rules: Any,
    truth: People,
    bodies: BodySet,
    tmp_path: Path,
    change: Any,
    reason: str,
) -> None:
    folder = written(tmp_path, valid(truth), lambda said: said | change)
    with pytest.raises(InputError, match=rf"(?s)_personId_0\.pkl: .*{reason}"):
        scored(store, rules("official"), folder, bodies)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"gender": "unknown"}, "gender must be one of"),
        ({"kid_flag": True}, "expected 11 betas, found 10"),
        ({"pose2rot": False}, "global_orient must have 9 values"),
        ({"params": {}}, "global_orient is missing"),
        ({"params": None}, "or 'params'"),
    ],
)
def test_parameters_that_the_server_would_not_take_are_refused(
    store: Store,
    rules: Any,
    truth: People,
    bodies: BodySet,
    tmp_path: Path,
    change: Any,
    reason: str,
) -> None:
    row = next(r for r in store.instances("agora", "train").to_pylist() if not r["kid"])
    said = parameters(row, bodies, True) | {"joints": np.zeros((24, 2))} | change
    dump_plain(said, tmp_path / f"{next(iter(truth))}_personId_0.pkl")
    with pytest.raises(InputError, match=reason):
        scored(store, rules("official"), tmp_path, bodies)


def test_folders_and_names_that_cannot_be_meant_are_refused(
    store: Store, rules: Any, truth: People, bodies: BodySet, tmp_path: Path
) -> None:
    name = rules("official")
    with pytest.raises(MissingFiles, match="There is no"):
        scored(store, name, tmp_path / "nothing", bodies)
    with pytest.raises(MissingFiles, match="holds no prediction"):
        scored(store, name, tmp_path, bodies)
    image, here = next((i, h) for i, h in valid(truth).items() if h)
    good = written(tmp_path / "good", {image: here[:1]})
    dump_plain(here[0]["said"], good / "ag_validationset_other_00001_personId_0.pkl")
    with pytest.raises(InputError, match="1 files are of images that are not of the split"):
        scored(store, name, good, bodies)
    assert scored(store, name, good, bodies, allow_missing=True).summary["detections"] == 1
    shutil.copy(good / f"{image}_personId_0.pkl", good / f"{image}.pkl")
    with pytest.raises(InputError, match="IMAGE_personId_NUMBER"):
        scored(store, name, good, bodies)
    with pytest.raises(InputError, match=r"neither a folder nor a \.zip"):
        scored(store, name, good / f"{image}.pkl", bodies)


def test_code_in_a_pickle_is_refused(
    store: Store, rules: Any, truth: People, bodies: BodySet, tmp_path: Path
) -> None:
    path = tmp_path / f"{next(iter(truth))}_personId_0.pkl"
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(RefusedPickle, match=r"os\.system"):
        scored(store, rules("official"), tmp_path, bodies)


def test_predictions_without_a_place_or_of_another_image_or_body_are_refused(
    store: Store, rules: Any, bodies: BodySet, tmp_path: Path
) -> None:
    name, said = protocol(rules("official")).name, said_by_store(store, bodies)
    nowhere = {n: v for n, v in said.items() if n != "transl"}
    write_predictions(store, "nowhere", name, nowhere, bodies)
    with pytest.raises(InputError, match="have no transl"):
        evaluate(store, "nowhere", rules("official"), bodies)
    ids = np.array([f"agora/test/{i}/0/0/0" for i in range(len(said["betas"]))], object)
    write_predictions(store, "elsewhere", name, said | {"instance_id": ids}, bodies)
    with pytest.raises(InputError, match="images that are not of the split"):
        evaluate(store, "elsewhere", rules("official"), bodies)
    with pytest.raises(BodyMismatch):
        evaluate(store, "elsewhere", rules("official"), open_bodies("full"))


def test_a_primary_number_that_a_variant_lacks_is_refused(rules: Any, tmp_path: Path) -> None:
    text = Path(rules("official")).read_text().replace("fullbody_nmve", "face_nmve")
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(InputError, match="none of the numbers"):
        protocol(str(tmp_path / "mine.toml"))
    (tmp_path / "mine.toml").write_text(text.replace('"official"', '"matched"'))
    assert protocol(str(tmp_path / "mine.toml")).primary == "face_nmve"


def test_official_and_matched_never_meet_in_one_table() -> None:
    names = ("agora-test-official", "agora-val-official", "agora-val-matched")
    assert len({protocol(name).hash for name in names}) == 3
    assert {protocol(name).task for name in names} == {"agora"}
