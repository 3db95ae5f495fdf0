"""One update: a batch goes through the network in pieces that fit, and counts as one.

Every term is a sum over labelled entries divided by how many the whole batch labels, on all ranks:
so the gradients of the pieces, and of the ranks, add up to those of the batch in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor

from ehpsbench.errors import InputError
from ehpsbench.training.augment import Batch, Draws, batch
from ehpsbench.training.losses import Skeleton, counts, losses, total
from ehpsbench.training.ranks import Ranks
from ehpsbench.training.schedule import learning_rate

if TYPE_CHECKING:
    from ehpsbench.training.data import Portion
    from ehpsbench.training.journal import Say
    from ehpsbench.training.models.network import Network
    from ehpsbench.training.models.prediction import Prediction
    from ehpsbench.training.recipe import Recipe

Rows = TypeVar("Rows", Batch, Draws)
_AUGMENTATION, _DROPPED = 2, 3  # what a random stream is for; the loop has those before


class NotFinite(Exception):
    """A batch whose loss or gradient is no number; nothing was updated."""

    def __init__(self, batch: Batch, terms: dict[str, float]) -> None:
        super().__init__(batch, terms)
        self.batch, self.terms = batch, terms


@dataclass(slots=True)
class Learner:
    """A network that learns.

    Attributes:
        recipe: how.
        seed: of everything random.
        ranks: the processes of the run.
        network: what learns.
        ask: the network's forward, compiled or not.
        optimiser: of its parameters.
        skeleton: neutral body, joints only.
        micro: crops that go through at once, on each rank; None: all of a batch.
        say: told when less fits.
    """

    recipe: Recipe
    seed: int
    ranks: Ranks
    network: Network
    ask: Callable[[Tensor], Prediction]
    optimiser: torch.optim.Optimizer
    skeleton: Skeleton
    micro: int | None
    say: Say

    def step(self, portion: Portion, seen: int, count: int) -> dict[str, Tensor]:
        """One update.

        Args:
            portion: this rank's share of the batch.
            seen: samples before it.
            count: of the whole batch, on all ranks.

        Returns:
            This rank's part of each term; the ranks' parts add up to it.

        Raises:
            NotFinite: before anything is updated.
        """
        recipe = self.recipe
        share = self.ranks.share(count)
        rng = np.random.default_rng([self.seed, _AUGMENTATION, seen])
        draws = _piece(Draws.random(recipe.augmentation, count, rng), share)
        now = batch(portion.crops, portion.targets, draws, recipe.input, self.ranks.device)
        terms = self._gradients(now, self._counts(now), seen, share.start)
        parameters = list(self.network.parameters())
        self.ranks.add_gradients(parameters)
        norm = torch.nn.utils.clip_grad_norm_(parameters, recipe.optimiser.clip_norm or np.inf)
        (bad,) = self.ranks.any(not bool(torch.isfinite(norm + terms["total"])))
        if bad:
            raise NotFinite(now, {k: float(v) for k, v in {**terms, "gradient": norm}.items()})
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(recipe.optimiser, seen, recipe.budget.samples_seen)
        self.optimiser.step()
        return terms

    def _counts(self, now: Batch) -> dict[str, Tensor]:
        """Labelled entries of the whole batch, on all ranks."""
        own = counts(now) | self.network.own_counts(now)
        stacked = torch.stack([value.float() for value in own.values()])
        return dict(zip(own, self.ranks.add_up(stacked), strict=True))

    def _gradients(
        self, now: Batch, whole: Mapping[str, Tensor], seen: int, first: int
    ) -> dict[str, Tensor]:
        """Gradients of this rank's rows, in smaller pieces from here on where memory runs out."""
        while True:
            terms = self._tried(now, whole, seen, first)
            (short,) = self.ranks.any(terms is None)
            if not short and terms is not None:
                return terms
            self._halve(len(now))

    def _tried(
        self, now: Batch, whole: Mapping[str, Tensor], seen: int, first: int
    ) -> dict[str, Tensor] | None:
        """The terms, with their gradients added up; None where memory ran out."""
        self.optimiser.zero_grad()
        size = self.micro or len(now)
        names, values = [], torch.zeros((), device=self.ranks.device)
        try:
            for start in range(0, len(now), size):
                seed = [self.seed, _DROPPED, seen, first + start]
                torch.manual_seed(int(np.random.default_rng(seed).integers(1 << 62)))
                terms = self._terms(_piece(now, slice(start, start + size)), whole)
                torch.autograd.backward(terms["total"])
                names, values = list(terms), values + torch.stack(list(terms.values())).detach()
        except torch.OutOfMemoryError:
            return None
        except Exception as error:
            if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                raise
            said = str(error).strip().splitlines()[0]
            raise InputError(
                f"torch cannot compile the network here ({said}). Leave --compile out; the run "
                "goes on from its last state."
            ) from error
        return dict(zip(names, values, strict=True))

    def _terms(self, piece: Batch, whole: Mapping[str, Tensor]) -> dict[str, Tensor]:
        recipe, place = self.recipe, self.ranks.device.type
        # bf16 only where there is hardware for it; on a CPU it is many times slower.
        with torch.autocast(place, torch.bfloat16) if place == "cuda" else nullcontext():
            said = self.ask(piece.images)
        aspect = recipe.input.width / recipe.input.height
        camera = recipe.model.camera
        terms = losses(said, piece, self.skeleton, aspect, whole, camera=camera)
        terms |= self.network.own_losses(said, piece, whole)
        return terms | {"total": total(terms, recipe.loss)}

    def _halve(self, rows: int) -> None:
        before = min(self.micro or rows, rows)
        if before == 1:
            raise InputError(
                "Memory runs out with one crop at a time. Use a smaller model, or a larger GPU; "
                "the run goes on from its last state."
            )
        self.optimiser.zero_grad()
        if self.ranks.device.type == "cuda":
            torch.cuda.empty_cache()
        self.micro = (before + 1) // 2
        self.say(
            f"Out of memory with {before} crops at a time: from here on {self.micro}. The batch "
            f"stays {self.recipe.budget.batch}."
        )


def _piece(rows: Rows, part: slice) -> Rows:
    """Some of the rows."""
    return type(rows)(**{f.name: getattr(rows, f.name)[part] for f in fields(rows)})
