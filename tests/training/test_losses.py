"""Losses: right on what is labelled, and without any pull where nothing is."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from ehpsbench.training.estimate import skeleton
from ehpsbench.training.losses import losses, total
from ehpsbench.training.models.prediction import SPAN, Prediction
from ehpsbench.training.recipe import LossWeights
from ehpsbench.training.virtual_camera import answer, raw_of

PART = {"left_hand": slice(25, 40), "right_hand": slice(40, 55)}


def truth(now):
    """The prediction that is right."""
    half = now.joints[:, 0, 2] * now.tangent
    camera = torch.stack(
        [torch.log(2 * half / SPAN), now.joints[:, 0, 0] / half / 0.75, now.joints[:, 0, 1] / half],
        1,
    )
    return Prediction(now.rotations, now.hand_root, now.betas, now.expression, camera)


def test_the_truth_costs_nothing_but_the_face_that_expression_moves(bodies, people, batch_of):
    columns = people()
    columns["expression"][:] = 0
    now = batch_of(columns, bodies)
    terms = losses(truth(now), now, skeleton(bodies), 0.75)
    assert {name: round(float(v), 4) for name, v in terms.items()} == dict.fromkeys(terms, 0)


def test_one_joint_of_22_turned_by_180_degrees_costs_4_ninths_of_a_22nd(bodies, people, batch_of):
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
def test_an_invalid_hand_pulls_at_nothing_at_all(bodies, people, batch_of, guess, pull, side):
    columns = people()
    columns[f"{side}_hand_valid"][:] = False
    grads = pull(guess(4), batch_of(columns, bodies), bodies)
    part = PART[f"{side}_hand"]
    assert torch.count_nonzero(grads["rotations"][:, part]) == 0
    other = PART["right_hand" if side == "left" else "left_hand"]
    assert torch.count_nonzero(grads["rotations"][:, other]) > 0
    assert torch.count_nonzero(grads["hand_root"][:, int(side == "right")]) == 0


def test_masks_are_each_rows_own(bodies, people, batch_of, guess, pull):
    columns = people()
    columns["left_hand_valid"][1] = False
    grads = pull(guess(4), batch_of(columns, bodies), bodies)["rotations"][:, 25:40]
    assert [bool(g.any()) for g in grads] == [True, False, True, True]


@pytest.mark.parametrize(("gender", "kid", "owners", "taught"), [
    ("neutral", 0, False, True), ("female", 0, False, True), ("female", 0.5, False, False),
    ("female", 0, True, True),
])  # fmt: skip
def test_the_shape_loss_is_masked_where_no_neutral_shape_is_known(
    bodies, people, batch_of, guess, gender, kid, owners, taught
):
    columns = people(gender=gender) | {"kid": np.full(4, kid)}
    if owners:
        columns["betas_neutral"] = np.ones((4, 10))
    said, now = guess(4), batch_of(columns, bodies)
    losses(said, now, skeleton(bodies), 0.75)["shape"].backward()
    assert bool(torch.count_nonzero(said.betas.grad) > 0) == taught


def test_a_batch_that_labels_nothing_costs_nothing_and_pulls_at_nothing(
    bodies, people, batch_of, guess, pull
):
    now = batch_of(people(), bodies)
    flags = {
        f.name: torch.zeros_like(getattr(now, f.name)) for f in fields(now) if "known" in f.name
    }
    said, nothing = guess(4), replace(now, **flags)
    for term in losses(said, nothing, skeleton(bodies), 0.75).values():
        assert term == 0
    for name, grad in pull(said, nothing, bodies).items():
        assert grad is None or not grad.any(), name


def test_every_weight_is_of_a_term_here_or_of_one_that_smpler_x_has(
    bodies, people, batch_of, guess
):
    with torch.no_grad():
        terms = losses(guess(4), batch_of(people(), bodies), skeleton(bodies), 0.75)
    assert set(LossWeights.model_fields) == set(terms) | {"boxes", "positions"}
    weights = LossWeights(**{name: i + 2.0 for i, name in enumerate(terms)})
    expected = sum((i + 2) * float(term) for i, term in enumerate(terms.values()))
    assert float(total(terms, weights)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("bad", [torch.inf, torch.nan])
def test_a_term_that_weighs_nothing_may_be_no_number(bad):
    terms = {
        n: torch.tensor(v, requires_grad=True) for n, v in {"pose": 3.0, "camera": bad}.items()
    }
    found = total(terms, LossWeights(pose=10.0, camera=0.0))
    found.backward()
    assert found == 30
    assert terms["pose"].grad == 10
    assert terms["camera"].grad is None
    nothing = total({"pose": torch.ones((), requires_grad=True)}, LossWeights(pose=0.0))
    nothing.backward()
    assert nothing == 0


def test_the_virtual_camera_projects_as_smpler_x_writes_it(bodies, people, batch_of, guess):
    """Pixels of a 256×192 crop: f = 5000, principal point (96, 128), depth by a sigmoid."""
    raw = torch.tensor([[0.1, -0.2, 0.3], [0.0, 0.3, -0.4], [-0.1, 0.1, 0.0], [0.2, 0.0, 1.0]])
    now, said = batch_of(people(), bodies), guess(4)
    said = replace(said, camera=answer(raw, 0.75))
    joints = skeleton(bodies)(said.rotations, said.betas)
    depth = raw[:, 2].sigmoid() * (5000 * 5000 * 2.5**2 / (256 * 192)) ** 0.5
    place = torch.stack([raw[:, 0], raw[:, 1], depth], 1)
    points = joints - joints[:, :1] + place[:, None]
    pixels = points[..., :2] / points[..., 2:] * 5000 + torch.tensor([96.0, 128.0])
    crop = pixels / torch.tensor([96.0, 128.0]) - 1
    expected = (crop - now.pixels).abs().mean()
    found = losses(said, now, skeleton(bodies), 0.75, camera="virtual")["joints2d"]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(raw_of(said.camera, 0.75), raw, atol=1e-4, rtol=1e-4)


def test_a_face_that_is_not_valid_teaches_neither_jaw_nor_expression(
    bodies, people, batch_of, guess, pull
):
    columns = people()
    columns["face_valid"][:] = False
    grads = pull(guess(4), batch_of(columns, bodies), bodies)
    assert torch.count_nonzero(grads["rotations"][:, 22]) == 0
    assert torch.count_nonzero(grads["expression"]) == 0


def test_a_batch_without_any_label_of_a_kind_costs_zero_not_nan(bodies, people, batch_of, guess):
    columns = people()
    columns["shape_valid"][:] = False
    terms = losses(guess(4), batch_of(columns, bodies), skeleton(bodies), 0.75)
    assert terms["shape"] == 0
    assert all(torch.isfinite(v) for v in terms.values())


def test_a_pelvis_20_cm_too_far_right_moves_every_joint_in_the_crop_and_none_in_3d(
    bodies, people, batch_of
):
    now = batch_of(people(), bodies)
    right = truth(now)
    camera = right.camera + torch.tensor([0.0, 0.2, 0.0])
    said = Prediction(right.rotations, right.hand_root, right.betas, right.expression, camera)
    before = losses(right, now, skeleton(bodies), 0.75)
    after = losses(said, now, skeleton(bodies), 0.75)
    torch.testing.assert_close(after["joints3d"], before["joints3d"])
    # a fifth of the crop's half width in x, nothing in y
    assert 0.08 < float(after["joints2d"] - before["joints2d"]) < 0.12
