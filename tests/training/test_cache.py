"""The crop cache: cut once, cut anew where something changed, whole after any kill."""

import shutil
import signal
import subprocess
import sys
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from ehpsbench.errors import InputError, MissingFiles, StoreError
from ehpsbench.store import Store
from ehpsbench.training import cache
from ehpsbench.training.data import Samples
from ehpsbench.training.recipe import Input
from ehpsbench.training.rows import contents
from ehpsbench.training.shards import INDEX, Index

SETTINGS = Input(height=64, width=48)


@pytest.fixture
def store(bedlam_store, bedlam_release, tmp_path):
    """A store and a release of one's own."""
    shutil.copytree(bedlam_store.root, tmp_path / "store")
    shutil.copytree(bedlam_release, tmp_path / "release")
    own = Store(tmp_path / "store")
    path = own.manifest_path("bedlam")
    path.write_text(path.read_text().replace(str(bedlam_release), str(tmp_path / "release")))
    return own


def opened(store, bodies, settings=SETTINGS):
    return Samples.open(store, "bedlam", ["train"], settings, bodies)


def cut(samples, rows=None, **how):
    """How many people were cut."""
    told = [0]
    samples.cut(rows, progress=lambda done, _: told.append(done), **how)
    return told[-1]


def held(folder):
    """Key → all that the shards of a cache hold of it, and how many rows that is in all."""
    rows = {}
    count = 0
    for path in folder.glob("shard-*.arrow"):
        with pa.memory_map(str(path)) as file:
            found = pa.ipc.open_file(file).read_all().to_pylist()
        count += len(found)
        rows |= {row.pop("key"): repr(row) for row in found}
    return rows, count


def test_people_are_cut_once_and_only_those_who_are_asked_for(store, bodies):
    samples = opened(store, bodies)
    assert cut(samples, np.array([1, 4, 4])) == 2
    assert cut(samples, np.array([1, 4])) == 0
    assert samples.take(np.array([4, 1])).crops.shape == (2, 90, 68, 3)
    with pytest.raises(InputError, match="1 of 2 rows of bedlam have no crops yet"):
        samples.take(np.array([4, 2]))
    assert cut(samples) == len(samples) - 2
    assert cut(opened(store, bodies)) == 0
    assert cut(opened(store, bodies, Input(height=64, width=48, quality=80))) == len(samples)


def test_a_changed_image_is_cut_anew_for_its_people_and_nobody_else(store, bodies):
    samples = opened(store, bodies)
    cut(samples)
    images = samples.read(np.arange(len(samples)))["image_path"]
    path = store.release_root("bedlam") / images[3]
    with Image.open(path) as image:
        Image.eval(image, lambda value: 255 - value).save(path)
    before = samples.take(np.arange(len(samples))).crops
    assert cut(samples) == (images == images[3]).sum() < len(samples)
    after = samples.take(np.arange(len(samples))).crops
    changed = (before != after).any((1, 2, 3))
    assert changed[3]
    assert not changed[images != images[3]].any()


def test_a_changed_label_changes_the_hash_of_its_row_alone_and_null_is_not_zero(store):
    table = store.instances("bedlam", "train")
    before = contents(table)
    assert len(set(before)) == len(table)
    assert contents(table.slice(5, 3)) == before[5:8]  # whatever stands beside it
    for name in ("bbox", "body_pose", "image_path", "face_valid", "transl"):
        values = table[name].to_pylist()
        values[2] = None
        index = table.column_names.index(name)
        column = pa.array(values, table.schema.field(name).type)
        changed = contents(table.set_column(index, table.schema.field(name), column))
        assert [i for i, (a, b) in enumerate(zip(before, changed, strict=True)) if a != b] == [2]
    kid = pa.array([None, 0.0] * (len(table) // 2) + [None] * (len(table) % 2), pa.float32())
    other = table.set_column(table.column_names.index("kid"), "kid", kid)
    assert len({h == b for h, b in zip(contents(other), before, strict=True)}) == 2
    unit = pa.array(["elsewhere"] * len(table))
    assert contents(table.set_column(table.column_names.index("unit"), "unit", unit)) == before


def test_a_lost_or_broken_index_is_made_from_the_shards(store, bodies):
    samples = opened(store, bodies)
    cut(samples)
    before = samples.take(np.arange(len(samples))).crops
    path = samples.plan.folder / INDEX
    for spoil in (path.unlink, lambda: path.write_bytes(b"ARROW1 no more")):
        spoil()
        again = opened(store, bodies)
        assert cut(again) == 0
        np.testing.assert_array_equal(again.take(np.arange(len(samples))).crops, before)
        assert Index.open(samples.plan.folder).table.num_rows == len(samples)


def test_a_shard_that_is_deleted_is_cut_again_and_a_broken_one_is_named(store, bodies, monkeypatch):
    monkeypatch.setattr(cache, "SHARD", 4)
    samples = opened(store, bodies)
    cut(samples)
    first, second = sorted(samples.plan.folder.glob("shard-*.arrow"))[:2]
    first.unlink()
    again = opened(store, bodies)
    assert 0 < cut(again) <= 8
    second.write_bytes(b"nothing")
    with pytest.raises(StoreError, match=rf"{second.name} is missing or broken.*Delete it"):
        again.take(np.arange(len(again)))


def test_a_missing_and_an_unreadable_image_are_named(store, bodies):
    samples = opened(store, bodies)
    path = store.release_root("bedlam") / samples.read(np.array([2]))["image_path"][0]
    path.write_bytes(b"not a picture")
    with pytest.raises(InputError, match=rf"{path.name} cannot be decoded"):
        samples.cut()
    path.unlink()
    with pytest.raises(MissingFiles, match=rf"{path.name} is not there"):
        samples.cut()


def test_a_killed_worker_is_said_and_the_same_call_goes_on(store, bodies, monkeypatch):
    monkeypatch.setattr(cache, "SHARD", 2)
    samples = opened(store, bodies)

    def kill(_done, _whole):
        for child in active_children():
            child.kill()

    with pytest.raises(StoreError, match="A worker process died"):
        samples.cut(workers=2, progress=kill)
    left = cut(samples)
    assert 0 < left < len(samples)
    rows, count = held(samples.plan.folder)
    assert len(rows) == count == len(samples)


BUILD = """
import os, signal, sys
from pathlib import Path
from ehpsbench import atomic
from ehpsbench.body.bodies import open_bodies
from ehpsbench.store import Store
from ehpsbench.training import cache
from ehpsbench.training.data import Samples
from ehpsbench.training.recipe import Input

def killed_at(path, calls=[]):
    calls.append(path)
    if len(calls) == 5:  # two shards and their folder; the third is written, not yet renamed
        os.kill(os.getpid(), signal.SIGKILL)

def main(root, mode):
    cache.SHARD = 2
    samples = Samples.open(
        Store(Path(root)), "bedlam", ["train"], Input(height=64, width=48), open_bodies("small")
    )
    if mode == "die":
        atomic.sync = killed_at
    else:
        print("ready", flush=True)
        sys.stdin.readline()
    told = [0]
    samples.cut(progress=lambda done, whole: told.append(done))
    print(told[-1], len(samples))

if __name__ == "__main__":
    main(*sys.argv[1:])
"""


def start(store, mode, folder):
    script = Path(folder) / "build.py"
    script.write_text(BUILD)
    return subprocess.Popen(
        [sys.executable, str(script), str(store.root), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_build_that_is_killed_goes_on_and_two_at_once_share_the_work(store, bodies, tmp_path):
    with start(store, "die", tmp_path) as dying:
        assert dying.wait(60) == -signal.SIGKILL
    samples = opened(store, bodies)
    folder = samples.plan.folder
    assert len(list(folder.glob("shard-*.arrow"))) == 2
    assert len(list(folder.glob(".*.tmp"))) == 1  # one that was never whole
    survived = held(folder)[1]
    with start(store, "live", tmp_path) as first, start(store, "live", tmp_path) as second:
        assert [b.stdout.readline() for b in (first, second)] == ["ready\n"] * 2
        for builder in (first, second):
            builder.stdin.write("go\n")
            builder.stdin.flush()
        said = [builder.communicate(timeout=60)[0] for builder in (first, second)]
    done = [int(words.split()[0]) for words in said]
    assert survived + sum(done) == len(samples)  # nobody was cut twice
    rows, count = held(folder)
    assert len(rows) == count == len(samples)
    assert not list(folder.glob(".*.tmp"))
    shutil.rmtree(folder)
    samples.cut()
    assert held(folder)[0] == rows  # what an undisturbed build holds
