"""Results that older versions wrote are read as today's; a newer one asks for an upgrade."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ehpsbench.errors import StoreError
from ehpsbench.evaluation.migrations import (
    MIGRATIONS,
    RESULTS_VERSION,
    card_of_the_data,
    counts_without_intervals,
    migrated,
    numbers_with_intervals,
)
from ehpsbench.evaluation.results import read_result, read_summary
from ehpsbench.store import Store

OLD = Path(__file__).parent / "old_results"


def old(version: int) -> dict[str, Any]:
    path = OLD / f"v{version}" / "old-model" / "egobody-test.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_every_older_version_has_a_way_to_the_next_and_a_stored_file() -> None:
    assert list(MIGRATIONS) == list(range(1, RESULTS_VERSION))
    assert [old(v)["results_version"] for v in MIGRATIONS] == list(MIGRATIONS)


def test_errors_of_version_1_are_numbers_without_intervals() -> None:
    was, now = old(1), numbers_with_intervals(old(1))
    pve = was["errors"]["pve"]
    assert now["numbers"]["pve"] == {
        "value": pve["mean"],
        "low": None,
        "high": None,
        "count": pve["people"],
        "clusters": pve["clusters"],
    }
    assert "errors" not in now
    assert (now["task"], now["better"]) == ("mesh", "lower")


@pytest.mark.parametrize(
    ("benchmark", "source"), [("ehf", "egobody_egocentric"), ("ehf@mine", None)]
)
def test_version_3_says_whose_card_the_data_has(benchmark: str, source: str | None) -> None:
    assert card_of_the_data(old(2) | {"benchmark": benchmark})["source_dataset"] == source


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_old_result_is_read_with_its_rows(tmp_path: Path, version: int) -> None:
    shutil.copytree(OLD / f"v{version}", tmp_path / "results")
    result = read_result(Store(tmp_path), "old-model", "egobody-test")
    assert result.summary["results_version"] == RESULTS_VERSION
    assert result.number() == pytest.approx(13.2305, abs=1e-4)
    assert result.rows.num_rows == result.summary["scored"] == 6


def test_version_4_has_no_intervals_of_what_it_counts() -> None:
    pixels = {"value": 9602.0, "low": 6425.0, "high": 7990.0, "count": 2, "clusters": 2}
    found = counts_without_intervals({"numbers": {"pixels": pixels, "rmse": pixels}})["numbers"]
    assert found == {"pixels": pixels | {"low": None, "high": None}, "rmse": pixels}


def test_all_old_files_come_to_the_same_layout() -> None:
    one, two, three = (migrated(old(v), "old") for v in (1, 2, 3))
    assert set(two) - set(one) == {"points_sha256"}
    assert set(one) <= set(two) == set(three)


def test_a_newer_result_asks_for_an_upgrade(tmp_path: Path) -> None:
    shutil.copytree(OLD / "v2", tmp_path / "results")
    path = tmp_path / "results" / "old-model" / "egobody-test.json"
    path.write_text(json.dumps(old(2) | {"results_version": RESULTS_VERSION + 1}))
    with pytest.raises(StoreError, match=r"version 5; this ehpsbench reads up to 4\. Upgrade"):
        read_summary(Store(tmp_path), "old-model", "egobody-test")


@pytest.mark.parametrize("version", [0, -1, "2", True, 2.0, None])
def test_a_version_that_is_none_is_refused(version: object) -> None:
    with pytest.raises(StoreError, match="results_version is"):
        migrated(old(2) | {"results_version": version}, "here")


def test_an_old_result_that_lacks_its_numbers_is_named() -> None:
    whole = old(1)
    del whole["errors"]
    with pytest.raises(StoreError, match=r"here is no whole result of version 1 \('errors'\)"):
        migrated(whole, "here")


def test_a_summary_that_is_no_object_is_broken(tmp_path: Path) -> None:
    shutil.copytree(OLD / "v2", tmp_path / "results")
    path = tmp_path / "results" / "old-model" / "egobody-test.json"
    path.write_text("[]")
    with pytest.raises(StoreError, match=r"egobody-test\.json holds list, not an object"):
        read_summary(Store(tmp_path), "old-model", "egobody-test")
