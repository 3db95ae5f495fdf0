"""The facts of an entry: a cell's come from its own record, licences from the cards."""

from __future__ import annotations

from pathlib import Path

import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.errors import InputError, UnknownName
from ehpsbench.leaderboards.adding import Facts, add
from ehpsbench.leaderboards.entry import entry_of, inherited, share_data, write_entry
from ehpsbench.store import Store
from ehpsbench.training import cells
from ehpsbench.training.models.network import network
from ehpsbench.training.recipe import recipe


def trained(store: Store, bodies: BodySet) -> str:
    """A finished cell on BEDLAM, with two processes of 5 s."""
    micro = recipe("micro-cpu")
    one = cells.cell(store, "bedlam", micro, 3, bodies)
    seconds = {"training": 5.0, "waiting": 1.0}
    about = {"samples_seen": 100, "ranks": 2, "device": "cuda", "seconds": seconds}
    cells.write_record(store, one, micro, about)
    return one.id


def test_a_cell_tells_its_facts_itself(entry_store: Store, bodies: BodySet) -> None:
    name = trained(entry_store, bodies)
    entry = entry_of(entry_store, name)
    assert entry is not None
    assert (entry.kind, entry.datasets, entry.seeds) == ("cell", ("bedlam",), (3,))
    assert (entry.cost.samples, entry.cost.device_seconds) == (100, 10.0)
    assert (entry.cost.device, entry.body_set) == ("2 × cuda", bodies.id)
    weights = [p.numel() for p in network(recipe("micro-cpu")).parameters()]
    assert entry.parameters == sum(weights)


def test_the_mean_pose_of_a_dataset_is_known_by_its_cells(
    entry_store: Store, bodies: BodySet
) -> None:
    assert entry_of(entry_store, "bedlam--mean-pose") is None
    trained(entry_store, bodies)
    entry = entry_of(entry_store, "bedlam--mean-pose")
    assert entry is not None
    assert (entry.datasets, entry.parameters, entry.seeds) == (("bedlam",), None, ())


def test_facts_of_a_cell_are_not_asked_for(entry_store: Store, bodies: BodySet) -> None:
    name = trained(entry_store, bodies)
    with pytest.raises(InputError, match=r"is a cell of this store.*Leave out title"):
        add(entry_store, name, {"ehf": None}, bodies, Facts(title="Mine"))


def test_the_facts_of_a_cell_do_not_change_with_a_file(entry_store: Store, bodies: BodySet) -> None:
    name = trained(entry_store, bodies)
    entry = entry_of(entry_store, name)
    assert entry is not None
    write_entry(entry_store.results, entry.model_copy(update={"parameters": 1}))
    assert entry_of(entry_store, name) == entry


def test_nobody_knows_an_entry_without_a_file(tmp_path: Path) -> None:
    assert entry_of(Store(tmp_path), "somebody") is None


def test_the_strictest_terms_are_inherited() -> None:
    names = catalogue.names()
    terms = {n: catalogue.card(n).licence for n in names}
    found = inherited(names)
    assert found.commercial == "no"
    assert set(found.forbids_commercial) == {n for n, t in terms.items() if t.commercial == "no"}
    assert found.redistribute == all(t.redistribute for t in terms.values())
    free = [n for n, t in terms.items() if t.commercial == "yes"]
    assert inherited(free).commercial == "yes"
    assert inherited(free, ["Somebody's photos"]).commercial == "ask"
    with pytest.raises(UnknownName, match="Did you mean agora"):
        inherited(["agorra"])


def test_data_are_shared_by_the_same_name_and_by_what_cards_list_whichever_way() -> None:
    related = {(n, other) for n in catalogue.names() for other in catalogue.related(n)}
    assert ("freihand", "hanco") in related
    assert all(share_data(*pair) and share_data(*reversed(pair)) for pair in related)
    assert share_data("EHF", "ehf")
    assert not share_data("agora", "ehf")
    assert not share_data("unheard", "of")
