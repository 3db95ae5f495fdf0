"""Every card is whole; releases are found; truth survives the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.card import Card, Licence, read_card
from ehpsbench.dataset_adapters.page import page
from ehpsbench.dataset_adapters.release import natural_order, open_release
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.errors import InputError, MissingFiles, UnknownName


@pytest.mark.parametrize("name", catalogue.names())
def test_a_card_has_licence_source_citation_and_files_that_tell_its_release(name: str) -> None:
    card = catalogue.card(name)
    assert card.name == name
    assert card.citation.lstrip().startswith("@")
    assert card.homepage.startswith("http")
    assert card.licence.name
    assert any(f.required for f in card.files)
    assert card.paper.title
    assert card.quality
    assert name not in card.related
    assert "TODO" not in card.model_dump_json()
    assert all("/" in role for role in card.body.needs)


def test_an_overlap_that_one_card_names_is_one_of_the_other_dataset_too() -> None:
    overlaps = {name: catalogue.related(name) for name in catalogue.names()}
    pairs = {(a, b) for a in overlaps for b in overlaps[a] if b in overlaps}
    assert pairs == {(b, a) for a, b in pairs}


@pytest.mark.parametrize("terms", ["LicenseRef-", "CC-BY-9.0", "free"])
def test_a_licence_is_an_spdx_name_or_one_of_its_own(terms: str) -> None:
    card = catalogue.card("ehf").licence.model_dump()
    with pytest.raises(ValueError, match="LicenseRef-<name>"):
        Licence.model_validate(card | {"id": terms})


def test_a_motion_with_cameras_or_keypoints_in_pictures_is_refused() -> None:
    card = catalogue.card("amass").model_dump(mode="json")
    for change in ({"has": ["body", "masks"]}, {"camera": {"kind": "rendered", "frame": "world"}}):
        with pytest.raises(ValueError, match="neither cameras nor what is labelled in pictures"):
            Card.model_validate(card | change)


@pytest.mark.parametrize("name", catalogue.names())
def test_an_adapter_and_a_sample_writer_lie_beside_each_card(name: str) -> None:
    adapter, sample = catalogue.adapter(name), catalogue.sample(name)
    assert callable(adapter.units)
    assert callable(adapter.read)
    assert callable(sample.write)


def test_a_typo_is_answered_with_the_near_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean agora"):
        catalogue.card("agorra")


def test_a_card_with_an_unknown_field_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_text("colour = 'red'\n")
    with pytest.raises(InputError, match="colour"):
        read_card(path)


def test_a_release_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(MissingFiles, match="is not a folder"):
        open_release(tmp_path / "x", catalogue.card("ehf"))


def test_natural_order_puts_2_before_10() -> None:
    paths = [Path("a/10_align.ply"), Path("a/2_align.ply"), Path("a/100_align.ply")]
    assert [p.name for p in sorted(paths, key=natural_order)] == [
        "2_align.ply",
        "10_align.ply",
        "100_align.ply",
    ]


def test_a_truth_comes_back_from_disk(tmp_path: Path) -> None:
    truth = Truth(
        instance_id=("a", "b"),
        vertices=(np.ones((3, 3), np.float32), np.zeros((2, 3), np.float32)),
        pixels=(np.ones((3, 2), np.float32), np.zeros((2, 2), np.float32)),
        invalid=frozenset({"b"}),
        broken={"c": "finite"},
    )
    truth.save(tmp_path, {"dataset": "ehf"})
    back = Truth.load(tmp_path)
    assert (back.instance_id, back.invalid, back.broken) == (("a", "b"), {"b"}, {"c": "finite"})
    assert [v.shape for v in back.vertices] == [(3, 3), (2, 3)]


def test_the_page_of_datasets_is_what_the_cards_say() -> None:
    written = Path(__file__).parents[2] / "docs" / "datasets.md"
    assert written.read_text(encoding="utf-8") == page(), (
        "python -m ehpsbench.dataset_adapters.page > docs/datasets.md"
    )
