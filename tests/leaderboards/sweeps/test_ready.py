"""What is refused before anything is trained."""

from __future__ import annotations

import pytest

from ehpsbench.errors import InputError
from ehpsbench.leaderboards.board import board
from ehpsbench.leaderboards.sweeps.ready import refuse_what_is_not_predicted


@pytest.mark.parametrize(
    ("name", "what"), [("agora-test", r"agora-test-official \(agora\)"), ("parts", "segmentation")]
)
def test_a_board_of_what_cells_do_not_predict_says_so_and_where_to_go(name: str, what: str) -> None:
    with pytest.raises(
        InputError, match=f"{name} is not one to rank datasets on.*{what}.*ehps-five"
    ):
        refuse_what_is_not_predicted(board(name))


def test_a_board_of_bodies_is_fine() -> None:
    refuse_what_is_not_predicted(board("ehps-five"))
