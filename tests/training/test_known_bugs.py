"""Bugs of the published training code that must not be here; docs/known-bugs.md has the list."""

import shutil
from dataclasses import fields

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from ehpsbench.geometry import rotation_matrix
from ehpsbench.schema import nullable
from ehpsbench.skeleton.human_data import NAMES
from ehpsbench.store import Store
from ehpsbench.training import cells
from ehpsbench.training.augment import Draws, batch
from ehpsbench.training.cells import Cell
from ehpsbench.training.checkpoint import save_state
from ehpsbench.training.crops import CropSize, cut
from ehpsbench.training.joints import (
    LEFT_CHAIN,
    LEFT_HAND,
    RIGHT_HAND,
    SEEN_JOINTS,
    SEEN_KEYPOINTS,
)
from ehpsbench.training.lens import Lens
from ehpsbench.training.loop import train
from ehpsbench.training.models.heatmaps import soft_argmax
from ehpsbench.training.recipe import Input, recipe
from ehpsbench.training.targets import chained, targets
from ehpsbench.training.views import views

SETTINGS = Input(height=64, width=48)


def made(columns, bodies, root=None):
    return targets(columns, views(columns, 0.75, 1.2), bodies, root)


def batch_of(columns, bodies):
    found, size = made(columns, bodies), CropSize.of(SETTINGS)
    blank = np.zeros((len(found), size.height, size.width, 3), np.uint8)
    return batch(blank, found, Draws.still(len(found)), SETTINGS)


def test_t1_the_right_hand_is_not_a_copy_of_the_left_one(people, bodies):
    columns = people()
    found = made(columns, bodies).rotations
    for part, name in ((LEFT_HAND, "left"), (RIGHT_HAND, "right")):
        expected = rotation_matrix(columns[f"{name}_hand_pose"].reshape(-1, 15, 3))
        np.testing.assert_allclose(found[:, part], expected, atol=1e-6)
    assert np.abs(found[:, LEFT_HAND] - found[:, RIGHT_HAND]).max() > 0.1


def test_t2_no_row_writes_into_the_validity_of_another_or_of_the_data_set(people, bodies):
    columns = people()
    columns["left_hand_valid"][:] = [True, False, False, True]
    flags = {name: values.copy() for name, values in columns.items() if name.endswith("valid")}
    first = made(columns, bodies)
    before = first.rotations_known.copy()
    kept = first.take(np.array([0, 1, 2]))
    kept.rotations_known[:] = False
    batch_of(columns, bodies)
    assert all(np.array_equal(columns[name], flags[name]) for name in flags)
    assert np.array_equal(first.rotations_known, before)
    assert before[:, 25].tolist() == [True, False, False, True]


@pytest.mark.parametrize(("shift", "side"), [((1.5, 0), 0), ((0, 1.5), 1)])
def test_t3_joints_past_the_right_and_lower_edge_are_treated_as_those_past_the_others(
    people, bodies, shift, side
):
    """Targets are in one unit, that of the crop, so that no edge is looked for in another."""
    columns = people()
    where = views(columns, 0.75, 1.2)
    moves = np.array(shift) * 2 * where.half
    past, before = columns["bbox"].copy(), columns["bbox"].copy()
    past[:, :2] -= moves
    before[:, :2] += moves
    seen = [made(columns | {"bbox": box}, bodies) for box in (past, before)]
    assert (seen[0].pixels[:, :22, side] > 1).all()
    assert (seen[1].pixels[:, :22, side] < -1).all()
    assert seen[0].pixels_known.all()
    assert np.array_equal(seen[0].pixels_known, seen[1].pixels_known)


def test_t5_a_body_whose_pelvis_is_outside_the_crop_is_not_taken_for_a_hand(people, bodies):
    columns = people()
    hand = made(columns, bodies)
    middle = views(columns, 0.75, 1.2)
    wrist = hand.pixels[:, 20] * middle.half + middle.centre
    columns["bbox"] = np.concatenate([wrist - 10, np.full((4, 2), 20.0)], 1)
    found = made(columns, bodies)
    assert (np.abs(found.pixels[:, 0]) > 1).any(1).all()
    assert found.rotations_known[:, 0].all()
    through = chained(found.rotations.astype(float), LEFT_CHAIN)
    np.testing.assert_allclose(found.hand_root[:, 0], through, atol=1e-5)
    assert np.abs(found.hand_root[:, 0] - np.eye(3)).max() > 0.5


def test_t5_a_body_without_a_valid_hand_has_no_root_for_it(people, bodies):
    columns = people()
    columns["left_hand_valid"][:] = False
    assert made(columns, bodies).hand_root_known.tolist() == [[False, True]] * 4


def test_t6_a_hand_that_is_not_given_does_not_become_a_valid_flat_hand(people, bodies):
    columns = people()
    columns["left_hand_pose"] = nullable(columns["left_hand_pose"], [True, False, True, True])
    known = made(columns, bodies).rotations_known
    assert known[:, 25:40].all(1).tolist() == [True, False, True, True]
    assert known[:, 40:].all()


def test_t7_the_left_eye_is_not_supervised_with_the_right_one(bodies):
    sides = {"left_eye": "left_eyeball", "right_eye": "right_eyeball"}
    for keypoint, joint in zip(SEEN_KEYPOINTS, SEEN_JOINTS, strict=True):
        assert NAMES[joint] == sides.get(NAMES[keypoint], NAMES[keypoint])
    rest = bodies.model("smplx", "neutral").joint_template
    assert rest[23, 0] > 0 > rest[24, 0]  # a body's left is at +x
    assert (NAMES[23], NAMES[24]) == ("left_eyeball", "right_eyeball")


def test_t8_the_name_of_a_data_set_switches_no_gradient_off(bedlam_store, bodies, tmp_path):
    """The same rows under two names teach the same, to the bit, through a whole run."""
    store = Store(tmp_path / "store")
    shutil.copytree(bedlam_store.root, store.root)
    for kind in ("instances", "images"):
        shutil.copytree(store.root / kind / "bedlam", store.root / kind / "agora")
    assert renamed(store.root / "instances" / "agora", "bedlam", "agora")
    plan = cells.budgeted(recipe("micro-cpu"), 16)
    runs = [train(store, name, plan, 0, bodies) for name in ("bedlam", "agora")]
    first, second = (load_file(run / cells.WEIGHTS) for run in runs)
    assert all(torch.equal(values, second[name]) for name, values in first.items())


def renamed(folder, old, new):
    """Write another name into the rows and the manifest of a dataset; how many parts it has."""
    parts = list(folder.glob("*/*.parquet"))
    for path in parts:
        table = pq.read_table(path, partitioning=None)
        at = table.schema.get_field_index("dataset")
        names = pa.array([new] * len(table)).cast(table.schema.field(at).type)
        pq.write_table(table.set_column(at, table.schema.field(at), names), path)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"{old}"', f'"{new}"'))
    return len(parts)


@pytest.mark.parametrize("gender", ["neutral", "male"])
def test_t9_a_shape_beyond_three_deviations_is_still_taught(people, bodies, gender):
    columns = people(gender=gender)
    columns["betas"][:, :3] = [4.5, -4.0, 3.5]
    found = made(columns, bodies)
    assert found.betas_known.all()
    assert np.abs(found.betas).max() > 3


def test_t10_a_row_does_not_carry_the_whole_data_set(people, bodies):
    few, many = made(people(4), bodies), made(people(40), bodies)
    size = [sum(getattr(t, f.name).nbytes for f in fields(t)) for t in (few, many)]
    assert size[1] == 10 * size[0]
    one = many.take(np.array([3]))
    assert all(getattr(one, f.name).base is None for f in fields(one))


@pytest.mark.parametrize("source", ["smpl", "smplx"])
def test_t11_a_shape_that_is_not_given_is_not_taught_as_zero(people, bodies, source):
    columns = people(source=source)
    columns["betas"] = nullable(columns["betas"], [True, False, True, True])
    assert made(columns, bodies).betas_known.tolist() == [True, False, True, True]


def test_t11_smpl_shapes_that_are_all_zero_are_not_taught(people, bodies):
    columns = people(source="smpl")
    columns["betas"][1] = 0
    assert made(columns, bodies).betas_known.tolist() == [True, False, True, True]


def test_t11_a_personal_template_is_not_taught_as_the_mean_shape(people, bodies, tmp_path):
    from ehpsbench.meshes import write_ply

    model = bodies.model("smplx", "neutral")
    write_ply(tmp_path / "subject.ply", model.v_template, model.faces)
    columns = people()
    columns["betas"][1] = 0
    paths = np.array([None, "subject.ply", None, None], object)
    columns["template_path"] = nullable(paths, [p is not None for p in paths])
    found = made(columns, bodies, tmp_path)
    assert found.betas_known.tolist() == [True, False, True, True]
    assert found.joints_known[1].all()


@pytest.mark.parametrize("bent", [False, True])
def test_t13_pictures_are_averaged_when_they_shrink_and_not_sampled(bent):
    """Stripes of one pixel, eight to a pixel of the crop, are grey: not one stripe or the other."""
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    columns = {
        "bbox": np.array([[160.0, 90.0, 225.0, 300.0]]),
        "width": np.array([640]),
        "height": np.array([480]),
        "focal": np.array([[600.0, 600.0]]),
    }
    if bent:
        columns["distortion"] = np.array([[-0.1, 0.02, 0, 0, 0, 0, 0, 0]])
        columns["distortion_model"] = np.array(["opencv_rational"], object)
    size = CropSize.of(Input(height=48, width=36, margin=1.0))
    picture = Image.fromarray(stripes)
    crop = cut(picture, views(columns, 0.75, 1.2), 0, size, Lens.of(columns)).astype(float)
    assert np.abs(crop[8:-8, 8:-8] - 127.5).max() < 30


def test_t16_old_states_are_removed_however_long_a_run_is(tmp_path, bodies):
    network = torch.nn.Linear(2, 2)
    run = Cell("a--r--s0", "a", ("a",), "single", None, (("train",),), "r", "h", 0, "d", "b")
    optimiser = torch.optim.AdamW(network.parameters())
    for seen in (8, 16, 24, 32, 40):
        save_state(tmp_path, network, optimiser, run, {"samples_seen": seen})
    assert sorted(path.stem for path in tmp_path.glob("*.safetensors")) == ["state-32", "state-40"]


def test_e10_columns_of_a_heatmap_are_x_and_its_rows_are_y():
    heat = torch.zeros(1, 1, 16, 16, 12)
    heat[0, 0, 2, 3, 9] = 100.0  # the third depth, fourth row, tenth column
    expected = [2 * 9.5 / 12 - 1, 2 * 3.5 / 16 - 1, 2 * 2.5 / 16 - 1]
    torch.testing.assert_close(soft_argmax(heat)[1][0, 0], torch.tensor(expected))
    flat = soft_argmax(heat.sum(2))[1][0, 0]
    torch.testing.assert_close(flat, torch.tensor(expected[:2]))
