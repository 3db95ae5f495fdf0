"""Predictions from files of others: who they are of, in which unit, of which body."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.errors import BodyMismatch, InputError
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.matching import box_overlap
from ehpsbench.evaluation.plausible import wrong_unit
from ehpsbench.evaluation.predictions import PREDICTIONS, write_predictions
from ehpsbench.evaluation.results import has_result
from ehpsbench.schema import to_arrow
from ehpsbench.store import Store

Make = Callable[..., Any]
AGORA = "agora-val@made@test"


@pytest.fixture
def truth(make_people: Make) -> dict[str, Any]:
    """Six people, two in each image side by side."""
    found: dict[str, Any] = make_people(6)
    found["bbox"] = np.array([[100.0 + 250 * (i % 2), 50, 200, 400] for i in range(6)])
    paths = [f"scene/{i // 2:05d}.png" for i in range(6)]
    found["image_path"] = np.array(paths, object)
    return found


@pytest.fixture
def store(tmp_path: Path, truth: dict[str, Any], make_store: Make, bodies: BodySet) -> Store:
    made: Store = make_store(tmp_path / "store", truth, bodies)
    return made


def humandata(path: Path, said: dict[str, Any], **arrays: Any) -> Path:
    smplx = {name: values for name, values in said.items() if name != "instance_id"}
    smplx["body_pose"] = smplx["body_pose"].reshape(-1, 21, 3)
    np.savez(path, smplx=np.array(smplx, dtype=object), **arrays)
    return path


def test_a_humandata_file_finds_its_people_by_image_and_box(
    tmp_path: Path, truth: dict[str, Any], store: Store, bodies: BodySet, repeat_truth: Make
) -> None:
    order = np.array([5, 0, 3, 2, 1, 4])
    said = {name: values[order] for name, values in repeat_truth(truth).items()}
    boxes = np.concatenate([truth["bbox"][order] + [8, -8, 5, 9], np.ones((6, 1))], axis=1)
    paths = np.array([f"/elsewhere/{p}" for p in truth["image_path"][order]])
    path = humandata(tmp_path / "model.npz", said, image_path=paths, bbox_xywh=boxes)
    result = evaluate(store, "model", AGORA, bodies, predictions=path)
    assert result.number("pve") == pytest.approx(0, abs=1e-2)
    assert result.summary["missing_predictions"] == 0
    assert "taken to be of the body" in result.summary["notes"][0]


def test_two_people_and_no_boxes_is_an_error_that_says_what_to_give(
    tmp_path: Path, truth: dict[str, Any], store: Store, bodies: BodySet, repeat_truth: Make
) -> None:
    paths = truth["image_path"].astype(str)
    path = humandata(tmp_path / "model.npz", repeat_truth(truth), image_path=paths)
    with pytest.raises(InputError, match="give bbox_xywh, or instance_id"):
        evaluate(store, "model", AGORA, bodies, predictions=path)


def test_a_split_without_boxes_is_matched_by_images_alone(
    tmp_path: Path, truth: dict[str, Any], bodies: BodySet, make_store: Make, repeat_truth: Make
) -> None:
    del truth["bbox"]
    truth["image_path"] = np.array([f"scene/{i}.png" for i in range(6)], object)
    store = make_store(tmp_path / "boxless", truth, bodies)
    paths = truth["image_path"].astype(str)
    path = humandata(
        tmp_path / "model.npz", repeat_truth(truth), image_path=paths, bbox_xywh=np.ones((6, 5))
    )
    assert evaluate(store, "model", AGORA, bodies, predictions=path).number() < 0.01


def test_a_file_of_nobody_is_refused(
    tmp_path: Path, truth: dict[str, Any], store: Store, bodies: BodySet, repeat_truth: Make
) -> None:
    said = {name: values[:0] for name, values in repeat_truth(truth).items()}
    path = humandata(tmp_path / "model.npz", said, image_path=np.array([], str))
    with pytest.raises(InputError, match="holds nobody"):
        evaluate(store, "model", AGORA, bodies, predictions=path)


def test_images_of_another_dataset_are_named(
    tmp_path: Path, truth: dict[str, Any], store: Store, bodies: BodySet, repeat_truth: Make
) -> None:
    path = humandata(
        tmp_path / "model.npz",
        repeat_truth(truth),
        image_path=np.array(["cats/1.png"] * 6),
        bbox_xywh=truth["bbox"],
    )
    with pytest.raises(InputError, match=r"the store knows scene/00000\.png, the file cats/1\.png"):
        evaluate(store, "model", AGORA, bodies, predictions=path)


@pytest.mark.parametrize(
    ("column", "factor", "message"),
    [("transl", 1000, "millimetres given as metres"), ("body_pose", 57.3, "are these degrees")],
)
def test_a_wrong_unit_is_refused_before_anything_is_scored(
    tmp_path: Path,
    truth: dict[str, Any],
    store: Store,
    bodies: BodySet,
    repeat_truth: Make,
    column: str,
    factor: float,
    message: str,
) -> None:
    said = repeat_truth(truth)
    said[column] = said[column] * factor
    path = tmp_path / "model.parquet"
    pq.write_table(to_arrow(said, PREDICTIONS), path)
    with pytest.raises(InputError, match=message):
        evaluate(store, "model", AGORA, bodies, predictions=path)
    assert not (store.predictions / "model").exists()


def test_a_parquet_of_another_body_is_refused_and_one_of_none_is_noted(
    tmp_path: Path, truth: dict[str, Any], store: Store, bodies: BodySet, repeat_truth: Make
) -> None:
    table = to_arrow(repeat_truth(truth), PREDICTIONS)
    path = tmp_path / "model.parquet"
    pq.write_table(table.replace_schema_metadata({"ehpsbench.body_hash": "0" * 64}), path)
    with pytest.raises(BodyMismatch, match="parameters do not carry over"):
        evaluate(store, "model", AGORA, bodies, predictions=path)
    pq.write_table(table.replace_schema_metadata(None), path)
    notes = evaluate(store, "model", AGORA, bodies, predictions=path).summary["notes"]
    assert "does not name its body" in notes[0]


def test_an_error_of_a_metre_is_a_wrong_frame_of_a_strangers_file_and_a_note_on_ones_own(
    tmp_path: Path, truth: dict[str, Any], store: Store, bodies: BodySet, repeat_truth: Make
) -> None:
    said = repeat_truth(truth)
    said["betas"] = said["betas"] * 0 + 60
    path = tmp_path / "model.parquet"
    pq.write_table(to_arrow(said, PREDICTIONS), path)
    wrong = r"pve would be [1-9],\d{3} mm.*metres given as millimetres, .* Nothing was stored"
    with pytest.raises(InputError, match=wrong):
        evaluate(store, "model", AGORA, bodies, predictions=path)
    assert not (store.predictions / "model").exists()
    assert not has_result(store, "model", AGORA)
    write_predictions(store, "model", AGORA, said, bodies)
    notes = evaluate(store, "model", AGORA, bodies).summary["notes"]
    assert any("metres given as millimetres, or another frame?" in note for note in notes)


def test_an_error_that_is_divided_by_f1_may_be_a_metre() -> None:
    values = {"body_mve": 90, "body_nmve": 4000, "face_mve": None, "body_mpjpe": 2000}
    numbers = {name: {"value": value} for name, value in values.items()}
    notes = wrong_unit({"unit": "mm", "numbers": numbers})
    assert [note.split()[0] for note in notes] == ["body_mpjpe"]


def test_a_file_of_another_kind_says_what_is_read(
    tmp_path: Path, store: Store, bodies: BodySet
) -> None:
    path = tmp_path / "model.csv"
    with pytest.raises(InputError, match="There is no file"):
        evaluate(store, "model", AGORA, bodies, predictions=path)
    path.touch()
    with pytest.raises(InputError, match=r"kind \(\.csv\); .* a \.parquet, or a HumanData \.npz"):
        evaluate(store, "model", AGORA, bodies, predictions=path)


def test_a_file_that_is_refused_leaves_the_predictions_that_were_there(
    tmp_path: Path, truth: dict[str, Any], store: Store, bodies: BodySet, repeat_truth: Make
) -> None:
    said = repeat_truth(truth)
    path = tmp_path / "model.parquet"
    pq.write_table(to_arrow(said, PREDICTIONS), path)
    evaluate(store, "model", AGORA, bodies, predictions=path)
    kept = (store.predictions / "model" / f"{AGORA}.parquet").read_bytes()
    said["instance_id"] = np.array([*said["instance_id"][:5], "a/stranger"], object)
    pq.write_table(to_arrow(said, PREDICTIONS), path)
    with pytest.raises(InputError, match="people who are not in"):
        evaluate(store, "model", AGORA, bodies, predictions=path)
    assert (store.predictions / "model" / f"{AGORA}.parquet").read_bytes() == kept


def test_lists_as_pandas_polars_and_arrow_write_them_are_read(
    tmp_path: Path, truth: dict[str, Any], store: Store, bodies: BodySet, repeat_truth: Make
) -> None:
    lists = {name: values.tolist() for name, values in repeat_truth(truth).items()}
    path = tmp_path / "model.parquet"
    pl.DataFrame(lists).write_parquet(path)
    assert evaluate(store, "a", AGORA, bodies, predictions=path).number() < 0.01
    pq.write_table(pa.table(lists), path)
    assert evaluate(store, "b", AGORA, bodies, predictions=path).number() < 0.01


def test_an_npz_with_instance_ids_needs_no_images(
    tmp_path: Path, truth: dict[str, Any], store: Store, bodies: BodySet, repeat_truth: Make
) -> None:
    said = repeat_truth(truth)
    ids = said["instance_id"].astype(str)
    path = humandata(tmp_path / "model.npz", said, instance_id=ids)
    assert evaluate(store, "model", AGORA, bodies, predictions=path).number() < 0.01


def test_parameters_of_another_number_of_people_are_refused(
    tmp_path: Path, truth: dict[str, Any], store: Store, bodies: BodySet, repeat_truth: Make
) -> None:
    said = repeat_truth(truth)
    said["betas"] = np.concatenate([said["betas"]] * 2)
    path = humandata(tmp_path / "model.npz", said, instance_id=said["instance_id"].astype(str))
    with pytest.raises(InputError, match=r"smplx\['betas'\] has the shape \(12, 10\)"):
        evaluate(store, "model", AGORA, bodies, predictions=path)


def test_the_overlap_of_boxes_is_that_of_their_pixels() -> None:
    rng = np.random.default_rng(0)
    boxes = rng.integers(0, 30, (2, 6, 4)).astype(float) + np.array([0, 0, 1, 1])
    canvas = np.zeros((2, 6, 70, 70), bool)
    for side in range(2):
        for i, (x, y, w, h) in enumerate(boxes[side].astype(int)):
            canvas[side, i, y : y + h, x : x + w] = True
    both = (canvas[0][:, None] & canvas[1][None]).sum((2, 3))
    either = (canvas[0][:, None] | canvas[1][None]).sum((2, 3))
    np.testing.assert_allclose(box_overlap(*boxes), both / either)


def test_an_arrow_table_of_predictions_needs_no_optional_column(
    tmp_path: Path, truth: dict[str, Any], store: Store, bodies: BodySet, repeat_truth: Make
) -> None:
    said = to_arrow(repeat_truth(truth), PREDICTIONS)
    needed = ["instance_id", "global_orient", "body_pose", "betas"]
    path = tmp_path / "model.parquet"
    pq.write_table(pa.table({n: said[n] for n in needed}), path)
    result = evaluate(store, "model", AGORA, bodies, predictions=path)
    assert 0 < result.number("pve") < 50  # hands and face are the neutral ones
