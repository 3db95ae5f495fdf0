"""Heads of the matrix of training sets and benchmarks: what was scored, in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ehpsbench.evaluation.results import rows_path
from ehpsbench.reports.given import Given
from ehpsbench.reports.sections import matrix
from ehpsbench.store import Store


@pytest.mark.parametrize(
    ("column", "words"), [("image_id", "40 images"), ("instance_id", "40 people")]
)
def test_a_number_made_of_images_does_not_call_them_people(
    data: Given, tmp_path: Path, column: str, words: str
) -> None:
    store = Store(tmp_path)
    path = rows_path(store, "good", "one")
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({column: ["a"], "cluster": ["a"]}), path)
    first, second = data.standings.benchmarks
    pooled = replace(data.standings, benchmarks=(replace(first, kind="statistics"), second))
    summaries = {"one": {"good": {"entry": "good", "benchmark": "one"}}}
    given = replace(data, standings=pooled, store=store, summaries=summaries)
    heads = [b["scored"] for b in matrix.section(given).context["benchmarks"]]
    assert heads == [words, "40 people"]
