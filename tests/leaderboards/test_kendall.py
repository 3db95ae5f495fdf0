"""Kendall's tau against values worked out by hand."""

from __future__ import annotations

import math

import pytest

from ehpsbench.leaderboards.kendall import kendall_tau


def test_the_same_order_is_1_and_the_reverse_is_minus_1() -> None:
    assert kendall_tau([10, 20, 30, 40], [1, 2, 3, 9]) == 1
    assert kendall_tau([10, 20, 30, 40], [4, 3, 2, 1]) == -1


def test_one_swap_of_neighbours_among_four_is_two_thirds() -> None:
    assert kendall_tau([1, 2, 3, 4], [2, 1, 3, 4]) == pytest.approx(4 / 6)  # 5 pairs agree, 1 not


def test_ties_count_for_neither_side() -> None:
    # 5 untied pairs on the left, 6 on the right; 5 agree, none disagrees: 5 / √30
    assert kendall_tau([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(5 / math.sqrt(30))


def test_an_order_of_nobody_is_nan() -> None:
    assert math.isnan(kendall_tau([1, 2, 3], [7, 7, 7]))


def test_orders_of_different_things_are_refused() -> None:
    with pytest.raises(ValueError, match="same things"):
        kendall_tau([1, 2], [1, 2, 3])
