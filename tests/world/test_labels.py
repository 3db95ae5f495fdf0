import numpy as np
import pytest

from ehpsbench import geometry
from ehpsbench.world.labels import labels
from ehpsbench.world.people import in_camera, posed_joints
from ehpsbench.world.scenes import scenes
from ehpsbench.world.settings import WorldSettings


@pytest.fixture(scope="module")
def world(bodies):
    return scenes(WorldSettings(people=(1, 2)), 12, 1, bodies)


def flat(groups):
    return [person for group in groups for person in group]


def everybody(world):
    return [person for scene in world for person in scene.people]


def angles_between(first, second):
    turns = np.swapaxes(geometry.rotation_matrix(first), -1, -2) @ geometry.rotation_matrix(second)
    return np.degrees(np.linalg.norm(geometry.axis_angle(turns), axis=-1))


def test_without_a_knob_the_labels_are_the_truth(world, bodies):
    told = labels(world, WorldSettings(), 0, bodies)
    assert [len(group) for group in told] == [len(scene.people) for scene in world]
    for person, truth in zip(flat(told), everybody(world), strict=True):
        np.testing.assert_array_equal(person.body_pose, truth.body_pose)
        np.testing.assert_array_equal(person.transl, truth.transl)


def test_noise_of_10_degrees_an_axis_turns_joints_by_16_degrees_on_average(world, bodies):
    told = flat(labels(world, WorldSettings(label_noise_deg=10), 0, bodies))
    truth = everybody(world)
    turned = [
        angles_between(a.body_pose.reshape(-1, 3), b.body_pose.reshape(-1, 3))
        for a, b in zip(told, truth, strict=True)
    ]
    # mean length of a 3-D normal vector: 2·√(2/π) = 1.596 standard deviations
    assert np.mean(turned) == pytest.approx(15.96, abs=1.0)
    assert all(np.array_equal(a.transl, b.transl) for a, b in zip(told, truth, strict=True))


def test_noise_moves_joints_by_centimetres(world, bodies):
    told = flat(labels(world, WorldSettings(label_noise_deg=15), 0, bodies))
    pairs = zip(posed_joints(told, bodies), posed_joints(everybody(world), bodies), strict=True)
    error = np.mean([np.linalg.norm(a - b, axis=1)[:22].mean() for a, b in pairs])
    assert 0.04 < error < 0.4


def test_orientation_place_and_shape_have_their_own_noise(world, bodies):
    settings = WorldSettings(orient_noise_deg=20, transl_noise_mm=50, shape_noise=0.5)
    told, truth = flat(labels(world, settings, 0, bodies)), everybody(world)
    turn = [
        angles_between(a.global_orient, b.global_orient) for a, b in zip(told, truth, strict=True)
    ]
    shift = np.array([a.transl - b.transl for a, b in zip(told, truth, strict=True)])
    shape = np.array([a.betas - b.betas for a, b in zip(told, truth, strict=True)])
    assert np.mean(turn) == pytest.approx(31.9, rel=0.4)
    assert shift.std() == pytest.approx(0.05, rel=0.35)
    assert shape[:, :10].std() == pytest.approx(0.5, rel=0.25)
    assert not shape[:, 10:].any()


def test_shuffled_labels_belong_to_somebody_else_at_the_same_place(world, bodies):
    told, truth = (
        flat(labels(world, WorldSettings(shuffle_labels=True), 0, bodies)),
        everybody(world),
    )
    cameras = [scene.cameras[0] for scene in world for _ in scene.people]
    known = np.array([person.body_pose for person in truth])
    donors = [int(np.argmin(np.abs(known - person.body_pose).sum(1))) for person in told]
    assert sorted(donors) == list(range(len(truth)))
    assert all(donor != row for row, donor in enumerate(donors))
    for row, donor in enumerate(donors):
        mine = in_camera(told[row], cameras[row], bodies)
        theirs = in_camera(truth[donor], cameras[donor], bodies)
        assert angles_between(mine["global_orient"], theirs["global_orient"]) < 1e-4
        np.testing.assert_array_equal(told[row].betas, truth[donor].betas)
    for a, b in zip(posed_joints(told, bodies), posed_joints(truth, bodies), strict=True):
        np.testing.assert_allclose(a[0], b[0], atol=1e-5)


def test_labels_depend_on_the_seed_only(world, bodies):
    settings = WorldSettings(label_noise_deg=5, shuffle_labels=True)
    first, again, other = (flat(labels(world, settings, seed, bodies)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0].body_pose, again[0].body_pose)
    assert not np.array_equal(first[0].body_pose, other[0].body_pose)
