import numpy as np
import pytest

from ehpsbench.world import anatomy, hands, poses
from ehpsbench.world.clearance import cleared, hands_inside

HIP, KNEE, ANKLE, FOOT, HEAD = 1, 4, 7, 10, 15
SHOULDER, ELBOW, WRIST = 16, 18, 20
MIRROR = [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20]


@pytest.fixture(scope="module")
def joints_of(bodies):
    def joints(angles):
        from ehpsbench.body.forward import forward

        lean, pose = anatomy.body_pose(np.atleast_2d(angles))
        model = bodies.model("smplx")
        posed = forward(model, global_orient=lean, body_pose=pose, joints_only=True)
        return posed.joints.numpy()[:, :22]

    return joints


def pose(**angles):
    vector = np.zeros(len(anatomy.ANGLES))
    vector[anatomy.index(angles)] = list(angles.values())
    return vector


def test_signs_are_those_of_smpl():
    _, body = anatomy.body_pose(
        pose(left_flex=90, left_knee=40, left_elbow=50, left_lower=60, right_elbow=50)[None]
    )
    joints = np.degrees(body.reshape(21, 3))
    np.testing.assert_allclose(joints[0], [-90, 0, 0], atol=1e-9)
    np.testing.assert_allclose(joints[3], [40, 0, 0], atol=1e-9)
    np.testing.assert_allclose(joints[17], [0, -50, 0], atol=1e-9)
    np.testing.assert_allclose(joints[18], [0, 50, 0], atol=1e-9)
    assert joints[15, 2] + joints[12, 2] == pytest.approx(-60)


def test_a_mirrored_pose_gives_mirrored_joints(joints_of):
    _, angles = poses.sampled(dict.fromkeys(poses.FAMILIES, 1.0), 20, np.random.default_rng(1))
    there, mirrored = joints_of(angles), joints_of(anatomy.mirrored(angles))
    np.testing.assert_allclose(mirrored[:, MIRROR] * [-1, 1, 1], there, atol=2e-3)


def test_sitting_people_have_knees_before_and_ankles_below(joints_of):
    _, angles = poses.sampled({"sitting": 1}, 50, np.random.default_rng(2))
    joints = joints_of(angles)
    assert (joints[:, KNEE, 2] > joints[:, HIP, 2] + 0.2).all()
    assert (joints[:, ANKLE, 1] < joints[:, KNEE, 1] - 0.2).all()


def test_standing_people_are_upright_on_level_feet(joints_of):
    _, angles = poses.sampled({"standing": 1}, 50, np.random.default_rng(3), scale=0)
    joints = joints_of(angles)
    assert (joints[:, HEAD, 1] - joints[:, ANKLE, 1] > 1.15).all()
    toes = joints[:, FOOT] - joints[:, ANKLE]
    assert (np.abs(toes[:, 1]) < 0.12).all()
    assert (toes[:, 2] > 0.05).all()


def test_walking_people_have_one_foot_ahead(joints_of):
    joints = joints_of(poses.key_poses("walking")[:1])
    assert joints[0, ANKLE, 2] - joints[0, ANKLE + 1, 2] > 0.4


def test_crouching_brings_the_head_down(joints_of):
    height = [
        np.ptp(joints_of(poses.key_poses(family))[..., 1], axis=1).max()
        for family in ("crouching", "standing")
    ]
    assert height[0] < height[1] - 0.1


@pytest.mark.parametrize("family", poses.FAMILIES)
def test_knees_and_elbows_bend_one_way_only_at_any_scale(family):
    _, angles = poses.sampled({family: 1}, 200, np.random.default_rng(4), scale=4)
    hinges = angles[:, anatomy.index(["left_knee", "right_knee", "left_elbow", "right_elbow"])]
    assert hinges.min() >= 0
    assert hinges.max() <= 145
    assert ((angles >= anatomy.LIMITS[:, 0]) & (angles <= anatomy.LIMITS[:, 1])).all()


def test_pose_scale_sets_the_variety():
    spread = [
        poses.sampled({"standing": 1}, 300, np.random.default_rng(5), scale)[1].std(0).mean()
        for scale in (0, 1, 2)
    ]
    assert spread[0] < 0.8 * spread[1] < 0.64 * spread[2]


def test_weights_choose_the_families():
    names, _ = poses.sampled({"sitting": 3, "sports": 1}, 2000, np.random.default_rng(6))
    assert set(names) == {"sitting", "sports"}
    assert names.count("sitting") / 2000 == pytest.approx(0.75, abs=0.04)


def test_both_sides_do_everything():
    _, angles = poses.sampled({"walking": 1}, 2000, np.random.default_rng(7))
    left, right = angles[:, anatomy.index(["left_flex", "right_flex"])].T
    assert (left > right).mean() == pytest.approx(0.5, abs=0.05)


def test_hands_that_enter_the_trunk_are_lifted_out_and_others_stay(bodies, joints_of):
    _, angles = poses.sampled({"standing": 1}, 200, np.random.default_rng(8))
    betas = np.zeros((200, 16))
    clear = cleared(angles, betas, bodies.model("smplx"))
    moved = (clear != angles).any(1)
    assert 0.05 < moved.mean() < 0.6
    inside = pose(left_lower=80, left_elbow=140, left_twist=90)[None]
    touching = cleared(inside, betas[:1], bodies.model("smplx"))
    assert (touching != inside).any()


def test_a_wrist_on_the_spine_is_inside_and_a_stretched_arm_is_not():
    joints = np.zeros((1, 55, 3))
    joints[0, [9, 12], 1] = 0.4, 0.6
    joints[0, [4, 5], 1] = -0.4
    joints[0, [1, 2], 0] = 0.1, -0.1
    joints[0, [4, 5], 0] = 0.1, -0.1
    joints[0, [21, 40, 46, 42, 45], 0] = -0.7
    joints[0, [20, 25, 31, 27, 30], 1] = 0.2
    assert hands_inside(joints).tolist() == [[True, False]]


@pytest.fixture(scope="module")
def fingertips(bodies):
    def tips(name):
        from ehpsbench.body.forward import forward

        left = hands.gesture(name)[None]
        posed = forward(
            bodies.model("smplx"),
            left_hand_pose=left,
            right_hand_pose=hands.mirrored(left),
            joints_only=True,
        )
        return posed.joints.numpy()[0]

    return tips


def test_a_fist_brings_the_finger_ends_back_to_the_palm(fingertips):
    flat, fist = fingertips("flat"), fingertips("fist")
    for end in (27, 30, 33, 36):
        reach = [np.linalg.norm(j[end] - j[20]) for j in (flat, fist)]
        assert reach[1] < 0.85 * reach[0]
    assert (fist[[27, 30, 33, 36], 1] < flat[[27, 30, 33, 36], 1]).all()


def test_pointing_keeps_only_the_index_finger_straight(fingertips):
    flat, point = fingertips("flat"), fingertips("point")
    moved = np.linalg.norm(flat - point, axis=1)
    assert moved[[25, 26, 27]].max() < 1e-6
    assert moved[[30, 33, 36]].min() > 0.03


def test_right_hands_mirror_left_ones(fingertips):
    joints = fingertips("ok")
    np.testing.assert_allclose(joints[25:40] * [-1, 1, 1], joints[40:55], atol=2e-3)


def test_hands_without_scale_are_the_gestures_themselves():
    drawn = hands.sampled(["fist"], np.eye(45), 3, np.random.default_rng(0), scale=0)
    np.testing.assert_array_equal(drawn, np.tile(hands.gesture("fist"), (3, 1)))
