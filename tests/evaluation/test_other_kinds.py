"""Predictions of another kind than asked for: what they are, what is wanted, where they go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.freihand.submitted import submitted
from ehpsbench.evaluation.keypoints2d.submitted import elements
from ehpsbench.evaluation.map_files import map_folder
from ehpsbench.evaluation.other_kinds import TAKES, kind_of, refusal
from ehpsbench.evaluation.protocol import tasks

Make = Callable[..., Any]


def files(root: Path) -> dict[str, Path]:
    """One of each kind."""
    pq.write_table(pa.table({"x": [1]}), root / "a.parquet")
    np.savez(root / "a.npz", smplx=np.zeros(3))
    np.save(root / "a.npy", np.zeros(3))
    (root / "a.json").write_text("[]")
    (root / "a.pkl").write_bytes(b"\x80\x02N.")
    (root / "pickles" / "predictions").mkdir(parents=True)
    (root / "pickles" / "predictions" / "x_personId_0.pkl").write_bytes(b"\x80\x02N.")
    (root / "empty").mkdir()
    return {p.name: p for p in root.iterdir()}


def test_each_kind_is_called_by_its_name(tmp_path: Path) -> None:
    assert {name: kind_of(path) for name, path in files(tmp_path).items()} == {
        "a.parquet": "a Parquet file",
        "a.npz": "an .npz archive",
        "a.npy": "an .npy array",
        "a.json": "a JSON file",
        "a.pkl": "a pickle",
        "pickles": "a folder of .pkl files",
        "empty": "an empty folder",
    }


def test_agoras_pickles_on_known_people_are_sent_to_the_boards_that_match_people(
    tmp_path: Path, make_people: Make, make_store: Make, bodies: BodySet
) -> None:
    store = make_store(tmp_path / "store", make_people(2), bodies)
    path = files(tmp_path)["pickles"]
    wanted = r"a folder of \.pkl files; agora-val@made@test takes bodies .*agora-val-official"
    with pytest.raises(InputError, match=wanted):
        evaluate(store, "model", "agora-val@made@test", bodies, predictions=path)


@pytest.mark.parametrize("name", ["a.parquet", "a.npz", "pickles"])
def test_freihand_names_what_is_no_json(tmp_path: Path, name: str) -> None:
    kind = kind_of(files(tmp_path)[name])
    with pytest.raises(InputError, match=rf"{name} is {kind}; freihand takes Frei.*pred\.json"):
        submitted(tmp_path / name, 3, "freihand")


def test_keypoints_and_maps_name_what_they_were_given(tmp_path: Path) -> None:
    found = files(tmp_path)
    with pytest.raises(InputError, match=r"begins like an \.npy array; expected a COCO result"):
        list(elements(found["a.npy"]))
    with pytest.raises(MissingFiles, match=r"in a folder, \.npy, \.png; .*a\.json is a JSON file"):
        map_folder(found["a.json"], [], [])


def test_every_task_says_what_it_takes(tmp_path: Path) -> None:
    assert set(TAKES) == set(tasks()) - {"depth", "normals", "segmentation"} | {"maps"}
    said = str(refusal(files(tmp_path)["a.npz"], "agora-val-official", "agora"))
    assert "HumanData is scored on benchmarks of bodies, such as agora-val." in said
