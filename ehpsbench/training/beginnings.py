"""How a run begins: its network, its rows with their crops, its folder, where answers start."""

from __future__ import annotations

import torch

from ehpsbench.errors import InputError
from ehpsbench.training import cells
from ehpsbench.training.baseline import mean_pose, start_from
from ehpsbench.training.checkpoint import clear, load_weights, passed
from ehpsbench.training.estimate import save_estimate, skeleton
from ehpsbench.training.former import forget_scores, refuse_finished
from ehpsbench.training.heldout import Check
from ehpsbench.training.journal import silent, spoken
from ehpsbench.training.learner import Learner
from ehpsbench.training.models.network import network
from ehpsbench.training.parts import ORDER, Order, open_parts
from ehpsbench.training.ranks import Ranks
from ehpsbench.training.run import Assignment, Resources, Run
from ehpsbench.training.schedule import Schedule, optimiser_of
from ehpsbench.training.signals import Request


def begun(what: Assignment, resources: Resources, here: Ranks, stop: Request) -> Run:
    """The run, ready for its next step; crops are cut, and what must go is gone.

    Raises:
        InputError: data that cannot be trained on, weights of another network, or a finished run
            of the same name with other content.
    """
    store, cell, recipe = what.store, what.cell, what.recipe
    if not what.replace:
        refuse_finished(store, cell, recipe)
    learner = _learner(what, resources, here)
    _load(learner, what)  # a wrong file is known before crops are cut
    order = _order(what, resources, here)
    run = Run(
        cell=cell,
        recipe=recipe,
        resources=resources,
        here=here,
        stop=stop,
        schedule=Schedule.of(recipe.budget, recipe.heldout.points, what.until),
        folder=store.runs / cell.id,
        order=order,
        learner=learner,
        check=Check.of(order.parts, [store.release_root(p) for p in cell.parts], what.bodies),
    )
    if here.first:
        forget_scores(store, cell)
    _clear(run)
    _start(run, from_mean_pose=what.start_from is None)
    return run


def _learner(what: Assignment, resources: Resources, here: Ranks) -> Learner:
    torch.manual_seed(what.cell.seed)
    made = network(what.recipe).to(here.device)
    return Learner(
        recipe=what.recipe,
        seed=what.cell.seed,
        ranks=here,
        network=made,
        ask=torch.compile(made) if resources.compile else made,
        optimiser=optimiser_of(made, what.recipe.optimiser),
        skeleton=skeleton(what.bodies),
        micro=resources.micro_batch,
        say=resources.say if here.first else silent,
    )


def _load(learner: Learner, what: Assignment) -> None:
    """The weights that are given: of the trunk, or of the whole network."""
    if what.start_from is not None:
        load_weights(cells.start_file(what.store, what.start_from), learner.network)
    if what.weights is not None:
        from ehpsbench.training.models.weights import load_pretrained

        report = load_pretrained(learner.network, what.weights, what.recipe.model.pretrained)
        learner.say(str(report))


def _order(what: Assignment, resources: Resources, here: Ranks) -> Order:
    """The rows of the run; the first rank cuts their crops, the others find them cut."""
    if not here.first:
        here.wait()
    budget, workers = what.recipe.budget, max(resources.workers, 1)
    parts = open_parts(what.store, what.cell, what.recipe, what.bodies, workers)
    order = Order(parts, what.mix, (what.cell.seed, ORDER), budget.batch)
    cutting = spoken(resources.say if here.first else silent, "Cutting crops")
    order.cut(budget.samples_seen, workers, cutting)
    if here.first:
        here.wait()
    last = budget.samples_seen % budget.batch or budget.batch
    if min(last, budget.batch) < here.world:
        raise InputError(
            f"{here.world} processes share batches of {budget.batch} samples, the last of "
            f"{last}: some would have none. Use fewer processes, or a budget of whole batches."
        )
    return order


def _clear(run: Run) -> None:
    """What a run of other content left in the folder goes; a rung that was passed has its own."""
    if run.here.first:
        clear(run.folder, run.cell)
    run.here.wait()
    if passed(run.folder, run.schedule.end):  # a rung that nobody asked for at the time
        run.folder = run.folder / f"again-{run.schedule.end}"
        if run.here.first:
            clear(run.folder, run.cell)
        run.here.wait()


def _start(run: Run, *, from_mean_pose: bool) -> None:
    """Keep the mean pose of the training set; answers begin at it."""
    targets = run.order.overview()
    if run.here.first:
        save_estimate(run.folder / cells.MEAN_POSE, mean_pose(targets))
    if from_mean_pose:
        start_from(run.learner.network, targets)
