"""Label maps of rendered people: whole evaluations, what counts and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.errors import InputError
from ehpsbench.evaluation.protocol import read_protocol
from ehpsbench.evaluation.results import read_result
from ehpsbench.metrics import segmentation
from ehpsbench.store import Store
from ehpsbench.world.looks import PARTS
from ehpsbench.world.renderer import Frame

Make = Callable[..., Any]
COUNT = 4
HEAD = 'version = 1\ntitle = "t"\nabout = "a"\nsource = "s"\ndataset = "made"\nsplit = "test"\n'
PARTS_RULES = f"""task = "segmentation"\n{HEAD}unit = "%"\nprimary = "miou"
classes = {json.dumps(list(PARTS))}
predicted_out_of_range = "error"\ntrue_out_of_range = "error"\n"""


def test_repeating_the_parts_is_right_everywhere_and_shifting_them_is_not(
    frames: list[Frame], store: Store, folder: Make, run: Make, rules: Make, make_again: Make
) -> None:
    benchmark = rules(PARTS_RULES)
    same = run(folder("same", [f.parts for f in frames]), benchmark)
    assert same.number() == 100.0
    rolled = [np.roll(f.parts, 3, 1) for f in frames]
    other = run(folder("other", rolled), benchmark)
    make_again(other)
    rows = [
        segmentation.score(*(torch.from_numpy(x)[None] for x in (r, f.parts)), classes=len(PARTS))
        for r, f in zip(rolled, frames, strict=True)
    ]
    expected = segmentation.numbers(torch.cat(rows).sum(0), PARTS)
    assert other.number("miou") == pytest.approx(float(expected["miou"]))
    assert other.number("iou_torso") == pytest.approx(float(expected["iou_torso"]))
    stored_rows = read_result(store, "model", "mine").rows
    assert stored_rows.column_names == ["image_id", "cluster", *segmentation.KINDS]
    both = np.array(stored_rows["intersection"].to_pylist())
    np.testing.assert_array_equal(both, torch.cat(rows)[:, : len(PARTS)])
    number = other.summary["numbers"]["miou"]
    assert number["low"] <= number["value"] <= number["high"]


def test_labels_that_are_invalid_or_not_of_people_do_not_count(
    frames: list[Frame], folder: Make, run: Make, rules: Make, changed: Make
) -> None:
    said = folder("said", [np.where(f.parts == 4, f.parts, 5) for f in frames])
    changed(parts_invalid=np.full(COUNT, 0.0))
    result = run(said, rules(PARTS_RULES))
    assert result.summary["numbers"]["acc_background"]["value"] is None
    pixels = sum(int((f.parts > 0).sum()) for f in frames)
    assert np.array(result.rows["truth"].to_pylist()).sum() == pixels
    people = run(said, rules(PARTS_RULES + 'pixels = "person"\n'))
    inside = sum(int(((f.parts > 0) & (f.person_ids > 0)).sum()) for f in frames)
    assert np.array(people.rows["truth"].to_pylist()).sum() == inside


def test_labels_out_of_range_and_of_another_class_set_are_refused(
    frames: list[Frame], folder: Make, run: Make, rules: Make, changed: Make
) -> None:
    benchmark = rules(PARTS_RULES)
    said = folder("said", [np.full_like(f.parts, 99) for f in frames])
    with pytest.raises(InputError, match=r"0\.npy against.*prediction holds \[99\]"):
        run(said, benchmark)
    changed(parts_classes=np.array(["lip-20"] * COUNT, object))
    said = folder("said", [f.parts for f in frames])
    with pytest.raises(InputError, match=r"'lip-20'.*'goliath-28'"):
        run(said, "goliath-parts@made@test")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"torso"', '"hips"', "named twice"),
        ('"miou"', '"iou_tail"', "is none of"),
        (f"classes = {json.dumps(list(PARTS))}", 'classes = "voc"', "unknown class set"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(
    rules: Make, old: str, new: str, reason: str
) -> None:
    assert old in PARTS_RULES
    with pytest.raises(InputError, match=reason):
        read_protocol(Path(rules(PARTS_RULES.replace(old, new))))
