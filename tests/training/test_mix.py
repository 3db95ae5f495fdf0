"""Mixes: shares that hold, all rows seen, draws that depend on nothing but the position."""

import numpy as np
import pytest
from pydantic import ValidationError

from ehpsbench.errors import InputError
from ehpsbench.training import mix as mix_module
from ehpsbench.training.mix import Mix, draws, read_mix

SIZES = (5, 700, 60)
STRATEGIES = {
    "balanced": Mix(parts=("a", "b", "c")),
    "concat": Mix(parts=("a", "b", "c"), strategy="concat"),
    "weighted": Mix(parts=("a", "b", "c"), strategy="weighted", weights=(1, 2, 5)),
}


@pytest.mark.parametrize("made", STRATEGIES.values(), ids=STRATEGIES)
def test_two_stretches_are_one_long_stretch(made):
    whole = np.stack(draws(made, SIZES, [3, 1], 900, 4000))
    parts = [draws(made, SIZES, [3, 1], 900 + 250 * i, 250) for i in range(16)]
    np.testing.assert_array_equal(np.concatenate([np.stack(p) for p in parts], 1), whole)
    mix_module._kept.clear()
    np.testing.assert_array_equal(np.stack(draws(made, SIZES, [3, 1], 900, 4000)), whole)


@pytest.mark.parametrize("made", STRATEGIES.values(), ids=STRATEGIES)
def test_every_row_of_a_part_is_drawn_once_before_any_is_drawn_twice(made):
    which, row = draws(made, SIZES, [0, 1], 0, 6000)
    for part, size in enumerate(SIZES):
        seen = row[which == part]
        whole = len(seen) // size
        assert whole >= 1
        epochs = np.sort(seen[: whole * size].reshape(whole, size), 1)
        assert (epochs == np.arange(size)).all()
        if whole > 1:
            assert seen[:size].tolist() != seen[size : 2 * size].tolist()


def test_a_long_part_is_walked_through_to_its_end_and_not_frozen_to_its_share():
    made = Mix(parts=("short", "long"))
    which, row = draws(made, (10, 1000), [0, 1], 0, 2000)
    assert len(set(row[which == 1].tolist())) == 1000  # the published code never left 505 of them


def test_balanced_draws_every_part_once_in_every_round():
    which, _ = draws(STRATEGIES["balanced"], SIZES, [0, 1], 0, 3 * 2000)
    assert (np.sort(which.reshape(-1, 3), 1) == [0, 1, 2]).all()
    assert len({tuple(r) for r in which.reshape(-1, 3).tolist()}) == 6  # in every order


def test_concat_draws_each_row_of_all_parts_once_an_epoch():
    total = sum(SIZES)
    for epoch in range(2):
        which, row = draws(STRATEGIES["concat"], SIZES, [0, 1], epoch * total, total)
        assert np.bincount(which).tolist() == list(SIZES)
        assert len(set(zip(which.tolist(), row.tolist(), strict=True))) == total


def test_weighted_shares_follow_the_weights():
    which, _ = draws(STRATEGIES["weighted"], SIZES, [0, 1], 0, 80_000)
    np.testing.assert_allclose(np.bincount(which), [10_000, 20_000, 50_000], atol=200)
    rare = Mix(parts=("a", "b", "c"), strategy="weighted", weights=(1e-4, 0.5, 1 / 3))
    which, _ = draws(rare, SIZES, [0, 1], 0, 200_000)
    shares = np.array(rare.weights) / sum(rare.weights)
    np.testing.assert_allclose(np.bincount(which) / 200_000, shares, atol=2e-3, rtol=0.1)


def test_one_dataset_comes_in_the_permutations_of_its_seed_whatever_the_strategy():
    expected = [np.random.default_rng([7, 1, epoch]).permutation(30) for epoch in range(3)]
    for extra in ({}, {"strategy": "concat"}, {"strategy": "weighted", "weights": (4,)}):
        which, row = draws(Mix(parts=("a",), **extra), (30,), [7, 1], 0, 90)
        assert not which.any()
        np.testing.assert_array_equal(row, np.concatenate(expected))


def test_another_seed_is_another_order_and_parts_of_one_size_differ():
    made = Mix(parts=("a", "b"))
    which, row = draws(made, (50, 50), [0, 1], 0, 100)
    assert row[which == 0].tolist() != row[which == 1].tolist()
    assert row.tolist() != draws(made, (50, 50), [1, 1], 0, 100)[1].tolist()


def test_what_is_memorised_does_not_grow_with_the_run():
    mix_module._kept.clear()
    for start in range(0, 100_000, 1000):
        for made in STRATEGIES.values():
            draws(made, SIZES, [0, 1], start, 100)
    # Three streams of parts share the room of one: two epochs and the last one made.
    assert sum(a.size for k, a in mix_module._kept.items() if k[0] == "rows") <= 3 * sum(SIZES)
    assert sum(a.size for k, a in mix_module._kept.items() if k[0] == "parts") <= 20 * 1100 * 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"parts": ()}, "at least 1 item"),
        ({"parts": ("a", "a")}, "named twice"),
        ({"parts": ("a",), "strategy": "weighted"}, "it needs them"),
        ({"parts": ("a", "b"), "strategy": "weighted", "weights": (1,)}, "1 weights for 2 parts"),
        ({"parts": ("a",), "weights": (1,)}, "belong to the strategy weighted"),
        ({"parts": ("a", "b"), "strategy": "weighted", "weights": (1, 1e-9)}, "millionth"),
        ({"parts": ("a",), "splits": {"b": ("train",)}}, "which is no part"),
    ],
)
def test_a_mix_that_makes_no_sense_is_refused(fields, words):
    with pytest.raises(ValidationError, match=words):
        Mix(**fields)


def test_a_mix_is_read_from_its_file_and_named_after_its_parts(tmp_path):
    path = tmp_path / "mix.toml"
    path.write_text('parts = ["bedlam", "agora"]\nstrategy = "concat"\n[splits]\nagora = ["val"]\n')
    found = read_mix(path)
    assert found.name == "bedlam+agora-concat"
    assert found.splits == {"agora": ("val",)}
    path.write_text('parts = ["a"]\nshare = 3\n')
    with pytest.raises(InputError, match="share"):
        read_mix(path)
