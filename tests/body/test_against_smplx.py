"""The forward pass against the `smplx` package, which shares no code with ours."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.body.bodies import BodySet
from ehpsbench.body.forward import forward
from ehpsbench.dataset_adapters.surface_joints import joints_127

smplx = pytest.importorskip("smplx")
PEOPLE = 3
HUNDREDTH_MM = 1e-5
WIDTHS = {
    "global_orient": 3, "body_pose": 63, "jaw_pose": 3, "leye_pose": 3, "reye_pose": 3,
    "left_hand_pose": 45, "right_hand_pose": 45, "transl": 3, "expression": 10, "betas": 16,
}  # fmt: skip


def _random(rng: np.random.Generator, *names: str, **widths: int) -> dict[str, torch.Tensor]:
    sizes = {**WIDTHS, **widths}
    spread = {"betas": 1.0, "expression": 1.0, "transl": 2.0, "global_orient": 1.0}
    return {
        name: torch.tensor(
            rng.standard_normal((PEOPLE, sizes[name])) * spread.get(name, 0.3), dtype=torch.float32
        )
        for name in (names or WIDTHS)
    }


def _worst(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).detach().norm(dim=-1).max())


def _theirs(path: Path, **options: Any) -> Any:
    return smplx.SMPLX(
        str(path), use_pca=False, flat_hand_mean=True, batch_size=PEOPLE,
        num_expression_coeffs=10, **options,
    )  # fmt: skip


def test_smplx_bodies_agree_to_a_hundredth_of_a_millimetre(
    full: BodySet, owners_file: Any, tmp_path: Path, rng: np.random.Generator
) -> None:
    model, given = full.model("smplx"), _random(rng)
    theirs = _theirs(owners_file(model, tmp_path / "SMPLX_NEUTRAL.npz"), num_betas=16)(**given)
    ours = forward(model, **given)
    assert ours.vertices is not None
    assert _worst(ours.vertices, theirs.vertices) < HUNDREDTH_MM
    assert _worst(ours.joints, theirs.joints[:, :55]) < HUNDREDTH_MM


def test_named_vertices_and_landmarks_are_where_smplx_looks_for_them(
    full: BodySet, owners_file: Any, tmp_path: Path, rng: np.random.Generator
) -> None:
    model, given = full.model("smplx"), _random(rng)
    theirs = _theirs(owners_file(model, tmp_path / "SMPLX_NEUTRAL.npz"), num_betas=16)(**given)
    ours = forward(model, **given)
    found = joints_127(ours.vertices[0].numpy(), ours.joints[0].numpy(), model)
    assert _worst(torch.tensor(found), theirs.joints[0].double()) < HUNDREDTH_MM


def test_pose_correctives_agree_when_a_file_has_them(
    full: BodySet, owners_file: Any, tmp_path: Path, rng: np.random.Generator
) -> None:
    model = full.model("smplx", "female")
    posedirs = 1e-3 * rng.standard_normal((486, 3 * model.num_vertices), np.float32)
    model, given = dataclasses.replace(model, posedirs=posedirs), _random(rng)
    theirs = _theirs(owners_file(model, tmp_path / "SMPLX_FEMALE.npz"), num_betas=16)(**given)
    ours = forward(model, **given)
    assert _worst(ours.vertices, theirs.vertices) < HUNDREDTH_MM
    plain = forward(full.model("smplx", "female"), **given)
    assert _worst(ours.vertices, plain.vertices) > 1e-3


def test_a_child_agrees_and_the_template_is_centred_first(
    full: BodySet, owners_file: Any, tmp_path: Path, rng: np.random.Generator
) -> None:
    model, given = full.model("smplx", "male"), _random(rng)
    template = np.asarray(full._source.kid("smplx"))
    np.save(tmp_path / "kid.npy", template)
    path = owners_file(model, tmp_path / "SMPLX_MALE.npz")
    body = _theirs(path, num_betas=10, age="kid", kid_template_path=str(tmp_path / "kid.npy"))
    weight = torch.tensor([0.0, 0.4, 1.0])
    theirs = body(**{**given, "betas": torch.cat([given["betas"][:, :10], weight[:, None]], 1)})
    ours = forward(model, **{**given, "betas": given["betas"][:, :10]}, kid=weight)
    assert _worst(ours.vertices, theirs.vertices) < HUNDREDTH_MM
    assert _worst(ours.joints, theirs.joints[:, :55]) < HUNDREDTH_MM
    assert np.linalg.norm(template.mean(0)) > 0.1


def test_smpl_bodies_agree(
    full: BodySet, owners_file: Any, tmp_path: Path, rng: np.random.Generator
) -> None:
    model = full.model("smpl", "male")
    given = _random(rng, "global_orient", "body_pose", "transl", "betas", body_pose=69, betas=10)
    path = owners_file(model, tmp_path / "SMPL_MALE.pkl")
    theirs = smplx.SMPL(str(path), batch_size=PEOPLE)(**given)
    pose = given.pop("body_pose")
    ours = forward(model, **given, body_pose=pose[:, :63], smpl_hand_pose=pose[:, 63:])
    assert _worst(ours.vertices, theirs.vertices) < HUNDREDTH_MM
    assert _worst(ours.joints, theirs.joints[:, :24]) < HUNDREDTH_MM


@pytest.mark.parametrize("side", ["left", "right"])
def test_mano_hands_agree(
    side: str, full: BodySet, owners_file: Any, tmp_path: Path, rng: np.random.Generator
) -> None:
    model = full.model("mano", side)
    path = owners_file(model, tmp_path / f"MANO_{side.upper()}.pkl")
    body = smplx.MANO(
        str(path), is_rhand=side == "right", use_pca=False, flat_hand_mean=True, batch_size=PEOPLE
    )
    given = _random(rng, "global_orient", "left_hand_pose", "transl", "betas", betas=10)
    pose = given.pop("left_hand_pose")
    theirs = body(**given, hand_pose=pose)
    ours = forward(model, **given, **{f"{side}_hand_pose": pose})
    assert _worst(ours.vertices, theirs.vertices) < HUNDREDTH_MM
    assert _worst(ours.joints, theirs.joints[:, :16]) < HUNDREDTH_MM
