"""Sets that label only a part of a person are trained on from end to end."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file

from ehpsbench.ingest import ingest
from ehpsbench.samples import write_sample
from ehpsbench.schema import COLUMNS
from ehpsbench.store import Store
from ehpsbench.training import cells
from ehpsbench.training.loop import train
from ehpsbench.training.recipe import recipe

BODY = [c.name for c in COLUMNS if c.group == "body" or c.name.endswith("_valid")]


def tiny():
    plan = recipe("micro-cpu")
    budget = plan.budget.model_copy(update={"samples_seen": 16, "batch": 8})
    heldout = plan.heldout.model_copy(update={"points": 2, "limit": 4})
    return plan.model_copy(update={"name": "tiny", "budget": budget, "heldout": heldout})


def nulled(table, names):
    for name in names:
        place = table.schema.get_field_index(name)
        field = table.schema.field(place)
        table = table.set_column(place, field, pa.nulls(len(table), field.type))
    return table


def clicks_alone(table):
    """As a data set of 2D keypoints ingests: people, boxes, clicks and no body."""
    return nulled(table, [*BODY, "focal", "principal_point"])


def smpl_without_shape(table):
    """Body pose alone: no hands, no face, no betas."""
    keep = ("global_orient", "body_pose", "transl", "gender", "source_model", "body_valid")
    flags = [name for name in BODY if name not in keep]
    place = table.schema.get_field_index("source_model")
    smpl = pa.array(["smpl"] * len(table)).dictionary_encode().cast(table.schema.field(place).type)
    return nulled(table, flags).set_column(place, table.schema.field(place), smpl)


@pytest.fixture
def changed_store(bedlam_store, tmp_path):
    """Makes a store of one's own whose rows a function has changed."""

    def make(change):
        shutil.copytree(bedlam_store.root, tmp_path / "store")
        for path in (tmp_path / "store" / "instances").rglob("*.parquet"):
            pq.write_table(change(pq.read_table(path)), path)
        return Store(tmp_path / "store")

    return make


@pytest.mark.parametrize(("change", "terms"), [
    (clicks_alone, {"joints2d"}),
    (smpl_without_shape, {"pose", "root", "joints3d", "joints2d", "camera"}),
])  # fmt: skip
def test_a_set_trains_what_it_labels_and_the_loss_of_the_rest_is_nothing(
    changed_store, bodies, change, terms
):
    folder = train(changed_store(change), "bedlam", tiny(), 0, bodies)
    log = [json.loads(line) for line in (folder / cells.LOG).read_text().splitlines()]
    losses = log[-1]["losses"]
    assert {name for name, value in losses.items() if value != 0} == terms | {"total"}
    weights = load_file(folder / cells.WEIGHTS)
    assert all(values.isfinite().all() for values in weights.values())


def test_a_set_of_right_hands_trains_right_hands(tmp_path, bodies):
    write_sample(
        "freihand", tmp_path / "release", people=12, seed=1, images="flat", body="open-small"
    )
    store = Store(tmp_path / "store")
    ingest("freihand", tmp_path / "release", store)
    folder = train(store, "freihand", tiny(), 0, bodies)
    line = json.loads((folder / cells.LOG).read_text().splitlines()[-1])
    terms = {"pose", "parts3d", "hand_root", "total"}
    assert {name for name, value in line["losses"].items() if value != 0} == terms
    assert line["heldout_mpjpe_mm"] is None
