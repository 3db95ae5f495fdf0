"""What a clip says of its people, read by the columns' builders, is the people again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.posed import posed_vertices
from ehpsbench.checks import findings
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.parameters import (
    Labels,
    body_columns,
    hand_columns,
    joined_pose,
    split_pose,
)
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.traits import Traits
from ehpsbench.errors import InputError
from ehpsbench.world.people import posed
from ehpsbench.world.settings import WorldSettings

BODIES = open_bodies("small")
SMALL = Filming(size=(120, 160), broken=())
GENDERED = Traits(genders=("female", "male"))
TRAITS = {
    "absolute": Traits(),
    "relative": replace(GENDERED, hands="relative"),
    "components": replace(GENDERED, hands="relative", components=12),
    "flat components": Traits(hands="absolute", components=24),
    "no hands": Traits(hands="relative", fingers=False, face=False, eyes=False),
    "smplh": replace(GENDERED, family="smplh"),
    "smpl": Traits(family="smpl", genders=("male",), hands="none"),
}


def clip_of(traits: Traits, filming: Filming = SMALL, people: int = 3) -> Clip:
    order = Order(Path("unused"), BODIES, WorldSettings(), 7, people, "none")
    return Miniature(order, catalogue.card("emdb"), filming, traits).clips([("train", "a")])[0]


def columns_of(clip: Clip, traits: Traits, view: int | None = None) -> dict[str, np.ndarray]:
    chain = clip.extrinsics(view or 0)
    world = {
        "world_rotation": chain[:, :3, :3].reshape(-1, 9),
        "world_translation": chain[:, :3, 3],
    }
    labels = Labels(traits.family, traits.hands, "owners", "mocap")
    gender = [clip.person(0, f).gender for f in range(len(clip))]
    return body_columns(clip.fits(0, view), gender, labels, BODIES, None if view == 0 else world)


@pytest.mark.parametrize("view", [None, 0])
@pytest.mark.parametrize("name", TRAITS)
def test_fits_become_the_people_of_the_world(name: str, view: int | None) -> None:
    clip = clip_of(TRAITS[name])
    found = posed_vertices(columns_of(clip, TRAITS[name], view), BODIES)
    for frame, mesh in enumerate(posed([s.people[0] for s in clip.scenes], BODIES)):
        true = clip.camera(frame).to_camera(mesh)
        assert np.abs(found[frame] - true).max() < 1e-5


@pytest.mark.parametrize("side", ["left", "right"])
def test_hands_become_the_hands_of_the_world(side: str) -> None:
    traits = Traits(family=f"mano_{side}", hands="relative")
    clip = clip_of(traits)
    chain = clip.extrinsics()
    world = {"world_rotation": chain[:, :3, :3], "world_translation": chain[:, :3, 3]}
    labels = Labels("mano", "relative", "owners", "mocap")
    found = posed_vertices(hand_columns(clip.fits(), side, labels, BODIES, world), BODIES)
    for frame, mesh in enumerate(posed([s.people[0] for s in clip.scenes], BODIES)):
        assert np.abs(found[frame] - clip.camera(frame).to_camera(mesh)).max() < 1e-5


def test_actors_of_a_video_keep_their_shape_and_stills_do_not() -> None:
    video = clip_of(TRAITS["absolute"]).fits()["betas"]
    stills = clip_of(TRAITS["absolute"], replace(SMALL, video=False)).fits()["betas"]
    assert np.ptp(video, axis=0).max() == 0
    assert np.ptp(stills, axis=0).max() > 0.1


def test_static_views_see_the_same_people() -> None:
    clip = clip_of(TRAITS["absolute"], replace(SMALL, views=4, actors=2), people=16)
    assert len(clip) == 2
    for view in range(4):
        assert np.ptp(clip.extrinsics(view), axis=0).max() < 1e-12
        for actor in range(2):
            assert (clip.box(actor, view)[:, 2:] > 5).all()


@pytest.mark.parametrize(
    "rule", ["finite", "ranges", "angles", "in_front_of_camera", "box_inside_image"]
)
@pytest.mark.parametrize("view", [None, 0])
def test_a_spoilt_frame_breaks_its_rule_and_no_other_frame_does(
    rule: str, view: int | None
) -> None:
    traits = TRAITS["relative"]
    clip = clip_of(traits, replace(SMALL, broken=(rule,), video=False))
    lens = [clip.camera(f) for f in range(len(clip))]
    columns = columns_of(clip, traits, view) | {
        "focal": np.stack([c.focal for c in lens]),
        "principal_point": np.stack([c.principal_point for c in lens]),
        "width": np.full(len(clip), lens[0].width),
        "height": np.full(len(clip), lens[0].height),
    }
    columns["bbox"] = joint_boxes(columns, BODIES, Path())
    found = list(findings(columns, BODIES, Path()))
    assert found[0].rule == rule
    assert {row for f in found for row in f.rows.tolist()} == {len(clip) - 1}


def test_a_long_pose_is_cut_in_the_order_of_its_family_and_put_together_again() -> None:
    pose = np.arange(2 * 165.0).reshape(2, 165)
    parts = split_pose(pose, "smplx")
    assert parts["jaw_pose"].tolist() == pose[:, 66:69].tolist()
    assert parts["right_hand_pose"].tolist() == pose[:, 120:].tolist()
    assert (joined_pose(parts, "smplx") == pose).all()
    with pytest.raises(InputError, match="165 values"):
        split_pose(pose[:, :156], "smplx")


def test_more_betas_than_the_column_holds_are_kept_beside_it() -> None:
    fit = {"global_orient": np.zeros((2, 3)), "betas": np.arange(20.0)}
    columns = body_columns(fit, "neutral", Labels("smplx", "none", "owners", "mocap"), None)
    assert columns["betas"].tolist() == [list(range(16))] * 2
    assert columns["betas_more"].tolist() == [[16, 17, 18, 19]] * 2
    assert columns["num_betas"].tolist() == [20, 20]


def test_rotation_matrices_are_read_as_angles() -> None:
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    fit = {"global_orient": np.stack([turn[None]] * 2), "betas": np.zeros(10)}
    columns = body_columns(fit, "neutral", Labels("smplx", "none", "owners", "mocap"), None)
    assert columns["global_orient"] == pytest.approx(np.array([[0, 0, np.pi / 2]] * 2))


def test_nobody_has_columns_of_no_rows() -> None:
    fit = {"global_orient": np.zeros((0, 1, 3, 3)), "body_pose": np.zeros((0, 21, 3))}
    fit |= {"betas": np.zeros((0, 10)), "transl": np.zeros((0, 3))}
    world = {"world_rotation": np.zeros((0, 9)), "world_translation": np.zeros((0, 3))}
    labels = Labels("smplx", "relative", "owners", "mocap")
    columns = body_columns(fit, "neutral", labels, BODIES, world)
    assert {len(values) for values in columns.values()} == {0}


def test_an_unknown_split_is_refused_with_those_that_there_are() -> None:
    order = Order(Path("unused"), BODIES, WorldSettings(), split="val")
    with pytest.raises(InputError, match="emdb1"):
        Miniature(order, catalogue.card("emdb"), SMALL)
