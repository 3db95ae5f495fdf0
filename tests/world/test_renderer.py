import zlib
from dataclasses import replace

import numpy as np
import pytest

from ehpsbench import geometry
from ehpsbench.world.camera import look
from ehpsbench.world.looks import PARTS, surface
from ehpsbench.world.people import posed
from ehpsbench.world.renderer import flat_frame, render, rendered
from ehpsbench.world.scenes import Occluder, posed_joints, scenes
from ehpsbench.world.settings import WorldSettings


@pytest.fixture(scope="module")
def crowd(bodies):
    settings = WorldSettings(people=(4, 4), fill=(0.4, 0.8), size=(90, 120), background="clutter")
    scene = scenes(settings, 1, 2, bodies)[0]
    return scene, render(scene, scene.cameras[0], bodies)


@pytest.fixture(scope="module")
def single(bodies):
    settings = WorldSettings(
        size=(120, 120), fill=(0.85, 0.85), spread=0, yaw_deg=(0, 0), pose_families={"standing": 1}
    )
    return scenes(settings, 1, 3, bodies)[0]


def turned(scene, degrees):
    """The scene with its person turned about the vertical through the pelvis."""
    person = scene.people[0]
    orient = geometry.compose(geometry.rotate_y(np.radians(degrees)), person.global_orient)
    return replace(scene, people=(replace(person, global_orient=orient),))


def test_all_buffers_show_the_same_people(crowd):
    scene, frame = crowd
    somebody = frame.person_ids > 0
    assert frame.rgb.shape == (90, 120, 3)
    assert somebody.any()
    np.testing.assert_array_equal(frame.depth > 0, somebody)
    np.testing.assert_array_equal(frame.parts > 0, somebody)
    np.testing.assert_array_equal(np.linalg.norm(frame.normals, axis=-1) > 0.5, somebody)
    counts = np.bincount(frame.person_ids.ravel(), minlength=len(scene.people) + 1)
    np.testing.assert_array_equal(counts[1:], frame.visible)


def test_normals_are_unit_and_turned_toward_the_camera(crowd):
    scene, frame = crowd
    camera, (y, x) = scene.cameras[0], np.nonzero(frame.person_ids)
    ray = np.stack([x + 0.5, y + 0.5, np.ones(len(x))], 1)
    ray[:, :2] = (ray[:, :2] - camera.principal_point) / camera.focal
    normals = frame.normals[y, x]
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    assert ((normals * ray).sum(1) < 0).all()


def test_a_pixel_belongs_to_the_nearest_person(bodies, crowd):
    scene, frame = crowd
    alone = [
        render(replace(scene, people=(person,)), scene.cameras[0], bodies).depth
        for person in scene.people
    ]
    depths = np.where(np.array(alone) > 0, alone, np.inf)
    np.testing.assert_allclose(
        np.where(frame.depth > 0, frame.depth, np.inf), depths.min(0), rtol=1e-6
    )
    some = frame.person_ids > 0
    np.testing.assert_array_equal(depths.argmin(0)[some] + 1, frame.person_ids[some])
    np.testing.assert_array_equal([(d > 0).sum() for d in alone], frame.unoccluded)


def test_the_mesh_fills_the_silhouette_of_its_joints(bodies, crowd):
    scene, _ = crowd
    camera = scene.cameras[0]
    first = render(replace(scene, people=scene.people[:1]), camera, bodies)
    joints = posed_joints(scene, bodies)[0][[0, 3, 6, 9, 12, 15]]
    pixels = np.floor(camera.pixels(camera.to_camera(joints))).astype(int)
    inside = ((pixels >= 0) & (pixels < [120, 90])).all(1)
    assert inside.any()
    assert (first.person_ids[pixels[inside, 1], pixels[inside, 0]] == 1).all()


def test_the_same_scene_gives_the_same_bytes(bodies, crowd):
    scene, frame = crowd
    again = render(scene, scene.cameras[0], bodies)
    np.testing.assert_array_equal(frame.rgb, again.rgb)
    np.testing.assert_array_equal(frame.normals, again.normals)


def test_posing_in_batches_changes_nothing_that_is_seen(bodies):
    settings = WorldSettings(people=(1, 2), size=(60, 80))
    world = scenes(settings, 5, 4, bodies)
    for scene, frame in zip(world, rendered(world, bodies, batch=2), strict=True):
        alone = render(scene, scene.cameras[0], bodies)
        assert (frame.person_ids != alone.person_ids).mean() < 0.002
        assert np.abs(frame.rgb.astype(int) - alone.rgb).mean() < 0.5


def test_front_and_back_look_different(bodies, single):
    parts = [
        np.bincount(
            render(turned(single, yaw), single.cameras[0], bodies).parts.ravel(),
            minlength=len(PARTS),
        )
        for yaw in (0, 180)
    ]
    face, hair = PARTS.index("face"), PARTS.index("hair")
    assert parts[0][face] > 1.5 * parts[0][hair] > 0
    assert parts[1][hair] > 2 * parts[1][face]


def test_the_left_hand_of_who_faces_us_is_on_the_right(bodies, single):
    parts = render(single, single.cameras[0], bodies).parts
    column = [
        np.nonzero(parts == PARTS.index(name))[1].mean() for name in ("left_thigh", "right_thigh")
    ]
    assert column[0] > column[1]


def test_every_part_covers_some_of_every_body(bodies):
    for family in ("smplx", "smpl"):
        skin = surface(bodies.model(family), bodies)
        assert set(skin.parts) == set(range(1, len(PARTS)))
    left = surface(bodies.model("mano", "left"), bodies)
    assert set(left.parts) == {PARTS.index("left_hand")}


def test_an_occluder_hides_people_and_is_nobody(bodies, single):
    camera = single.cameras[0]
    joint = posed_joints(single, bodies)[0][9]
    middle = camera.position + 0.6 * (joint - camera.position)
    box = Occluder(np.eye(3), np.full(3, 0.12), middle, np.array([250, 0, 0], np.uint8))
    clear = render(single, camera, bodies)
    hidden = render(replace(single, occluders=(box,)), camera, bodies)
    x, y = np.floor(camera.pixels(camera.to_camera(joint[None]))[0]).astype(int)
    assert clear.person_ids[y, x] == 1
    assert hidden.person_ids[y, x] == hidden.depth[y, x] == 0
    assert hidden.rgb[y, x, 0] > 100 > hidden.rgb[y, x, 1]
    assert 0.05 < hidden.occlusion[0] < 0.95
    assert clear.occlusion[0] == 0


def test_vertices_that_are_given_are_drawn(bodies, single):
    moved = [mesh + np.float32([0, 0, 50]) for mesh in posed(single.people, bodies)]
    assert (
        render(single, single.cameras[0], bodies, vertices=moved).visible[0]
        < render(single, single.cameras[0], bodies).visible[0] / 50
    )


def test_flat_backgrounds_compress_well():
    picture = flat_frame(look(size=(90, 160)))
    assert picture.shape == (90, 160, 3)
    assert len(zlib.compress(picture.tobytes())) < 200


def test_plain_clothing_is_the_same_for_everyone(bodies):
    world = scenes(WorldSettings(clothing="plain", people=(4, 4)), 1, 1, bodies)
    tops = {tuple(person.look.palette[2]) for person in world[0].people}
    assert len(tops) == 1
