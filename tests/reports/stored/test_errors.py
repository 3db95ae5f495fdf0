"""Errors painted on the body, by joint and by slice; who is best, median and worst."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet, open_bodies
from ehpsbench.evaluation.results import points_of, points_path, read_rows, read_summary
from ehpsbench.reports.build import page
from ehpsbench.reports.display_body import (
    UNKNOWN,
    colours_of,
    display_body,
    levels,
    mesh_json,
)
from ehpsbench.reports.given import Given
from ehpsbench.reports.pictures import bone_path
from ehpsbench.reports.point_maps import grouped, point_maps
from ehpsbench.reports.sections import errors, gallery
from ehpsbench.reports.slice_tables import slice_tables
from ehpsbench.store import Store

BENCHMARK = "agora-val"


class Renamed:
    """The small open body under the name of a licensed folder."""

    def __init__(self, bodies: BodySet) -> None:
        self.name = "/licensed/body_models"
        self.model = bodies.model


@pytest.fixture(scope="module")
def shown(board: Given) -> dict[str, Any]:
    section = errors.section(board)
    assert section is not None
    return dict(section.context)


def test_maps_are_the_stored_means_of_the_rows(board: Given, scored: Store) -> None:
    maps, left_out = point_maps(board, 10)
    assert left_out == 0
    first = maps[0]
    assert (first.row, first.alignment, first.family) == (board.names[0], "root", "smplx")
    table = points_of(scored, read_summary(scored, "near", BENCHMARK))
    assert table is not None
    assert first.vertices is not None
    assert first.vertices == pytest.approx(np.asarray(table["mean_mm"])[:1504])
    assert list(first.joints)[:2] == ["pelvis", "left_hip"]


def test_what_the_viewer_holds_is_the_means_to_one_254th_of_the_highest(
    board: Given, shown: dict[str, Any]
) -> None:
    viewer = shown["viewer"]
    map_ = viewer["maps"]["0/0/0"]
    stored = np.frombuffer(base64.b64decode(map_["data"]), np.uint8) / 254 * map_["top"]
    vertices = point_maps(board, 1)[0][0].vertices
    assert vertices is not None
    assert stored == pytest.approx(vertices, abs=map_["top"] / 254)
    assert map_["mean"] == round(float(vertices.mean()), 1)
    assert set(viewer["maps"]) == {"0/0/0", "0/0/1", "1/0/0", "1/0/1"}


def test_the_mesh_comes_back_to_a_tenth_of_a_millimetre(bodies: BodySet) -> None:
    body = display_body(bodies, embed=False)
    stored = mesh_json(body)
    raw = np.frombuffer(base64.b64decode(str(stored["vertices"])), "<i2").reshape(-1, 3)
    extent = float(str(stored["extent"]))
    assert raw / 32767 * extent == pytest.approx(body.vertices, abs=1e-4)
    faces = np.frombuffer(base64.b64decode(str(stored["faces"])), "<u2").reshape(-1, 3)
    assert np.array_equal(faces, body.faces)


def test_a_licensed_mesh_is_in_the_page_only_when_asked_for(bodies: BodySet) -> None:
    licensed: Any = Renamed(open_bodies("full"))
    hidden, asked = display_body(licensed, embed=False), display_body(licensed, embed=True)
    assert len(hidden.vertices) == 1504
    assert "parts" in hidden.names
    assert len(asked.vertices) == 13492
    on_parts = hidden.of_vertices(np.full(13492, 50.0))
    assert on_parts == pytest.approx(np.full(1504, 50.0))
    left_arm = np.where(hidden.parts == 18, 100.0, 0.0)  # joint 18 is the left elbow
    painted = hidden.of_vertices(left_arm)
    assert painted[hidden.vertices[:, 0] < 0].max() < 1
    assert painted.max() > 90


def test_errors_of_the_full_open_body_are_painted_on_the_small_one() -> None:
    body = display_body(open_bodies("full"), embed=False)
    full = open_bodies("full").model("smplx").v_template
    small = open_bodies("small").model("smplx").v_template
    assert body.of_vertices(full[:, 1]) == pytest.approx(small[:, 1], abs=2e-3)


def test_where_no_joint_is_compared_nothing_is_painted(bodies: BodySet) -> None:
    body = display_body(bodies, embed=False)
    painted = body.of_joints(["left_wrist"], np.array([80.0]))
    data, top = levels(painted)
    stored = np.frombuffer(base64.b64decode(data), np.uint8)
    assert top == pytest.approx(80)
    assert (stored == UNKNOWN).mean() > 0.8
    assert np.isfinite(painted).sum() > 50  # the hand, whose fingers follow the wrist
    assert body.vertices[np.isfinite(painted), 0].min() > 0.2
    assert (colours_of(painted, 80)[np.isnan(painted)] == (160, 165, 172)).all()


def test_fingers_of_a_hand_are_one_line() -> None:
    found = grouped({"neck": 1.0, "left_index_1": 2.0, "left_thumb_3": 4.0})
    assert found == {"neck": 1.0, "left_fingers": 3.0}


def test_the_page_has_no_room_for_all_rows_of_a_large_mesh(board: Given) -> None:
    maps, left_out = point_maps(board, 1)
    assert {one.row for one in maps} == {board.names[0]}
    assert left_out == 1


def test_results_without_points_have_no_viewer_but_slices(
    board: Given, tmp_path: Any, scored: Store
) -> None:
    from shutil import copytree

    store = Store(tmp_path / "store")
    copytree(scored.root, store.root)
    for entry in ("near", "far"):
        points_path(store, entry, BENCHMARK).unlink()
        path = store.results / entry / f"{BENCHMARK}.json"
        said = json.loads(path.read_text())
        del said["points_sha256"]
        path.write_text(json.dumps(said))
    without = replace(board, store=store)
    section = errors.section(without)
    assert section is not None
    assert section.context["viewer"] is None
    assert section.context["slices"]
    assert "Evaluate the predictions again to see where errors are" in page(without)


def test_slices_hold_the_numbers_of_the_results(board: Given, scored: Store) -> None:
    (table,) = slice_tables(board, [BENCHMARK])
    said = read_summary(scored, "near", BENCHMARK)["slices"]["gender"]
    found = {row.part: row for row in table.rows if row.slice == "Gender"}
    assert set(found) == set(said)
    for part, number in said.items():
        assert found[part].leader == f"{number['value']:.1f}"
        assert found[part].people == str(number["count"])
        assert found[part].best.startswith(board.names[0])


def test_no_section_without_results_of_people(data: Given) -> None:
    assert errors.section(data) is None
    assert gallery.section(data) is None


def test_best_median_and_worst_are_those_of_the_rows(board: Given, scored: Store) -> None:
    section = gallery.section(board)
    assert section is not None
    (exhibit,) = section.context["exhibits"]
    rows = read_rows(scored, "near", BENCHMARK)
    order = np.argsort(np.asarray(rows["pve"]))
    names = np.asarray(rows["instance_id"])[order]
    assert [one.rank for one in exhibit.examples] == ["Best", "Median", "Worst"]
    assert exhibit.examples[0].person == names[0]
    assert exhibit.examples[-1].person == names[-1]
    labels = [[p.label for p in one.pictures] for one in exhibit.examples]
    assert labels[0] == labels[2] == ["image", "truth", board.names[0]]
    assert labels[1] == ["image", "truth", board.names[0], "far"]


def test_without_permission_the_gallery_is_bones(board: Given, tmp_path: Any) -> None:
    from shutil import copytree

    assert board.store is not None
    store = Store(tmp_path / "store")
    copytree(board.store.root, store.root)
    path = store.manifest_path("agora")
    path.write_text(json.dumps(store.manifest("agora") | {"miniature": False}))
    path.write_text(json.dumps(store.manifest("agora") | {"redistribute": False}))
    section = gallery.section(replace(board, store=store))
    assert section is not None
    (exhibit,) = section.context["exhibits"]
    pictures = [p for one in exhibit.examples for p in one.pictures]
    assert not any(p.image for p in pictures)
    assert {len(p.bones) for p in pictures} == {1, 2}
    assert "licence" in exhibit.why


def test_bones_end_where_joints_do() -> None:
    pixels = np.array([[10.0, 20.0], [30.04, 40.0], [np.nan, 0.0]])
    assert bone_path(pixels, np.array([-1, 0, 1], np.int32)) == "M10 20L30 40"


def test_a_row_named_like_a_script_is_text_everywhere(board: Given) -> None:
    text = page(board)
    assert "<script>alert" not in text
    islands = re.findall(r"data-viewer-data>(.*?)</script>", text, re.DOTALL)
    assert json.loads(islands[0])["rows"][0] == board.names[0]
