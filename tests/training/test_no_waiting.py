"""A step asks the device one thing, whether it went well, and never else waits for it.

Checked on tensors without content ("meta"), which are a device of their own: what would hold up
this process until a GPU is done is then to be seen in what is called.
"""

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ehpsbench.training.augment import CropSize
from ehpsbench.training.data import Portion
from ehpsbench.training.estimate import skeleton
from ehpsbench.training.learner import Learner
from ehpsbench.training.models.network import network
from ehpsbench.training.ranks import Ranks
from ehpsbench.training.recipe import Recipe, recipe
from ehpsbench.training.targets import targets
from ehpsbench.training.views import views

META = torch.device("meta")
ASKED = ("aten._local_scalar_dense", "aten.nonzero", "aten.masked_select", "aten.equal")
MADE = ("tensor", "as_tensor", "asarray", "new_tensor")


class Waits(TorchDispatchMode):
    """Notes each call that reads from the device, or sends to it while this process waits."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, call, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = str(call)
        given = [a for a in tree_leaves((args, kwargs)) if isinstance(a, torch.Tensor)]
        here = [a.is_meta for a in given]
        if name.startswith(ASKED) and any(here):
            self.seen.append(name)
            return True  # all went well
        goes = any(here) or torch.device(kwargs.get("device") or "cpu") == META
        crosses = goes and any(not m and a.ndim for m, a in zip(here, given, strict=True))
        if crosses and not _sent_ahead(name, args, kwargs):
            self.seen.append(name)
        return call(*args, **kwargs)


def _sent_ahead(name, args, kwargs):
    if name.startswith("aten.copy_"):
        return len(args) > 2 and args[2]
    return name.startswith("aten._to_copy") and kwargs.get("non_blocking", False)


class Constants(TorchFunctionMode):
    """Notes each tensor or index made of numbers on the device: they are sent, and waited for."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def __torch_function__(self, call, types, args=(), kwargs=None):
        made, name = call(*args, **(kwargs or {})), getattr(call, "__name__", "")
        if name in MADE and made.is_meta:
            self.seen.append(name)
        if name in ("__getitem__", "__setitem__") and args[0].is_meta:
            asked = args[1] if isinstance(args[1], tuple) else (args[1],)
            self.seen += [name for index in asked if isinstance(index, list | np.ndarray)]
        return made


def small(head):
    if head == "smplest-x":
        plan = recipe("micro-cpu").model_dump()
        plan["augmentation"]["occlude"] = 1.0
    else:
        plan = recipe("rank-s").model_dump()
        plan["input"] |= {"height": 64, "width": 48}
        size = {"dim": 32, "depth": 2, "heads": 2, "head_dim": 16, "pretrained": "none"}
        plan["model"] |= size
    return Recipe.model_validate(plan)


def portion(people, bodies, settings):
    columns, size = people(6), CropSize.of(settings)
    where = views(columns, settings.width / settings.height, settings.padding)
    crops = np.zeros((6, size.height, size.width, 3), np.uint8)
    rows = np.arange(6)
    return Portion(crops, targets(columns, where, bodies, None), where, rows, rows)


@pytest.mark.parametrize("head", ["smplest-x", "smpler-x"])
def test_a_step_asks_the_device_once(people, bodies, head):
    plan = small(head)
    made = network(plan).to(META)
    learner = Learner(
        recipe=plan,
        seed=0,
        ranks=Ranks(0, 1, META),
        network=made,
        ask=made,
        optimiser=torch.optim.SGD(made.parameters(), lr=1e-3),
        skeleton=skeleton(bodies),
        micro=None,
        say=print,
    )
    given = portion(people, bodies, plan.input)
    with Waits():
        learner.step(given, 0, 6)  # sends what stays there
    with Waits() as waits, Constants(waits.seen):
        learner.step(given, 6, 6)
    assert waits.seen == ["aten._local_scalar_dense.default"]


def test_what_would_hold_up_a_step_is_noticed():
    there, bad = torch.zeros(4, device=META), []
    with Waits() as waits, Constants(waits.seen):
        there[[0, 1]]
        bad.append(len(waits.seen))
        there.new_tensor([1.0])
        bad.append(len(waits.seen))
        torch.zeros(3).to(META)
        bad.append(len(waits.seen))
        bool(there.sum() > 0)
        bad.append(len(waits.seen))
        torch.zeros(3).to(META, non_blocking=True)
    assert bad == [1, 2, 3, 4]
    assert len(waits.seen) == 4
