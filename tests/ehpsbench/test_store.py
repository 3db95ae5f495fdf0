from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

import ehpsbench
from ehpsbench.errors import InputError, StoreError, UnknownName
from ehpsbench.schema import IMAGES, INSTANCES
from ehpsbench.store import Store, default_store


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


@pytest.mark.parametrize("sql", ["", " ; ", "-- people per split", "/* nothing */"])
def test_an_empty_statement_is_answered_with_an_example(bedlam_store: Store, sql: str) -> None:
    with pytest.raises(InputError, match="SELECT \\* FROM instances"):
        bedlam_store.query(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{out}'",
        "SELECT 'é'; copy(SELECT 1) TO '{part}' (USE_TMP_FILE false)",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{part}' (USE_TMP_FILE false)",
        "SET enable_external_access = true",
        "ATTACH '{out}'",
        "SELECT * FROM read_text('{other}')",
    ],
)
def test_a_statement_reaches_the_rows_and_nothing_else(
    bedlam_store: Store, tmp_path: Path, sql: str
) -> None:
    part = bedlam_store.parts("instances", "bedlam")[0]
    words = {"out": tmp_path / "evil", "part": part, "other": bedlam_store.manifest_path("bedlam")}
    before = part.read_bytes()
    with pytest.raises(InputError):
        bedlam_store.query(sql.format(**words))
    assert not (tmp_path / "evil").exists()
    assert part.read_bytes() == before
    assert bedlam_store.query("SELECT 'copy' AS a")[1] == [("copy",)]


def test_the_views_are_there_and_typed_where_there_are_no_rows(
    bedlam_store: Store, tmp_path: Path
) -> None:
    copied = _copy(bedlam_store, tmp_path)
    manifest = copied.manifest("bedlam") | {"splits": {}}
    copied.manifest_path("bedlam").write_text(json.dumps(manifest))
    for view in ("instances", "images", "rejects"):
        described = f"SELECT column_name, column_type FROM (DESCRIBE {view})"
        assert copied.query(described) == bedlam_store.query(described)
    assert copied.query("SELECT count(*) FROM instances")[1] == [(0,)]


@pytest.mark.parametrize("broken", [b"", None])
def test_a_broken_or_missing_file_is_named(
    bedlam_store: Store, tmp_path: Path, broken: bytes | None
) -> None:
    copied = _copy(bedlam_store, tmp_path)
    rejects = copied.rejects_path("bedlam")
    rejects.unlink()
    if broken is not None:
        rejects.write_bytes(broken)
    with pytest.raises(StoreError, match=r"bedlam\.parquet is missing or broken.*again"):
        copied.query("SELECT 1")


@pytest.mark.parametrize("text", ["{}", "[]", "7", "{", '{"schema_version": 1}', "\xff"])
def test_a_broken_manifest_says_what_to_do(tmp_path: Path, text: str) -> None:
    path = Store(tmp_path).manifest_path("mine")
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="latin-1")
    with pytest.raises(StoreError, match="Ingest mine again"):
        Store(tmp_path).manifest("mine")


def test_an_empty_variable_names_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EHPSBENCH_STORE", "")
    assert default_store() == Path("ehps-store")


def _copy(store: Store, folder: Path) -> Store:
    return Store(Path(shutil.copytree(store.root, folder / "copy")))


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
    assert ehpsbench.load("bedlam", store=bedlam_store.root, as_="arrow").num_rows == rows
    hub = ehpsbench.load("bedlam", "train", store=bedlam_store.root, as_="datasets")
    assert isinstance(hub, datasets.Dataset)
    assert len(hub[0]["betas"]) == 16


def test_load_refuses_an_unknown_column_with_a_near_one(bedlam_store: Store) -> None:
    with pytest.raises(UnknownName, match="betas"):
        ehpsbench.load("bedlam", store=bedlam_store.root, columns=["beta"])
