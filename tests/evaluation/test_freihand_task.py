"""FreiHAND's benchmark from a release on disk to a result, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.posed import posed_vertices
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.results import Result
from ehpsbench.ingest import ingest
from ehpsbench.metrics import freihand
from ehpsbench.samples import write_sample
from ehpsbench.schema import from_arrow
from ehpsbench.skeleton.sources import RIGHT_HAND_21
from ehpsbench.store import Store

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("freihand")
    write_sample(
        "freihand",
        root / "release",
        people=24,
        split="evaluation",
        images="flat",
        body="open-small",
    )
    made = Store(root / "store")
    ingest("freihand", root / "release", made)
    return made


@pytest.fixture(scope="module")
def truth(store: Store, bodies: BodySet) -> list[Any]:
    """Joints and vertices of every image, in order, as the labels say."""
    columns = from_arrow(store.instances("freihand", "evaluation"))
    order = np.argsort(columns["source_row"])
    points = np.ma.getdata(columns["keypoints3d"]).reshape(-1, 144, 4)[:, RIGHT_HAND_21, :3]
    meshes = np.stack(posed_vertices(columns, bodies))
    return [points[order], meshes[order]]


def run(store: Store, bodies: BodySet, said: Any, path: Path) -> Result:
    path.write_text(json.dumps(said))
    return evaluate(store, "model", "freihand", bodies, predictions=path)


def test_hands_that_repeat_the_labels_turned_and_scaled_have_no_aligned_error(
    store: Store, bodies: BodySet, truth: list[Any], tmp_path: Path, make_again: Make
) -> None:
    turned = [(1.3 * x[..., [1, 0, 2]] + 0.1).tolist() for x in truth]  # mirrored as well
    result = run(store, bodies, turned, tmp_path / "pred.json")
    make_again(result)
    assert result.number() == result.number("pa_mpjpe") < 1e-3
    assert result.number("pa_f_5") == pytest.approx(1)
    assert result.number("mpjpe") > 50
    assert result.summary["scored"] == len(truth[0])


def test_noise_costs_what_the_metric_says(
    store: Store, bodies: BodySet, truth: list[Any], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    said = [x + 0.01 * rng.standard_normal(x.shape) for x in truth]
    result = run(store, bodies, [x.tolist() for x in said], tmp_path / "pred.json")
    given = (torch.from_numpy(x.astype(float)) for x in (said[0], truth[0], said[1], truth[1]))
    expected = freihand.numbers(freihand.score(*given).sum(0))
    for name in ("pa_mpjpe", "pa_mpvpe", "pa_f_15", "joint_auc"):
        assert result.number(name) == pytest.approx(float(expected[name]), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda x: x[0], "list of two"),
        (lambda x: [x[0][:-1], x[1]], "one hand for each of the"),
        (lambda x: [np.asarray(x[0])[:, :20].tolist(), x[1]], "20 joints"),
        (lambda x: [(1000 * np.asarray(x[0])).tolist(), x[1]], "millimetres"),
        (lambda x: [x[0], [*x[1][:-1], [[0.0, 0.0, float("nan")]] * len(x[1][0])]], "not finite"),
    ],
)
def test_a_file_that_is_no_prediction_of_all_images_is_refused(
    store: Store,
    bodies: BodySet,
    truth: list[Any],
    tmp_path: Path,
    change: Callable[[Any], Any],
    reason: str,
) -> None:
    with pytest.raises(InputError, match=reason):
        run(store, bodies, change([x.tolist() for x in truth]), tmp_path / "pred.json")


def test_without_predictions_the_file_is_named(store: Store, bodies: BodySet) -> None:
    with pytest.raises(MissingFiles, match=r"predictions/nobody/freihand.json is missing"):
        evaluate(store, "nobody", "freihand", bodies)
