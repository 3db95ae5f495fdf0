"""What can be known before training: that every benchmark scores somebody, and has its images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.mesh.rules import mesh_protocol
from ehpsbench.evaluation.mesh.selection import Selection, select
from ehpsbench.evaluation.protocol import protocol
from ehpsbench.leaderboards.board import Board
from ehpsbench.leaderboards.sweeps.jobs import Job, Work
from ehpsbench.motions import refuse_motions

if TYPE_CHECKING:
    from ehpsbench.store import Store


def check_benchmarks(work: Work) -> None:
    """A benchmark that scores nobody, or no bodies, fails now, not after training.

    Raises:
        InputError: one scores nobody, or something that the models of a sweep do not predict.
        BodyMismatch: its data were read with another body set.
    """
    refuse_what_is_not_predicted(work.board)
    for benchmark in work.board.protocols:
        refuse_motions(work.store, protocol(benchmark).dataset, f"{benchmark} is scored on some")
        select(work.store, mesh_protocol(benchmark), work.bodies)


def refuse_what_is_not_predicted(board: Board) -> None:
    """Cells predict the bodies of given people; other tasks are for models from elsewhere.

    Raises:
        InputError: the board asks for something else.
    """
    others = {p: task for p in board.protocols if (task := protocol(p).task) != "mesh"}
    if others:
        what = ", ".join(f"{name} ({task})" for name, task in others.items())
        raise InputError(
            f"The board {board.name} is not one to rank datasets on: the models that are trained "
            f"here predict bodies of people in given boxes, and it scores {what}. Take a board of "
            "bodies, such as ehps-five; score predictions of your own with evaluate --board "
            f"{board.name}."
        )


def check_images(work: Work, jobs: Sequence[Job]) -> None:
    """A benchmark's missing images are found now, not after training; nothing is decoded.

    Raises:
        MissingFiles: some of those that a plan's cells are scored on are not there.
    """
    if all(one.done for one in jobs):
        return
    for benchmark in work.board.protocols:
        rules = protocol(benchmark)
        chosen = select(work.store, mesh_protocol(benchmark), work.bodies)
        root = work.store.release_root(rules.dataset)
        images = _images(work.store, rules.dataset, rules.split, chosen)
        gone = [path for path in images if not (root / path).is_file()]
        if gone:
            raise MissingFiles(
                f"{benchmark} needs {len(images):,} images of {rules.dataset}; {len(gone):,} are "
                f"missing, for example {root / gone[0]}. Put them where they were when "
                f"{rules.dataset} was ingested, or ingest it again from where they are."
            )


def _images(store: Store, dataset: str, split: str, chosen: Selection) -> list[str]:
    """The images of those who are scored, each once."""
    found: dict[str, None] = {}
    start = 0
    for batch in store.batches("instances", dataset, split, ["image_path"]):
        kept = chosen.kept[start : start + batch.num_rows]
        start += batch.num_rows
        paths = batch["image_path"].to_pylist()
        found |= dict.fromkeys(p for p, k in zip(paths, kept, strict=True) if k and p)
    return list(found)
