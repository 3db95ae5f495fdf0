"""Machine code and torch find the same on the same points, whatever they are taken off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from ehpsbench.metrics import point_pairs
from ehpsbench.metrics.point_pairs import PointPairs

PEOPLE, VERTICES = 5, 1100
Found = dict[str, torch.Tensor]


@pytest.fixture
def two_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


def sides(dtype: torch.dtype, far: float = 4.0) -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(0)
    true = torch.randn((PEOPLE, VERTICES, 3), generator=source, dtype=torch.float64) + far
    pred = true + 0.1 * torch.randn(true.shape, generator=source, dtype=torch.float64)
    return pred.to(dtype), true.to(dtype)


def similarity(points: PointPairs, counted: torch.Tensor | None) -> tuple[torch.Tensor, ...]:
    rows = points.moments(counted)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0]
    return 1.2 * turn.expand(PEOPLE, 3, 3), rows[:, 1:7].unflatten(1, (2, 3)).transpose(0, 1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1, 3, 512, 513, 1100])
@pytest.mark.parametrize("masked", [False, True])
def test_torch_finds_what_the_machine_code_finds(
    dtype: torch.dtype, size: int, masked: bool
) -> None:
    source = torch.Generator().manual_seed(size)
    ids = torch.randperm(VERTICES, generator=source)[:size]
    points = PointPairs(*sides(dtype), ids, ids.flip(0))
    counted = torch.rand((PEOPLE, size), generator=source) < 0.5 if masked else None
    shift = torch.randn((PEOPLE, 3), generator=source, dtype=torch.float64)
    moving, means = similarity(points, counted)
    both = points._points()
    close = {"rtol": 1e-11, "atol": 1e-11, "equal_nan": True}
    for found, expected in (
        (points.mean_distance(counted, shift), point_pairs._mean_distance(*both, counted, shift)),
        (points.mean_distance(counted), point_pairs._mean_distance(*both, counted, None)),
        (points.moments(counted), point_pairs._moments(*both, counted)),
        (
            points.residual(moving, means, counted),
            point_pairs._residual(*both, moving, means, counted),
        ),
    ):
        torch.testing.assert_close(found, expected, **close)


def test_moments_keep_their_digits_a_hundred_kilometres_off() -> None:
    near, far = (PointPairs(*sides(torch.float64, off)).moments() for off in (0.0, 2.0**17))
    torch.testing.assert_close(far[:, 7:], near[:, 7:], rtol=1e-9, atol=1e-6)


def test_points_that_do_not_count_may_be_anything() -> None:
    pred, true = sides(torch.float32)
    counted = torch.ones((PEOPLE, VERTICES), dtype=torch.bool)
    counted[:, :600] = False
    expected = PointPairs(pred[:, 600:], true[:, 600:])
    pred, true = pred.clone(), true.clone()
    pred[:, :300], true[:, 200:600] = torch.nan, torch.inf
    points = PointPairs(pred, true)
    torch.testing.assert_close(points.mean_distance(counted), expected.mean_distance())
    torch.testing.assert_close(points.moments(counted), expected.moments())


def test_nobody_and_no_point_are_nan_or_nothing() -> None:
    pred, true = sides(torch.float32)
    none = PointPairs(pred, true, torch.arange(0), torch.arange(0))
    assert none.mean_distance().isnan().all()
    assert none.moments().isnan().all()
    hidden = torch.zeros((PEOPLE, VERTICES), dtype=torch.bool)
    hidden[1:] = True
    for found in (PointPairs(pred, true).mean_distance(hidden), none.mean_distance()):
        assert found.isnan().tolist()[0] is True
        assert len(found) == PEOPLE
    assert PointPairs(pred[:0], true[:0]).moments().shape == (0, 18)


@pytest.mark.parametrize("ids", [[0, VERTICES], [-1, 0]])
def test_an_id_of_no_point_is_refused(ids: list[int]) -> None:
    with pytest.raises(IndexError, match="ids must be 0 to 1099"):
        PointPairs(*sides(torch.float32), torch.tensor(ids), torch.tensor([0, 1]))


@pytest.mark.parametrize(
    ("people", "vertices", "ids"),
    [(PEOPLE - 1, VERTICES, None), (PEOPLE, VERTICES - 1, None), (PEOPLE, VERTICES, 7)],
)
def test_sides_that_do_not_correspond_are_refused(
    people: int, vertices: int, ids: int | None
) -> None:
    pred, true = sides(torch.float32)
    known = None if ids is None else torch.arange(ids)
    fewer = true[:people, :vertices]
    for pair in ((pred, fewer, None, known), (fewer, pred, known, None)):
        with pytest.raises(ValueError, match="as many points of as many people"):
            PointPairs(*pair)


@pytest.mark.parametrize("shape", [(PEOPLE - 1, VERTICES), (PEOPLE, VERTICES - 1), (VERTICES,)])
def test_a_mask_of_other_points_is_refused(shape: tuple[int, ...]) -> None:
    points, counted = PointPairs(*sides(torch.float32)), torch.ones(shape, dtype=torch.bool)
    turn, means = torch.eye(3).expand(PEOPLE, 3, 3), torch.zeros(2, PEOPLE, 3)
    for measure in (
        points.mean_distance,
        points.moments,
        lambda mask: points.residual(turn, means, mask),
    ):
        with pytest.raises(ValueError, match="counted must be"):
            measure(counted)


def test_a_shift_or_a_similarity_of_other_people_is_refused() -> None:
    points, turn = PointPairs(*sides(torch.float32)), torch.eye(3).expand(PEOPLE, 3, 3)
    with pytest.raises(ValueError, match="shift must be"):
        points.mean_distance(shift=torch.zeros(PEOPLE - 1, 3))
    with pytest.raises(ValueError, match="moving must be"):
        points.residual(turn[1:], torch.zeros(2, PEOPLE, 3))
    with pytest.raises(ValueError, match="means must be"):
        points.residual(turn, torch.zeros(2, PEOPLE - 1, 3))


@pytest.mark.usefixtures("two_threads")
def test_threads_and_the_way_that_points_lie_in_memory_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pred, true = sides(torch.float32)
    turned = [x.transpose(1, 2).contiguous().transpose(1, 2) for x in (pred, true)]
    expected = PointPairs(pred, true).moments()
    monkeypatch.setattr("ehpsbench.metrics.point_pairs.BLOCK", 2 * VERTICES)
    assert torch.equal(PointPairs(*turned).moments(), expected)
