import numpy as np
import pytest

from ehpsbench.world.camera import look
from ehpsbench.world.rasteriser import rasterise, vertex_normals


def cast_rays(vertices, faces, camera):
    """Every pixel centre against every triangle (Möller–Trumbore): face, depth, least weight."""
    y, x = np.mgrid[: camera.height, : camera.width] + 0.5
    ray = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3)
    ray[:, :2] = (ray[:, :2] - camera.principal_point) / camera.focal
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    face, depth = np.full(len(ray), -1), np.full(len(ray), np.inf)
    margin = np.full(len(ray), np.inf)
    for k in range(len(faces)):
        ab, ac = b[k] - a[k], c[k] - a[k]
        across = np.cross(ray, ac)
        turn = across @ ab
        with np.errstate(divide="ignore", invalid="ignore"):
            u = across @ -a[k] / turn
            beside = np.cross(-a[k], ab)
            v, t = ray @ beside / turn, ac @ beside / turn
        least = np.minimum(np.minimum(u, v), 1 - u - v)
        hit = (least >= 0) & (t > 0) & (turn > 0)
        near = hit & (t < depth)
        face[near], depth[near] = k, t[near]
        margin = np.minimum(margin, np.where(np.isfinite(least), np.abs(least), np.inf))
    return face, depth, margin


def globe(rings=24, sectors=48, radius=0.5, centre=(0.0, 0.0, 3.0)):
    """A sphere of triangles, counter-clockwise from outside."""
    polar, around = np.meshgrid(
        np.linspace(0, np.pi, rings + 1), 2 * np.pi * np.arange(sectors) / sectors, indexing="ij"
    )
    points = np.stack(
        [np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], -1
    )
    index = np.arange((rings + 1) * sectors).reshape(rings + 1, sectors)
    a, b = index[:-1], index[1:]
    c, d = np.roll(b, -1, 1), np.roll(a, -1, 1)
    faces = np.concatenate([np.stack([a, c, b], -1), np.stack([a, d, c], -1)]).reshape(-1, 3)
    return points.reshape(-1, 3) * radius + centre, faces


def square(depth=2.0, half=0.5, slope=0.0):
    """Two triangles that face the camera, on z = depth + slope · x."""
    corners = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    z = depth + slope * corners[:, :1]
    return np.hstack([corners, z]), np.array([[0, 2, 1], [0, 3, 2]])


def test_pixels_agree_with_rays_cast_through_them_one_by_one():
    rng = np.random.default_rng(4)
    vertices, faces = globe(9, 14, 0.7, (0.1, -0.05, 2.2))
    vertices = vertices + rng.normal(0, 0.07, vertices.shape)
    camera = look(size=(48, 64), focal=(60, 55), principal_point=(30, 25))
    face, depth, margin = cast_rays(vertices, faces, camera)
    shown = rasterise(vertices, faces, camera)
    mine = np.full(len(face), -1)
    mine[shown.pixel] = shown.face
    sure = margin > 1e-7
    assert sure.mean() > 0.99
    assert (face >= 0).sum() > 600
    np.testing.assert_array_equal(mine[sure], face[sure])
    both = face[shown.pixel] == shown.face
    np.testing.assert_allclose(shown.depth[both], depth[shown.pixel][both], rtol=1e-9)


def test_depth_of_a_slanted_plane_is_exact_at_every_pixel():
    vertices, faces = square(slope=0.8)
    camera = look(size=(60, 80), focal=70)
    shown = rasterise(vertices, faces, camera)
    ray = (shown.pixel % 80 + 0.5 - 40) / 70
    np.testing.assert_allclose(shown.depth, 2 / (1 - 0.8 * ray), rtol=1e-12)


def test_weights_rebuild_the_point_that_the_pixel_sees():
    vertices, faces = square(slope=-0.6)
    camera = look(size=(60, 80), focal=70)
    shown = rasterise(vertices, faces, camera)
    points = shown.interpolate(vertices, faces)
    centre = np.stack([shown.pixel % 80, shown.pixel // 80], 1) + 0.5
    np.testing.assert_allclose(camera.pixels(points), centre, atol=1e-9)
    np.testing.assert_allclose(points[:, 2], shown.depth)


def test_a_square_of_one_metre_covers_as_many_pixels_as_geometry_says():
    vertices, faces = square(depth=2.0)
    shown = rasterise(vertices, faces, look(size=(100, 100), focal=100))
    assert len(shown.pixel) == 50 * 50
    assert len(np.unique(shown.pixel)) == 50 * 50


def test_depth_and_normals_of_a_sphere_agree_with_the_closed_form():
    vertices, faces = globe(80, 160)
    camera = look(size=(120, 120), focal=300)
    shown = rasterise(vertices, faces, camera)
    ray = np.stack([shown.pixel % 120, shown.pixel // 120, shown.pixel], 1) + 0.5
    ray[:, :2] = (ray[:, :2] - 60) / 300
    ray[:, 2] = 1
    square_length = (ray**2).sum(1)
    inner = 9.0 - square_length * (9 - 0.25)
    sure = inner > 0.02
    depth = (3 - np.sqrt(np.maximum(inner, 0))) / square_length
    np.testing.assert_allclose(shown.depth[sure], depth[sure], atol=1e-3)
    outward = (ray * depth[:, None] - [0, 0, 3]) / 0.5
    mine = shown.interpolate(vertex_normals(vertices, faces), faces)
    cosine = (mine * outward).sum(1)[sure] / np.linalg.norm(mine[sure], axis=1)
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 1.0


def test_the_nearer_square_wins_whatever_the_order():
    near, far = square(2.0, 0.28), square(3.0, 2.0)
    for first, second in ((near, far), (far, near)):
        vertices = np.concatenate([first[0], second[0]])
        faces = np.concatenate([first[1], second[1] + 4])
        shown = rasterise(
            vertices, faces, look(size=(50, 50), focal=50), groups=np.repeat([0, 1], 2)
        )
        depth = np.zeros(2500)
        depth[shown.pixel] = shown.depth
        picture = depth.reshape(50, 50)
        assert picture[25, 25] == pytest.approx(2.0)
        assert picture[25, 5] == pytest.approx(3.0)
        assert sorted(shown.covered) == [14 * 14, 2500]


def test_a_triangle_seen_from_behind_is_drawn_only_without_culling():
    vertices, faces = square()
    camera = look(size=(20, 20), focal=20)
    assert not len(rasterise(vertices, faces[:, ::-1], camera).pixel)
    assert len(rasterise(vertices, faces[:, ::-1], camera, cull=False).pixel) == 100


def test_what_lies_behind_or_beside_the_camera_is_not_drawn():
    vertices, faces = square()
    camera = look(size=(20, 20), focal=20)
    for moved in (vertices - [0, 0, 5], vertices - [9, 0, 0], vertices * [1, 1, 0]):
        assert not len(rasterise(moved, faces, camera).pixel)


def test_a_mesh_of_no_triangles_gives_no_pixels():
    shown = rasterise(np.zeros((0, 3)), np.zeros((0, 3), int), look(size=(20, 20)))
    assert not len(shown.pixel)


def test_a_picture_cut_into_portions_is_the_same(monkeypatch):
    vertices, faces = globe()
    camera = look(size=(60, 60), focal=120)
    whole = rasterise(vertices, faces, camera)
    monkeypatch.setattr("ehpsbench.world.rasteriser._CHUNK", 500)
    parts = rasterise(vertices, faces, camera)
    np.testing.assert_array_equal(whole.face, parts.face)
    np.testing.assert_array_equal(whole.depth, parts.depth)
