"""Losses of rows that label a part: hands alone, SMPL bodies, clicked keypoints."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from ehpsbench.skeleton.sources import COCO_17
from ehpsbench.training.estimate import skeleton
from ehpsbench.training.losses import losses, total
from ehpsbench.training.models.network import network
from ehpsbench.training.models.prediction import Prediction
from ehpsbench.training.recipe import LossWeights, recipe

PART = {"left_hand": slice(25, 40), "right_hand": slice(40, 55)}
ALL = LossWeights(camera=1.0)


def pulled(gradient):
    """Indices along axis 1 that any row pulls at."""
    return np.flatnonzero(gradient.flatten(2).any(2).any(0)).tolist()


def smpl_rows(people):
    """SMPL bodies whose shape no neutral SMPL-X body has: their betas are not given."""
    columns = people(source="smpl")
    for name in ("left_hand_valid", "right_hand_valid", "face_valid", "shape_valid"):
        columns[name][:] = False
    absent = ("left_hand_pose", "right_hand_pose", "jaw_pose", "leye_pose", "reye_pose")
    return {k: v for k, v in columns.items() if k not in (*absent, "betas", "expression")}


def test_a_smpl_set_teaches_body_pose_and_2d_and_nothing_of_hands_face_or_shape(
    bodies, people, batch_of, guess, pull
):
    said, now = guess(4), batch_of(smpl_rows(people), bodies)
    terms = losses(said, now, skeleton(bodies), 0.75)
    silent = {"shape", "expression", "parts3d", "hand_root"}
    assert {name for name, term in terms.items() if term == 0} == silent
    grads = pull(said, now, bodies)
    assert pulled(grads["rotations"]) == list(range(22))
    assert not grads["hand_root"].any()
    assert not grads["expression"].any()
    assert grads["camera"].any()


def test_bone_lengths_of_an_unknown_shape_are_learnt_from_3d_joints_alone(
    bodies, people, batch_of, guess, pull
):
    now = batch_of(smpl_rows(people), bodies)
    silent = LossWeights(joints3d=0, joints2d=0)
    assert pull(guess(4), now, bodies)["betas"].any()
    assert not pull(guess(4), now, bodies, silent)["betas"].any()


def hand_rows(people, side="left"):
    """MANO hands in front of a camera, and nothing else."""
    columns = people(source="mano", gender=side)
    other = "right" if side == "left" else "left"
    for name in ("body", f"{other}_hand", "face", "shape"):
        columns[f"{name}_valid"][:] = False
    orient = np.random.default_rng(1).standard_normal((4, 3))
    columns |= {f"{side}_hand_orient": orient, f"{side}_hand_betas": np.zeros((4, 10))}
    columns |= {f"{side}_hand_transl": np.tile([0.1, 0.0, 2.0], (4, 1))}
    columns["bbox"] = np.tile([300.0, 200.0, 80.0, 80.0], (4, 1))
    absent = ("global_orient", "body_pose", "transl", "betas", "expression")
    return {k: v for k, v in columns.items() if k not in absent}


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_set_of_hands_teaches_that_hand_and_its_root_and_no_body_shape_face_or_camera(
    bodies, people, batch_of, guess, pull, side
):
    grads = pull(guess(4), batch_of(hand_rows(people, side), bodies), bodies)
    assert pulled(grads["rotations"]) == [*range(55)][PART[f"{side}_hand"]]
    assert pulled(grads["hand_root"]) == [int(side == "right")]
    for name in ("betas", "expression", "camera"):
        assert not grads[name].any(), name


@pytest.mark.parametrize("term", ["pose", "parts3d", "hand_root"])
def test_each_term_of_a_hand_alone_is_nothing_at_its_truth_whatever_the_body_does(
    bodies, people, batch_of, guess, term
):
    now = batch_of(hand_rows(people), bodies)
    said = guess(4)
    rotations = torch.where(now.rotations_known[..., None, None], now.rotations, said.rotations)
    right = Prediction(rotations, now.hand_root, 0 * said.betas, said.expression, said.camera)
    assert losses(right, now, skeleton(bodies), 0.75)[term] < 1e-6
    assert losses(said, now, skeleton(bodies), 0.75)[term] > 1e-3


def test_smpler_x_learns_a_hand_alone_without_turning_its_arm(bodies, people, batch_of):
    plan = recipe("micro-cpu")
    model = plan.model.model_copy(update={"head": "smpler-x", "camera": "virtual"})
    torch.manual_seed(0)
    made, now = (
        network(plan.model_copy(update={"model": model})),
        batch_of(hand_rows(people), bodies),
    )
    said = made(torch.rand_like(now.images))
    terms = losses(said, now, skeleton(bodies), 0.75, camera="virtual")
    terms |= made.own_losses(said, now, made.own_counts(now))
    total(terms, ALL).backward()
    grads = {n: p.grad for n, p in made.named_parameters() if p.grad is not None}
    assert all(grad.isfinite().all() for grad in grads.values())
    assert grads["hand_rotations.out.weight"].any()
    for name in ("rotations.out.weight", "answers.shape.weight", "answers.camera.weight"):
        assert not grads[name].any(), name


def clicked_rows(people, keypoints):
    """People whom annotators marked some keypoints of; no body model."""
    columns = people()
    points = np.zeros((4, 144, 3))
    points[:, keypoints] = [300.0, 200.0, 1.0]
    kept = ("instance_id", "width", "height", "bbox", "focal", "principal_point")
    return {k: columns[k] for k in kept} | {"keypoints2d": points.reshape(4, -1)}


def test_a_set_of_2d_keypoints_teaches_2d_alone(bodies, people, batch_of, guess, pull):
    said, now = guess(4), batch_of(clicked_rows(people, COCO_17), bodies)
    terms = losses(said, now, skeleton(bodies), 0.75)
    assert {name for name, term in terms.items() if term != 0} == {"joints2d"}
    grads = pull(said, now, bodies)
    # what knees, ankles, shoulders, elbows, wrists and eyes hang on; not their own turns
    assert pulled(grads["rotations"]) == [0, 1, 2, 3, 4, 5, 6, 9, *range(12, 20)]
    for name in ("hand_root", "betas", "expression"):
        assert not grads[name].any(), name
    assert grads["camera"].any()


def test_a_finger_in_2d_turns_the_arm_and_the_finger_before_it_and_nothing_else(
    bodies, people, batch_of, guess, pull
):
    now = batch_of(clicked_rows(people, [27]), bodies)
    grads = pull(guess(4), now, bodies)["rotations"]
    assert pulled(grads) == [0, 3, 6, 9, 13, 16, 18, 20, 25, 26]


def test_rows_of_every_kind_in_one_batch_pull_as_they_do_alone(
    bodies, people, batch_of, guess, pull
):
    whole, hands = batch_of(people(), bodies), batch_of(hand_rows(people), bodies)
    clicks = batch_of(clicked_rows(people, COCO_17), bodies)
    both = [torch.cat([getattr(b, f.name) for b in (whole, hands, clicks)]) for f in fields(whole)]
    mixed, said = type(whole)(*both), guess(12)
    grads = pull(said, mixed, bodies)
    assert pulled(grads["rotations"][4:8]) == [*range(25, 40)]
    assert grads["betas"].flatten(1).any(1).tolist() == [True] * 4 + [False] * 8
    assert grads["camera"].any(1).tolist() == [True] * 4 + [False] * 4 + [True] * 4
