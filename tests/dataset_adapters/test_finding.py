"""Releases are found by their files; cards are chosen by what they say."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.card import ExpectedFile
from ehpsbench.dataset_adapters.finding import find_releases, folders_without
from ehpsbench.dataset_adapters.release import holds, missing_files, open_release
from ehpsbench.dataset_adapters.selection import Wish, matching
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.samples import write_sample


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases, one of them a level deeper, and a folder with nothing."""
    root = tmp_path_factory.mktemp("releases")
    for name, place in (("emdb", "mine/phone"), ("fit3d", "studio")):
        write_sample(name, root / place, people=4, images="none", body="open-small")
    (root / "empty").mkdir()
    return root


def test_every_release_below_a_folder_is_found_by_its_files(parent: Path) -> None:
    found = {release.datasets: release.root for release in find_releases(parent)}
    assert found == {("emdb",): parent / "mine/phone", ("fit3d",): parent / "studio"}


def test_a_folder_that_is_a_release_is_found_itself(parent: Path) -> None:
    (found,) = find_releases(parent / "studio")
    assert (found.datasets, found.root) == (("fit3d",), parent / "studio")


def test_files_that_two_datasets_have_are_told_by_the_folders_name(
    parent: Path, tmp_path: Path
) -> None:
    for name in ("stuff", "my_CHI3D"):
        shutil.copytree(parent / "studio", tmp_path / name)
        shutil.rmtree(tmp_path / name / "ehpsbench-sample")
        (tmp_path / name / "chi3d_info.json").write_text("{}")
    found = {release.root.name: release.datasets for release in find_releases(tmp_path)}
    assert found == {"stuff": ("chi3d", "fit3d"), "my_CHI3D": ("chi3d",)}


@pytest.mark.parametrize("folder", ["stuff", "DNA-Rendering", "dna_rendering_hires"])
def test_a_release_that_holds_two_datasets_is_found_once_for_each(
    tmp_path: Path, folder: str
) -> None:
    for name in ("annotations/0013_01_annots.smc", "main/0013_01.smc"):
        place = tmp_path / folder / name
        place.parent.mkdir(parents=True)
        place.touch()
    names = ("dna_rendering", "dna_rendering_hires")
    found = [(release.root, *release.datasets) for release in find_releases(tmp_path)]
    assert found == [(tmp_path / folder, name) for name in names]


def test_parts_of_one_release_are_found_as_one(tmp_path: Path) -> None:
    for part in ("part1", "part2"):
        for name in ("annotations/0013_01_annots.smc", "main/0013_01.smc"):
            place = tmp_path / part / name
            place.parent.mkdir(parents=True)
            place.touch()
    assert {release.root for release in find_releases(tmp_path)} == {tmp_path}


def test_a_miniature_of_one_of_two_is_found_for_that_one(tmp_path: Path) -> None:
    write_sample("dna_rendering", tmp_path / "mini", people=4, images="none", body="open-small")
    assert [r.datasets for r in find_releases(tmp_path)] == [("dna_rendering",)]


def test_datasets_that_are_shipped_together_say_so_of_each_other() -> None:
    cards = {name: catalogue.card(name) for name in catalogue.names()}
    pairs = [(name, other) for name, card in cards.items() for other in card.shipped_with]
    assert ("egobody_kinect", "egobody_egocentric") in pairs
    assert all(name in cards[other].shipped_with for name, other in pairs)


def test_folders_where_no_release_is_found_are_named(parent: Path) -> None:
    assert folders_without(parent, find_releases(parent)) == [parent / "empty"]
    assert not folders_without(parent / "studio", find_releases(parent / "studio"))


def test_a_folder_that_one_may_not_list_does_not_hide_the_others(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, may = Path.iterdir, os.access

    def iterdir(path: Path) -> Iterator[Path]:
        if path.name == "empty":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    monkeypatch.setattr(os, "access", lambda path, mode: path.name != "empty" and may(path, mode))
    assert {release.root for release in find_releases(parent)} == {
        parent / "mine/phone",
        parent / "studio",
    }


@pytest.fixture
def closed(parent: Path, monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """Folders that one may not list."""
    folders: set[Path] = set()
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path not in folders and may(path, mode))
    return folders


def test_a_release_with_a_folder_that_one_may_not_list_is_refused_by_its_name(
    parent: Path, closed: set[Path]
) -> None:
    closed.add(parent / "mine/phone/P0")
    with pytest.raises(InputError, match=r"you may not list \(1\): .*/P0\. "):
        open_release(parent / "mine/phone", catalogue.card("emdb"))


def test_a_folder_of_the_disk_is_no_part_of_a_release(parent: Path, closed: set[Path]) -> None:
    (parent / "mine/phone/lost+found").mkdir()
    closed.add(parent / "mine/phone/lost+found")
    assert open_release(parent / "mine/phone", catalogue.card("emdb"))


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingFiles, match="folder of your releases"):
        find_releases(tmp_path / "no")


@pytest.mark.parametrize(
    ("wish", "inside", "outside"),
    [
        (Wish(kind="synthetic"), "bedlam", "emdb"),
        (Wish(has=("hands", "face")), "agora", "pw3d"),
        (Wish(has=("video",)), "emdb", "freihand"),
        (Wish(body="mano"), "freihand", "agora"),
        (Wish(licence="ask"), "crowdpose", "agora"),
        (Wish(kind="motion"), "amass", "bedlam"),
        (Wish(scene="studio", annotation="mocap"), "fit3d", "emdb"),
    ],
)
def test_a_wish_keeps_the_cards_that_answer_it(wish: Wish, inside: str, outside: str) -> None:
    names = [card.name for card in matching(map(catalogue.card, catalogue.names()), wish)]
    assert inside in names
    assert outside not in names


def test_a_wish_for_what_there_is_not_names_what_there_is() -> None:
    with pytest.raises(InputError, match="commercial, ask, research"):
        Wish(licence="free")
    with pytest.raises(InputError, match="'wings'"):
        Wish(has=("hands", "wings"))


def test_a_release_holds_a_file_in_any_of_its_forms(tmp_path: Path) -> None:
    labels = ExpectedFile(pattern="labels/*.pkl", instead=("data/*.json",), what="labels")
    assert missing_files(tmp_path, (labels,)) == [labels]
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train.json").write_text("{}")
    assert holds(tmp_path, (labels,))
    assert not missing_files(tmp_path, (labels,))
