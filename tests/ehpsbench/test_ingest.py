from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ehpsbench.errors import (
    BodyMismatch,
    InputError,
    MissingBody,
    MissingFiles,
    StoreError,
    UnknownName,
)
from ehpsbench.ingest import ingest
from ehpsbench.release_check import check
from ehpsbench.store import Store


def _bytes(store: Path) -> dict[str, bytes]:
    """Every file of a store but the staging area."""
    return {
        path.relative_to(store).as_posix(): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file() and ".staging" not in path.parts
    }


def _start(root: Path, store: Path, **limits: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ehpsbench", "ingest", "bedlam"]
    command += ["--root", str(root), "--store", str(store)]

    def restrict() -> None:
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))

    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=restrict)


def _staged(store: Path, pattern: str) -> Callable[[], bool]:
    return lambda: next((store / ".staging").rglob(pattern), None) is not None


@pytest.mark.parametrize("moment", ["*.instances.arrow", "*.json", "merged/instances/*"])
def test_a_killed_ingest_ends_with_the_same_bytes_as_an_undisturbed_one(
    moment: str, bedlam_release: Path, bedlam_store: Store, tmp_path: Path
) -> None:
    store = _killed_at(moment, bedlam_release, tmp_path)
    assert Store(store).datasets() == []
    ingest("bedlam", bedlam_release, Store(store))
    assert _bytes(store) == _bytes(bedlam_store.root)


def _killed_at(moment: str, release: Path, folder: Path) -> Path:
    """A store whose ingest was killed once a file of that name was there, in a few tries."""
    for attempt in range(5):
        store = folder / f"store{attempt}"
        reached = _staged(store, moment)
        process = _start(release, store)
        while process.poll() is None and not reached():
            time.sleep(0.0005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if process.returncode == -signal.SIGKILL and not Store(store).datasets():
            return store
    raise AssertionError(f"the ingest always ended before it could be killed at {moment}")


def test_two_workers_and_a_second_ingest_give_the_same_bytes(
    bedlam_release: Path, bedlam_store: Store, tmp_path: Path
) -> None:
    for workers in (2, 1):
        ingest("bedlam", bedlam_release, Store(tmp_path), workers=workers)
        assert _bytes(tmp_path) == _bytes(bedlam_store.root)


def test_a_disk_that_refuses_to_write_leaves_the_store_as_it_was(
    bedlam_release: Path, bedlam_store: Store, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(bedlam_store.root, store)
    before = _bytes(store)
    process = _start(bedlam_release, store, RLIMIT_FSIZE=4096)
    _, message = process.communicate()
    assert process.returncode == 2
    assert "Traceback" not in message
    assert "make room" in message.lower()
    assert _bytes(store) == before


def test_a_limit_keeps_the_first_people_and_the_manifest_says_so(
    bedlam_release: Path, bedlam_store: Store, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    report = ingest("bedlam", bedlam_release, store, limit=5)
    assert sum(report.instances.values()) == 5
    assert store.manifest("bedlam")["limit"] == 5
    all_ids = set(bedlam_store.instances("bedlam")["instance_id"].to_pylist())
    assert set(store.instances("bedlam")["instance_id"].to_pylist()) <= all_ids


@pytest.mark.parametrize("step", range(6))
def test_a_rename_that_fails_in_the_last_step_leaves_the_old_rows_in_place(
    step: int,
    bedlam_release: Path,
    bedlam_store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = tmp_path / "store"
    shutil.copytree(bedlam_store.root, store)
    before = _bytes(store)
    rename, count = Path.rename, iter(range(100))

    def failing(source: Path, target: Path) -> Path:
        if next(count) == step:
            raise OSError(28, "No space left on device")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(StoreError, match="No space left"):
        ingest("bedlam", bedlam_release, Store(store))
    assert _bytes(store) == before


@pytest.mark.parametrize("alias", ["..", "../evil", ".hidden", "", "a/b", "-x"])
def test_an_alias_that_is_no_plain_name_is_refused_before_anything_is_touched(
    alias: str, bedlam_release: Path, tmp_path: Path
) -> None:
    (tmp_path / "store" / "keep").mkdir(parents=True)
    with pytest.raises(InputError, match="cannot name a dataset"):
        ingest("bedlam", bedlam_release, Store(tmp_path / "store"), alias=alias)
    assert [p.name for p in (tmp_path / "store").iterdir()] == ["keep"]


def test_an_alias_that_is_another_datasets_name_is_refused(
    bedlam_release: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="name of another dataset"):
        ingest("bedlam", bedlam_release, Store(tmp_path), alias="agora")


def test_a_release_without_its_body_models_says_which_checks_were_skipped(
    bedlam_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EHPSBENCH_BODY_MODELS", raising=False)
    root = tmp_path / "release"
    shutil.copytree(bedlam_release, root)
    shutil.rmtree(root / "ehpsbench-sample")
    report = ingest("bedlam", root, Store(tmp_path / "store"))
    assert "in_front_of_camera, joints_near_box" in report.notes[0]
    assert Store(tmp_path / "store").manifest("bedlam")["checks_skipped"] == [
        "in_front_of_camera",
        "joints_near_box",
    ]


def test_an_alias_names_rows_and_ids_and_remembers_the_dataset(
    bedlam_release: Path, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    ingest("bedlam", bedlam_release, store, alias="mine")
    assert store.manifest("mine")["source_dataset"] == "bedlam"
    assert all(i.startswith("mine/") for i in store.instances("mine")["instance_id"].to_pylist())


def test_a_parent_that_holds_one_release_is_accepted_and_two_are_not(
    bedlam_release: Path, tmp_path: Path
) -> None:
    shutil.copytree(bedlam_release, tmp_path / "first")
    ingest("bedlam", tmp_path, Store(tmp_path / "store"), limit=1)
    shutil.copytree(bedlam_release, tmp_path / "second")
    with pytest.raises(MissingFiles, match="Several BEDLAM releases"):
        ingest("bedlam", tmp_path, Store(tmp_path / "store"))


def test_an_empty_folder_is_refused_with_what_is_missing_and_how_to_get_it(
    tmp_path: Path,
) -> None:
    with pytest.raises(MissingFiles, match=r"(?s)Missing:.*How to get it"):
        ingest("bedlam", tmp_path, Store(tmp_path / "store"))
    assert not (tmp_path / "store").exists()


def test_an_unknown_dataset_is_answered_with_a_near_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean bedlam"):
        ingest("bedlan", tmp_path, Store(tmp_path / "store"))


def test_a_truncated_file_is_named_and_nothing_of_the_dataset_exists(
    bedlam_release: Path, tmp_path: Path
) -> None:
    root = tmp_path / "release"
    shutil.copytree(bedlam_release, root)
    labels = next(p for p in sorted(root.rglob("*.npz")) if "sample" not in p.parent.name)
    labels.write_bytes(labels.read_bytes()[: labels.stat().st_size // 2])
    store = Store(tmp_path / "store")
    with pytest.raises(InputError, match=labels.name):
        ingest("bedlam", root, store)
    assert store.datasets() == []


def test_a_real_release_that_needs_a_body_is_refused_with_the_files_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ehpsbench.samples import write_sample

    monkeypatch.delenv("EHPSBENCH_BODY_MODELS", raising=False)
    root = tmp_path / "agora"
    write_sample("agora", root, people=4, images="none", body="open-small")
    shutil.rmtree(root / "ehpsbench-sample")
    with pytest.raises(MissingBody, match="smplx/male"):
        ingest("agora", root, Store(tmp_path / "store"))
    assert Store(tmp_path / "store").datasets() == []


def test_a_sample_made_with_another_open_body_is_refused(
    bedlam_release: Path, tmp_path: Path
) -> None:
    root = tmp_path / "release"
    shutil.copytree(bedlam_release, root)
    marker = root / "ehpsbench-sample" / "sample.json"
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"body_set": "0" * 64}))
    with pytest.raises(BodyMismatch, match="000000000000"):
        ingest("bedlam", root, Store(tmp_path / "store"))


def test_check_says_which_files_are_there_without_reading(
    bedlam_release: Path, tmp_path: Path
) -> None:
    assert {f["state"] for f in check("bedlam", bedlam_release)} <= {"found", "optional"}
    assert "missing" in {f["state"] for f in check("bedlam", tmp_path)}


def test_check_names_the_releases_of_a_parent_that_holds_two(
    bedlam_release: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        shutil.copytree(bedlam_release, tmp_path / name)
    with pytest.raises(MissingFiles, match=r"Several .* Name one"):
        check("bedlam", tmp_path)


def test_a_store_that_is_a_file_is_refused(bedlam_release: Path, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError, match="is a file"):
        ingest("bedlam", bedlam_release, Store(tmp_path / "store"))


def test_limits_below_one_are_refused(bedlam_release: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--limit must be at least 1, got 0"):
        ingest("bedlam", bedlam_release, Store(tmp_path), limit=0)


def test_rejected_rows_are_whole(bedlam_store: Store) -> None:
    rejects = bedlam_store.rejects("bedlam")
    assert rejects.num_rows > 0
    for row in rejects.to_pylist():
        assert row["rule"] in row["rules"].split()
        assert row["rule_column"]
        assert len(row["body_pose"]) == 63
        assert row["unit"]
        assert row["rule_value"] is None or isinstance(row["rule_value"], float)
    assert bedlam_store.manifest("bedlam")["rejects"] == {
        rule: int(np.sum([r == rule for r in rejects["rule"].to_pylist()]))
        for rule in set(rejects["rule"].to_pylist())
    }
