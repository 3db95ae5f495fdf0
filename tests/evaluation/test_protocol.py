"""The five protocols of the design, and their finder."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ehpsbench import leaderboards
from ehpsbench.errors import InputError, UnknownName
from ehpsbench.evaluation.mesh.rules import mesh_protocol
from ehpsbench.evaluation.protocol import protocol, read_protocol
from ehpsbench.leaderboards.board import board

FOLDER = Path(leaderboards.__file__).parent / "protocols"
EHF = (FOLDER / "ehf.toml").read_text()


@pytest.mark.parametrize(
    ("name", "data", "primary", "padding"),
    [
        ("agora-val", "agora/validation", "pve", 1.2),
        ("ubody-intra-test", "ubody/test", "pve", 1.25),
        ("egobody-test", "egobody_egocentric/test", "pve", 1.2),
        ("pw3d-test", "pw3d/test", "mpjpe", 1.2),
        ("ehf", "ehf/test", "pve", 1.2),
    ],
)
def test_the_benchmarks_of_the_mpe(name: str, data: str, primary: str, padding: float) -> None:
    found = protocol(name)
    assert f"{found.dataset}/{found.split}" == data
    assert (found.primary, found.boxes.padding) == (primary, padding)
    assert (found.ground_truth_body, found.matching) == ("owners", "ground_truth_boxes")


def test_every_benchmark_of_the_mpe_board_has_a_protocol_with_its_primary_error() -> None:
    for benchmark in board("ehps-five").benchmarks:
        assert protocol(benchmark.id).primary == benchmark.primary


def test_only_ubody_is_sampled_and_cut_to_what_is_seen() -> None:
    ubody = protocol("ubody-intra-test")
    assert (ubody.sampling.every, ubody.sampling.counted) == (100, "annotations")
    assert ubody.visible == "inside_image"
    others = [mesh_protocol(n) for n in board("ehps-five").protocols if n != "ubody-intra-test"]
    assert {(p.sampling.every, p.visible) for p in others} == {(1, "all")}


def test_ehf_is_scored_against_meshes_and_3dpw_against_smpl() -> None:
    assert protocol("ehf").rows.labels == "vertices"
    assert protocol("pw3d-test").rows.source_model == "smpl"
    assert {e.points for e in protocol("pw3d-test").errors} == {"lsp14"}


def test_the_same_rules_on_other_data_have_another_hash() -> None:
    there = protocol("ehf@studio@train")
    assert (there.name, there.dataset, there.split) == ("ehf@studio@train", "studio", "train")
    assert there.errors == protocol("ehf").errors
    assert there.hash != protocol("ehf").hash
    assert protocol("ehf@studio").split == "test"


def test_the_hash_does_not_depend_on_the_order_in_the_file_nor_on_comments(tmp_path: Path) -> None:
    turned = 'missing = "refuse"\naveraging = "people"'
    assert turned in EHF
    path = tmp_path / "ehf.toml"
    other = 'averaging = "people" # a comment\nmissing = "refuse"'
    path.write_text(EHF.replace(turned, other))
    assert read_protocol(path).hash == protocol("ehf").hash


def test_any_changed_rule_changes_the_hash(tmp_path: Path) -> None:
    path = tmp_path / "ehf.toml"
    path.write_text(EHF.replace("padding = 1.2", "padding = 1.3"))
    assert read_protocol(path).hash != protocol("ehf").hash


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('ground_truth_body = "owners"', 'ground_truth_body = "neutral"', "neutral_refit"),
        ('metric = "pa_pve"', 'metric = "pa-pve"', "unknown metric 'pa-pve'"),
        ('primary = "pve"', 'primary = "pve_feet"', "none of the error columns"),
        ('root = "neck"', 'root = "wrist"', "centred on their wrist"),
        ('root = "pelvis"', 'root = "none"', "only for those"),
        ('name = "pve_face"', 'name = "pve"', "named twice"),
        ("every = 1", "every = 0", "greater than or equal to 1"),
        ("[boxes]", "[boxes]\ntypo = 1", "Extra inputs"),
        ("version = 1", "version =", "Invalid value"),
    ],
)
def test_a_protocol_that_cannot_be_meant_is_refused(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(EHF.replace(old, new, 1))
    with pytest.raises(InputError, match=rf"(?s)mine\.toml is not a valid protocol.*{reason}"):
        protocol(str(path))


def test_a_benchmark_with_a_typo_is_named() -> None:
    with pytest.raises(UnknownName, match="agora-val"):
        protocol("agora_val")
    with pytest.raises(InputError, match="protocol@dataset@split"):
        protocol("ehf@a@b@c")


def test_every_protocol_cites_its_source() -> None:
    for path in FOLDER.glob("*.toml"):
        fields = tomllib.loads(path.read_text())
        assert fields["source"]
        assert fields["about"]
