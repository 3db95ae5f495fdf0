"""What AGORA's benchmark does not take: files, parameters and rules that cannot be meant."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet, open_bodies
from ehpsbench.errors import BodyMismatch, InputError, MissingFiles, RefusedPickle
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.predictions import write_predictions
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.restricted_pickle import dump_plain
from ehpsbench.store import Store

Make = Callable[..., Any]
People = dict[str, list[dict[str, Any]]]


def test_the_test_split_has_no_labels(tmp_path: Path, scored: Make) -> None:
    with pytest.raises(InputError, match="write the zip for their server"):
        scored("agora-test-official", tmp_path)


@pytest.fixture
def refused(tmp_path: Path, scored: Make) -> Callable[[str], None]:
    """Scores the pickles that lie in `tmp_path` and expects this message."""

    def expects(reason: str) -> None:
        with pytest.raises(InputError, match=reason):
            scored("official", tmp_path)

    return expects


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
    valid: People, written: Make, refused: Make, change: Any, reason: str
) -> None:
    written(valid, lambda said: said | change)
    refused(rf"(?s)_personId_0\.pkl: .*{reason}")


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
    truth: People,
    bodies: BodySet,
    tmp_path: Path,
    parameters: Make,
    refused: Make,
    change: Any,
    reason: str,
) -> None:
    row = next(r for r in store.instances("agora", "train").to_pylist() if not r["kid"])
    said = parameters(row, bodies, True) | {"joints": np.zeros((24, 2))} | change
    dump_plain(said, tmp_path / f"{next(iter(truth))}_personId_0.pkl")
    refused(reason)


def test_folders_and_names_that_cannot_be_meant_are_refused(
    valid: People, tmp_path: Path, written: Make, scored: Make
) -> None:
    name = "official"
    with pytest.raises(MissingFiles, match="There is no"):
        scored(name, tmp_path / "nothing")
    with pytest.raises(MissingFiles, match="holds no prediction"):
        scored(name, tmp_path)
    image, here = next((i, h) for i, h in valid.items() if h)
    good = written({image: here[:1]}, below="good")
    dump_plain(here[0]["said"], good / "ag_validationset_other_00001_personId_0.pkl")
    with pytest.raises(InputError, match="1 files are of images that are not of the split"):
        scored(name, good)
    assert scored(name, good, allow_missing=True).summary["detections"] == 1
    shutil.copy(good / f"{image}_personId_0.pkl", good / f"{image}.pkl")
    with pytest.raises(InputError, match="IMAGE_personId_NUMBER"):
        scored(name, good)
    with pytest.raises(InputError, match=r"is a pickle; .* found in images: a folder or \.zip"):
        scored(name, good / f"{image}.pkl")


def test_code_in_a_pickle_is_refused(truth: People, tmp_path: Path, scored: Make) -> None:
    path = tmp_path / f"{next(iter(truth))}_personId_0.pkl"
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(RefusedPickle, match=r"os\.system"):
        scored("official", tmp_path)


def test_predictions_without_a_place_or_of_another_image_or_body_are_refused(
    store: Store, rules: Any, bodies: BodySet, said_by_store: Make
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


def test_humandata_is_sent_to_benchmarks_of_known_people(tmp_path: Path, scored: Make) -> None:
    np.savez(tmp_path / "model.npz", smplx=np.zeros(3))
    with pytest.raises(InputError, match=r"model\.npz is an \.npz archive; .* such as agora-val\."):
        scored("official", tmp_path / "model.npz")


def test_meshes_off_by_a_metre_on_average_are_refused_before_anything_is_stored(
    valid: People, written: Make, scored: Make
) -> None:
    def larger(said: dict[str, Any]) -> dict[str, Any]:
        centre = said["allSmplJoints3d"][0]
        return said | {n: centre + 4.5 * (said[n] - centre) for n in ("allSmplJoints3d", "verts")}

    folder = written(valid, larger)
    with pytest.raises(InputError, match=r"body_mpjpe would be 1,.* metres given as millimetres"):
        scored("matched", folder)
