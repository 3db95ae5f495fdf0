from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

import ehpsbench
from ehpsbench.errors import InputError, StoreError, UnknownName
from ehpsbench.schema import IMAGES, INSTANCES
from ehpsbench.store import Store


def test_tables_come_back_in_the_schema(bedlam_store: Store) -> None:
    assert bedlam_store.instances("bedlam").schema.names == INSTANCES.names
    assert bedlam_store.images("bedlam").schema.names == IMAGES.names
    vector = bedlam_store.instances("bedlam").schema.field("body_pose").type
    assert pa.types.is_fixed_size_list(vector)
    assert vector.list_size == 63


def test_a_split_and_columns_can_be_chosen(bedlam_store: Store) -> None:
    table = bedlam_store.instances("bedlam", "train", ["instance_id", "split"])
    assert set(table["split"].to_pylist()) == {"train"}
    assert table.column_names == ["instance_id", "split"]


def test_what_is_not_in_a_manifest_does_not_exist(bedlam_store: Store, tmp_path: Path) -> None:
    (tmp_path / "instances" / "ghost" / "train").mkdir(parents=True)
    (tmp_path / "instances" / "ghost" / "train" / "part-00000.parquet").write_bytes(b"")
    assert Store(tmp_path).datasets() == []
    with pytest.raises(UnknownName, match="Did you mean bedlam"):
        bedlam_store.instances("bedlan")


def test_an_empty_store_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="ehpsbench ingest"):
        Store(tmp_path).instances("bedlam")
    with pytest.raises(StoreError, match="nothing to ask"):
        Store(tmp_path).query("SELECT 1")


def test_sql_counts_what_the_manifest_counts(bedlam_store: Store) -> None:
    head, rows = bedlam_store.query("SELECT split, count(*) AS people FROM instances GROUP BY ALL")
    splits = bedlam_store.manifest("bedlam")["splits"]
    assert head == ["split", "people"]
    assert dict(rows) == {name: account["instances"] for name, account in splits.items()}


def test_bad_sql_is_answered_with_duckdbs_words_and_the_views(bedlam_store: Store) -> None:
    with pytest.raises(InputError, match=r"(?s)nowhere.*Views: instances, images, rejects"):
        bedlam_store.query("SELECT * FROM nowhere")


def test_the_index_holds_the_same_views_for_other_programs(
    bedlam_store: Store, tmp_path: Path
) -> None:
    index = bedlam_store.rebuild_index()
    with duckdb.connect(str(index), read_only=True) as connection:
        (count,) = connection.execute("SELECT count(*) FROM instances").fetchone() or (0,)
    index.unlink()
    assert count == bedlam_store.instances("bedlam").num_rows


def test_load_gives_polars_arrow_and_hugging_face(bedlam_store: Store) -> None:
    datasets = pytest.importorskip("datasets")
    rows = bedlam_store.instances("bedlam").num_rows
    frame = ehpsbench.load("bedlam", store=bedlam_store.root)
    assert frame.height == rows
    assert frame["body_pose"].dtype.shape == (63,)
    assert ehpsbench.load("bedlam", store=bedlam_store.root, format="arrow").num_rows == rows
    hub = ehpsbench.load("bedlam", "train", store=bedlam_store.root, format="hub")
    assert isinstance(hub, datasets.Dataset)
    assert len(hub[0]["betas"]) == 16


def test_load_refuses_an_unknown_column_with_a_near_one(bedlam_store: Store) -> None:
    with pytest.raises(UnknownName, match="betas"):
        ehpsbench.load("bedlam", store=bedlam_store.root, columns=["beta"])
