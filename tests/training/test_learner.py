"""An update: in pieces as in one go, in less memory, and never with a number that is none."""

import json
import shutil
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ehpsbench.errors import InputError
from ehpsbench.store import Store
from ehpsbench.training.augment import CropSize
from ehpsbench.training.estimate import skeleton
from ehpsbench.training.learner import Learner
from ehpsbench.training.loop import train
from ehpsbench.training.models.network import network
from ehpsbench.training.ranks import Ranks
from ehpsbench.training.recipe import recipe
from ehpsbench.training.targets import Targets, targets
from ehpsbench.training.views import views

MICRO = recipe("micro-cpu")
COUNT = 7


@pytest.fixture
def portion(people, bodies):
    """Seven people; three have no hands, one no body, two no shape."""
    columns = people(COUNT)
    size = CropSize.of(MICRO.input)
    where = views(columns, MICRO.input.width / MICRO.input.height, MICRO.input.padding)
    made = targets(columns, where, bodies, None)
    known = {f.name: getattr(made, f.name).copy() for f in fields(Targets)}
    known["rotations_known"][:3, 25:] = False
    known["hand_root_known"][:3] = False
    known["joints_known"][3] = known["rotations_known"][3] = known["pixels_known"][3] = False
    known["betas_known"][4:6] = False
    crops = np.random.default_rng(0).integers(0, 256, (COUNT, size.height, size.width, 3))
    return SimpleNamespace(crops=crops.astype(np.uint8), targets=Targets(**known))


def learner(bodies, micro=None, ask=None, rate=1e-2):
    """A learner whose updates are its gradients."""
    torch.manual_seed(0)
    made = network(MICRO)
    said = []
    return said, Learner(
        recipe=MICRO,
        seed=0,
        ranks=Ranks(0, 1, torch.device("cpu")),
        network=made,
        ask=made if ask is None else lambda images: ask(made, images),
        optimiser=torch.optim.SGD(made.parameters(), lr=rate),
        skeleton=skeleton(bodies),
        micro=micro,
        say=said.append,
    )


def numbers(one):
    return torch.cat([p.detach().flatten() for p in one.network.parameters()])


def updated(one, portion):
    before = numbers(one)
    terms = one.step(portion, 0, COUNT)
    return numbers(one) - before, {k: float(v) for k, v in terms.items()}


def test_a_batch_in_pieces_teaches_what_it_teaches_in_one_go(bodies, portion):
    whole, terms = updated(learner(bodies)[1], portion)
    assert whole.norm() > 0
    for micro in (1, 2, 5):
        pieces, again = updated(learner(bodies, micro)[1], portion)
        assert (pieces - whole).norm() < 1e-4 * whole.norm()
        assert again == pytest.approx(terms, rel=1e-4)


def little_memory(made, images):
    if len(images) > 2:
        raise torch.OutOfMemoryError("no room")
    return made(images)


def test_out_of_memory_halves_what_goes_through_at_once_and_is_remembered(bodies, portion):
    whole, _ = updated(learner(bodies)[1], portion)
    said, one = learner(bodies, ask=little_memory)
    found, _ = updated(one, portion)
    assert (found - whole).norm() < 1e-4 * whole.norm()
    assert one.micro == 2
    assert [line.split(" The batch")[0] for line in said] == [
        "Out of memory with 7 crops at a time: from here on 4.",
        "Out of memory with 4 crops at a time: from here on 2.",
    ]
    one.step(portion, COUNT, COUNT)
    assert len(said) == 2


def test_memory_for_less_than_one_crop_is_an_error(bodies, portion):
    def none(made, images):
        raise torch.OutOfMemoryError("no room")

    with pytest.raises(InputError, match="one crop at a time"):
        learner(bodies, ask=none)[1].step(portion, 0, COUNT)


class NoCompiler(RuntimeError):
    """As torch's compiler fails."""

    __module__ = "torch._inductor.exc"


def test_a_network_that_torch_cannot_compile_is_a_message(bodies, portion):
    def uncompiled(made, images):
        raise NoCompiler("no C++ compiler\nand a long tale")

    with pytest.raises(InputError, match=r"\(no C\+\+ compiler\)\. Leave --compile out"):
        learner(bodies, ask=uncompiled)[1].step(portion, 0, COUNT)


def tiny(**optimiser):
    budget = MICRO.budget.model_copy(update={"samples_seen": 44, "batch": 8})
    optimiser = MICRO.optimiser.model_copy(update={"warmup_samples": 8, **optimiser})
    heldout = MICRO.heldout.model_copy(update={"points": 3, "limit": 4})
    made = {"name": "tiny", "budget": budget, "optimiser": optimiser, "heldout": heldout}
    return MICRO.model_copy(update=made)


def test_a_loss_that_is_no_number_ends_the_run_with_the_batch_at_hand(
    bedlam_store, bodies, tmp_path
):
    store = _own(bedlam_store, tmp_path)
    with pytest.raises(InputError, match=r"is no number after \d+ samples.*bad-batch") as error:
        train(store, "bedlam", tiny(lr=1e30), 0, bodies)
    folder = store.runs / "bedlam--tiny--s0"
    about = json.loads((folder / "bad-batch.json").read_text())
    batch = load_file(folder / "bad-batch.safetensors")
    assert f"after {about['samples_seen']} samples" in str(error.value)
    assert len(about["instance_id"]) == len(batch["images"]) == 8
    assert set(about["instance_id"]) <= set(
        bedlam_store.instances("bedlam", "train")["instance_id"].to_pylist()
    )
    state = load_file(folder / f"state-{about['samples_seen']}.safetensors")
    assert all(bool(torch.isfinite(value).all()) for value in state.values())


def _own(store, root):
    shutil.copytree(store.root, root / "store")
    return Store(root / "store")
