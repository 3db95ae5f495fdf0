"""The table of speeds that docs/datasets.md shows."""

from __future__ import annotations

from pathlib import Path

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.page import page
from ehpsbench.dataset_adapters.speed import Speed, read_speeds, save_speeds


def _speed(rate: float) -> Speed:
    return Speed(people=20_000, files="frames", read=2 * rate, all=rate, loop=rate / 25)


def test_the_table_is_of_datasets_that_are_here_and_of_rates_above_zero() -> None:
    speeds = read_speeds().datasets
    assert set(speeds) <= set(catalogue.names())
    assert all(min(s.people, s.read, s.all, s.loop) > 0 for s in speeds.values())


def test_new_rows_join_the_old_ones_and_take_the_place_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "speed.toml"
    path.write_text("measured = 'before'\n")
    save_speeds({"a": _speed(100), "b": _speed(200)}, "one", path)
    save_speeds({"b": _speed(300)}, "two", path)
    table = read_speeds(path)
    assert table.measured == "two"
    assert table.datasets == {"a": _speed(100), "b": _speed(300)}


def test_the_page_shows_people_a_second_and_the_factor_over_a_loop() -> None:
    speed = read_speeds().datasets["emdb"]
    assert f"| {speed.all:,.0f}/s, {speed.all / speed.loop:.0f} × |" in page()
