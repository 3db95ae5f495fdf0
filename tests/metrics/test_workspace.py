"""Memory that is written over: what is taken together never overlaps, frames give it back."""

from __future__ import annotations

import torch

from ehpsbench.metrics.workspace import Workspace


def test_tensors_of_one_frame_do_not_share_memory_even_when_it_grows() -> None:
    room = Workspace()
    taken = [room.take(2, size).fill_(size) for size in (3, 500, 4)]
    assert [float(x.mean()) for x in taken] == [3, 500, 4]
    assert [tuple(x.shape) for x in taken] == [(2, 3), (2, 500), (2, 4)]
    assert all(x.dtype == torch.float64 for x in taken)


def test_a_frame_gives_back_what_was_taken_in_it() -> None:
    room = Workspace()
    room.take(10)
    for _ in range(2):
        with room.frame():
            first = room.take(4, 5)
        with room.frame():
            second = room.take(5, 4)
        assert first.data_ptr() == second.data_ptr()
