"""Names of numbers: as papers write them, and none in capitals that has none."""

from __future__ import annotations

from ehpsbench.evaluation import protocol
from ehpsbench.leaderboards.spelling import spelled


def test_no_number_of_a_protocol_is_shown_by_its_name_in_files() -> None:
    numbers = {n for p in protocol.names() for n in protocol.protocol(p).number_facts()}
    shown = [spelled(number) for number in numbers]
    assert len(numbers) == len(set(shown)) > 100
    assert not [name for name in shown if "_" in name]


def test_names_keep_their_small_letters() -> None:
    expected = {
        "miou": "mIoU",
        "delta1": "δ1",
        "rmse": "RMSE",
        "pa_f_15": "PA-F@15",
        "within_11_25": "within 11.25°",
        "left_hand_ap_large": "left hand AP large",
        "MPE": "MPE",
    }
    assert {number: spelled(number) for number in expected} == expected
