"""A trained cell, or the mean pose that it must beat, as an entry with predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import torch

from ehpsbench.devices import device_named
from ehpsbench.errors import BodyMismatch, InputError
from ehpsbench.evaluation.agora.people import people_to_predict
from ehpsbench.evaluation.agora.rules import AgoraProtocol
from ehpsbench.evaluation.mesh.rules import mesh_protocol
from ehpsbench.evaluation.mesh.selection import all_labels, check_bodies, select
from ehpsbench.evaluation.predictions import write_predictions
from ehpsbench.evaluation.protocol import Protocol, protocol
from ehpsbench.schema import from_arrow
from ehpsbench.training import cells
from ehpsbench.training.cache import Progress
from ehpsbench.training.checkpoint import load_weights
from ehpsbench.training.data import Columns, pictures
from ehpsbench.training.estimate import estimate, load_estimate, parameters
from ehpsbench.training.labels import has
from ehpsbench.training.models.network import Network, network
from ehpsbench.training.recipe import Recipe
from ehpsbench.training.views import views

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store


def predict(
    store: Store,
    cell: str,
    benchmark: str,
    bodies: BodySet,
    *,
    mean_pose: bool = False,
    device: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a cell's predictions for the people whom a benchmark scores.

    Args:
        store: with the cell and the benchmark's dataset.
        cell: id of a finished cell, or a rung `<cell>@<samples>` of one.
        benchmark: what to predict; boxes come from the ground truth, also where a benchmark is
            of finding people (AGORA): its F1 then says nothing of the cell.
        bodies: the body set of the cell.
        mean_pose: predict the mean pose of the cell's training set instead of asking the network;
            the entry is `<dataset>--mean-pose`.
        device: "cpu" or "cuda"; default: a GPU when there is one.
        progress: of cutting the crops.

    Returns:
        The Parquet file.

    Raises:
        UnknownName: there is no such finished cell, or benchmark.
        BodyMismatch: the cell was trained with another body set.
        InputError: a person has no box.
    """
    record = cells.record(store, cell)
    if record["body_set"] != bodies.id:
        raise BodyMismatch(
            f"{cell} was trained with the body set {record['body_set'][:12]}, not with "
            f"{bodies.name} ({bodies.id[:12]}). Predict with that set, or train again."
        )
    recipe = cells.recipe_of(record)
    model = trained(cells.weights_path(store, cell), recipe)
    rules = protocol(benchmark)
    columns = from_arrow(_people(store, rules, bodies))
    _check_boxes(columns, benchmark)
    size = recipe.input
    if mean_pose:
        found = load_estimate(store.runs / record["id"] / cells.MEAN_POSE).repeated(
            len(columns["instance_id"])
        )
    else:
        root = store.release_root(rules.dataset)
        seen = pictures(columns, root, store.runs / "crops", size, progress=progress)
        where = torch.device(device_named(device or "auto"))
        found = estimate(model.to(where), seen, size, where)
    aspect = size.width / size.height
    placed = views(columns, aspect, size.padding)
    said = {"instance_id": columns["instance_id"]} | parameters(found, placed, bodies, aspect)
    entry = cells.mean_pose_entry(record["dataset"]) if mean_pose else cell
    return write_predictions(store, entry, rules.name, said, bodies)


def _people(store: Store, rules: Protocol, bodies: BodySet) -> pa.Table:
    """The rows of the people whom a benchmark scores."""
    if isinstance(rules, AgoraProtocol):
        check_bodies(store, rules.dataset, bodies)
        return people_to_predict(store, rules)
    bodies_rules = mesh_protocol(rules)
    return all_labels(store, bodies_rules, select(store, bodies_rules, bodies))


def trained(weights: Path, recipe: Recipe) -> Network:
    """The network of a finished cell."""
    made = network(recipe)
    load_weights(weights, made)
    return made


def _check_boxes(columns: Columns, benchmark: str) -> None:
    missing = columns["instance_id"][~has(columns, "bbox")]
    if len(missing):
        raise InputError(
            f"{len(missing)} people of {benchmark} have no box, for example {missing[0]}: there is "
            "nothing to cut a crop from. Ingest the dataset with an adapter that fills bbox."
        )
