"""What a body of the SMPL-X family is, once its file has been read: arrays and their hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingBody

__all__ = ["FAMILIES", "JOINT_COUNTS", "BodyModel", "Landmarks"]

JOINT_COUNTS = {"smplx": 55, "smplh": 52, "smpl": 24, "mano": 16}
FAMILIES = tuple(JOINT_COUNTS)

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Points on the face surface: (51,) faces and (51,3) barycentres; the jaw line by head yaw.

    `contour_faces` (79,17), `contour_barycentres` (79,17,3): rows as the model files have them.
    """

    faces: Ints
    barycentres: Floats
    contour_faces: Ints
    contour_barycentres: Floats


@dataclass(frozen=True, slots=True, eq=False)
class BodyModel:
    """One body model: V vertices, J joints, S shape and E expression directions; metres.

    Attributes:
        family: `smplx`, `smplh`, `smpl` or `mano`.
        gender: `neutral`, `female`, `male`; for MANO `left` or `right`.
        name: where it came from, for messages.
        hash: of the arrays in canonical dtype; equal arrays have equal hashes in any file format.
        v_template: (V,3).
        shapedirs: (V,3,S), `num_betas` = S of them real.
        expression_dirs: (V,3,E); E is 0 for families without a face.
        posedirs: (9(J−1), 3V) float32, or None where all are zero.
        joint_regressor: (J,V).
        weights: (V,J).
        parents: (J,), −1 for the root.
        faces: (F,3).
        kid_direction: (V,3) what a kid weight of one adds, or None without a kid template.
        left_hand_mean: (45,) relaxed pose [rad] that mean-relative sources leave out.
        left_hand_components: (45,45) rows are the principal components of the hand pose.
    """

    family: str
    gender: str
    name: str
    hash: str
    v_template: Floats
    shapedirs: Floats
    expression_dirs: Floats
    posedirs: NDArray[np.float32] | None
    joint_regressor: Floats
    weights: Floats
    parents: Ints
    faces: Ints
    joint_template: Floats
    joint_shapedirs: Floats
    joint_expression_dirs: Floats
    left_hand_mean: Floats | None = None
    right_hand_mean: Floats | None = None
    left_hand_components: Floats | None = None
    right_hand_components: Floats | None = None
    kid_direction: Floats | None = None
    joint_kid_direction: Floats | None = None
    landmarks: Landmarks | None = None
    extra_vertex_ids: Ints | None = None

    @property
    def num_betas(self) -> int:
        """How many shape directions are real."""
        return int(self.shapedirs.shape[2])

    @property
    def num_vertices(self) -> int:
        """V."""
        return len(self.v_template)

    @property
    def num_joints(self) -> int:
        """J."""
        return len(self.parents)

    def hand_mean(self, side: str) -> Floats:
        """(45,) relaxed pose of the `left` or `right` hand [rad]: add it to mean-relative poses.

        Raises:
            MissingBody: the model has no hand pose space.
        """
        mean = self.left_hand_mean if side == "left" else self.right_hand_mean
        if mean is None:
            raise MissingBody(
                f"{self.name} has no mean pose of the {side} hand: not a SMPL-X or MANO file."
            )
        return mean

    def with_kid(self, template: NDArray[Any] | None) -> BodyModel:
        """The same model that also knows a kid template (V,3).

        The template is centred on its own mean first: the owners' files are not, and the labels
        were made so.
        """
        if template is None:
            return self
        if template.shape != self.v_template.shape:
            raise InputError(
                f"The kid template has the shape {template.shape}, {self.name} "
                f"{self.v_template.shape}: they belong to different models."
            )
        kid = np.asarray(template, np.float64)
        direction = kid - kid.mean(axis=0) - self.v_template
        return replace(
            self, kid_direction=direction, joint_kid_direction=self.joint_regressor @ direction
        )

    def rest_joints(
        self,
        betas: NDArray[Any],
        kid: NDArray[Any] | None = None,
        template: NDArray[Any] | None = None,
    ) -> Floats:
        """Joints of the unposed body.

        Args:
            betas: (N,S') shape; fewer than S are padded with zeros.
            kid: (N,) weight of the kid direction; NaN or None is no kid.
            template: (V,3) or (N,V,3) personal rest mesh in place of the model's own [m].

        Returns:
            (N,J,3) [m].
        """
        base: Any = self.joint_template if template is None else self.joint_regressor @ template
        values = checked_betas(self, np.asarray(betas, np.float64))
        joints: Floats = base + np.einsum(
            "ns,jcs->njc", values, self.joint_shapedirs[..., : values.shape[1]]
        )
        if kid is not None:
            weight = np.nan_to_num(np.asarray(kid, np.float64))
            if np.any(weight):
                joints = joints + weight[:, None, None] * required_kid(self)[1]
        return joints


def checked_betas(model: BodyModel, betas: NDArray[Any]) -> NDArray[Any]:
    """`betas` cut to the model's own count; what is cut off has to be zero."""
    if betas.shape[1] > model.num_betas and np.any(betas[:, model.num_betas :]):
        raise InputError(
            f"{betas.shape[1]} betas were given, but {model.name} has {model.num_betas} shape "
            f"directions: the body would not be the labelled one. Use a model file with more."
        )
    return betas[:, : model.num_betas]


def required_kid(model: BodyModel) -> tuple[Floats, Floats]:
    """Vertex and joint direction of the kid template, or an error that names the file."""
    if model.kid_direction is None or model.joint_kid_direction is None:
        raise InputError(
            f"A child is asked of {model.name}, which has no kid template. "
            f"Put {model.family}_kid_template.npy beside the model files."
        )
    return model.kid_direction, model.joint_kid_direction


def made(
    family: str, gender: str, name: str, arrays: dict[str, Any], *, max_betas: int = 16
) -> BodyModel:
    """A checked `BodyModel` of raw arrays (keys as the fields), without all-zero directions."""
    template = np.asarray(arrays["v_template"], np.float64)
    shapedirs = _real(np.asarray(arrays["shapedirs"], np.float64)[..., :max_betas])
    expression = arrays.get("expression_dirs")
    faces_of = np.zeros((*template.shape, 0)) if expression is None else expression
    regressor = np.asarray(arrays["joint_regressor"], np.float64)
    parents = np.array(arrays["parents"], np.int64)
    parents[0] = -1
    fields: dict[str, Any] = {
        "v_template": template,
        "shapedirs": shapedirs,
        "expression_dirs": _real(np.asarray(faces_of, np.float64)),
        "posedirs": arrays.get("posedirs"),
        "joint_regressor": regressor,
        "weights": np.asarray(arrays["weights"], np.float64),
        "parents": parents.astype(np.int32),
        "faces": np.asarray(arrays["faces"]).astype(np.int32),
    }
    _check_shapes(family, name, fields)
    hands: dict[str, Any] = {
        key: np.asarray(arrays[key], np.float64)
        for side in ("left", "right")
        for key in (f"{side}_hand_mean", f"{side}_hand_components")
        if arrays.get(key) is not None
    }
    return BodyModel(
        family=family,
        gender=gender,
        name=name,
        hash=arrays_hash(family, {**fields, **hands}),
        **fields,
        **hands,
        joint_template=regressor @ template,
        joint_shapedirs=np.einsum("jv,vcs->jcs", regressor, fields["shapedirs"]),
        joint_expression_dirs=np.einsum("jv,vcs->jcs", regressor, fields["expression_dirs"]),
        landmarks=arrays.get("landmarks"),
        extra_vertex_ids=arrays.get("extra_vertex_ids"),
    )


def arrays_hash(family: str, arrays: dict[str, Any]) -> str:
    """Hex digest of the arrays as little-endian float32 / int32, in the order of their names."""
    digest = hashlib.sha256(family.encode())
    for key in sorted(arrays):
        if arrays[key] is None:
            continue
        array = np.asarray(arrays[key])
        kind = "<f4" if array.dtype.kind == "f" else "<i4"
        canonical = np.ascontiguousarray(array, dtype=kind) + np.zeros((), kind)  # no minus zero
        digest.update(f"{key}{canonical.shape}".encode())
        digest.update(canonical.tobytes())
    return digest.hexdigest()[:16]


def _real(directions: Floats) -> Floats:
    """Directions up to the last one that is not all zero (files are padded to 300 + 100)."""
    used = np.flatnonzero(np.abs(directions).max(axis=(0, 1), initial=0.0) > 0)
    return directions[..., : used[-1] + 1 if len(used) else 0]


def _check_shapes(family: str, name: str, fields: dict[str, Any]) -> None:
    vertices, joints = len(fields["v_template"]), JOINT_COUNTS[family]
    wanted = {
        "v_template": (vertices, 3),
        "shapedirs": (vertices, 3, fields["shapedirs"].shape[-1]),
        "expression_dirs": (vertices, 3, fields["expression_dirs"].shape[-1]),
        "joint_regressor": (joints, vertices),
        "weights": (vertices, joints),
        "parents": (joints,),
    }
    if fields["posedirs"] is not None:
        wanted["posedirs"] = (9 * (joints - 1), 3 * vertices)
    for key, shape in wanted.items():
        if fields[key].shape != shape:
            raise InputError(
                f"{name} is not a {family.upper()} model: {key} should have the shape {shape} "
                f"({joints} joints) and has {fields[key].shape}. Is it another model's file?"
            )
    if fields["faces"].ndim != 2 or fields["faces"].max() >= vertices:
        raise InputError(f"{name}: its faces name vertices that the mesh ({vertices}) lacks.")
