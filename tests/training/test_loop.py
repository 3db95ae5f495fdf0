"""Runs: the budget to the sample, cells by content, learnt by heart, reported."""

import contextlib
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ehpsbench.errors import BodyMismatch, InputError, StoreError, UnknownName
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.ingest import ingest
from ehpsbench.samples import write_sample
from ehpsbench.store import Store
from ehpsbench.training import cells
from ehpsbench.training.former import refuse_finished
from ehpsbench.training.heldout import held_out, joint_error
from ehpsbench.training.lock import working_on
from ehpsbench.training.loop import train
from ehpsbench.training.predict import predict
from ehpsbench.training.recipe import recipe
from ehpsbench.training.schedule import curve, learning_rate, optimiser_of
from ehpsbench.world.settings import WorldSettings

MICRO = recipe("micro-cpu")


def tiny(samples_seen=44, **optimiser):
    return MICRO.model_copy(
        update={
            "name": "tiny",
            "budget": MICRO.budget.model_copy(update={"samples_seen": samples_seen, "batch": 8}),
            "optimiser": MICRO.optimiser.model_copy(update={"warmup_samples": 8, **optimiser}),
            "heldout": MICRO.heldout.model_copy(update={"points": 3, "limit": 4}),
        }
    )


@pytest.fixture
def store(bedlam_store, tmp_path):
    """A store of one's own with the miniature BEDLAM in it."""
    shutil.copytree(bedlam_store.root, tmp_path / "store")
    return Store(tmp_path / "store")


def lines(folder):
    return [json.loads(line) for line in (folder / cells.LOG).read_text().splitlines()]


def test_a_run_sees_its_budget_to_the_sample_and_leaves_its_files(store, bodies):
    told = []
    folder = train(store, "bedlam", tiny(), 0, bodies, progress=lambda *now: told.append(now))
    assert [seen for seen, _ in told] == [8, 16, 24, 32, 40, 44]
    assert [line["samples_seen"] for line in lines(folder)] == [16, 32, 44]
    files = {cells.RECORD, cells.LOG, cells.WEIGHTS, cells.HELDOUT, cells.MEAN_POSE}
    files |= {"best.safetensors", "best.json"}
    assert {path.name for path in folder.iterdir() if path.is_file()} == files
    assert folder.name == "bedlam--tiny--s0"
    report = json.loads((folder / cells.HELDOUT).read_text())
    assert report["mean_pose"]["pve_mm"] > 10
    assert report["model"]["pve_rows"] == report["rows"] == 4


def test_a_finished_run_is_left_alone_and_another_recipe_or_seed_is_another_run(store, bodies):
    folder = train(store, "bedlam", tiny(8), 0, bodies)
    stamp = (folder / cells.RECORD).stat().st_mtime_ns
    wanted = cells.cell(store, "bedlam", tiny(8), 0, bodies)
    assert cells.is_done(store, wanted)
    assert train(store, "bedlam", tiny(8), 0, bodies) == folder
    assert (folder / cells.RECORD).stat().st_mtime_ns == stamp
    assert not cells.is_done(store, cells.cell(store, "bedlam", tiny(8, lr=1e-4), 0, bodies))
    assert not cells.is_done(store, cells.cell(store, "bedlam", tiny(8), 1, bodies))
    with pytest.raises(UnknownName, match="bedlam--tiny--s0"):
        cells.record(store, "bedlam--tiny--s1")


def scored(store, entry):
    """Predictions and a result of an entry, as far as a ranking sees them."""
    for kind in (store.results, store.predictions):
        (kind / entry).mkdir(parents=True)
        (kind / entry / "ehf.json").write_text("{}")
    return store.results / entry, store.predictions / entry


def test_a_finished_run_of_other_content_is_not_trained_over(store, bodies):
    folder = train(store, "bedlam", tiny(8), 0, bodies)
    weights, kept = (folder / cells.WEIGHTS).read_bytes(), scored(store, folder.name)
    words = r"not the same: recipe \(optimiser.lr\)\. Rename the recipe .* --replace"
    with pytest.raises(InputError, match=words):
        train(store, "bedlam", tiny(8, lr=1e-4), 0, bodies)
    with pytest.raises(InputError, match="not the same: rows, weights it starts from"):
        refuse_finished(
            store,
            replace(cells.cell(store, "bedlam", tiny(8), 0, bodies), data="x", pretrained="y"),
            tiny(8),
        )
    assert (folder / cells.WEIGHTS).read_bytes() == weights
    assert all(path.is_dir() for path in kept)


def test_to_replace_a_finished_run_removes_its_scores_and_nobody_elses(store, bodies):
    folder = train(store, "bedlam", tiny(16), 0, bodies, until=8)
    train(store, "bedlam", tiny(16), 0, bodies)
    gone = scored(store, folder.name) + scored(store, f"{folder.name}@8")
    kept = scored(store, f"{folder.name}0") + scored(store, "bedlam--mean-pose")
    train(store, "bedlam", tiny(16, lr=1e-4), 0, bodies, replace=True)
    assert cells.is_done(store, cells.cell(store, "bedlam", tiny(16, lr=1e-4), 0, bodies))
    assert not (folder / "at-8.json").exists()
    assert [path.exists() for path in gone + kept] == [False] * 4 + [True] * 4


def test_a_rung_keeps_its_scores_when_its_own_run_goes_on(store, bodies):
    folder = train(store, "bedlam", tiny(16), 0, bodies, until=8)
    kept = scored(store, f"{folder.name}@8")
    train(store, "bedlam", tiny(16), 0, bodies)
    assert all(path.is_dir() for path in kept)


@pytest.fixture
def someone():
    """Another process that holds the lock of a cell, until its input ends."""
    code = (
        "import sys; from pathlib import Path; from ehpsbench.store import Store\n"
        "from ehpsbench.training.lock import working_on\n"
        "with working_on(Store(Path(sys.argv[1])), sys.argv[2]): print(flush=True); input()"
    )
    with contextlib.ExitStack() as stack:

        def hold(store, cell):
            words = [sys.executable, "-c", code, str(store.root), cell]
            pipe = subprocess.PIPE
            held = stack.enter_context(subprocess.Popen(words, stdin=pipe, stdout=pipe))
            stack.callback(held.kill)
            held.stdout.readline()
            return held

        yield hold


def test_a_second_process_is_kept_from_a_cell_until_the_first_is_dead(store, bodies, someone):
    other = someone(store, "bedlam--tiny--s0")
    with pytest.raises(StoreError, match=f"worked on by process {other.pid} on .* Wait for it"):
        train(store, "bedlam", tiny(8), 0, bodies)
    assert not (store.runs / "bedlam--tiny--s0").exists()
    train(store, "bedlam", tiny(8), 1, bodies)  # another cell
    other.kill()
    other.wait()
    train(store, "bedlam", tiny(8), 0, bodies)


def test_who_has_a_cell_may_train_it(store, bodies):
    with working_on(store, "bedlam--tiny--s0"):
        train(store, "bedlam", tiny(8), 0, bodies)
        with ThreadPoolExecutor(1) as pool, pytest.raises(StoreError, match="worked on by"):
            pool.submit(train, store, "bedlam", tiny(16), 0, bodies).result()


def test_arithmetic_is_left_as_it_was_found(store, bodies):
    smallest = np.float32(1e-45)
    train(store, "bedlam", tiny(samples_seen=16), 0, bodies)
    assert torch.tensor(smallest) * torch.ones(()) > 0
    assert smallest * np.float32(1) > 0


def test_another_seed_makes_another_model(store, bodies):
    found = [load_file(train(store, "bedlam", tiny(8), s, bodies) / cells.WEIGHTS) for s in (0, 1)]
    assert not torch.equal(found[0]["trunk.position"], found[1]["trunk.position"])
    assert torch.equal(found[0]["start_six"], found[1]["start_six"])  # the mean pose is the data's


def test_a_few_people_can_be_learnt_by_heart_and_are_then_predicted(tmp_path, bodies):
    release, world = tmp_path / "release", WorldSettings(size=(96, 128))
    write_sample(
        *("bedlam", release), people=8, body="open-small", split="train", settings=world, scale=0.15
    )
    store = Store(tmp_path / "store")
    ingest("bedlam", release, store)
    still = MICRO.augmentation.model_validate({})
    plan = tiny(560, min_lr=2e-4).model_copy(update={"augmentation": still})
    log = lines(train(store, "bedlam", plan, 0, bodies))
    first, last = log[0]["losses"], log[-1]["losses"]
    assert last["joints2d"] < first["joints2d"] / 2
    assert last["joints3d"] < first["joints3d"] / 2
    errors = {}
    for mean_pose in (False, True):
        path = predict(
            store, "bedlam--tiny--s0", "egobody-test@bedlam@train", bodies, mean_pose=mean_pose
        )
        result = evaluate(store, path.parent.name, "egobody-test@bedlam@train", bodies)
        errors[path.parent.name] = result.number("pve")
    assert errors["bedlam--tiny--s0"] < 0.8 * errors["bedlam--mean-pose"]


def test_rows_of_another_body_set_are_refused(store):
    from ehpsbench.body.bodies import open_bodies

    with pytest.raises(BodyMismatch, match="ingest it again"):
        train(store, "bedlam", tiny(), 0, open_bodies("full"))


def test_a_dataset_without_a_training_split_is_not_trained_on_by_default(store):
    assert cells.training_splits("x", ["train", "validation", "train-extra"]) == (
        "train",
        "train-extra",
    )
    with pytest.raises(InputError, match="no split called train"):
        cells.training_splits("x", ["test", "val"])


def test_whole_clusters_are_held_out_whatever_the_order_of_the_rows():
    clusters = [f"clip{i // 7}" for i in range(140)]
    images = [str(i) for i in range(140)]
    apart, independent = held_out(clusters, images, 0.1)
    assert independent
    assert 14 <= apart.sum() <= 20
    mixed = {c for c, a in zip(clusters, apart, strict=True) if a}
    assert not mixed & {c for c, a in zip(clusters, apart, strict=True) if not a}
    again, _ = held_out(clusters[::-1], images[::-1], 0.1)
    assert again[::-1].tolist() == apart.tolist()


def test_one_recording_is_split_by_image_and_says_so():
    apart, independent = held_out(["a"] * 20, [str(i // 2) for i in range(20)], 0.1)
    assert not independent
    assert apart.sum() == 2


def test_the_rate_climbs_to_its_peak_and_falls_to_its_floor():
    settings = MICRO.optimiser.model_copy(update={"lr": 1.0, "min_lr": 0.1, "warmup_samples": 100})
    assert learning_rate(settings, 0, 1100) == pytest.approx(1 / 101)
    assert learning_rate(settings, 100, 1100) == pytest.approx(1.0)
    assert learning_rate(settings, 600, 1100) == pytest.approx(0.55)
    assert learning_rate(settings, 1100, 1100) == pytest.approx(0.1)


@pytest.mark.parametrize(("name", "kept"), [("adamw", 0.9), ("adam", 0.0)])
def test_adamw_decays_weights_apart_and_adam_through_the_gradient(name, kept):
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(layer.weight)
    update = {"name": name, "lr": 1.0, "weight_decay": 0.1}
    optimiser = optimiser_of(layer, MICRO.optimiser.model_copy(update=update))
    layer.weight.grad = torch.zeros_like(layer.weight)
    optimiser.step()  # Adam divides by the gradient's size, and so takes a whole step
    assert layer.weight.item() == pytest.approx(kept, abs=1e-5)


def test_the_curve_ends_at_the_budget_and_has_its_points():
    assert curve(44, 8, 3) == {16, 32, 44}
    assert curve(12000, 32, 6) == {2016, 4000, 6016, 8000, 10016, 12000}


def test_one_of_22_joints_off_by_22_cm_is_a_mean_of_1_cm():
    wanted = np.random.default_rng(0).standard_normal((1, 55, 3))
    found = wanted.copy()
    found[0, 7, 1] += 0.22
    found[0, 30] += 5  # a finger does not count
    known = np.ones((1, 55), bool)
    np.testing.assert_allclose(joint_error(found, wanted, known), [0.01])
    known[0, 0] = False  # without a pelvis nothing can be aligned
    assert np.isnan(joint_error(found, wanted, known)).all()
