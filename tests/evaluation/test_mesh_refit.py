"""Truth as neutral bodies: nearest in shape, in the same place, and said where it is far off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.posed import posed_joints
from ehpsbench.errors import InputError
from ehpsbench.evaluation.evaluate import evaluate
from ehpsbench.evaluation.mesh.refit import refitted
from ehpsbench.evaluation.mesh.scoring import errors
from ehpsbench.evaluation.predictions import write_predictions
from ehpsbench.evaluation.protocol import protocol, read_protocol

Make = Callable[..., Any]
OWNERS, NEUTRAL = "egobody-test@made@test", "egobody-neutral@made@test"
FOLDER = Path(__file__).parents[2] / "leaderboards" / "protocols"
NOTHING = 2e-3  # mm: what float32 meshes four metres away allow


def gendered(make_people: Make) -> dict[str, Any]:
    truth: dict[str, Any] = make_people(4)
    truth["gender"] = np.array(["male", "female", "neutral", "male"], object)
    return truth


def test_the_neutral_body_nearest_to_a_gendered_label_has_no_error(
    bodies: BodySet, make_people: Make, repeat_truth: Make
) -> None:
    truth = gendered(make_people)
    said = repeat_truth(refitted(truth, bodies)[0])
    parameters = {n: v for n, v in said.items() if n != "instance_id"}
    found = errors(truth, parameters, protocol(NEUTRAL), bodies)
    for name, values in found.columns.items():
        assert np.nanmax(values) < NOTHING, name
    owners = errors(truth, parameters, protocol(OWNERS), bodies)
    assert owners.residual is None
    assert (owners.columns["pve"] > 0.5).tolist() == [True, True, False, True]


def test_the_shape_is_that_of_least_squares_on_the_centred_mesh(
    bodies: BodySet, make_people: Make
) -> None:
    truth = gendered(make_people)
    found, residual = refitted(truth, bodies)
    male, neutral = bodies.model("smplx", "male"), bodies.model("smplx", "neutral")
    mesh = male.v_template + male.shapedirs[..., :10] @ truth["betas"][0, :10]
    basis = neutral.shapedirs[..., :10] - neutral.shapedirs[..., :10].mean(0)
    wanted = (mesh - mesh.mean(0)) - (neutral.v_template - neutral.v_template.mean(0))
    betas, left, *_ = np.linalg.lstsq(basis.reshape(-1, 10), wanted.ravel())
    np.testing.assert_allclose(found["betas"][0, :10], betas, atol=1e-6)
    assert residual[0] == pytest.approx(1000 * np.sqrt(left[0] / len(mesh)), rel=1e-6)


def test_the_pelvis_stays_where_it_was_labelled(bodies: BodySet, make_people: Make) -> None:
    truth = gendered(make_people)
    before, after = (posed_joints(c, bodies)[0] for c in (truth, refitted(truth, bodies)[0]))
    np.testing.assert_allclose(after[:, 0], before[:, 0], atol=1e-9)
    assert np.abs(after - before)[[0, 1, 3]].max() < 0.03


def test_neutral_labels_stay_and_those_of_a_personal_mesh_have_no_fit(
    bodies: BodySet, make_people: Make
) -> None:
    truth = gendered(make_people)
    truth["template_path"] = np.array([None, None, None, "meshes/one.ply"], object)
    found, residual = refitted(truth, bodies)
    assert residual[2] == 0
    assert np.isinf(residual[3])
    assert found["gender"].tolist() == ["neutral", "neutral", "neutral", "male"]
    for name in ("betas", "transl"):
        np.testing.assert_array_equal(found[name][2:], truth[name][2:])


def test_a_child_is_fitted_as_far_as_an_adult_goes(bodies: BodySet, make_people: Make) -> None:
    truth = make_people(2) | {"kid": np.array([1.0, 0.0])}
    found, residual = refitted(truth, bodies)
    assert residual[0] > 5
    assert residual[1] == 0
    assert not found["kid"].any()
    np.testing.assert_array_equal(found["betas"][1], truth["betas"][1])


def test_a_result_names_the_people_whom_no_neutral_shape_fits(
    bodies: BodySet, make_people: Make, make_store: Make, repeat_truth: Make, tmp_path: Path
) -> None:
    truth = gendered(make_people)
    truth["betas"][3, :10] = np.random.default_rng(1).normal(size=10) * 15
    store = make_store(tmp_path, truth, bodies)
    write_predictions(store, "mine", NEUTRAL, repeat_truth(truth), bodies)
    summary = evaluate(store, "mine", NEUTRAL, bodies=bodies).summary
    refits = summary["refits"]
    assert refits["named"] == [truth["instance_id"][3]]
    assert refits["above_limit"] == 1
    assert refits["largest_mm"] > refits["limit_mm"] == 15
    assert summary["scored"] == 4
    assert any("within 15 mm of the label of 1 people" in note for note in summary["notes"])


def test_refits_are_of_smplx_parameters_alone(tmp_path: Path) -> None:
    text = (FOLDER / "pw3d-test.toml").read_text()
    path = tmp_path / "mine.toml"
    path.write_text(text.replace('body = "owners"', 'body = "neutral_refit"'))
    with pytest.raises(InputError, match="parameters of SMPL-X"):
        read_protocol(path)


def test_but_for_the_truth_the_two_egobody_protocols_are_one() -> None:
    one, other = (protocol(name).model_dump() for name in (OWNERS, NEUTRAL))
    differ = {name for name in one if one[name] != other[name]}
    assert differ == {"name", "title", "about", "source", "ground_truth_body"}
