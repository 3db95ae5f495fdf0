"""A miniature AGORA release in a store, and predictions of its people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.evaluation.agora import task
from ehpsbench.evaluation.agora.images import image_name
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.results import Result
from ehpsbench.geometry import rotation_matrix
from ehpsbench.ingest import ingest
from ehpsbench.restricted_pickle import dump_plain, load
from ehpsbench.samples import write_sample
from ehpsbench.schema import from_arrow
from ehpsbench.store import Store

Make = Callable[..., Any]
OFFICIAL = "agora-val-official"
People = dict[str, list[dict[str, Any]]]
ROTATIONS = {"global_orient": 1, "body_pose": 21, "left_hand_pose": 15, "right_hand_pose": 15}
ROTATIONS |= {"jaw_pose": 1, "leye_pose": 1, "reye_pose": 1}


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("agora")
    write_sample("agora", root / "release", people=40, seed=3, images="flat", body="open-small")
    store = Store(root / "store")
    ingest("agora", root / "release", store)
    return store


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
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


@pytest.fixture
def written(tmp_path: Path) -> Make:
    """Writes prediction pickles of people, changed one by one, below the test's folder."""

    def write(
        people: People, change: Callable[[dict[str, Any]], Any] = dict, below: str = ""
    ) -> Path:
        folder = tmp_path / below
        folder.mkdir(exist_ok=True)
        for image, here in people.items():
            for number, person in enumerate(here):
                said = change(person["said"])
                dump_plain(said, folder / f"{image}_personId_{number}.pkl")
        return folder

    return write


@pytest.fixture(scope="session")
def valid(truth: People) -> People:
    """Only those whom the owners call valid."""
    return {image: [p for p in here if p["valid"]] for image, here in truth.items()}


@pytest.fixture
def scored(store: Store, rules: Make, bodies: BodySet) -> Make:
    """Scores a folder by a variant of the rules, or on a benchmark."""

    def score(name: str, folder: Path, **more: Any) -> Result:
        benchmark = rules(name) if name in ("matched", "official") else name
        return evaluate(store, "model", benchmark, bodies, predictions=folder, **more)

    return score


def _parameters(row: dict[str, Any], bodies: BodySet, vectors: bool) -> dict[str, Any]:
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


@pytest.fixture(scope="session")
def parameters() -> Make:
    """`_parameters`."""
    return _parameters


def _said_by_store(store: Store, bodies: BodySet, split: str = "train") -> dict[str, Any]:
    """Neutral predictions: everybody's pose and place on the mean body, a little bent."""
    columns = from_arrow(store.instances("agora", split))
    names = ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose", "transl")
    found = {name: np.asarray(np.ma.getdata(columns[name])) for name in (*names, "jaw_pose")}
    found["body_pose"] = found["body_pose"] + 0.05
    count = len(found["transl"])
    return found | {"instance_id": columns["instance_id"], "betas": np.zeros((count, 10))}


@pytest.fixture(scope="session")
def said_by_store() -> Make:
    """`_said_by_store`."""
    return _said_by_store
