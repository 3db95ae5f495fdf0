"""On which benchmarks a cell is not zero-shot, and what it says of its own held-out people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.leaderboards.board import board
from ehpsbench.leaderboards.entrants import entrant
from ehpsbench.leaderboards.in_domain import InDomain, read_in_domain
from ehpsbench.schema import SCHEMA_VERSION
from ehpsbench.store import Store

MPE = board("ehps-five")
CARDS = Path(catalogue.__file__).parent


@pytest.fixture
def kinect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Somebody else's adapter of EgoBody; only EgoBody's own card names the overlap."""
    text = (CARDS / "egobody_egocentric" / "card.toml").read_text()
    own = text.replace('name = "egobody_egocentric"', 'name = "their_kinect"')
    overlap = '[[overlaps]]\ndataset = "their_kinect"\nshares = "recordings"\n'
    cards = {
        "their_kinect": own.partition("[[overlaps]]")[0],
        "egobody_egocentric": f"{text}\n{overlap}",
    }
    packages = dict(catalogue._packages())
    for name, card in cards.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "card.toml").write_text(card)
        packages[name] = (name, tmp_path / name)
    monkeypatch.setattr(catalogue, "_packages", lambda: packages)
    return "their_kinect"


def store_of(root: Path, **sources: str) -> Store:
    """A store whose datasets are named first, what they were read from second."""
    store = Store(root)
    benchmarks = ("agora", "ubody", "egobody_egocentric", "pw3d", "ehf")
    for name, source in ({b: b for b in benchmarks} | sources).items():
        manifest = {"schema_version": SCHEMA_VERSION, "source_dataset": source, "splits": {}}
        manifest |= {"release_root": "", "body_set": None, "rejects": {}}
        path = store.manifest_path(name)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(manifest))
    return store


def test_a_set_is_in_domain_on_the_benchmark_of_its_own_release_whatever_it_is_called(
    tmp_path: Path,
) -> None:
    store = store_of(tmp_path, mine="agora", other="bedlam")
    assert entrant(store, ["mine"], MPE, "x").in_domain == {"agora-val"}
    assert entrant(store, ["other"], MPE, "x").in_domain == frozenset()


def test_a_set_is_in_domain_where_only_the_benchmarks_card_names_the_overlap(
    tmp_path: Path, kinect: str
) -> None:
    store = store_of(tmp_path / "store", fits=kinect)
    assert catalogue.card(kinect).overlaps == ()
    assert entrant(store, ["fits"], MPE, "x").in_domain == {"egobody-test"}


def test_a_mix_is_in_domain_wherever_one_of_its_parts_is(tmp_path: Path) -> None:
    store = store_of(tmp_path, mine="agora", other="bedlam", third="pw3d")
    found = entrant(store, ["mine", "other", "third"], MPE, "mix")
    assert (found.group, found.in_domain) == ("mix", {"agora-val", "pw3d-test"})


def heldout(store: Store, cell: str, model: float | None, joints: float, mean: float) -> None:
    path = store.runs / cell / "heldout.json"
    path.parent.mkdir(parents=True)
    said = {"model": {"pve_mm": model, "mpjpe_mm": joints}}
    said |= {"mean_pose": {"pve_mm": None if model is None else mean, "mpjpe_mm": mean}}
    path.write_text(json.dumps({"rows": 12, "independent": True} | said))


def test_the_check_is_of_the_mean_over_seeds(tmp_path: Path) -> None:
    store = Store(tmp_path)
    heldout(store, "x--s0", 70, 1, 90)
    heldout(store, "x--s1", 100, 1, 80)
    found = read_in_domain(store, "x", ["x--s0", "x--s1"])
    assert found == InDomain("x", 12, 85, 85, "PVE")
    assert not found.passes


def test_joints_stand_in_where_a_seed_has_no_meshes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    heldout(store, "x--s0", 70, 60, 90)
    heldout(store, "x--s1", None, 50, 80)
    assert read_in_domain(store, "x", ["x--s0", "x--s1"]) == InDomain("x", 12, 55, 85, "MPJPE")


def test_a_rung_has_the_check_of_its_own_record(tmp_path: Path) -> None:
    store = Store(tmp_path)
    heldout(store, "x--s0", 70, 1, 90)
    said = json.loads((store.runs / "x--s0" / "heldout.json").read_text())
    said["model"]["pve_mm"] = 85
    (store.runs / "x--s0" / "at-48.json").write_text(json.dumps({"heldout": said}))
    rung = read_in_domain(store, "x", ["x--s0@48"])
    assert rung is not None
    assert rung.model_mm == 85
    assert read_in_domain(store, "y", ["y--s0"]) is None
