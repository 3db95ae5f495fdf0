"""SHOW's camera shifts with x and y turned round; hands are 12 components about the mean hand."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import read_pickle
from ehpsbench.dataset_adapters.release import open_release
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.talkshow import adapter, sample
from ehpsbench.errors import InputError
from ehpsbench.restricted_pickle import dump_plain
from ehpsbench.schema import Instances
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    sample.write(Order(tmp_path, BODIES, WorldSettings(), 4, 8, "flat"))
    return tmp_path


def read(root: Path, speaker: str = "oliver") -> Instances:
    units = adapter.units(open_release(root, catalogue.card("talkshow")))
    return adapter.read(next(u for u in units if u.key["speaker"] == speaker), BODIES)


def place(root: Path, speaker: str = "oliver") -> Path:
    return next((root / speaker).glob("**/*.pkl"))


def stored(root: Path) -> dict[str, Any]:
    content: dict[str, Any] = read_pickle(place(root))
    return content


def test_a_point_lands_where_the_owners_renderer_sees_it(root: Path) -> None:
    data, columns = stored(root), read(root).columns
    # PyTorch3D: x_view = x R + T with R = diag(−1, −1, 1); its x points left and its y up
    view = data["transl"][0] @ np.diag([-1.0, -1.0, 1.0]) + data["camera_transl"]
    assert columns["transl"][0] == pytest.approx([-view[0], -view[1], view[2]])
    assert columns["global_orient"][0] == pytest.approx(data["global_orient"][0, 0])


def test_both_hands_are_components_about_the_mean(root: Path) -> None:
    data, columns = stored(root), read(root).columns
    model = BODIES.model("smplx", "neutral")
    for side, space in (
        ("left", model.left_hand_components),
        ("right", model.right_hand_components),
    ):
        expected = model.hand_mean(side) + data[f"{side}_hand_pose"][0] @ space[:12]
        assert columns[f"{side}_hand_pose"][0] == pytest.approx(expected)


def test_the_owners_script_puts_the_split_into_the_path(root: Path) -> None:
    units = adapter.units(open_release(root, catalogue.card("talkshow")))
    found = {unit.key["speaker"]: unit.key["split"] for unit in units}
    assert found == {"oliver": "train", "seth": "train", "conan": "val", "chemistry": "test"}


def test_a_lens_off_the_middle_is_kept_and_the_camera_is_not_metric(root: Path) -> None:
    columns = read(root).columns
    assert columns["principal_point"][0] == pytest.approx([640 + 8, 360 - 5])
    assert not columns["camera_valid"].any()


def test_a_clip_whose_video_was_cut_otherwise_is_left_out(root: Path) -> None:
    next(place(root).with_suffix("").glob("*.png")).unlink()
    instances = read(root)
    assert len(instances.columns["instance_id"]) == len(instances.images["frame"]) == 0


def test_losses_may_be_tensors(root: Path) -> None:
    import torch

    content = stored(root) | {"losses_to_log": {"total": torch.tensor(0.5)}}
    place(root).write_bytes(pickle.dumps([content]))
    assert len(read(root).columns["transl"]) == len(content["transl"])


def test_a_clip_of_another_length_than_it_says_is_named(root: Path) -> None:
    dump_plain(stored(root) | {"batch_size": 300}, place(root))
    with pytest.raises(InputError, match=r"214438.*\.pkl is no clip of SHOW.*batch_size 300"):
        read(root)
