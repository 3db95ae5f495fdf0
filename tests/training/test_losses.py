"""Losses: right on what is labelled, and without any pull where nothing is."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from ehpsbench.skeleton.sources import COCO_17
from ehpsbench.training.augment import Draws, batch
from ehpsbench.training.crops import CropSize
from ehpsbench.training.estimate import skeleton
from ehpsbench.training.losses import losses, total
from ehpsbench.training.models.network import network
from ehpsbench.training.models.prediction import SPAN, Prediction, standing
from ehpsbench.training.recipe import Input, LossWeights, recipe
from ehpsbench.training.rotations import from_six, to_six
from ehpsbench.training.targets import targets
from ehpsbench.training.views import views
from ehpsbench.training.virtual_camera import answer, raw_of

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
        "rotations": from_six(to_six(start[:, :55]) + 0.05 * torch.randn(count, 55, 6)),
        "hand_root": from_six(to_six(start[:, 55:]) + 0.05 * torch.randn(count, 2, 6)),
        "betas": torch.randn(count, 10),
        "expression": torch.randn(count, 10),
        "camera": 0.1 * torch.randn(count, 3),
    }
    return Prediction(**{k: v.clone().requires_grad_() for k, v in fields.items()})


def pull(said, now, bodies, weights=ALL):
    """Gradients of the whole loss by part of the prediction."""
    total(losses(said, now, skeleton(bodies), 0.75), weights).backward()
    return {f.name: getattr(said, f.name).grad for f in fields(said)}


def pulled(gradient):
    """Indices along axis 1 that any row pulls at."""
    return np.flatnonzero(gradient.flatten(2).any(2).any(0)).tolist()


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


@pytest.mark.parametrize(("gender", "kid", "owners", "taught"), [
    ("neutral", 0, False, True), ("female", 0, False, True), ("female", 0.5, False, False),
    ("female", 0, True, True),
])  # fmt: skip
def test_the_shape_loss_is_masked_where_no_neutral_shape_is_known(
    bodies, gender, kid, owners, taught, people
):
    columns = people(gender=gender) | {"kid": np.full(4, kid)}
    if owners:
        columns["betas_neutral"] = np.ones((4, 10))
    said, now = guess(4), batch_of(columns, bodies)
    losses(said, now, skeleton(bodies), 0.75)["shape"].backward()
    assert bool(torch.count_nonzero(said.betas.grad) > 0) == taught


def smpl_rows(people):
    """SMPL bodies whose shape no neutral SMPL-X body has: their betas are not given."""
    columns = people(source="smpl")
    for name in ("left_hand_valid", "right_hand_valid", "face_valid", "shape_valid"):
        columns[name][:] = False
    absent = ("left_hand_pose", "right_hand_pose", "jaw_pose", "leye_pose", "reye_pose")
    return {k: v for k, v in columns.items() if k not in (*absent, "betas", "expression")}


def test_a_smpl_set_teaches_body_pose_and_2d_and_nothing_of_hands_face_or_shape(bodies, people):
    said, now = guess(4), batch_of(smpl_rows(people), bodies)
    terms = losses(said, now, skeleton(bodies), 0.75)
    silent = {"shape", "expression", "parts3d", "hand_root"}
    assert {name for name, term in terms.items() if term == 0} == silent
    grads = pull(said, now, bodies)
    assert pulled(grads["rotations"]) == list(range(22))
    assert not grads["hand_root"].any()
    assert not grads["expression"].any()
    assert grads["camera"].any()


def test_bone_lengths_of_an_unknown_shape_are_learnt_from_3d_joints_alone(bodies, people):
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
    bodies, people, side
):
    grads = pull(guess(4), batch_of(hand_rows(people, side), bodies), bodies)
    assert pulled(grads["rotations"]) == [*range(55)][PART[f"{side}_hand"]]
    assert pulled(grads["hand_root"]) == [int(side == "right")]
    for name in ("betas", "expression", "camera"):
        assert not grads[name].any(), name


@pytest.mark.parametrize("term", ["pose", "parts3d", "hand_root"])
def test_each_term_of_a_hand_alone_is_nothing_at_its_truth_whatever_the_body_does(
    bodies, people, term
):
    now = batch_of(hand_rows(people), bodies)
    said = guess(4)
    rotations = torch.where(now.rotations_known[..., None, None], now.rotations, said.rotations)
    right = Prediction(rotations, now.hand_root, 0 * said.betas, said.expression, said.camera)
    assert losses(right, now, skeleton(bodies), 0.75)[term] < 1e-6
    assert losses(said, now, skeleton(bodies), 0.75)[term] > 1e-3


def test_smpler_x_learns_a_hand_alone_without_turning_its_arm(bodies, people):
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


def test_a_set_of_2d_keypoints_teaches_2d_alone(bodies, people):
    said, now = guess(4), batch_of(clicked_rows(people, COCO_17), bodies)
    terms = losses(said, now, skeleton(bodies), 0.75)
    assert {name for name, term in terms.items() if term != 0} == {"joints2d"}
    grads = pull(said, now, bodies)
    # what knees, ankles, shoulders, elbows, wrists and eyes hang on; not their own turns
    assert pulled(grads["rotations"]) == [0, 1, 2, 3, 4, 5, 6, 9, *range(12, 20)]
    for name in ("hand_root", "betas", "expression"):
        assert not grads[name].any(), name
    assert grads["camera"].any()


def test_a_finger_in_2d_turns_the_arm_and_the_finger_before_it_and_nothing_else(bodies, people):
    now = batch_of(clicked_rows(people, [27]), bodies)
    grads = pull(guess(4), now, bodies)["rotations"]
    assert pulled(grads) == [0, 3, 6, 9, 13, 16, 18, 20, 25, 26]


def test_rows_of_every_kind_in_one_batch_pull_as_they_do_alone(bodies, people):
    whole, hands = batch_of(people(), bodies), batch_of(hand_rows(people), bodies)
    clicks = batch_of(clicked_rows(people, COCO_17), bodies)
    both = [torch.cat([getattr(b, f.name) for b in (whole, hands, clicks)]) for f in fields(whole)]
    mixed, said = type(whole)(*both), guess(12)
    grads = pull(said, mixed, bodies)
    assert pulled(grads["rotations"][4:8]) == [*range(25, 40)]
    assert grads["betas"].flatten(1).any(1).tolist() == [True] * 4 + [False] * 8
    assert grads["camera"].any(1).tolist() == [True] * 4 + [False] * 4 + [True] * 4


def test_a_batch_that_labels_nothing_costs_nothing_and_pulls_at_nothing(bodies, people):
    now = batch_of(people(), bodies)
    flags = {
        f.name: torch.zeros_like(getattr(now, f.name)) for f in fields(now) if "known" in f.name
    }
    said, nothing = guess(4), replace(now, **flags)
    for term in losses(said, nothing, skeleton(bodies), 0.75).values():
        assert term == 0
    for name, grad in pull(said, nothing, bodies).items():
        assert grad is None or not grad.any(), name


def test_every_weight_is_of_a_term_here_or_of_one_that_smpler_x_has(bodies, people):
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


def test_the_virtual_camera_projects_as_smpler_x_writes_it(bodies, people):
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
