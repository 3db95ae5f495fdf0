"""`leaderboard add`: an entry is evaluated, checked and recorded whole, or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.errors import BodyMismatch, EhpsbenchError, InputError, UnknownName
from ehpsbench.evaluation.results import has_result, read_result, rows_path
from ehpsbench.leaderboards.adding import Facts, add, predictions_in
from ehpsbench.leaderboards.checking.folder import check_folder
from ehpsbench.leaderboards.entry import entry_of, in_domain, read_entry
from ehpsbench.store import Store

ONE, OTHER = "agora-val@bedlam@train", "egobody-test@bedlam@train"
FACTS = Facts(title="My model", datasets=("agora",), parameters=1000)
Predict = Callable[[str, float], Path]


def files(root: Path) -> set[str]:
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


def test_an_entry_is_recorded_with_facts_rows_and_numbers(
    entry_store: Store, predict: Predict, bodies: BodySet
) -> None:
    done = add(entry_store, "mine", {ONE: predict(ONE, 0.1)}, bodies, FACTS)
    names = {f"mine/{ONE}{end}" for end in (".json", ".parquet", ".points.parquet")}
    assert files(entry_store.results) == {"mine/entry.json", *names}
    assert (entry_store.predictions / "mine" / f"{ONE}.parquet").is_file()
    assert done.results[ONE].number() > 1
    assert (done.entry.parameters, done.entry.body_set) == (1000, bodies.id)
    assert done.entry.licence.forbids_commercial == ("agora",)
    assert check_folder(entry_store.results) == []
    assert not list(entry_store.root.glob(".adding-*"))


def test_a_second_add_extends_and_keeps_the_facts(
    entry_store: Store, predict: Predict, bodies: BodySet
) -> None:
    add(entry_store, "mine", {ONE: predict(ONE, 0.1)}, bodies, FACTS)
    done = add(entry_store, "mine", {OTHER: predict(OTHER, 0.1)}, bodies, Facts(note="More"))
    assert (done.entry.title, done.entry.note) == ("My model", "More")
    assert done.entry.datasets == ("agora",)
    assert all(has_result(entry_store, "mine", b) for b in (ONE, OTHER))


def test_a_fact_that_differs_is_refused_with_both_values(
    entry_store: Store, predict: Predict, bodies: BodySet
) -> None:
    add(entry_store, "mine", {ONE: predict(ONE, 0.1)}, bodies, FACTS)
    more = {OTHER: predict(OTHER, 0.1)}
    changed = Facts(parameters=2000, datasets=("bedlam",))
    with pytest.raises(InputError, match=r"parameters is 1000, now 2000.*--replace"):
        add(entry_store, "mine", more, bodies, changed)
    assert not has_result(entry_store, "mine", OTHER)
    done = add(entry_store, "mine", more, bodies, changed, replace=True)
    assert (done.entry.parameters, done.entry.datasets) == (2000, ("bedlam",))
    assert done.entry.title == "My model"


def test_other_predictions_on_the_same_benchmark_are_refused_with_both_values(
    entry_store: Store, predict: Predict, bodies: BodySet
) -> None:
    first = add(entry_store, "mine", {ONE: predict(ONE, 0.1)}, bodies, FACTS)
    add(entry_store, "mine", {ONE: predict(ONE, 0.1)}, bodies)
    with pytest.raises(InputError, match=r"has pve .* mm on .*, these predictions give pve"):
        add(entry_store, "mine", {ONE: predict(ONE, 0.2)}, bodies)
    assert read_result(entry_store, "mine", ONE).number() == first.results[ONE].number()
    done = add(entry_store, "mine", {ONE: predict(ONE, 0.2)}, bodies, replace=True)
    assert done.results[ONE].number() > first.results[ONE].number()


@pytest.mark.parametrize(
    ("name", "facts", "reason"),
    [
        ("../x", FACTS, "cannot name a file"),
        (".hidden", FACTS, "cannot name a file"),
        ("mine", Facts(), "What trained mine"),
        ("mine", Facts(datasets=("agorra",)), r"Did you mean agora.*--other-data"),
        ("mine", Facts(datasets=("agora",), parameters=0), "parameters: Input should be greater"),
        ("mine", Facts(datasets=("agora",), device_seconds=float("nan")), "device_seconds"),
        ("mine", Facts(datasets=("agora",), url="javascript:alert(1)"), r"no http\(s\) address"),
    ],
)
def test_what_cannot_be_entered_leaves_nothing(
    entry_store: Store, predict: Predict, bodies: BodySet, name: str, facts: Facts, reason: str
) -> None:
    before = files(entry_store.root)
    with pytest.raises(EhpsbenchError, match=reason):
        add(entry_store, name, {ONE: predict(ONE, 0.1)}, bodies, facts)
    assert files(entry_store.root) == before


def test_when_the_second_benchmark_fails_the_first_is_not_recorded_either(
    entry_store: Store, predict: Predict, bodies: BodySet, tmp_path: Path
) -> None:
    before = files(entry_store.root)
    broken = tmp_path / "broken.parquet"
    whole = predict(OTHER, 0.1).read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        add(entry_store, "mine", {ONE: predict(ONE, 0.1), OTHER: broken}, bodies, FACTS)
    assert files(entry_store.root) == before


def test_a_mistyped_benchmark_leaves_nothing(
    entry_store: Store, predict: Predict, bodies: BodySet
) -> None:
    before = files(entry_store.root)
    with pytest.raises(UnknownName, match="Did you mean agora-val"):
        add(entry_store, "mine", {"agora-vall": predict(ONE, 0.1)}, bodies, FACTS)
    assert files(entry_store.root) == before


def test_results_of_two_body_sets_are_not_put_under_one_entry(
    entry_store: Store, predict: Predict, bodies: BodySet
) -> None:
    add(entry_store, "mine", {ONE: predict(ONE, 0.1)}, bodies, FACTS)
    path = rows_path(entry_store, "mine", ONE).with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"body_set": "licensed"}))
    with pytest.raises(BodyMismatch, match="with the body set licensed, now it is"):
        add(entry_store, "mine", {OTHER: predict(OTHER, 0.1)}, bodies)


def test_predictions_in_the_store_are_taken_where_none_are_given(
    entry_store: Store, predict: Predict, bodies: BodySet
) -> None:
    place = entry_store.predictions / "mine" / f"{ONE}.parquet"
    place.parent.mkdir(parents=True)
    shutil.copy(predict(ONE, 0.1), place)
    done = add(entry_store, "mine", {ONE: None}, bodies, FACTS)
    assert done.results[ONE].summary["complete"]
    assert pq.read_table(place).num_rows > 1


def test_a_folder_holds_each_benchmark_once(tmp_path: Path) -> None:
    for name in ("ehf.parquet", "pw3d-test.npz", "pw3d-test.parquet"):
        (tmp_path / name).touch()
    assert predictions_in(tmp_path, ["ehf"]) == {"ehf": tmp_path / "ehf.parquet"}
    with pytest.raises(InputError, match=r"once.*it has pw3d-test\.npz, pw3d-test\.parquet"):
        predictions_in(tmp_path, ["ehf", "pw3d-test"])
    with pytest.raises(InputError, match="it has none"):
        predictions_in(tmp_path, ["agora-val"])


def test_an_entry_is_in_domain_where_its_training_data_or_their_relatives_are_scored(
    entry_store: Store, predict: Predict, bodies: BodySet
) -> None:
    add(entry_store, "mine", {ONE: predict(ONE, 0.1)}, bodies, Facts(datasets=("freihand",)))
    entry = entry_of(entry_store, "mine")
    assert entry is not None
    assert in_domain(entry, "freihand")
    assert in_domain(entry, "hanco")  # FreiHAND's card lists it
    assert not in_domain(entry, "bedlam")


def test_data_without_a_card_make_the_terms_unknown(
    entry_store: Store, predict: Predict, bodies: BodySet
) -> None:
    said = Facts(other_data=("Talkshow", "EHF"))
    done = add(entry_store, "mine", {ONE: predict(ONE, 0.1)}, bodies, said)
    assert done.entry.licence.commercial == "ask"
    assert not done.entry.licence.redistribute
    assert in_domain(done.entry, "ehf")


def test_an_entry_of_a_newer_format_asks_for_an_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "entry.json"
    path.write_text('{"format": 2}')
    with pytest.raises(InputError, match=r"format 2; this ehpsbench reads up to 1\. Upgrade"):
        read_entry(path)
