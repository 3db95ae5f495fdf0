"""A cell predicts for benchmarks of bodies and of AGORA, and says what it cannot."""

from __future__ import annotations

import pytest

from ehpsbench.errors import InputError
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.ingest import ingest
from ehpsbench.samples import write_sample
from ehpsbench.store import Store
from ehpsbench.training.loop import train
from ehpsbench.training.predict import predict
from ehpsbench.training.recipe import recipe

MICRO = recipe("micro-cpu")
ONE_STEP = MICRO.model_copy(
    update={
        "name": "tiny",
        "budget": MICRO.budget.model_copy(update={"samples_seen": 8, "batch": 8}),
        "optimiser": MICRO.optimiser.model_copy(update={"warmup_samples": 0}),
        "heldout": MICRO.heldout.model_copy(update={"points": 1, "limit": 2}),
    }
)


@pytest.fixture(scope="module")
def store(tmp_path_factory, bodies):
    root = tmp_path_factory.mktemp("agora")
    write_sample("agora", root / "release", people=24, seed=3, images="flat", body="open-small")
    store = Store(root / "store")
    ingest("agora", root / "release", store)
    train(store, "agora", ONE_STEP, 0, bodies)
    return store


def test_a_cell_that_is_given_boxes_is_scored_by_agoras_rules(store, bodies):
    benchmark = "agora-val-matched@agora@validation"
    path = predict(store, "agora--tiny--s0", benchmark, bodies)
    result = evaluate(store, path.parent.name, benchmark, bodies)
    assert result.summary["detections"] == result.summary["scored"] > 0
    assert result.number("recall") > 0.5
    assert result.number() > result.number("body_mve") > 1


def test_a_benchmark_of_something_else_is_refused(store, bodies):
    with pytest.raises(InputError, match="coco-val scores keypoints2d; predicted bodies cannot"):
        predict(store, "agora--tiny--s0", "coco-val", bodies)
