"""Portions of maps: the same numbers on any number of threads, which stays what it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from ehpsbench.metrics import depth, normals, normals_per_image, segmentation
from ehpsbench.metrics.blocks import over_blocks
from ehpsbench.metrics.depth_alignment import least_squares


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("ehpsbench.metrics.blocks.BLOCK", 100)
    monkeypatch.setattr("ehpsbench.metrics.segmentation.PORTION", 100)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def scored(height: int = 30, width: int = 40) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    true = torch.randn(2, 3, height, width, generator=random)
    said = true + 0.2 * torch.randn(true.shape, generator=random)
    labels = (true.abs() * 4).clamp(0, 7).to(torch.uint8)
    maps = said[:, 0].abs() + 1, true[:, 1].abs() + 1, said[:, 2] > 0
    return [
        normals.score(said, true, said[:, 0] > 0),
        normals_per_image.score(said, true),
        depth.score(*maps, alignment=least_squares),
        segmentation.score(labels[:, 0], labels[:, 1], classes=8),
    ]


@pytest.mark.parametrize("threads", [2, 5])
def test_rows_are_the_same_to_the_last_bit_on_any_number_of_threads(threads: int) -> None:
    torch.set_num_threads(1)
    alone = scored()
    torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(alone, scored(), strict=True))
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("size", [(224, 224), (300, 300)])
def test_nor_does_torch_share_out_the_sums_of_a_portion(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ehpsbench.metrics.blocks.BLOCK", 65_536)
    torch.set_num_threads(1)
    alone = scored(*size)
    torch.set_num_threads(3)
    assert all(torch.equal(a, b) for a, b in zip(alone, scored(*size), strict=True))
    assert torch.get_num_threads() == 3


def test_portions_come_in_order_and_cover_each_pixel_once() -> None:
    torch.set_num_threads(3)
    found = over_blocks(lambda room, x: (room.shape, x), torch.arange(1050), scratch=2)
    assert torch.equal(torch.cat([x for _, x in found]), torch.arange(1050))
    assert [tuple(shape) for shape, _ in found] == [(2, 100)] * 10 + [(2, 50)]


def test_an_error_in_a_portion_is_raised_and_leaves_the_threads_as_they_were() -> None:
    torch.set_num_threads(2)

    def broken(room: torch.Tensor, portion: torch.Tensor) -> None:
        raise ValueError(f"{len(portion)} pixels")

    with pytest.raises(ValueError, match="100 pixels"):
        over_blocks(broken, torch.zeros(500))
    assert torch.get_num_threads() == 2
