"""SMPLer-X: its tokens and size as published, its stages, where it starts, that it learns."""

import json
import shutil
from dataclasses import fields

import numpy as np
import pytest
import torch

from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.store import Store
from ehpsbench.training import cells
from ehpsbench.training.augment import Draws, batch
from ehpsbench.training.crops import CropSize
from ehpsbench.training.estimate import skeleton
from ehpsbench.training.joints import LEFT_HAND, RIGHT_HAND
from ehpsbench.training.loop import train
from ehpsbench.training.losses import losses, total
from ehpsbench.training.models.network import network
from ehpsbench.training.models.prediction import standing
from ehpsbench.training.models.smplerx import LAYOUT
from ehpsbench.training.predict import predict
from ehpsbench.training.recipe import Recipe, recipe
from ehpsbench.training.rotations import from_six, rotation_z
from ehpsbench.training.targets import targets
from ehpsbench.training.views import views

RANK = recipe("rank-s")
M = torch.diag(torch.tensor([-1.0, 1, 1]))


def changed(plan, **sections):
    """A recipe with some fields of some sections changed, and checked again."""
    fields = plan.model_dump()
    for name, values in sections.items():
        fields[name] = fields[name] | values
    return Recipe.model_validate(fields)


SMALL = {"dim": 32, "depth": 2, "heads": 2, "head_dim": 16, "pretrained": "none", "drop_path": 0.0}
TINY = changed(RANK, input={"height": 64, "width": 48}, model=SMALL)


def made_with(plan, seed=0):
    torch.manual_seed(seed)
    return network(plan)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_31_task_tokens_in_the_published_order():
    assert list(LAYOUT.values()) == [1, 1, 1, 1, 2, 25]
    with torch.device("meta"):
        assert network(RANK).tokens.shape == (1, 31, 384)


@pytest.mark.parametrize(
    ("dim", "depth", "heads", "count", "millions"),
    [
        (384, 12, 12, 32_007_640, 32),
        (768, 12, 12, 102_939_160, 103),
        (1024, 24, 16, 326_653_848, 327),
        (1280, 32, 16, 661_825_816, 662),
    ],
)
def test_s_b_l_and_h_have_as_many_parameters_as_published(dim, depth, heads, count, millions):
    with torch.device("meta"):
        made = network(changed(RANK, model={"dim": dim, "depth": depth, "heads": heads}))
    assert parameters(made) == count
    class_position = dim  # of the published trunk; here it is part of every patch's position
    assert round((count + class_position) / 1e6) == millions


def test_heads_and_neck_have_the_published_layers():
    d, joints, hand = 384, 25, 20
    deconvolutions = 16 * ((d + 400) * 256 + 2 * 256 * 256) + 3 * 2 * 256
    boxes = deconvolutions + (256 + 1) * 3 + 3 * ((256 + 1) * 256 + (256 + 1) * 2)
    with torch.device("meta"):
        made = network(RANK)
    assert parameters(made.boxes) == boxes
    assert parameters(made.positions) == (d + 1) * joints * 16
    assert parameters(made.rotations) == (d + 1) * 512 + (joints * 515 + 1) * 132
    upscaled = 16 * (d * 192 + 192 * 96) + 2 * (192 + 96) + (96 + 1) * d
    assert parameters(made.hand_features) == upscaled
    assert parameters(made.hand_rotations) == (d + 1) * 512 + 1024 + (hand * 515 + 1) * 90


@pytest.mark.parametrize("name", ["rank-s", "rank-s-fast"])
def test_the_ranking_recipes_make_one(name):
    plan = recipe(name)
    own = {k: v for k, v in plan.model.model_dump().items() if not k.startswith("decoder_")}
    fields = plan.model_dump() | {"model": own | {"head": "smpler-x"}}
    with torch.device("meta"):
        said = network(Recipe.model_validate(fields))(torch.rand(2, 3, 256, 192))
    assert said.rotations.shape == (2, 55, 3, 3)
    assert said.hand_root.shape == (2, 2, 3, 3)
    assert [said.betas.shape[1], said.expression.shape[1], said.camera.shape[1]] == [10, 10, 3]
    assert said.places.shape == (2, 25, 3)
    assert said.points.shape == (2, 2, 20, 3)
    assert said.boxes.shape == (2, 3, 4)


@pytest.mark.parametrize("camera", ["view", "virtual"])
def test_its_answer_before_training_is_where_it_is_told_to_start(camera):
    made = made_with(changed(TINY, model={"camera": camera}))
    turns = rotation_z(torch.linspace(-1, 1, 57)) @ standing()
    betas, expression = torch.linspace(-1, 1, 10), torch.linspace(0, 1, 10)
    made.start_at(turns, betas, expression, torch.tensor([0.1, 0.2, -0.3]))
    with torch.no_grad():
        said = made(torch.rand(2, 3, 64, 48))
    close = {"atol": 0.05, "rtol": 0}
    torch.testing.assert_close(said.rotations[1], turns[:55], **close)
    torch.testing.assert_close(said.betas[1], betas, **close)
    torch.testing.assert_close(said.expression[1], expression, **close)
    torch.testing.assert_close(said.camera[1], torch.tensor([0.1, 0.2, -0.3]), **close)


def test_where_hands_are_alike_but_mirrored_their_rotations_are_too():
    made = made_with(TINY)
    for layer in made.hand_features.modules():
        if isinstance(layer, torch.nn.ConvTranspose2d):  # so that it treats left and right alike
            layer.weight.data += layer.weight.data.flip(-1)
    made.hand_positions.look.weight.data *= 1e3  # no longer flat
    made.hand_rotations.out.weight.data *= 100
    features, rois = (
        torch.randn(1, 32, 4, 3),
        torch.tensor([[[0.3, 0, 0.5, 0.4], [-0.2, 0, 0.5, 0.3]]]),
    )
    points, (left, right) = made._hands(features, rois)
    swapped, (new_left, new_right) = made._hands(
        features.flip(-1), rois.flip(1) * torch.tensor([-1.0, 1, 1, 1])
    )
    assert (left - right).abs().max() > 0.1
    mirror = torch.tensor([-1.0, 1, 1])
    torch.testing.assert_close(swapped, points.flip(1) * mirror, atol=1e-4, rtol=0)
    start = made.start_six
    made.start_six[RIGHT_HAND] = start[LEFT_HAND]  # flat hands: both the identity

    def turned(six, part):
        return from_six(start[part] + six)

    torch.testing.assert_close(
        turned(new_left, LEFT_HAND), M @ turned(right, RIGHT_HAND) @ M, atol=1e-4, rtol=0
    )
    torch.testing.assert_close(
        turned(new_right, RIGHT_HAND), M @ turned(left, LEFT_HAND) @ M, atol=1e-4, rtol=0
    )


def taught(made, columns, bodies, plan=TINY):
    """All weighted terms on some rows with pictures of noise, and their sum with gradients."""
    size = CropSize.of(plan.input)
    aims = targets(columns, views(columns, 0.75, 1.2), bodies, None)
    count = len(aims)
    pixels = np.random.default_rng(0).integers(
        0, 255, (count, size.height, size.width, 3), np.uint8
    )
    now = batch(pixels, aims, Draws.still(count), plan.input)
    said = made(now.images)
    terms = losses(said, now, skeleton(bodies), 0.75, camera=plan.model.camera)
    terms |= made.own_losses(said, now, made.own_counts(now))
    total(terms, plan.loss).backward()
    return terms


@pytest.mark.parametrize("camera", ["view", "virtual"])
def test_the_losses_reach_every_parameter(people, bodies, camera):
    plan = changed(TINY, model={"camera": camera})
    made = made_with(plan)
    terms = taught(made, people(3), bodies, plan)
    assert all(torch.isfinite(term) for term in terms.values())
    still = [n for n, p in made.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert still == []


def test_the_hands_tokens_learn_because_the_others_look_at_them():
    made = made_with(TINY)
    made(torch.rand(2, 3, 64, 48)).camera.square().sum().backward()
    assert (made.tokens.grad[0, 4:6].abs().sum(1) > 0).all()


def test_no_stage_teaches_the_one_before():
    made = made_with(TINY)
    said = made(torch.rand(2, 3, 64, 48))
    rotations = said.rotations[:, [*range(22), *range(25, 55)]]
    (rotations * torch.randn_like(rotations)).sum().backward()
    for stage in (made.positions, made.boxes):
        assert all(p.grad is None or not p.grad.any() for p in stage.parameters())
    joints = made.hand_positions.look.weight.grad.view(20, -1)
    assert not joints[:15].any()
    assert joints[15:].any(1).all()  # the free points


def test_it_learns_a_few_crops_by_heart(people, bodies):
    made, columns = made_with(TINY), people(4)
    optimiser = torch.optim.Adam(made.parameters(), lr=2e-3)
    log = []
    for _ in range(30):
        optimiser.zero_grad()
        log.append({k: v.item() for k, v in taught(made, columns, bodies).items()})
        torch.nn.utils.clip_grad_norm_(made.parameters(), 20.0)
        optimiser.step()
    for name in ("joints3d", "parts3d", "joints2d"):
        assert log[-1][name] < log[0][name] / 2
    assert log[-1]["boxes"] < 0.9 * log[0]["boxes"]


def test_in_half_the_digits_places_and_boxes_are_the_same():
    made, images = made_with(TINY), torch.rand(2, 3, 64, 48)
    made.positions.look.weight.data *= 1e3  # no longer flat
    with torch.no_grad():
        whole = made(images)
        with torch.autocast("cpu", torch.bfloat16):
            half = made(images)
    assert whole.places.std() > 0.1
    assert {getattr(half, f.name).dtype for f in fields(half)} == {torch.float32}
    torch.testing.assert_close(half.places, whole.places, atol=0.1, rtol=0)
    torch.testing.assert_close(half.boxes, whole.boxes, atol=1e-3, rtol=0)
    torch.testing.assert_close(half.hand_root @ half.hand_root.mT, torch.eye(3).expand(2, 2, 3, 3))


def own_store(bedlam_store, folder):
    shutil.copytree(bedlam_store.root, folder)
    return Store(folder)


def tiny(samples_seen):
    plan = changed(
        TINY,
        input={"store": "raw"},
        budget={"samples_seen": samples_seen, "batch": 16},
        optimiser={"lr": 1e-3, "warmup_samples": 0, "clip_norm": 20.0},
        heldout={"points": 2, "limit": 4, "share": 0.1},
    )
    return plan.model_copy(update={"name": "tiny"})


def losses_of(folder):
    lines = (folder / cells.LOG).read_text().splitlines()
    return [json.loads(line)["losses"] for line in lines]


def test_a_batch_in_pieces_teaches_what_it_teaches_whole(bedlam_store, bodies, tmp_path):
    whole, pieces = (
        losses_of(train(store, "bedlam", tiny(32), 0, bodies, micro_batch=micro))
        for micro in (None, 5)
        for store in [own_store(bedlam_store, tmp_path / f"store-{micro}")]
    )
    for one, other in zip(whole, pieces, strict=True):
        assert one == pytest.approx(other, rel=1e-3)


def test_a_small_one_trains_and_predicts_from_end_to_end(bedlam_store, bodies, tmp_path):
    store = own_store(bedlam_store, tmp_path / "store")
    folder = train(store, "bedlam", tiny(96), 0, bodies)
    log = losses_of(folder)
    assert log[-1]["total"] < log[0]["total"]
    assert log[-1]["boxes"] < log[0]["boxes"]
    path = predict(store, folder.name, "egobody-test@bedlam@train", bodies)
    result = evaluate(store, path.parent.name, "egobody-test@bedlam@train", bodies)
    assert 1 < result.number() < 1000
