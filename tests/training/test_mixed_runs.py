"""Runs on mixes, rungs of a budget, and runs that start from others."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from ehpsbench.errors import InputError, MissingFiles, UnknownName
from ehpsbench.ingest import ingest
from ehpsbench.samples import write_sample
from ehpsbench.store import Store
from ehpsbench.training import cells
from ehpsbench.training.loop import train
from ehpsbench.training.mix import Mix
from ehpsbench.training.predict import predict
from ehpsbench.training.recipe import recipe

MICRO = recipe("micro-cpu")
TINY = cells.budgeted(MICRO, 44).model_copy(
    update={
        "name": "tiny",
        "budget": MICRO.budget.model_copy(update={"samples_seen": 44, "batch": 8}),
        "heldout": MICRO.heldout.model_copy(update={"points": 3, "limit": 4}),
    }
)


@pytest.fixture(scope="module")
def filled(bedlam_store, tmp_path_factory):
    """A store with BEDLAM and AGORA in miniature."""
    root = tmp_path_factory.mktemp("two")
    shutil.copytree(bedlam_store.root, root / "store")
    write_sample("agora", root / "release", people=16, seed=1, images="flat", body="open-small")
    ingest("agora", root / "release", Store(root / "store"))
    return Store(root / "store")


@pytest.fixture
def store(filled, tmp_path):
    shutil.copytree(filled.root, tmp_path / "store")
    return Store(tmp_path / "store")


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def test_a_mix_trains_one_cell_and_holds_out_of_every_part(store, bodies):
    mix = Mix(parts=("bedlam", "agora"))
    folder = train(store, mix, TINY, 0, bodies)
    assert folder.name == "bedlam+agora--tiny--s0"
    record = cells.record(store, folder.name)
    assert record["parts"] == ["bedlam", "agora"]
    assert record["mix"] == "balanced"
    report = json.loads((folder / cells.HELDOUT).read_text())
    parts = report["parts"]
    assert set(parts) == {"bedlam", "agora"}
    assert report["rows"] == sum(part["rows"] for part in parts.values()) <= 4
    for who in ("model", "mean_pose"):
        errors = [part[who]["mpjpe_mm"] for part in parts.values()]
        assert report[who]["mpjpe_mm"] == pytest.approx(sum(errors) / 2)
    assert cells.is_done(store, cells.cell(store, mix, TINY, 0, bodies))
    other = mix.model_copy(update={"strategy": "concat"})
    assert not cells.is_done(store, cells.cell(store, other, TINY, 0, bodies))


def test_a_rung_is_the_same_run_stopped_early_and_can_be_scored(store, bodies):
    wanted = cells.cell(store, "bedlam", TINY, 0, bodies)
    told = []
    folder = train(store, "bedlam", TINY, 0, bodies, until=20, progress=lambda *t: told.append(t))
    assert told == [(8, 24), (16, 24), (24, 24)]
    assert cells.is_done(store, wanted, 20)
    assert not cells.is_done(store, wanted)
    entry = cells.entry(wanted.id, 20)
    assert cells.record(store, entry)["samples_seen"] == 24
    assert predict(store, entry, "egobody-test@bedlam@train", bodies).is_file()
    train(store, "bedlam", TINY, 0, bodies, until=20, progress=lambda *t: told.append(t))
    assert len(told) == 3  # done, so nothing is done
    train(store, "bedlam", TINY, 0, bodies, progress=lambda *t: told.append(t))
    assert told[3:] == [(32, 44), (40, 44), (44, 44)]
    whole = load_file(folder / cells.WEIGHTS)
    shutil.rmtree(folder)
    assert same(whole, load_file(train(store, "bedlam", TINY, 0, bodies) / cells.WEIGHTS))


def test_a_rung_that_the_run_has_passed_is_made_again_beside_it(store, bodies):
    early = train(store, "bedlam", TINY, 0, bodies, until=16) / "at-16.safetensors"
    rung = load_file(early)
    shutil.rmtree(early.parent)
    train(store, "bedlam", TINY, 0, bodies)
    log = (early.parent / cells.LOG).read_text()
    train(store, "bedlam", TINY, 0, bodies, until=16)
    assert same(rung, load_file(early))
    assert (early.parent / cells.LOG).read_text() == log
    assert not [path for path in early.parent.iterdir() if "again" in path.name]


@pytest.mark.parametrize("until", [44, 99])
def test_a_rung_at_the_budget_or_past_it_is_the_whole_run(store, bodies, until):
    folder = train(store, "bedlam", TINY, 0, bodies)
    before = sorted(path.name for path in folder.iterdir())
    told = []
    train(store, "bedlam", TINY, 0, bodies, until=until, progress=lambda *t: told.append(t))
    assert not told
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_rung_in_the_last_batch_of_a_finished_run_leaves_the_run_as_it_is(store, bodies):
    folder = train(store, "bedlam", TINY, 0, bodies)
    record = (folder / cells.RECORD).read_text()
    train(store, "bedlam", TINY, 0, bodies, until=43)
    assert (folder / cells.RECORD).read_text() == record
    assert same(load_file(folder / cells.WEIGHTS), load_file(folder / "at-43.safetensors"))
    assert not [path for path in folder.iterdir() if "again" in path.name]


def test_a_run_starts_from_another_and_its_mean_pose_is_its_own(store, bodies):
    base = train(store, "agora", TINY, 0, bodies)
    folder = train(store, "bedlam", TINY, 0, bodies, until=8, start_from=base.name)
    start = cells.record(store, f"{folder.name}@8")["start"]
    assert folder.name == f"bedlam--tiny-from-{start[:8]}--s0"
    moved = load_file(folder / "at-8.safetensors")
    assert same({"start_six": load_file(base / cells.WEIGHTS)["start_six"]}, moved)
    alone = train(store, "bedlam", TINY, 0, bodies, until=8)
    mean = [load_file(run / cells.MEAN_POSE) for run in (folder, alone, base)]
    assert same(mean[0], mean[1])
    assert not same(mean[0], mean[2])
    again = cells.cell(store, "bedlam", TINY, 0, bodies, start_from=base / cells.WEIGHTS)
    assert again.hash == cells.record(store, f"{folder.name}@8")["hash"]


def test_weights_of_another_network_are_refused(store, bodies, tmp_path):
    base = train(store, "bedlam", TINY, 0, bodies, until=8) / "at-8.safetensors"
    wider = TINY.model_copy(update={"model": MICRO.model.model_copy(update={"dim": 48})})
    with pytest.raises(InputError, match="of another network than the recipe's"):
        train(store, "bedlam", wider, 1, bodies, start_from=base)
    with pytest.raises(UnknownName, match="finished cell"):
        train(store, "bedlam", TINY, 0, bodies, start_from="bedlam--tiny--s7")
    with pytest.raises(InputError, match="starts from no pretrained weights"):
        train(store, "bedlam", TINY, 0, bodies, weights=base)
    vit = TINY.model_copy(
        update={"model": MICRO.model.model_copy(update={"pretrained": "vitpose"})}
    )
    with pytest.raises(MissingFiles, match="--weights"):
        train(store, "bedlam", vit, 0, bodies)


def test_a_wrong_file_of_weights_is_said_before_crops_are_cut(store, bodies, tmp_path):
    (tmp_path / "w.pth").write_bytes(b"0" * 64)
    vit = recipe("rank-s").model_copy(update={"name": "vit"})
    with pytest.raises(InputError, match=r"w\.pth (is no checkpoint|holds more)"):
        train(store, "bedlam", vit, 0, bodies, weights=tmp_path / "w.pth")
    with pytest.raises(InputError, match="cannot be read"):
        train(store, "bedlam", TINY, 0, bodies, start_from=tmp_path / "w.pth")
    assert not (store.runs / "crops").exists()


def test_another_budget_has_another_name_and_a_warm_up_that_fits():
    made = cells.budgeted(MICRO, 500)
    assert made.name == "micro-cpu-n500"
    assert made.budget.samples_seen == 500
    assert made.optimiser.warmup_samples == 50
    assert cells.budgeted(MICRO, MICRO.budget.samples_seen) == MICRO
    assert made.hash != cells.budgeted(MICRO, 501).hash


TWO, WEIGHTED = ("bedlam", "agora"), ("--mix", "weighted", "--weight")


def from_command_line(store, *words):
    from typer.testing import CliRunner

    from ehpsbench.cli.main import app

    found = CliRunner().invoke(app, ["train", *words, "--store", str(store.root)])
    return found.exception or found.stdout.strip()


def test_datasets_or_a_mix_file_are_trained_from_the_command_line(store, tmp_path):
    small = ("--budget", "48", "--seed", "3")
    folder = from_command_line(store, "bedlam", "--dataset", "agora", "--mix", "concat", *small)
    assert folder.endswith("runs/bedlam+agora-concat--micro-cpu-n48--s3")
    file = tmp_path / "best.toml"
    parts = 'parts = ["agora", "bedlam"]\nstrategy = "weighted"\nweights = [1, 3]'
    file.write_text(f'name = "best"\n{parts}\n')
    found = from_command_line(store, "--mix-file", str(file), *small)
    assert found.endswith("runs/best--micro-cpu-n48--s3")
    assert cells.record(store, "best--micro-cpu-n48--s3")["weights"] == [1, 3]


def test_a_weighted_mix_is_given_on_the_command_line(store):
    shares = ("--weight", "agora=1", "--weight", "bedlam=3")
    found = from_command_line(store, *TWO, "--mix", "weighted", *shares, "--budget", "48")
    record = cells.record(store, "bedlam+agora-weighted--micro-cpu-n48--s0")
    assert found.endswith(record["id"])
    assert (record["mix"], record["weights"]) == ("weighted", [3, 1])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Name datasets of the store, or a mix"),
        (("bedlam", "--mix-file", "x.toml"), "one of the two"),
        (("bedlam", "--mix", "even"), "balanced, concat or weighted, not 'even'"),
        (("bedlam", "--dataset", "bedlam"), "named twice"),
        ((*TWO, "--mix", "weighted"), "--weight DATASET=SHARE of each dataset go together"),
        ((*TWO, "--weight", "agora=2"), "--mix weighted and a --weight"),
        ((*TWO, *WEIGHTED, "agora=2"), "bedlam has no --weight"),
        ((*TWO, *WEIGHTED, "agora=0"), "a share above 0, not 'agora=0'"),
        ((*TWO, *WEIGHTED, "agora"), "DATASET=SHARE with a share above 0, not 'agora'"),
        ((*TWO, *WEIGHTED, "agorra=1"), "Did you mean agora"),
        ((*TWO, *WEIGHTED, "agora=1", "--weight", "agora=2"), "names agora twice"),
        (("--mix-file", "x.toml", "--weight", "agora=2"), "leave --weight out"),
        (("bedlam", "--device", "gpu"), "There is no device 'gpu'"),
    ],
)
def test_wrong_use_is_said(store, words, message):
    assert message in str(from_command_line(store, *words))


def test_a_seed_below_0_is_refused(store, bodies):
    with pytest.raises(InputError, match="A seed is 0 or more, not -1"):
        train(store, "bedlam", TINY, -1, bodies)
    assert isinstance(from_command_line(store, "bedlam", "--seed", "-1"), SystemExit)
