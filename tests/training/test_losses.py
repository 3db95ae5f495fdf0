"""Losses: right on what is labelled, and without any pull where nothing is."""

import numpy as np
import pytest
import torch

from ehpsbench.training.augment import Draws, batch
from ehpsbench.training.crops import CropSize
from ehpsbench.training.estimate import skeleton
from ehpsbench.training.losses import losses, total
from ehpsbench.training.models.prediction import SPAN, Prediction, standing
from ehpsbench.training.recipe import Input, LossWeights
from ehpsbench.training.targets import targets
from ehpsbench.training.views import views

SETTINGS = Input(height=64, width=48)
PART = {"left_hand": slice(25, 40), "right_hand": slice(40, 55)}
ALL = LossWeights(camera=1.0)


def batch_of(columns, bodies):
    made = targets(columns, views(columns, 0.75, 1.2), bodies, None)
    size = CropSize.of(SETTINGS)
    blank = np.zeros((len(made), size.height, size.width, 3), np.uint8)
    return batch(blank, made, Draws.still(len(made)), SETTINGS)


def guess(count):
    """A wrong prediction whose every part takes a gradient."""
    torch.manual_seed(0)
    start = standing().expand(count, -1, -1, -1)
    fields = {
        "rotations": start[:, :55] + 0.05 * torch.randn(count, 55, 3, 3),
        "hand_root": start[:, 55:] + 0.05 * torch.randn(count, 2, 3, 3),
        "betas": torch.randn(count, 10),
        "expression": torch.randn(count, 10),
        "camera": 0.1 * torch.randn(count, 3),
    }
    return Prediction(**{k: v.clone().requires_grad_() for k, v in fields.items()})


def pull(said, now, bodies):
    """Gradients of the whole loss by part of the prediction."""
    total(losses(said, now, skeleton(bodies), 0.75), ALL).backward()
    return {k: getattr(said, k).grad for k in ("rotations", "hand_root", "betas", "expression")}


def truth(now):
    """The prediction that is right."""
    half = now.joints[:, 0, 2] * now.tangent
    camera = torch.stack(
        [torch.log(2 * half / SPAN), now.joints[:, 0, 0] / half / 0.75, now.joints[:, 0, 1] / half],
        1,
    )
    return Prediction(now.rotations, now.hand_root, now.betas, now.expression, camera)


def test_the_truth_costs_nothing_but_the_face_that_expression_moves(bodies, people):
    columns = people()
    columns["expression"][:] = 0
    now = batch_of(columns, bodies)
    terms = losses(truth(now), now, skeleton(bodies), 0.75)
    assert {name: round(float(v), 4) for name, v in terms.items()} == dict.fromkeys(terms, 0)


def test_one_joint_of_22_turned_by_180_degrees_costs_4_ninths_of_a_22nd(bodies, people):
    columns = people()
    for name in ("left_hand_valid", "right_hand_valid", "face_valid"):
        columns[name][:] = False
    now = batch_of(columns, bodies)
    right = truth(now)
    wrong = now.rotations.clone()
    wrong[:, 5] = wrong[:, 5] @ torch.diag(torch.tensor([1.0, -1, -1]))
    off = (wrong - now.rotations).abs().sum() / len(now)
    said = Prediction(wrong, right.hand_root, right.betas, right.expression, right.camera)
    terms = losses(said, now, skeleton(bodies), 0.75)
    torch.testing.assert_close(terms["pose"], off / (22 * 9))
    assert terms["root"] == 0


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_invalid_hand_pulls_at_nothing_at_all(bodies, side, people):
    columns = people()
    columns[f"{side}_hand_valid"][:] = False
    grads = pull(guess(4), batch_of(columns, bodies), bodies)
    part = PART[f"{side}_hand"]
    assert torch.count_nonzero(grads["rotations"][:, part]) == 0
    other = PART["right_hand" if side == "left" else "left_hand"]
    assert torch.count_nonzero(grads["rotations"][:, other]) > 0
    assert torch.count_nonzero(grads["hand_root"][:, int(side == "right")]) == 0


def test_masks_are_each_rows_own(bodies, people):
    columns = people()
    columns["left_hand_valid"][1] = False
    grads = pull(guess(4), batch_of(columns, bodies), bodies)["rotations"][:, 25:40]
    assert [bool(g.any()) for g in grads] == [True, False, True, True]


@pytest.mark.parametrize(("gender", "refit", "taught"), [
    ("neutral", False, True), ("female", False, False), ("female", True, True),
])  # fmt: skip
def test_the_shape_loss_is_masked_where_no_neutral_shape_is_known(
    bodies, gender, refit, taught, people
):
    columns = people(gender=gender)
    if refit:
        columns["betas_neutral"] = np.ones((4, 10))
    said, now = guess(4), batch_of(columns, bodies)
    losses(said, now, skeleton(bodies), 0.75)["shape"].backward()
    assert bool(torch.count_nonzero(said.betas.grad) > 0) == taught


def test_a_smpl_row_teaches_the_body_and_neither_hands_nor_shape_nor_face(bodies, people):
    columns = people(source="smpl")
    for name in ("left_hand_valid", "right_hand_valid", "face_valid", "shape_valid"):
        columns[name][:] = False
    now = batch_of(columns, bodies)
    grads = pull(guess(4), now, bodies)
    assert torch.count_nonzero(grads["rotations"][:, 22:]) == 0
    assert torch.count_nonzero(grads["rotations"][:, :18]) > 0
    assert torch.count_nonzero(grads["expression"]) == 0
    assert not now.betas_known.any()


def test_a_face_that_is_not_valid_teaches_neither_jaw_nor_expression(bodies, people):
    columns = people()
    columns["face_valid"][:] = False
    grads = pull(guess(4), batch_of(columns, bodies), bodies)
    assert torch.count_nonzero(grads["rotations"][:, 22]) == 0
    assert torch.count_nonzero(grads["expression"]) == 0


def test_a_batch_without_any_label_of_a_kind_costs_zero_not_nan(bodies, people):
    columns = people()
    columns["shape_valid"][:] = False
    terms = losses(guess(4), batch_of(columns, bodies), skeleton(bodies), 0.75)
    assert terms["shape"] == 0
    assert all(torch.isfinite(v) for v in terms.values())


def test_a_pelvis_20_cm_too_far_right_moves_every_joint_in_the_crop_and_none_in_3d(bodies, people):
    now = batch_of(people(), bodies)
    right = truth(now)
    camera = right.camera + torch.tensor([0.0, 0.2, 0.0])
    said = Prediction(right.rotations, right.hand_root, right.betas, right.expression, camera)
    before = losses(right, now, skeleton(bodies), 0.75)
    after = losses(said, now, skeleton(bodies), 0.75)
    torch.testing.assert_close(after["joints3d"], before["joints3d"])
    # a fifth of the crop's half width in x, nothing in y
    assert 0.08 < float(after["joints2d"] - before["joints2d"]) < 0.12
