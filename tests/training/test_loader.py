"""Portions and batches: aligned rows, the same batches however and wherever they are read."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from ehpsbench.errors import InputError, StoreError
from ehpsbench.store import Store
from ehpsbench.training import cache
from ehpsbench.training.data import Samples
from ehpsbench.training.loader import Span, loader, prepare
from ehpsbench.training.mix import Mix
from ehpsbench.training.ranks import Ranks
from ehpsbench.training.recipe import Input
from ehpsbench.training.targets import Targets, targets
from ehpsbench.training.views import Views, views

SETTINGS = Input(height=64, width=48)
STREAM = [0, 1]
MIX = Mix(parts=("first", "second"))


@pytest.fixture(scope="module")
def samples(bedlam_store, bodies, tmp_path_factory):
    """All that is cut of the miniature BEDLAM, in several shards of a cache of its own."""
    root = tmp_path_factory.mktemp("cached")
    for name in ("instances", "images"):
        (root / name).symlink_to(bedlam_store.root / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "SHARD", 4)
        found = Samples.open(Store(root), "bedlam", ["train"], SETTINGS, bodies)
        found.cut()
    assert len(found.reader.names) > 2
    return found


@pytest.fixture(scope="module")
def parts(samples):
    """Two "datasets": some of its rows, and the others in another order."""
    rows = np.arange(len(samples))
    return [samples.only(rows[:5]), samples.only(rows[:4:-1])]


def read(parts, start=0, stop=40, **how):
    return list(loader(parts, MIX, STREAM, Span(start, stop, 16), **how))


def same(first, second):
    assert len(first) == len(second) > 0
    for one, other in zip(first, second, strict=True):
        for name in ("crops", "part", "row"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        for f in fields(Targets):
            values = getattr(one.targets, f.name), getattr(other.targets, f.name)
            np.testing.assert_array_equal(*values)


def test_a_portion_holds_its_rows_targets_and_views(samples, bodies):
    rows = np.array([7, 2, 2, len(samples) - 1])
    found, columns = samples.take(rows), samples.read(rows)
    assert columns["instance_id"].tolist() == samples.columns["instance_id"][rows].tolist()
    where = views(columns, 0.75, SETTINGS.padding)
    made = targets(columns, where, bodies, samples.plan.root)
    for kind, got, wanted in ((Views, found.views, where), (Targets, found.targets, made)):
        for f in fields(kind):
            assert getattr(got, f.name).dtype == getattr(wanted, f.name).dtype
            np.testing.assert_allclose(getattr(got, f.name), getattr(wanted, f.name), atol=1e-6)
    alone = [samples.take(np.array([row])).crops[0] for row in rows]
    np.testing.assert_array_equal(found.crops, alone)


def test_what_is_recorded_of_a_crop_leads_from_its_pixels_to_the_image(samples):
    rows = np.arange(4)
    _, said = samples.reader.read(*samples.places(rows))
    where = samples.take(rows).views
    middle = np.array([68 / 2, 90 / 2, 1])
    found = np.stack([said["image_x"] @ middle, said["image_y"] @ middle], 1)
    np.testing.assert_allclose(found, where.centre)
    corner = np.stack([said["image_x"][:, 2], said["image_y"][:, 2]], 1)
    np.testing.assert_allclose(corner, where.centre - where.half * [68 / 48, 90 / 64])
    columns = samples.read(rows)
    np.testing.assert_allclose(said["focal"], columns["focal"])
    assert not said["mirrored"].any()
    assert not said["undistorted"].any()


def test_a_batch_is_the_same_wherever_one_goes_on_and_short_at_the_end(parts):
    whole = read(parts)
    assert [len(portion) for portion in whole] == [16, 16, 8]
    same(read(parts, start=16), whole[1:])
    assert np.bincount(whole[0].part).tolist() == [8, 8]


def test_a_mixed_batch_holds_what_its_parts_say(parts):
    portion = read(parts)[0]
    for i, part in enumerate(parts):
        own = part.take(portion.row[portion.part == i])
        np.testing.assert_array_equal(portion.crops[portion.part == i], own.crops)
        np.testing.assert_array_equal(portion.targets.joints[portion.part == i], own.targets.joints)


@pytest.mark.parametrize("world", [2, 3])
def test_the_ranks_shares_side_by_side_are_the_batch(parts, world):
    ranks = [Ranks(rank, world, torch.device("cpu")) for rank in range(world)]
    for whole, *pieces in zip(read(parts), *(read(parts, here=one) for one in ranks), strict=True):
        np.testing.assert_array_equal(whole.row, np.concatenate([p.row for p in pieces]))
        np.testing.assert_array_equal(whole.crops, np.concatenate([p.crops for p in pieces]))
    shares = [one.share(16) for one in ranks]
    assert np.concatenate([np.arange(16)[s] for s in shares]).tolist() == list(range(16))


def test_two_processes_read_the_same_batches_and_leave_the_dice_alone(parts):
    before = torch.random.get_rng_state()
    same(read(parts, workers=2), read(parts))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_broken_shard_is_named_by_a_process_that_reads_ahead(samples, parts, tmp_path):
    reader = samples.reader
    try:
        samples._cut.reader = type(reader)(tmp_path, reader.names)
        with pytest.raises(StoreError, match=r"shard-.* is missing or broken"):
            read(parts, workers=1)
    finally:
        samples._cut.reader = reader


def test_only_what_a_budget_draws_is_cut(bedlam_store, bodies, tmp_path):
    for name in ("instances", "images"):
        (tmp_path / name).symlink_to(bedlam_store.root / name)
    fresh = Samples.open(Store(tmp_path), "bedlam", ["train"], SETTINGS, bodies)
    told = []
    one = Mix(parts=("bedlam",))
    prepare([fresh], one, STREAM, 6, progress=lambda *now: told.append(now))
    assert told == [(6, 6)]
    batches = list(loader([fresh], one, STREAM, Span(0, 6, 3)))
    assert len(set(np.concatenate([b.row for b in batches]).tolist())) == 6
    with pytest.raises(InputError, match="have no crops yet"):
        list(loader([fresh], one, STREAM, Span(6, 9, 3)))
