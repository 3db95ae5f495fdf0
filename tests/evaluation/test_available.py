"""Benchmarks whose data are not there say so, and what to write instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ehpsbench.body.bodies import BodySet
from ehpsbench.cli.main import app
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.errors import InputError
from ehpsbench.evaluation import protocol
from ehpsbench.evaluation.available import MAPS, check_readable, lacking, needed
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.overview import health
from ehpsbench.store import Store

RULES = {name: protocol.protocol(name) for name in protocol.names()}
UNREAD = sorted(name for name, r in RULES.items() if r.dataset not in catalogue.names())
DENSE = sorted(n for n, r in RULES.items() if r.task in MAPS and n not in UNREAD)


@pytest.mark.parametrize("name", DENSE)
def test_an_adapter_gives_the_maps_that_a_benchmark_needs(name: str) -> None:
    rules = RULES[name]
    card = catalogue.card(rules.dataset)
    assert rules.split in card.splits
    kinds = {column.removesuffix("_path").replace("mask", "masks") for column in needed(rules)}
    assert kinds <= set(card.has)


@pytest.mark.parametrize("name", UNREAD)
def test_a_benchmark_on_data_that_nothing_reads_says_how_to_bring_labels(
    name: str, bedlam_store: Store, bodies: BodySet
) -> None:
    said = rf"no adapter reads \w+; with labels of your own: {name}@NAME@SPLIT"
    with pytest.raises(InputError, match=said):
        evaluate(bedlam_store, "mine", name, bodies)
    with pytest.raises(InputError, match=said):
        check_readable(Store(bedlam_store.root / "none"), RULES[name])
    shown = CliRunner().invoke(app, ["protocol", "show", name]).output
    assert f"with labels of your own: {name}@NAME@SPLIT" in shown
    check_readable(bedlam_store, protocol.protocol(f"{name}@mine@test"))


def test_a_stored_split_without_maps_or_annotations_lacks_them(bedlam_store: Store) -> None:
    split = next(iter(bedlam_store.manifest("bedlam")["splits"]))
    for name, what in (("goliath-parts", "parts_path"), ("depth-video", "depth_path")):
        rules = protocol.protocol(f"{name}@bedlam@{split}")
        assert lacking(bedlam_store, rules) == f"no image of bedlam/{split} has {what}"
    coco = protocol.protocol(f"coco-val@bedlam@{split}")
    assert str(lacking(bedlam_store, coco)).endswith("person_keypoints_val2017.json is not there")
    assert lacking(bedlam_store, protocol.protocol(f"ehf@bedlam@{split}")) is None


def test_doctor_says_what_a_stored_benchmark_lacks(bedlam_store: Store, tmp_path: Path) -> None:
    manifest = bedlam_store.manifest("bedlam")
    split = next(iter(manifest["splits"]))
    manifest["splits"] = {"val": manifest["splits"][split]}
    place = Store(tmp_path).manifest_path("mscoco")
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(manifest))
    lines = {line["what"]: line for line in health(Store(tmp_path), None)}
    assert lines["benchmark coco-val"]["state"] == "note"
    assert "person_keypoints_val2017.json is not there" in lines["benchmark coco-val"]["detail"]
