"""Machine code and torch find the same on the same points, whatever they are taken off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from ehpsbench.metrics import point_tensors
from ehpsbench.metrics.point_pairs import PointPairs

PEOPLE, VERTICES = 5, 1100
CLOSE = {"rtol": 1e-11, "atol": 1e-11, "equal_nan": True}


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


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1, 3, 512, 513, 1100])
@pytest.mark.parametrize("masked", [False, True])
def test_torch_finds_what_the_machine_code_finds(
    dtype: torch.dtype, size: int, masked: bool
) -> None:
    source = torch.Generator().manual_seed(size)
    ids = torch.randperm(VERTICES, generator=source)[:size]
    points = PointPairs(*sides(dtype), ids, ids.flip(0))
    both = points._points()
    counted, fitted = (
        torch.rand((PEOPLE, size), generator=source) < share if masked else None
        for share in (0.5, 0.9)
    )
    shift = torch.randn((PEOPLE, 3), generator=source, dtype=torch.float64)
    found = points.distances([shift, None], aligned=True, counted=counted, fitted=fitted)
    fit = points.similarity(fitted)
    expected = [
        point_tensors.mean_distance(*both, counted, shift),
        point_tensors.mean_distance(*both, counted, None),
        point_tensors.residual(*both, fit, counted),
    ]
    torch.testing.assert_close(found, expected, **CLOSE)
    if size > 3:  # of three points, two turns by almost as good
        torch.testing.assert_close(fit, point_tensors.similarity(*both, fitted), **CLOSE)


@pytest.mark.parametrize("masked", [False, True])
def test_torch_sums_up_what_the_machine_code_sums_up(masked: bool) -> None:
    pred, true = sides(torch.float32)
    pred[2, 7] = torch.nan
    points, shift = PointPairs(pred, true), torch.ones((PEOPLE, 3), dtype=torch.float64)
    counted = torch.rand((PEOPLE, VERTICES), generator=torch.Generator().manual_seed(0)) < 0.5
    counted[2, 7] = not masked  # its distance is known if nobody asks for that point
    given = counted if masked else None
    sums, counts = points.point_sums(shift, given)
    expected = point_tensors.point_sums(*points._points(), shift, given)
    torch.testing.assert_close((sums, counts), expected, rtol=1e-11, atol=1e-11)
    whole = [0, 1, 3, 4]
    lengths = (pred[whole].double() - true[whole].double() - 1).norm(dim=-1)
    if not masked:
        torch.testing.assert_close(sums[0], lengths.sum(0))
        assert counts.unique().tolist() == [4]
    else:
        assert counts[0].tolist() == counted.sum(0).tolist()
        assert counts[1].tolist() == counted[whole].sum(0).tolist()


def test_the_mean_of_points_is_the_mean_of_people() -> None:
    points = PointPairs(*sides(torch.float32))
    sums, counts = points.point_sums()
    for total, distances in zip(sums, points.distances([None], aligned=True), strict=True):
        assert total.sum().item() / counts[0].sum().item() == pytest.approx(distances.mean().item())


def test_all_points_named_one_by_one_are_all_points() -> None:
    both, every = sides(torch.float32), torch.arange(VERTICES)
    named = PointPairs(*both, every, every).distances([None], aligned=True)
    torch.testing.assert_close(PointPairs(*both).distances([None], aligned=True), named)


def test_what_is_measured_together_is_what_is_measured_alone() -> None:
    points, shift = PointPairs(*sides(torch.float32)), torch.ones(PEOPLE, 3)
    together = points.distances([None, shift], aligned=True)
    alone = [
        *points.distances([None]),
        *points.distances([shift]),
        *points.distances(aligned=True),
    ]
    assert all(torch.equal(a, b) for a, b in zip(together, alone, strict=True))
    assert points.distances() == []


def test_a_similarity_keeps_its_digits_a_hundred_kilometres_off() -> None:
    near, far = (PointPairs(*sides(torch.float64, off)).similarity() for off in (0.0, 2.0**17))
    torch.testing.assert_close(far[:, :10], near[:, :10], rtol=1e-9, atol=1e-9)


def test_points_that_do_not_count_may_be_anything() -> None:
    pred, true = sides(torch.float32)
    counted = torch.ones((PEOPLE, VERTICES), dtype=torch.bool)
    counted[:, :600] = False
    expected = PointPairs(pred[:, 600:], true[:, 600:])
    pred, true = pred.clone(), true.clone()
    pred[:, :300], true[:, 200:600] = torch.nan, torch.inf
    points = PointPairs(pred, true)
    torch.testing.assert_close(
        points.distances([None], aligned=True, counted=counted, fitted=counted),
        expected.distances([None], aligned=True),
    )
    torch.testing.assert_close(points.similarity(counted), expected.similarity())


def test_a_point_that_is_fitted_on_alone_does_not_touch_the_distance_of_others() -> None:
    pred, true = sides(torch.float32)
    pred[1, 0] = torch.nan
    counted = torch.ones((PEOPLE, VERTICES), dtype=torch.bool)
    counted[:, 0] = False
    distance, aligned = PointPairs(pred, true).distances([None], aligned=True, counted=counted)
    assert distance.isfinite().all()
    assert aligned.isnan().tolist() == [False, True, False, False, False]


def test_nobody_and_no_point_are_nan_or_nothing() -> None:
    pred, true = sides(torch.float32)
    none = PointPairs(pred, true, torch.arange(0), torch.arange(0))
    assert none.similarity().isnan().all()
    for found in none.distances([None], aligned=True):
        assert found.isnan().tolist() == [True] * PEOPLE
    hidden = torch.zeros((PEOPLE, VERTICES), dtype=torch.bool)
    hidden[1:] = True
    for found in PointPairs(pred, true).distances([None], aligned=True, counted=hidden):
        assert found.isnan().tolist() == [True, False, False, False, False]
    assert PointPairs(pred, true).similarity(hidden).isnan().any(1).tolist()[:2] == [True, False]
    nobody = PointPairs(pred[:0], true[:0])
    assert nobody.similarity().shape == (0, 16)
    assert [len(found) for found in nobody.distances([None], aligned=True)] == [0, 0]


@pytest.mark.parametrize("mask", [torch.uint8, torch.float32])
def test_a_mask_may_be_of_numbers(mask: torch.dtype) -> None:
    points, counted = PointPairs(*sides(torch.float32)), torch.ones(PEOPLE, VERTICES) > 0
    counted[:, ::3] = False
    found = points.distances([None], aligned=True, counted=counted, fitted=counted)
    numbers = 3 * counted.to(mask)
    assert torch.equal(points.distances([None], counted=numbers)[0], found[0])
    both = points.distances([None], aligned=True, counted=numbers, fitted=numbers)
    assert all(torch.equal(a, b) for a, b in zip(both, found, strict=True))


@pytest.mark.parametrize(
    "ids", [torch.tensor([[0, 1]]), torch.ones(VERTICES) > 0, torch.tensor([0.0, 1.5])]
)
def test_ids_that_are_no_list_of_whole_numbers_are_refused(ids: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"ids must be \(N,\) whole numbers"):
        PointPairs(*sides(torch.float32), ids, ids)


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
    points, mask = PointPairs(*sides(torch.float32)), torch.ones(shape, dtype=torch.bool)
    with pytest.raises(ValueError, match="counted must be"):
        points.distances([None], counted=mask)
    with pytest.raises(ValueError, match="fitted must be"):
        points.distances(aligned=True, fitted=mask)
    with pytest.raises(ValueError, match="fitted must be"):
        points.similarity(mask)


def test_a_shift_of_other_people_is_refused() -> None:
    with pytest.raises(ValueError, match="shift must be"):
        PointPairs(*sides(torch.float32)).distances([None, torch.zeros(PEOPLE - 1, 3)])


@pytest.mark.usefixtures("two_threads")
def test_threads_and_the_way_that_points_lie_in_memory_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pred, true = sides(torch.float32)
    turned = [x.transpose(1, 2).contiguous().transpose(1, 2) for x in (pred, true)]
    expected = PointPairs(pred, true).distances([None], aligned=True)
    monkeypatch.setattr("ehpsbench.metrics.point_pairs.BLOCK", 2 * VERTICES)
    found = PointPairs(*turned).distances([None], aligned=True)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
