"""Licensed folders: made of the small open body, in the owners' layout."""

from __future__ import annotations

import dataclasses
import os
import pickle
import sys
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ehpsbench.body.bodies import (
    FOLDER_VARIABLE,
    BodySet,
    find_bodies,
    licensed_bodies,
    open_bodies,
)
from ehpsbench.body.files import load_body_file
from ehpsbench.body.forward import forward
from ehpsbench.errors import InputError, MissingBody, RefusedPickle, UnknownName


def test_a_licensed_folder_is_the_same_body_set_as_its_arrays(
    licensed_folder: Path, small: BodySet
) -> None:
    bodies = licensed_bodies(licensed_folder)
    expected = {k: v for k, v in small.roles.items() if k.split("/")[0] != "smpl"}
    assert {k: v for k, v in bodies.roles.items() if k.split("/")[0] != "smpl"} == expected
    assert bodies.name == str(licensed_folder)


def test_smpl_and_kids_of_a_folder_pose_like_the_originals(
    licensed_folder: Path, small: BodySet, rng: np.random.Generator
) -> None:
    bodies, betas = licensed_bodies(licensed_folder), rng.standard_normal((2, 10))
    for family in ("smplx", "smpl"):
        given: dict[str, Any] = {"betas": betas, "kid": np.ones(2), "transl": np.ones((2, 3))}
        ours = forward(small.model(family, "male"), **given)
        theirs = forward(bodies.model(family, "male"), **given)
        assert float((ours.vertices - theirs.vertices).abs().max()) < 1e-5


def test_the_hash_is_of_the_arrays_not_of_the_file(
    small: BodySet, owners_file: Any, tmp_path: Path
) -> None:
    model = small.model("smplx")
    first = owners_file(model, tmp_path / "a" / "SMPLX_NEUTRAL.npz", dtype="f8")
    second = owners_file(model, tmp_path / "b" / "SMPLX_NEUTRAL.pkl")
    os.utime(first, (0, time.time() + 1e6))
    hashes = {load_body_file(p, family="smplx", gender="neutral").hash for p in (first, second)}
    assert hashes == {model.hash}


def test_another_vertex_is_another_hash(small: BodySet, owners_file: Any, tmp_path: Path) -> None:
    model = small.model("smplx")
    moved = model.v_template.copy()
    moved[7, 1] += 1e-4
    changed = dataclasses.replace(model, v_template=moved)
    path = owners_file(changed, tmp_path / "SMPLX_NEUTRAL.npz")
    assert load_body_file(path, family="smplx", gender="neutral").hash != model.hash


def test_older_files_have_ten_and_ten_columns(
    small: BodySet, owners_file: Any, tmp_path: Path
) -> None:
    path = owners_file(small.model("smplx"), tmp_path / "SMPLX_NEUTRAL.npz", padded=False)
    model = load_body_file(path, family="smplx", gender="neutral")
    np.testing.assert_allclose(model.shapedirs, small.model("smplx").shapedirs[..., :10])
    np.testing.assert_allclose(model.expression_dirs, small.model("smplx").expression_dirs)


def test_pose_correctives_are_read_and_used(
    small: BodySet, owners_file: Any, tmp_path: Path, rng: np.random.Generator
) -> None:
    posedirs = 1e-3 * rng.standard_normal((207, 3 * 1504), np.float32)
    model = dataclasses.replace(small.model("smpl"), posedirs=posedirs)
    path = owners_file(model, tmp_path / "SMPL_NEUTRAL.pkl")
    read = load_body_file(path, family="smpl", gender="neutral")
    np.testing.assert_array_equal(read.posedirs, posedirs)
    assert read.hash != small.model("smpl").hash


def test_an_object_array_in_an_npz_does_no_harm(
    small: BodySet, owners: Any, tmp_path: Path
) -> None:
    path = tmp_path / "SMPLX_NEUTRAL.npz"
    names = np.array({"Pelvis": 0}, dtype=object)  # as joint2num in the owners' files
    np.savez(path, **owners(small.model("smplx")), joint2num=names)
    assert load_body_file(path, family="smplx", gender="neutral").num_joints == 55


def test_the_smpl_files_own_dialect_is_read(
    small: BodySet, owners: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sparse regressor and chumpy arrays, as in the owners' pickles of Python 2."""
    found = {}
    for module, name in (("chumpy.ch", "Ch"), ("scipy.sparse.csc", "csc_matrix")):
        found[name] = type(name, (), {"__module__": module})
        stand_in = types.ModuleType(module)
        setattr(stand_in, name, found[name])
        monkeypatch.setitem(sys.modules, module, stand_in)
        for dots in range(module.count(".")):
            parent = module.rsplit(".", dots + 1)[0]
            monkeypatch.setitem(sys.modules, parent, types.ModuleType(parent))
    model, arrays = small.model("smpl"), owners(small.model("smpl"))
    shapedirs, sparse = found["Ch"](), found["csc_matrix"]()
    shapedirs.__dict__.update(x=arrays["shapedirs"].astype("f8"), _dirty_vars=set())
    column, row = np.nonzero(model.joint_regressor.T)
    starts = np.searchsorted(column, np.arange(1505)).astype("i4")
    values = model.joint_regressor[row, column]
    sparse.__dict__.update(
        _shape=(24, 1504), data=values, indices=row.astype("i4"), indptr=starts, maxprint=50
    )
    arrays |= {"shapedirs": shapedirs, "J_regressor": sparse}
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(pickle.dumps(arrays, protocol=2))
    read = load_body_file(path, family="smpl", gender="neutral")
    np.testing.assert_allclose(read.joint_regressor, model.joint_regressor, atol=1e-9)
    np.testing.assert_allclose(read.shapedirs, model.shapedirs, atol=1e-8)


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.system, ("true",)

    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(pickle.dumps({"v_template": Evil()}))
    with pytest.raises(RefusedPickle, match="system"):
        load_body_file(path, family="smpl", gender="neutral")


def test_the_females_arrays_in_a_file_named_male_are_found_out(
    licensed_folder: Path, small: BodySet, owners_file: Any
) -> None:
    owners_file(small.model("smplx", "female"), licensed_folder / "smplx/SMPLX_MALE.npz")
    with pytest.raises(InputError, match="same arrays: one of the two files has a wrong name"):
        _ = licensed_bodies(licensed_folder).id


def test_another_familys_file_is_found_out(
    small: BodySet, owners_file: Any, tmp_path: Path
) -> None:
    path = owners_file(small.model("smpl"), tmp_path / "MANO_LEFT.pkl")
    with pytest.raises(InputError, match=r"MANO_LEFT.pkl is not a MANO model.*\(16, 1504\)"):
        load_body_file(path, family="mano", gender="left")


def test_genders_of_two_resolutions_are_found_out(
    licensed_folder: Path, full: BodySet, owners_file: Any
) -> None:
    owners_file(full.model("smpl", "male"), licensed_folder / "smpl/SMPL_MALE.pkl")
    with pytest.raises(InputError, match=r"13492 vertices.*not of one body set"):
        _ = licensed_bodies(licensed_folder).roles


def test_a_kid_template_of_another_mesh_is_found_out(licensed_folder: Path) -> None:
    np.save(licensed_folder / "smplx_kid_template.npy", np.zeros((6890, 3)))
    with pytest.raises(InputError, match=r"kid template has the shape \(6890, 3\)"):
        licensed_bodies(licensed_folder).model("smplx")


def test_a_file_without_an_array_says_which_and_what_it_holds(
    small: BodySet, owners: Any, tmp_path: Path
) -> None:
    arrays = owners(small.model("smplx"))
    del arrays["J_regressor"]
    np.savez(tmp_path / "SMPLX_MALE.npz", **arrays)
    with pytest.raises(InputError, match=r"SMPLX_MALE.npz has no 'J_regressor'.*v_template"):
        load_body_file(tmp_path / "SMPLX_MALE.npz", family="smplx", gender="male")


def test_a_truncated_file_is_named(small: BodySet, owners_file: Any, tmp_path: Path) -> None:
    path = owners_file(small.model("smplx"), tmp_path / "SMPLX_MALE.npz")
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(InputError, match=r"SMPLX_MALE.npz"):
        load_body_file(path, family="smplx", gender="male")


def test_a_missing_model_is_named_with_all_that_is_missing(licensed_folder: Path) -> None:
    (licensed_folder / "smplx/SMPLX_FEMALE.npz").unlink()
    bodies = licensed_bodies(licensed_folder)
    assert bodies.has("smplx", "male")
    assert not bodies.has("smplx", "female")
    wanted = "smplx/SMPLX_FEMALE.npz is needed.*SMPLX_to_J14.pkl.*smplx2smpl.pkl"
    with pytest.raises(MissingBody, match=wanted):
        bodies.model("smplx", "female")


def test_regressors_and_vertex_lists_of_the_owners_are_found_anywhere(
    licensed_folder: Path, small: BodySet
) -> None:
    extra = licensed_folder / "evaluation" / "files"
    extra.mkdir(parents=True)
    (extra / "SMPLX_to_J14.pkl").write_bytes(pickle.dumps(small.regressor("j14")))
    np.save(extra / "J_regressor_h36m.npy", small.regressor("smpl/h36m"))
    np.save(extra / "SMPL-X__FLAME_vertex_ids.npy", small.vertex_ids("face"))
    np.save(extra / "body_verts_smplx.npy", small.vertex_ids("agora_body").astype(np.uint32))
    hands = {side: small.vertex_ids(side) for side in ("left_hand", "right_hand")}
    (extra / "MANO_SMPLX_vertex_ids.pkl").write_bytes(pickle.dumps(hands))
    (extra / "smplx2smpl.pkl").write_bytes(pickle.dumps({"matrix": np.eye(1504)}))
    bodies = licensed_bodies(licensed_folder)
    np.testing.assert_array_equal(bodies.regressor("j14"), small.regressor("j14"))
    np.testing.assert_array_equal(bodies.regressor("smpl/j14"), small.regressor("smpl/j14"))
    for name in ("left_hand", "right_hand", "face", "agora_body"):
        np.testing.assert_array_equal(bodies.vertex_ids(name), small.vertex_ids(name))
    mesh = small.model("smplx").v_template
    np.testing.assert_allclose(bodies.to_smpl(mesh), mesh)
    assert bodies.missing() == ["J_regressor_h36m_smplx.npy"]


def test_the_owners_other_spellings_are_known(
    small: BodySet, owners_file: Any, tmp_path: Path
) -> None:
    names = {
        "female": "basicModel_f_lbs_10_207_0_v1.0.0.pkl",
        "male": "basicmodel_m_lbs_10_207_0_v1.1.0.pkl",
        "neutral": "basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl",
    }
    for gender, name in names.items():
        owners_file(small.model("smpl", gender), tmp_path / "models" / name)
    bodies = licensed_bodies(tmp_path)
    for gender in names:
        ours, theirs = small.model("smpl", gender), bodies.model("smpl", gender)
        np.testing.assert_allclose(theirs.v_template, ours.v_template, atol=1e-7)


def test_a_folder_comes_from_the_flag_or_the_environment(
    licensed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert find_bodies(None) is None
    monkeypatch.setenv(FOLDER_VARIABLE, str(licensed_folder))
    found = find_bodies(None)
    assert found is not None
    assert found.name == str(licensed_folder)


def test_a_folder_without_models_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingBody, match=r"holds none.*smplx/SMPLX_NEUTRAL.npz"):
        find_bodies(tmp_path)
    with pytest.raises(MissingBody, match="does not exist"):
        find_bodies(tmp_path / "nowhere")


def test_body_sets_survive_pickling(licensed_folder: Path) -> None:
    for bodies in (open_bodies("small"), licensed_bodies(licensed_folder)):
        again = pickle.loads(pickle.dumps(bodies))
        assert again.id == bodies.id
        assert len(pickle.dumps(bodies)) < 10_000


def test_unknown_names_come_with_the_known_ones(small: BodySet) -> None:
    with pytest.raises(UnknownName, match="Did you mean h36m"):
        small.regressor("h36")
    with pytest.raises(UnknownName, match="left_hand"):
        small.vertex_ids("left")
    with pytest.raises(UnknownName, match="full, small"):
        open_bodies("huge").model("smplx")
    with pytest.raises(UnknownName, match="smplx"):
        load_body_file(Path("x.npz"), family="star", gender="neutral")


def test_asking_the_open_body_for_what_it_has_not_is_an_error(small: BodySet) -> None:
    assert not small.has("mano", "male")
    with pytest.raises(MissingBody, match="mano/male"):
        small.model("mano", "male")


def test_the_left_hand_of_manos_own_file_is_mended_and_a_mended_one_left_alone(
    small: BodySet, owners_file: Any, tmp_path: Path
) -> None:
    left, right = small.model("mano", "left"), small.model("mano", "right")
    flip = np.array([-1.0, 1.0, 1.0])[:, None]
    owners_file(right, tmp_path / "MANO_RIGHT.pkl")
    for mirrored in (left.shapedirs * flip, left.shapedirs):
        stored = dataclasses.replace(left, shapedirs=mirrored)
        owners_file(stored, tmp_path / "MANO_LEFT.pkl")
        found = licensed_bodies(tmp_path).model("mano", "left")
        assert np.abs(found.shapedirs - left.shapedirs).max() < 1e-6
        assert np.abs(found.joint_shapedirs - left.joint_shapedirs).max() < 1e-6
