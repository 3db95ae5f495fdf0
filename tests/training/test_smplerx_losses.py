"""What SMPLer-X's boxes and heatmaps are taught: right to the cell, and nothing without a label."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from ehpsbench.training.augment import Batch, Draws, batch, mirror
from ehpsbench.training.crops import CropSize
from ehpsbench.training.joints import LEFT_HAND, RIGHT_HAND
from ehpsbench.training.models.prediction import standing
from ehpsbench.training.models.smplerx_losses import Places, own_counts, own_losses
from ehpsbench.training.recipe import Input
from ehpsbench.training.targets import targets
from ehpsbench.training.views import views

SETTINGS = Input(height=256, width=192)
GRID = (16, 12)


def batch_of(columns, bodies):
    made = targets(columns, views(columns, 0.75, 1.2), bodies, None)
    size = CropSize.of(SETTINGS)
    blank = np.zeros((len(made), size.height, size.width, 3), np.uint8)
    return batch(blank, made, Draws.still(len(made)), SETTINGS)


def truth(now):
    """The places that are right; hands are looked at in boxes that show all of them."""
    depth = now.joints[..., 2] - now.joints[:, :1, 2]
    places = torch.cat([now.pixels, depth[..., None]], -1)[:, :25]
    rois, points, boxes = [], [], []
    for part, wrist in ((LEFT_HAND, 20), (RIGHT_HAND, 21)):
        pixels = now.pixels[:, [wrist, *range(part.start, part.stop)]]
        low, high = pixels.amin(1), pixels.amax(1)
        half = (high - low).amax(1, keepdim=True).expand(-1, 2) / 2
        boxes.append(torch.cat([(low + high) / 2, half * 1.2 * 1.19], -1))
        roi = torch.cat([(low + high) / 2, half * 2], -1)
        depth = (now.joints[:, part, 2] - now.joints[:, wrist : wrist + 1, 2]) / 0.15
        inside = (now.pixels[:, part] - roi[:, None, :2]) / roi[:, None, 2:]
        fingers = torch.cat([inside, depth[..., None]], -1)
        points.append(torch.cat([fingers, torch.full((len(now), 5, 3), 9.0)], 1))
        rois.append(roi)
    pixels = now.pixels[:, 22:25]
    low, high = pixels.amin(1), pixels.amax(1)
    half = (high - low).amax(1, keepdim=True).expand(-1, 2) / 2 * 1.2 * 2.2
    boxes.append(torch.cat([(low + high) / 2, half], -1))
    start = standing().expand(len(now), -1, -1, -1)
    none = torch.zeros(len(now), 10)
    return Places(
        start[:, :55], start[:, 55:], none, none, none[:, :3], places,
        torch.stack(points, 1), torch.stack(boxes, 1), torch.stack(rois, 1),
    )  # fmt: skip


def terms(said, now, counts=None):
    return own_losses(said, now, counts or own_counts(now), GRID)


def test_the_right_places_cost_nothing_whatever_the_free_points_do(people, bodies):
    now = batch_of(people(4), bodies)
    found = terms(truth(now), now)
    torch.testing.assert_close(found["boxes"], torch.tensor(0.0), atol=1e-5, rtol=0)
    torch.testing.assert_close(found["positions"], torch.tensor(0.0), atol=1e-5, rtol=0)


def test_a_cell_off_costs_one(people, bodies):
    now = batch_of(people(4), bodies)
    right = truth(now)
    cell = torch.tensor([2 / 12, 2 / 16, 2 / 16])
    off = replace(right, places=right.places + cell, points=right.points - 2 / 16)
    torch.testing.assert_close(terms(off, now)["positions"], torch.tensor(1.0))
    # Middle and size a cell off each way, of three boxes.
    boxes = right.boxes + torch.cat([cell[:2], cell[:2] / 2])
    torch.testing.assert_close(terms(replace(right, boxes=boxes), now)["boxes"], torch.tensor(6.0))


@pytest.mark.parametrize("roots", [[], [0, 20, 21]])
def test_a_keypoint_alone_teaches_where_it_is_and_no_depth(people, bodies, roots):
    now = batch_of(people(3), bodies)
    known = torch.zeros_like(now.joints_known)
    known[:, roots] = True
    now, right = replace(now, joints_known=known), truth(now)
    deep = 0.5 * ~known[:, :25, None] * torch.tensor([0, 0, 1])
    off = replace(
        right, places=right.places + deep, points=right.points + torch.tensor([0, 0, 0.5])
    )
    assert terms(off, now)["positions"] < 1e-5
    off = replace(right, places=right.places + 0.1)
    assert terms(off, now)["positions"] > 0.1


@pytest.mark.parametrize(("hand", "part"), [(0, LEFT_HAND), (1, RIGHT_HAND)])
def test_a_hand_without_labels_teaches_nothing(people, bodies, hand, part):
    now = batch_of(people(3), bodies)
    for name in ("pixels_known", "joints_known"):
        flags = getattr(now, name).clone()
        flags[:, part] = False
        now = replace(now, **{name: flags})
    said = truth(now)
    said = replace(said, points=said.points.requires_grad_(), boxes=said.boxes.requires_grad_())
    wrong = replace(said, points=said.points + 0.3, boxes=said.boxes + 0.3)
    sum(terms(wrong, now).values()).backward()
    assert not said.points.grad[:, hand].any()
    assert not said.boxes.grad[:, hand].any()
    assert said.points.grad[:, 1 - hand, :15].abs().sum(-1).bool().any()
    assert said.boxes.grad[:, 1 - hand].all()


def test_what_lies_outside_the_crop_or_beyond_the_heatmap_is_not_looked_for(people, bodies):
    now = batch_of(people(3), bodies)
    whole = own_counts(now)
    outside = replace(now, pixels=now.pixels + 3)
    assert all(count == 0 for count in own_counts(outside).values())
    far = now.joints.clone()
    far[:, 0, 2] -= 5  # all but the pelvis itself are metres behind it
    lost = int(whole["positions"] - own_counts(replace(now, joints=far))["positions"])
    assert lost == 3 * 24


def test_a_point_that_the_box_does_not_show_counts_as_right(people, bodies):
    now = batch_of(people(2), bodies)
    right = truth(now)
    elsewhere = right.rois + torch.tensor([5.0, 0, 0, 0])
    assert terms(replace(right, rois=elsewhere), now)["positions"] < 1e-5


def test_the_mirror_image_costs_as_much(people, bodies):
    torch.manual_seed(0)
    now = batch_of(people(3), bodies)
    right = truth(now)
    off = replace(right, boxes=right.boxes + 0.1 * torch.rand(3, 3, 4))
    boxes = off.boxes[:, [1, 0, 2]] * torch.tensor([-1.0, 1, 1, 1])
    mirrored = replace(truth(mirror(now)), boxes=boxes)
    torch.testing.assert_close(terms(mirrored, mirror(now))["boxes"], terms(off, now)["boxes"])


def test_the_pieces_of_a_batch_add_up_to_it(people, bodies):
    torch.manual_seed(0)
    now = batch_of(people(4), bodies)
    flags = now.pixels_known.clone()
    flags[0, LEFT_HAND] = False
    now = replace(now, pixels_known=flags)
    right = truth(now)
    off = replace(
        right,
        places=right.places + torch.rand(4, 25, 3),
        boxes=right.boxes + torch.rand(4, 3, 4),
        points=right.points + torch.rand(4, 2, 20, 3),
    )
    whole, summed = terms(off, now), {"boxes": 0, "positions": 0}
    for part in (slice(0, 1), slice(1, 4)):
        rows = Batch(**{f.name: getattr(now, f.name)[part] for f in fields(now)})
        said = Places(**{f.name: getattr(off, f.name)[part] for f in fields(off)})
        for name, term in terms(said, rows, own_counts(now)).items():
            summed[name] = summed[name] + term
    for name, term in whole.items():
        torch.testing.assert_close(summed[name], term)


def test_the_projections_of_hands_and_face_move_to_their_labels_and_bodies_stay(people, bodies):
    now = batch_of(people(2), bodies)
    said, known = truth(now), torch.ones(2, 55, dtype=torch.bool)
    off = said.off(now.pixels + torch.tensor([0.1, -0.2]), now.pixels, known)
    torch.testing.assert_close(off[:, :22], torch.tensor([0.1, -0.2]).expand(2, 22, 2))
    torch.testing.assert_close(off[:, 22:], torch.zeros(2, 33, 2), atol=1e-5, rtol=0)


def test_a_projected_finger_counts_in_the_box_of_its_hand(people, bodies):
    now = batch_of(people(2), bodies)
    said, known = truth(now), torch.ones(2, 55, dtype=torch.bool)
    seen = now.pixels.clone()
    seen[:, 30] += said.rois[:, 0, 2:]  # half the width of the left hand's box, and half its height
    off = said.off(seen, now.pixels, known)
    torch.testing.assert_close(off[:, 30], torch.full((2, 2), 14 / 15))
    others = [j for j in range(25, 40) if j != 30]
    torch.testing.assert_close(off[:, others], torch.full((2, 14, 2), -1 / 15))
    assert not said.off(seen, now.pixels, torch.zeros(2, 55, dtype=torch.bool))[:, 25:].any()
