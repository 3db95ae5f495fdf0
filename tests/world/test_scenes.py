from dataclasses import fields

import numpy as np
import pytest
from pydantic import ValidationError

from ehpsbench import geometry
from ehpsbench.errors import UnknownName
from ehpsbench.world.camera import look, ring
from ehpsbench.world.motion import motion
from ehpsbench.world.people import PARAMETERS, in_camera, model_of, rest_pelvis
from ehpsbench.world.scenes import posed_joints, posed_people, scenes
from ehpsbench.world.settings import WorldSettings

FAMILIES = {
    "smplx": PARAMETERS.keys() - {"smpl_hand_pose"},
    "smpl": {"global_orient", "body_pose", "smpl_hand_pose", "betas", "transl"},
    "mano_left": {"global_orient", "left_hand_pose", "betas", "transl"},
    "mano_right": {"global_orient", "right_hand_pose", "betas", "transl"},
}


def seen(scene, bodies):
    """Joints in the first camera's frame and their pixels, a list each."""
    camera = scene.cameras[0]
    local = [camera.to_camera(joints) for joints in posed_joints(scene, bodies)]
    return local, [camera.pixels(joints) for joints in local]


def share_inside(pixels, camera):
    return ((pixels >= 0) & (pixels < [camera.width, camera.height])).all(-1).mean()


def same(first, second):
    for field in fields(first):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if field.name == "look":
            a, b = a.palette, b.palette
        if a is not None:
            np.testing.assert_array_equal(a, b)


def test_a_seed_gives_the_same_scenes_and_another_seed_others(bodies):
    settings = WorldSettings(people=(1, 3))
    first, again, other = (scenes(settings, 3, seed, bodies) for seed in (7, 7, 8))
    for one, two in zip(first, again, strict=True):
        for a, b in zip(one.people, two.people, strict=True):
            same(a, b)
    assert not np.array_equal(first[0].people[0].body_pose, other[0].people[0].body_pose)


def test_a_scene_does_not_depend_on_how_many_are_asked_for(bodies):
    settings = WorldSettings(people=(1, 2))
    few, many = scenes(settings, 2, 5, bodies), scenes(settings, 40, 5, bodies)
    for one, two in zip(few, many[:2], strict=True):
        for a, b in zip(one.people, two.people, strict=True):
            np.testing.assert_allclose(a.transl, b.transl, atol=1e-5)
            np.testing.assert_array_equal(a.betas, b.betas)


def test_people_are_in_front_of_the_camera_and_inside_the_image(bodies):
    for scene in scenes(WorldSettings(people=(1, 2)), 30, 1, bodies):
        local, pixels = seen(scene, bodies)
        assert min(joints[:, 2].min() for joints in local) > 0.2
        assert min(share_inside(p[:22], scene.cameras[0]) for p in pixels) >= 0.6


def test_the_first_camera_may_look_down_from_anywhere(bodies):
    def camera(rng, index):
        return look(pitch=np.radians(30), yaw=2.0, position=(3, -4, 1), size=(72, 128))

    for scene in scenes(
        WorldSettings(people=(5, 8), fill=(0.2, 0.5)), 6, 2, bodies, cameras=camera
    ):
        local, pixels = seen(scene, bodies)
        assert len(local) >= 5
        assert min(share_inside(p[:22], scene.cameras[0]) for p in pixels) >= 0.6


def test_people_stand_on_one_floor_and_not_in_one_another(bodies):
    settings = WorldSettings(people=(4, 6), fill=(0.3, 0.6), spread=1.0)
    grounded = []
    for scene in scenes(settings, 10, 3, bodies):
        joints = posed_joints(scene, bodies)
        grounded += [abs(j[:22, 1].max() + 0.05 - scene.floor) < 0.02 for j in joints]
        for i, one in enumerate(joints):
            for other in joints[:i]:
                gaps = np.linalg.norm(one[:22, None] - other[None, :22], axis=-1)
                assert gaps.min() > 0.25
    assert np.mean(grounded) > 0.8


def test_people_are_upright_by_gravity_whatever_the_camera_does(bodies):
    def camera(rng, index):
        return look(pitch=0.6, roll=0.4, yaw=1.0)

    settings = WorldSettings(pose_families={"standing": 1})
    for scene in scenes(settings, 10, 4, bodies, cameras=camera):
        joints = posed_joints(scene, bodies)[0]
        spine = joints[12] - joints[0]
        assert -spine[1] / np.linalg.norm(spine) > np.cos(np.radians(35))


@pytest.mark.parametrize(("yaw", "sign"), [((-20, 20), -1), ((160, 200), 1)])
def test_yaw_zero_faces_the_camera(bodies, yaw, sign):
    settings = WorldSettings(yaw_deg=yaw, pose_families={"standing": 1}, pose_scale=0)
    for scene in scenes(settings, 10, 4, bodies):
        person, camera = scene.people[0], scene.cameras[0]
        front = geometry.rotation_matrix(person.global_orient)[:, 2]
        away = person.transl - camera.position
        level = np.array([1, 0, 1])
        cosine = (front * away * level).sum() / np.linalg.norm(away * level)
        assert sign * cosine > 0.9


def test_upper_bodies_are_cut_by_the_border(bodies):
    settings = WorldSettings(
        framing="upper", fill=(0.7, 0.9), pose_families={"talking": 1}, spread=0.2
    )
    for scene in scenes(settings, 10, 5, bodies):
        pixels, camera = seen(scene, bodies)[1][0], scene.cameras[0]
        assert share_inside(pixels[[12, 13, 14, 15, 16, 17]], camera) == 1
        assert share_inside(pixels[[7, 8]], camera) == 0


@pytest.mark.parametrize("family", ["smplx", "mano_right"])
def test_one_hand_fills_a_crop_of_224(bodies, family):
    settings = WorldSettings(framing="right_hand", fill=(0.7, 0.8), spread=0, size=(224, 224))
    for scene in scenes(settings, 8, 6, bodies, family=family):
        pixels = seen(scene, bodies)[1][0]
        hand = pixels[40:55] if family == "smplx" else pixels
        assert 70 < np.ptp(hand, axis=0).max() < 200
        assert share_inside(hand, scene.cameras[0]) == 1


def test_nine_cameras_see_one_person(bodies):
    settings = WorldSettings(distance=(4, 4), spread=0, size=(180, 180))
    views = ring(9, radius=4.0, size=(180, 180), field_of_view=0.9)
    for scene in scenes(settings, 4, 7, bodies, cameras=lambda rng, index: views):
        joints = posed_joints(scene, bodies)[0]
        for camera in scene.cameras:
            assert share_inside(camera.pixels(camera.to_camera(joints)), camera) > 0.95


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("templates", [False, True])
def test_camera_parameters_rebuild_the_rigidly_moved_truth(bodies, family, templates):
    from ehpsbench.body.forward import forward

    def camera(rng, index):
        return look(pitch=0.4, yaw=0.3, roll=0.1, position=(1, 2, 3))

    settings = WorldSettings(people=(2, 3), kids=0.5, templates=templates)
    genders = ("male", "female")
    for scene in scenes(settings, 3, 8, bodies, family=family, genders=genders, cameras=camera):
        for person, vertices in zip(scene.people, posed_people(scene, bodies), strict=True):
            row = in_camera(person, scene.cameras[0], bodies)
            inputs = {name: row[name][None] for name in FAMILIES[family]}
            kid = {"kid": [person.kid]} if person.kid else {}
            model = model_of(person, bodies)
            mine = forward(model, template=person.template, **kid, **inputs).vertices[0]
            truth = scene.cameras[0].to_camera(vertices)
            np.testing.assert_allclose(mine.numpy(), truth, atol=2e-5)


def test_many_people_at_once_are_as_one_by_one(bodies):
    scene = scenes(WorldSettings(people=(3, 3), kids=0.5), 1, 9, bodies)[0]
    together = in_camera(scene.people, scene.cameras[0], bodies)
    for row, person in enumerate(scene.people):
        for name, value in in_camera(person, scene.cameras[0], bodies).items():
            np.testing.assert_allclose(together[name][row], value, atol=1e-12)


def test_a_pool_of_two_subjects_comes_again_with_its_shapes(bodies):
    shown = scenes(WorldSettings(subjects=2), 40, 10, bodies, genders=("male", "female"))
    shapes = {}
    for scene in shown:
        person = scene.people[0]
        first = shapes.setdefault(person.subject, person)
        np.testing.assert_array_equal(first.betas, person.betas)
        assert first.gender == person.gender == person.subject_gender
    assert set(shapes) == {0, 1}


def test_kids_are_shorter(bodies):
    sizes = {}
    for kids in (0.0, 1.0):
        settings = WorldSettings(kids=kids, pose_families={"standing": 1}, shape_scale=0)
        people = [scene.people[0] for scene in scenes(settings, 12, 11, bodies)]
        assert all((person.kid > 0) == (kids > 0) for person in people)
        meshes = [posed_people(scene, bodies)[0] for scene in scenes(settings, 12, 11, bodies)]
        sizes[kids] = np.mean([np.ptp(mesh[:, 1]) for mesh in meshes])
    assert sizes[1.0] < sizes[0.0] - 0.2


def test_templates_replace_betas_and_move_the_pelvis(bodies):
    scene = scenes(WorldSettings(templates=True), 1, 12, bodies)[0]
    person = scene.people[0]
    assert person.template.shape == bodies.model("smplx").v_template.shape
    assert not person.betas.any()
    pelvis = rest_pelvis([person], bodies)[0]
    np.testing.assert_allclose(
        pelvis, bodies.model("smplx").joint_regressor[0] @ person.template, atol=1e-9
    )


def test_a_motion_starts_with_the_scene_and_moves_little_by_little(bodies):
    scene = scenes(WorldSettings(), 1, 13, bodies)[0]
    frames = motion(scene, 10, seed=1)
    joints = np.array([posed_joints(frame, bodies)[0] for frame in frames])
    np.testing.assert_allclose(joints[0], posed_joints(scene, bodies)[0], atol=1e-5)
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    assert 0.001 < steps.mean() < 0.05
    assert steps.max() < 0.15


def test_distance_is_what_was_asked_for(bodies):
    for scene in scenes(WorldSettings(distance=(5, 6)), 10, 14, bodies):
        depth = seen(scene, bodies)[0][0][:22, 2]
        assert 5 - 1e-6 <= (depth.min() + depth.max()) / 2 <= 6 + 1e-6


def test_an_unknown_pose_family_gets_a_suggestion():
    with pytest.raises(UnknownName, match="sitting"):
        WorldSettings(pose_families={"siting": 1})


@pytest.mark.parametrize(
    "wrong",
    [{"fill": (0.9, 0.5)}, {"people": (0, 3)}, {"spread": 2}, {"colour": 1}, {"hands": ()}],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        WorldSettings(**wrong)


def test_settings_survive_json():
    settings = WorldSettings(people=(2, 5), framing="upper", distance=(2, 3))
    assert WorldSettings.model_validate_json(settings.model_dump_json()) == settings


def test_scenes_after_the_distinct_ones_are_the_first_again(bodies):
    drawn = scenes(WorldSettings(), 3, 1, bodies)
    again = scenes(WorldSettings(distinct=3), 7, 1, bodies)
    assert [scene.seed for scene in again] == [drawn[i % 3].seed for i in range(7)]
    assert "distinct" not in WorldSettings(distinct=3).model_dump()
