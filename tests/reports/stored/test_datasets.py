"""What the page says of datasets, against NumPy; what may be shown of them, and what not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.geometry import rotate_x, rotate_y, rotation_matrix
from ehpsbench.reports.build import page
from ehpsbench.reports.findings import findings
from ehpsbench.reports.given import Given, Wishes
from ehpsbench.reports.measures import MEASURES, measured, statures
from ehpsbench.reports.multiples import multiples, outline, overlap
from ehpsbench.reports.permission import permission
from ehpsbench.reports.poses import matrices, nearness, pose_map, spread
from ehpsbench.reports.samples import samples
from ehpsbench.reports.sections import datasets
from ehpsbench.reports.summaries import QUANTILES, histogram, summary
from ehpsbench.store import Store

LICENSED = {"miniature": False, "redistribute": True}
CLOSED = {"miniature": False, "redistribute": False}


@pytest.fixture
def store(scored: Store) -> Iterator[Store]:
    """The scored store, its kept summaries taken away before and after."""
    yield scored
    for path in (scored.reports / "summaries").glob("*"):
        path.unlink()


def _values(store: Store, name: str) -> np.ndarray:
    column = store.instances("agora", "validation")[name].combine_chunks()
    return np.asarray(column.flatten(), np.float64).reshape(len(column), -1)


def test_quantiles_and_histogram_of_sizes_are_numpys(store: Store, bodies: BodySet) -> None:
    found = summary(store, "agora", ["validation"], bodies)
    sizes = _values(store, "bbox")[:, 2:].max(1)
    assert found.people == len(sizes)
    assert found.quantiles["size"] == pytest.approx(np.quantile(sizes, QUANTILES), rel=1e-6)
    edges = np.geomspace(16, 4096, 31)
    counts = np.histogram(sizes, edges)[0]
    assert found.histograms["size"] == pytest.approx(counts / len(sizes))


def test_what_was_kept_says_the_same_and_a_broken_file_is_made_again(
    store: Store, bodies: BodySet
) -> None:
    first = summary(store, "agora", ["validation"], bodies)
    (path,) = (store.reports / "summaries").glob("*.npz")
    kept = summary(store, "agora", ["validation"], bodies)
    assert kept.quantiles.keys() == first.quantiles.keys()
    assert all(np.array_equal(kept.quantiles[n], v) for n, v in first.quantiles.items())
    assert (kept.flags, kept.genders, kept.samples) == (first.flags, first.genders, first.samples)
    path.write_bytes(path.read_bytes()[:100])
    assert summary(store, "agora", ["validation"], bodies).people == first.people


def test_values_past_an_axis_are_in_its_last_bar() -> None:
    size = next(m for m in MEASURES if m.name == "size")
    shares = histogram(np.array([1.0, 9000.0, 9000.0, 4096.0]), size)
    assert shares[0] == 0.25
    assert shares[-1] == 0.75


def _one(root: np.ndarray, **columns: Any) -> dict[str, np.ndarray]:
    """A person in the middle of the image whose root is turned so."""
    upright = np.array([np.pi, 0.0, 0.0])  # y up in the body, down in the camera
    turned = rotation_matrix(upright) @ root
    angle = np.arccos(np.clip((np.trace(turned) - 1) / 2, -1, 1))
    values, vectors = np.linalg.eigh((turned + turned.T) / 2)
    axis = vectors[:, values.argmax()]
    both = (axis * angle, -axis * angle)
    best = min(both, key=lambda v: np.abs(rotation_matrix(v) - turned).sum())
    found = {
        "focal": np.array([[500.0, 500.0]]),
        "principal_point": np.array([[320.0, 240.0]]),
        "bbox": np.array([[300.0, 140.0, 40.0, 200.0]]),
        "global_orient": best[None],
        "width": np.array([640]),
        "height": np.array([480]),
    }
    return found | columns


def test_a_body_that_faces_the_camera_is_seen_from_0_degrees() -> None:
    found = dict(measured(_one(np.eye(3)), 1))
    assert found["azimuth"] == pytest.approx([0], abs=1e-4)
    assert found["elevation"] == pytest.approx([0], abs=1e-4)
    assert found["size"] == [200]
    assert found["view"] == pytest.approx([np.degrees(2 * np.arctan(320 / 500))])


def test_a_camera_at_the_left_side_is_at_90_degrees_and_one_above_is_from_above() -> None:
    left = dict(measured(_one(np.asarray(rotate_y(-np.pi / 2))), 1))
    assert left["azimuth"] == pytest.approx([90], abs=1e-3)
    bowed = dict(measured(_one(np.asarray(rotate_x(np.radians(30)))), 1))
    assert bowed["elevation"] == pytest.approx([30], abs=1e-3)


def test_a_full_turn_of_a_joint_is_no_bend() -> None:
    pose = np.zeros((1, 63))
    pose[0, :2] = 2 * np.pi, 0
    pose[0, 3] = 0.5
    assert dict(measured({"body_pose": pose}, 1))["bend"] == pytest.approx(
        [np.degrees(0.5) / 21], rel=1e-5
    )


def test_stature_and_volume_are_those_of_the_rest_mesh(bodies: BodySet) -> None:
    model = bodies.model("smplx", "female")
    betas = np.zeros((2, 16))
    betas[1, 0] = 2.0
    columns = {
        "betas": betas,
        "source_model": np.array(["smplx"] * 2, object),
        "gender": np.array(["female"] * 2, object),
    }
    tall, litres = statures(columns, bodies)
    for row in range(2):
        mesh = model.v_template + model.shapedirs[..., : model.num_betas] @ betas[row]
        corners = mesh[model.faces]
        assert tall[row] == pytest.approx(np.ptp(mesh[:, 1]), rel=1e-5)
        assert litres[row] == pytest.approx(1000 * np.linalg.det(corners).sum() / 6, rel=1e-4)


def test_overlap_of_equal_shares_is_1_and_of_apart_ones_0() -> None:
    assert overlap(np.array([0.5, 0.5, 0]), np.array([0.5, 0.5, 0])) == 1
    assert overlap(np.array([1.0, 0, 0]), np.array([0, 0.5, 0.5])) == 0
    assert overlap(np.array([0.75, 0.25]), np.array([0.25, 0.75])) == 0.5
    assert outline(np.array([0.0, 1.0])) == "M0 36V36h60V6h60V36z"


def test_all_joints_10_degrees_off_is_a_nearness_and_a_spread_of_that() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(40, 63))
    step = np.tile([np.radians(10), 0, 0], 21)
    moved = rotation_matrix(base.reshape(40, 21, 3)) @ rotation_matrix(step.reshape(21, 3))
    moved = moved.reshape(40, -1)
    assert nearness(moved, matrices(base)) == pytest.approx(10, abs=0.05)
    assert nearness(matrices(base), matrices(base)) == pytest.approx(0, abs=0.05)
    two = np.stack([np.zeros(63), 2 * step])
    assert spread(matrices(two)) == pytest.approx(10, abs=0.1)
    assert np.isnan(nearness(np.zeros((0, 189)), moved))


def test_the_map_shows_the_direction_in_which_poses_differ() -> None:
    rng = np.random.default_rng(0)
    poses = 0.01 * rng.normal(size=(100, 63))
    poses[:, 0] = np.linspace(-1, 1, 100)
    found = pose_map([matrices(poses), np.zeros((0, 189))])
    assert found is not None
    places = found.places(matrices(poses))[:, 0]
    assert abs(np.corrcoef(places, poses[:, 0])[0, 1]) > 0.99
    assert found.explained > 0.9
    assert pose_map([np.zeros((0, 189))]) is None


def test_images_and_meshes_need_the_licence_and_the_wish() -> None:
    both = Wishes(True, True)
    assert not any([permission(CLOSED, both).images, permission(CLOSED, both).meshes])
    assert not any([permission(LICENSED, Wishes()).images, permission(LICENSED, Wishes()).meshes])
    assert permission(LICENSED, Wishes(embed_images=True)).images
    assert not permission(LICENSED, Wishes(embed_images=True)).meshes
    assert "--embed-meshes" in permission(LICENSED, Wishes(embed_images=True)).why
    assert permission({"miniature": True, "redistribute": True}, Wishes()).meshes
    assert "licence" in permission(CLOSED, both).why


@pytest.mark.parametrize("manifest", [CLOSED, LICENSED])
def test_without_permission_samples_are_bones_whatever_was_kept(
    store: Store, bodies: BodySet, manifest: dict[str, bool]
) -> None:
    found = summary(store, "agora", ["validation"], bodies)
    everything = permission({"miniature": True, "redistribute": True}, Wishes())
    drawn = samples(store, "agora", ["validation"], bodies, everything, found.samples)
    assert len(drawn) == 3
    assert all(p.image.startswith("data:image/jpeg") for p in drawn)
    bones = samples(
        store, "agora", ["validation"], bodies, permission(manifest, Wishes()), found.samples
    )
    assert [p.image for p in bones] == ["", "", ""]
    assert all(p.bones[0].path.count("M") >= 21 for p in bones)


def test_a_section_without_a_store_or_of_the_second_board_is_not_there(
    board: Given, data: Given
) -> None:
    assert datasets.section(data) is None
    assert datasets.section(replace(board, prefix="second-")) is None


def test_cards_say_of_benchmarks_and_training_sets_what_they_are(
    board: Given, store: Store
) -> None:
    section = datasets.section(board)
    assert section is not None
    cards = section.context["cards"]
    assert [(c["name"], c["benchmark"]) for c in cards] == [("agora", False), ("agora", True)]
    shares = cards[0]["cells"]["size"]["text"]
    assert shares == "100"  # the same people
    assert cards[0]["near"] == "0"
    assert any("Commercial use not allowed" in words for _, words in cards[0]["facts"])
    assert "--embed" not in cards[0]["why"]


def test_findings_count_what_the_checks_refused(
    store: Store, board: Given, bodies: BodySet
) -> None:
    found = summary(store, "agora", ["validation"], bodies)
    people = found.people
    manifest = store.manifest("agora") | {"rejects": {"finite": 3, "angles": people - 3}}
    manifest["splits"] = {"validation": {"instances": people}}
    lines = findings(board, manifest, found)
    assert lines[0] == (
        f"The checks refused {people} people (50.0 %): {people - 3} by angles and 3 by finite."
    )


def test_words_of_a_distribution_name_its_quantiles(store: Store, bodies: BodySet) -> None:
    found = summary(store, "agora", ["validation"], bodies)
    size = next(m for m in multiples(found, {}) if m.name == "size")
    low, quarter, middle, *_ = (f"{v:.0f}" for v in found.quantiles["size"])
    assert f"median {middle} px, half of them from {quarter} to" in size.words
    assert low in size.words


def test_a_name_from_a_release_is_text(board: Given, store: Store, bodies: BodySet) -> None:
    evil = "<script>alert(1)</script>"
    kept = summary(store, "agora", ["validation"], bodies)
    path: Path = next((store.reports / "summaries").glob("*.npz"))
    arrays = dict(np.load(path))
    arrays["gender_names"] = np.array([evil])
    arrays["gender_counts"] = np.array([kept.people])
    np.savez(path, **arrays)
    text = page(board)
    assert evil not in text
    assert f"{kept.people} &lt;script&gt;alert(1)&lt;/script&gt;" in text
