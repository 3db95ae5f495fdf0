"""`leaderboard check`: a folder of results from strangers, with what they may try."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ehpsbench.atomic import file_digest
from ehpsbench.body.bodies import BodySet
from ehpsbench.errors import InputError
from ehpsbench.leaderboards.adding import Facts, add
from ehpsbench.leaderboards.checking.folder import check_folder
from ehpsbench.leaderboards.checking.migrate import migrate_folder
from ehpsbench.store import Store

BENCHMARK = "agora-val@bedlam@train"
OLD = Path(__file__).parents[1] / "evaluation" / "old_results"


@pytest.fixture(scope="module")
def made(
    bedlam_store: Store,
    write_predictions: Callable[[Path, str, float], Path],
    bodies: BodySet,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Results of two entries; do not write into it."""
    root = tmp_path_factory.mktemp("made")
    shutil.copytree(bedlam_store.root, root / "store")
    store = Store(root / "store")
    for name, noise in (("good", 0.1), ("better", 0.05)):
        path = write_predictions(root / name, BENCHMARK, noise)
        add(store, name, {BENCHMARK: path}, bodies, Facts(title=name, datasets=("agora",)))
    return store.results


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    shutil.copytree(made, tmp_path / "results")
    return tmp_path / "results"


def edit(folder: Path, **changes: Any) -> None:
    """Change the summary of `good`."""
    path = folder / "good" / f"{BENCHMARK}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")


def rewrite(folder: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the rows of `good`, with the hash that then fits."""
    path = folder / "good" / f"{BENCHMARK}.parquet"
    pq.write_table(change(pq.read_table(path, partitioning=None)), path)
    edit(folder, rows_sha256=file_digest(path))


def found(folder: Path) -> list[tuple[str, str]]:
    """File and rule of every finding."""
    return [(f.path, f.rule) for f in check_folder(folder)]


def said(folder: Path) -> str:
    return "\n".join(map(str, check_folder(folder)))


def test_what_was_added_passes_with_the_files_of_a_repository(folder: Path) -> None:
    for name in ("README.md", "LICENSE", ".gitignore", ".github/workflows/check.yml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    assert check_folder(folder) == []


def test_a_number_that_was_edited_is_found(folder: Path) -> None:
    path = folder / "good" / f"{BENCHMARK}.json"
    numbers = json.loads(path.read_text())["numbers"]
    numbers["pve"]["value"] -= 5
    edit(folder, numbers=numbers)
    assert found(folder) == [(f"good/{BENCHMARK}.json", "numbers")]
    assert "its rows give" in said(folder)


@pytest.mark.parametrize(
    ("key", "words"),
    [("low", "lower end of pve"), ("high", "upper end of pve"), ("count", "rest on")],
)
def test_an_interval_or_count_that_was_edited_is_found(folder: Path, key: str, words: str) -> None:
    path = folder / "good" / f"{BENCHMARK}.json"
    numbers = json.loads(path.read_text())["numbers"]
    pve = numbers["pve"]
    pve[key] = pve["value"] if key != "count" else pve["count"] + 1
    edit(folder, numbers=numbers)
    assert words in said(folder)


@pytest.mark.parametrize(("key", "to"), [("low", 0.01), ("high", -0.01), ("high", None)])
def test_every_end_of_an_interval_is_made_again_to_the_last_digits(
    folder: Path, key: str, to: float | None
) -> None:
    path = folder / "good" / f"{BENCHMARK}.json"
    numbers = json.loads(path.read_text())["numbers"]
    for name, number in numbers.items():
        was = dict(number)
        number[key] = None if to is None else number[key] + to
        edit(folder, numbers=numbers)
        assert found(folder) == [(f"good/{BENCHMARK}.json", "numbers")], name
        assert f"end of {name} is" in said(folder)
        number.update(was)


def test_rows_that_are_not_those_of_the_summary_are_found(folder: Path) -> None:
    edit(folder, rows_sha256="0" * 64)
    assert found(folder) == [(f"good/{BENCHMARK}.parquet", "hash")]


def test_a_truncated_parquet_with_a_hash_that_fits_is_found(folder: Path) -> None:
    path = folder / "good" / f"{BENCHMARK}.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    edit(folder, rows_sha256=file_digest(path))
    assert found(folder) == [(f"good/{BENCHMARK}.parquet", "rows")]
    assert "cannot be read as Parquet" in said(folder)


def test_rows_with_infinity_and_people_twice_are_found(folder: Path) -> None:
    def spoil(rows: pa.Table) -> pa.Table:
        errors = np.asarray(rows["pve"]).copy()
        errors[0] = np.inf
        ids = [rows["instance_id"][1].as_py(), *rows["instance_id"].to_pylist()[1:]]
        rows = rows.set_column(rows.column_names.index("pve"), "pve", pa.array(errors))
        return rows.set_column(0, "instance_id", pa.array(ids))

    rewrite(folder, spoil)
    assert "pve is infinite somewhere" in said(folder)
    assert "names somebody twice" in said(folder)


def test_who_leaves_out_the_worst_people_is_found_beside_who_does_not(folder: Path) -> None:
    from ehpsbench.evaluation.numbers import of_values
    from ehpsbench.evaluation.results import error_columns

    def hide(rows: pa.Table) -> pa.Table:
        errors = np.asarray(rows["pve"]).copy()
        errors[np.argmax(errors)] = np.nan
        return rows.set_column(rows.column_names.index("pve"), "pve", pa.array(errors))

    rewrite(folder, hide)
    rows = pq.read_table(folder / "good" / f"{BENCHMARK}.parquet", partitioning=None)
    edit(folder, numbers={n: v.as_dict() for n, v in of_values(rows, error_columns(rows)).items()})
    assert found(folder) == [(f"good/{BENCHMARK}.json", "rows")]
    assert "no primary value for 1 people whom better has one for" in said(folder)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999"])
def test_a_summary_with_what_is_no_number_is_found(folder: Path, text: str) -> None:
    path = folder / "good" / f"{BENCHMARK}.json"
    path.write_text(path.read_text().replace('"missing_predictions": 0', f'"x": {text}'))
    assert found(folder) == [(f"good/{BENCHMARK}.json", "json")]
    assert "NaN or infinity" in said(folder)


def test_a_key_that_is_said_twice_is_found(folder: Path) -> None:
    path = folder / "good" / f"{BENCHMARK}.json"
    path.write_text(path.read_text().replace("{", '{"complete": true,', 1))
    assert "says 'complete' twice" in said(folder)


def test_a_protocol_of_another_hash_is_found(folder: Path) -> None:
    edit(folder, protocol_hash="0" * 64)
    rules = [rule for _, rule in found(folder)]
    assert rules == ["protocol", "protocol"]
    assert "evaluate again" in said(folder)
    assert "does not have the hash beside it" in said(folder)


@pytest.mark.parametrize(
    ("changes", "path", "rule"),
    [
        ({"entry": "../x"}, BENCHMARK, "name"),
        ({"body_set": "licensed"}, BENCHMARK, "body"),
        ({"data": "1" * 64}, BENCHMARK, "data"),
        ({"results_version": 99}, BENCHMARK, "version"),
        ({"scored": 3}, BENCHMARK, "rows"),
        ({"complete": False}, BENCHMARK, "schema"),
        ({"numbers": {}}, BENCHMARK, "schema"),
        ({"primary": "pve_feet"}, BENCHMARK, "schema"),
        ({"unit": "cm"}, BENCHMARK, "protocol"),
        ({"points_sha256": "0" * 64}, f"{BENCHMARK}.points", "hash"),
    ],
)
def test_a_summary_that_does_not_fit_is_found(
    folder: Path, changes: dict[str, Any], path: str, rule: str
) -> None:
    edit(folder, **changes)
    end = ".parquet" if path.endswith(".points") else ".json"
    assert (f"good/{path}{end}", rule) in found(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "../x"}, "cannot name a file"),
        ({"name": "other"}, "its place says 'good'"),
        ({"datasets": ["agorra"]}, "Did you mean agora"),
        ({"datasets": []}, "what trained it"),
        ({"licence": {"commercial": "yes", "redistribute": True}}, "licence.forbids_commercial"),
        ({"datasets": ["bedlam"]}, "cards say"),
        ({"parameters": "many"}, "parameters"),
        ({"extra": 1}, "extra"),
    ],
)
def test_facts_that_do_not_hold_are_found(
    folder: Path, changes: dict[str, Any], words: str
) -> None:
    path = folder / "good" / "entry.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    assert words in said(folder)


def test_files_that_do_not_belong_are_found(folder: Path, tmp_path: Path) -> None:
    (folder / "run.sh").touch()
    (folder / "a b").mkdir()
    (folder / "good" / "weights.pt").touch()
    (folder / "good" / "ehf.parquet").touch()
    (folder / "good" / "more").mkdir()
    (folder / "link").symlink_to(tmp_path)
    (folder / "better" / "link.json").symlink_to("/etc/passwd")
    paths = [path for path, _ in found(folder)]
    stray = ["good/ehf.parquet", "good/more", "good/weights.pt", "link", "run.sh"]
    assert paths == ["a b", "better/link.json", *stray]


def test_a_file_that_is_too_large_is_found_and_not_read(folder: Path) -> None:
    with (folder / "good" / f"{BENCHMARK}.json").open("r+b") as stream:
        stream.truncate(60 << 20)
    assert (f"good/{BENCHMARK}.json", "size") in found(folder)


def test_missing_rows_missing_facts_and_missing_results_are_found(folder: Path) -> None:
    (folder / "good" / f"{BENCHMARK}.parquet").unlink()
    (folder / "better" / "entry.json").unlink()
    (folder / "empty").mkdir()
    assert "numbers without rows prove nothing" in said(folder)
    assert ("better/entry.json", "entry") in found(folder)
    assert ("empty", "layout") in found(folder)


def test_an_empty_folder_is_a_finding_and_none_at_all_an_error(tmp_path: Path) -> None:
    assert found(tmp_path) == [(".", "layout")]
    with pytest.raises(InputError, match="is no folder"):
        check_folder(tmp_path / "nowhere")


def test_old_results_are_rewritten_once_and_then_only_their_rules_are_old(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        shutil.copytree(OLD / version, tmp_path / version)
        results = tmp_path / version
        assert ("old-model/egobody-test.json", "version") in found(results)
        assert [p.name for p in migrate_folder(results)] == ["egobody-test.json"]
        assert migrate_folder(results) == []
        rules = {rule for path, rule in found(results) if path.endswith("test.json")}
        assert "version" not in rules
        assert "numbers" not in rules
