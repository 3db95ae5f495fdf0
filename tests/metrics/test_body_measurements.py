"""Sections, hulls, girths, mass and shape errors on solids whose answers are known."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from ehpsbench.metrics import body_measurements, body_shape
from ehpsbench.metrics.body_measurements import Landmark, measurements, smplx_landmarks, volume
from ehpsbench.metrics.convex_hull import hull_perimeter
from ehpsbench.metrics.plane_section import mesh_edges, section_points


def tube(
    radii: tuple[float, float] = (0.2, 0.2), height: float = 1.8, round_: int = 400, rings: int = 9
) -> tuple[torch.Tensor, torch.Tensor]:
    """(1, V, 3) closed elliptic cylinder on the ground with y upwards, and its faces."""
    angle = np.arange(round_) * 2 * np.pi / round_
    ring = np.stack([radii[0] * np.cos(angle), radii[1] * np.sin(angle)], -1)
    levels = np.linspace(0, height, rings)
    sides = np.concatenate([np.insert(ring, 1, y, axis=1) for y in levels])
    caps = np.array([[0, 0, 0], [0, height, 0]], float)
    lower = np.arange(round_ * (rings - 1))
    right = lower - lower % round_ + (lower + 1) % round_
    faces = [np.stack([lower, lower + round_, right], 1)]
    faces += [np.stack([right, lower + round_, right + round_], 1)]
    for cap, first in ((0, 0), (1, round_ * (rings - 1))):
        edge = np.stack([first + np.arange(round_), first + (np.arange(round_) + 1) % round_], 1)
        edge = edge if cap == 0 else edge[:, ::-1]
        faces.append(np.insert(edge, 0, len(sides) + cap, axis=1))
    return torch.from_numpy(np.concatenate([sides, caps]))[None], torch.from_numpy(
        np.concatenate(faces)
    )


def landmarks_of(vertices: torch.Tensor, *, round_: int = 400) -> dict[str, Landmark]:
    """On a tube of 9 rings: soles, top, and girths at rings 6, 5 and between 3 and 4."""
    last = vertices.shape[1] - 1
    return {
        "head_top": Landmark((last,)),
        "heel": Landmark((last - 1,)),
        "chest": Landmark((6 * round_,)),
        "waist": Landmark((5 * round_ + 7,)),
        "hips": Landmark((3 * round_, 4 * round_), (0.3, 0.7)),
    }


def ellipse_perimeter(a: float, b: float) -> float:
    t = np.linspace(0, 2 * np.pi, 200_001)
    return float(np.trapezoid(np.hypot(a * np.sin(t), b * np.cos(t)), t))


def test_a_cylinder_has_the_height_girth_and_mass_of_its_formulas() -> None:
    mesh, faces = tube()
    found = measurements(mesh, faces, landmarks_of(mesh))
    assert found["height"].item() == pytest.approx(1.8)
    girth = 400 * 2 * 0.2 * math.sin(math.pi / 400)
    for name in ("chest", "waist", "hips"):
        assert found[name].item() == pytest.approx(girth, rel=1e-12)
    assert girth == pytest.approx(2 * math.pi * 0.2, rel=2e-5)
    area = 400 / 2 * 0.2**2 * math.sin(2 * math.pi / 400)
    assert found["mass"].item() == pytest.approx(985 * area * 1.8, rel=1e-12)


def test_an_elliptic_section_has_the_perimeter_of_the_ellipse() -> None:
    mesh, faces = tube((0.25, 0.1), round_=600)
    found = measurements(mesh, faces, landmarks_of(mesh, round_=600))
    assert found["waist"].item() == pytest.approx(ellipse_perimeter(0.25, 0.1), rel=1e-4)


def test_an_ellipsoid_has_the_section_and_volume_of_its_formulas() -> None:
    ball, faces = tube((1.0, 1.0), 2.0, round_=200, rings=201)
    y = (ball[..., 1:2] - 1).clamp(-1, 1)
    ring = (1 - y.square()).sqrt()
    sphere = torch.cat([ball[..., :1] * ring, y, ball[..., 2:] * ring], -1)
    scale = torch.tensor([0.3, 0.9, 0.15], dtype=torch.float64)
    expected = 4 / 3 * math.pi * 0.3 * 0.9 * 0.15
    assert volume(sphere * scale, faces).item() == pytest.approx(expected, rel=1e-3)
    height = torch.tensor([0.45], dtype=torch.float64)  # half of the half axis
    girth = hull_perimeter(*section_points(sphere * scale, mesh_edges(faces), height))
    narrowed = math.sqrt(0.75)
    expected = ellipse_perimeter(0.3 * narrowed, 0.15 * narrowed)
    assert girth.item() == pytest.approx(expected, rel=2e-4)


def test_a_dent_does_not_shorten_the_tape() -> None:
    mesh, faces = tube()
    dented = mesh.clone()
    dented[0, [5 * 400 + k for k in range(80, 90)]] *= torch.tensor([0.5, 1.0, 0.5])
    marks = landmarks_of(mesh)
    found = measurements(torch.cat([mesh, dented]), faces, marks)
    chord = 2 * 0.2 * math.sin(11 * math.pi / 400)
    arc = 11 * 2 * 0.2 * math.sin(math.pi / 400)
    assert (found["waist"][0] - found["waist"][1]).item() == pytest.approx(arc - chord)
    assert found["mass"][1] < found["mass"][0]


def test_two_solids_side_by_side_are_measured_around_both() -> None:
    mesh, faces = tube()
    both = torch.cat([mesh - torch.tensor([0.3, 0, 0]), mesh + torch.tensor([0.3, 0, 0])], 1)
    height = torch.tensor([0.5], dtype=torch.float64)
    edges = mesh_edges(torch.cat([faces, faces + mesh.shape[1]]))
    girth = hull_perimeter(*section_points(both, edges, height))
    assert girth.item() == pytest.approx(2 * math.pi * 0.2 + 4 * 0.3, rel=1e-4)


def turn_of(a: tuple[float, ...], b: tuple[float, ...], c: tuple[float, ...]) -> float:
    """Positive where the way a, b, c turns left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def loop_hull(points: np.ndarray) -> float:
    """Perimeter by the monotone chain."""
    ordered = sorted(map(tuple, points))
    total = 0.0
    for way in (ordered, ordered[::-1]):
        chain: list[tuple[float, float]] = []
        for p in way:
            while len(chain) > 1 and turn_of(chain[-2], chain[-1], p) <= 0:
                chain.pop()
            chain.append(p)
        total += sum(math.dist(a, b) for a, b in pairwise(chain))
    return total


@pytest.mark.parametrize("seed", range(5))
def test_hulls_are_those_of_a_loop_whatever_the_padding_order_and_doubles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(6, 40, 2)).round(1 if seed % 2 else 6)
    valid = np.arange(40) < rng.integers(3, 41, (6, 1))
    doubled = np.concatenate([points, points[:, ::-1]], 1)
    mask = np.concatenate([valid, valid[:, ::-1]], 1)
    order = rng.permutation(80)
    found = hull_perimeter(torch.from_numpy(doubled[:, order]), torch.from_numpy(mask[:, order]))
    expected = [loop_hull(points[i][valid[i]]) for i in range(6)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_points_on_a_square_lattice_have_the_square_around_them() -> None:
    grid = torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0))[None] + 100
    assert hull_perimeter(grid, torch.ones(1, 25, dtype=torch.bool)).item() == pytest.approx(16)


def test_degenerate_sets_have_no_hull_or_a_flat_one() -> None:
    points = torch.tensor([[[0.0, 0], [1, 1], [2, 2], [0, 0]], [[3.0, 3]] * 4, [[0.0, 0]] * 4])
    valid = torch.tensor([[True] * 4, [True] * 4, [True, True, False, False]])
    found = hull_perimeter(points.double(), valid)
    assert found[0].item() == pytest.approx(2 * math.sqrt(8))
    assert found[1].item() == 0
    assert found[2].isnan()


def test_a_plane_past_the_mesh_leaves_the_girth_out_and_the_rest_in() -> None:
    mesh, faces = tube()
    marks = landmarks_of(mesh) | {"chest": Landmark((mesh.shape[1] - 1,))}
    assert measurements(mesh, faces, marks)["chest"].isnan()
    rows = body_measurements.score(1.1 * mesh, mesh, faces, marks)
    found = body_measurements.numbers(rows.sum(0))
    assert found["chest_error"].isnan()
    assert found["height_error"].item() == pytest.approx(180)
    assert found["waist_error"].item() == pytest.approx(0.1 * 2 * math.pi * 200, rel=1e-4)


def test_errors_are_absolute_and_their_mean_is_over_people() -> None:
    mesh, faces = tube(round_=60)
    scales = torch.tensor([1.1, 0.9, 1.0], dtype=torch.float64)[:, None, None]
    marks = landmarks_of(mesh, round_=60)
    rows = body_measurements.score(scales * mesh, mesh.expand(3, -1, -1), faces, marks)
    assert rows.shape == (3, len(body_measurements.COLUMNS))
    found = body_measurements.numbers(rows.sum(0))
    assert found["height_error"].item() == pytest.approx(180 * 2 / 3)
    volume_ = volume(mesh, faces).item() * 985
    expected = volume_ * (1.1**3 - 1 + 1 - 0.9**3) / 3
    assert found["mass_error"].item() == pytest.approx(expected)


def test_a_broken_body_counts_in_no_measurement() -> None:
    mesh, faces = tube(round_=60)
    broken = mesh.clone()
    broken[0, 400, 1] = math.nan
    marks = landmarks_of(mesh, round_=60)
    rows = body_measurements.score(torch.cat([mesh, broken]), mesh.expand(2, -1, -1), faces, marks)
    assert rows[:, 1::2].tolist() == [[1] * 5, [0] * 5]


def test_the_owners_landmarks_need_the_owners_faces() -> None:
    faces = torch.arange(20908 * 3).reshape(-1, 3) % 10475
    marks = smplx_landmarks(faces)
    assert marks["heel"].vertices[1] == faces[15605, 1]
    assert sum(marks["head_top"].weights) == pytest.approx(1)
    with pytest.raises(ValueError, match="20908"):
        smplx_landmarks(faces[1:])
    mesh, own = tube(round_=60)
    with pytest.raises(ValueError, match=r"landmarks lack \['hips'\]"):
        measurements(mesh, own, {k: v for k, v in landmarks_of(mesh).items() if k != "hips"})


def bodies(count: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 50, 3)))


def straps(pred: np.ndarray, true: np.ndarray) -> float:
    """PVE-T-SC of one person, step by step."""
    a, b = pred - pred.mean(0), true - true.mean(0)
    a = a / np.sqrt((a**2).sum() / len(a)) * np.sqrt((b**2).sum() / len(b)) + true.mean(0)
    return float(1000 * np.linalg.norm(a - true, axis=-1).mean())


def test_shape_errors_are_those_of_a_loop() -> None:
    pred, true = bodies(4, 0), bodies(4, 1)
    found = body_shape.numbers(body_shape.score(pred, true).sum(0))
    loop = [straps(p, t) for p, t in zip(pred.numpy(), true.numpy(), strict=True)]
    assert found["pve_t_sc"].item() == pytest.approx(np.mean(loop))
    plain = 1000 * (pred - true).norm(dim=-1).mean()
    assert found["pve_t"].item() == pytest.approx(plain.item())
    shift = (pred.mean(1) - true.mean(1))[:, None]
    centred = 1000 * (pred - shift - true).norm(dim=-1).mean()
    assert found["v2v_t"].item() == pytest.approx(centred.item())


def test_size_and_place_are_free_in_pve_t_sc_only() -> None:
    true = bodies(2, 0)
    found = body_shape.numbers(body_shape.score(1.3 * true + 0.2, true).sum(0))
    assert found["pve_t_sc"].item() == pytest.approx(0, abs=1e-9)
    assert found["v2v_t"].item() > 100
    moved = body_shape.numbers(body_shape.score(true + 0.1, true).sum(0))
    assert moved["v2v_t"].item() == pytest.approx(0, abs=1e-9)
    assert moved["pve_t"].item() == pytest.approx(math.sqrt(3) * 100)


def test_a_body_in_one_point_has_no_scale_and_a_broken_one_nothing() -> None:
    true, pred = bodies(3, 0), bodies(3, 1)
    pred[1], pred[2, 4, 0] = 0.5, math.inf
    rows = body_shape.score(pred, true)
    assert rows[:, 1::2].tolist() == [[1, 1, 1], [1, 1, 0], [0, 0, 0]]
    assert rows.isfinite().all()
    with pytest.raises(ValueError, match="must both be"):
        body_shape.score(pred, true[:, :4])
