"""Where a body set's models come from: the shipped open body, or a folder of licensed files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.files import load_array, load_body_file, load_pickle
from ehpsbench.body.model import BodyModel, made
from ehpsbench.body.openbody import ROLES as MODEL_ROLES
from ehpsbench.body.openbody import VIEWS, open_arrays, open_model
from ehpsbench.errors import InputError, MissingBody, UnknownName

__all__ = ["ROLES", "LicensedSource", "OpenSource", "Source", "owners_file"]

Array = NDArray[Any]

ROLES = (*MODEL_ROLES, "smplx/kid", "smpl/kid")
# J14 (LSP order) picked from Human3.6M's 17 points.
_J14_OF_H36M = [3, 2, 1, 4, 5, 6, 16, 15, 14, 11, 12, 13, 8, 10]
REGRESSORS = ("j14", "h36m", "smpl/j14", "smpl/h36m")
VERTEX_IDS = (
    *("left_hand", "right_hand", "face", "agora_body"),
    *("left_hand_mano_tips", "right_hand_mano_tips"),
)
# MANO's own finger tips: thumb, index, middle, ring, pinky.
_MANO_TIPS = (744, 320, 443, 555, 672)


RAW = (
    "v_template",
    "shapedirs",
    "posedirs",
    "joint_regressor",
    "weights",
    "parents",
    "faces",
    "left_hand_mean",
    "left_hand_components",
)


class Source(Protocol):
    """What a body set asks of the place its arrays come from."""

    @property
    def name(self) -> str:
        """`open`, `open-small`, or the folder."""

    def has(self, role: str) -> bool:
        """Whether the role's file is there."""

    def model(self, family: str, gender: str) -> BodyModel:
        """The model, without checks against the others."""

    def kid(self, family: str) -> Array | None:
        """The kid template (V,3), or None."""

    def regressor(self, name: str) -> Array:
        """(K,V) weights."""

    def vertex_ids(self, name: str) -> Array:
        """Indices into the SMPL-X mesh, or into MANO's for the tips."""

    def smplx_to_smpl(self) -> Array | None:
        """(V',V) matrix from the SMPL-X mesh to the SMPL mesh; None where they are one."""

    def missing(self) -> list[str]:
        """Files that are not there."""


@dataclass(frozen=True)
class OpenSource:
    """The open body: `full` or `small`."""

    size: str

    @property
    def name(self) -> str:
        """`open` or `open-small`."""
        return {"full": "open", "small": "open-small"}[self.size]

    def has(self, role: str) -> bool:
        """It has every role, and SMPL-H."""
        return role in ROLES or role in VIEWS

    def model(self, family: str, gender: str) -> BodyModel:
        """One of the views on the same vertices."""
        return open_model(self.size, family, gender)

    def kid(self, family: str) -> Array | None:
        """The same child for both families."""
        return open_arrays(self.size)[f"kid.{family}"] if family in ("smplx", "smpl") else None

    def regressor(self, name: str) -> Array:
        """The same for both families, since the vertices are."""
        if name not in REGRESSORS:
            raise UnknownName.of("regressor", name, REGRESSORS)
        h36m = open_arrays(self.size)["regressor.h36m"].astype(np.float64)
        return h36m if name.endswith("h36m") else h36m[_J14_OF_H36M]

    def vertex_ids(self, name: str) -> Array:
        """From the part lists of the file; AGORA's body is what is neither head nor hand."""
        if name not in VERTEX_IDS:
            raise UnknownName.of("list of vertices", name, VERTEX_IDS)
        if name == "agora_body":
            rest = [self.vertex_ids(part) for part in ("left_hand", "right_hand", "face")]
            everything = np.arange(len(open_arrays(self.size)["weights"]))
            return np.setdiff1d(everything, np.concatenate(rest))
        key = "mano.tips" if name.endswith("tips") else f"ids.{name}"
        return np.asarray(open_arrays(self.size)[key], np.int64)

    def smplx_to_smpl(self) -> Array | None:
        """None: both families share the mesh."""
        return None

    def missing(self) -> list[str]:
        """Nothing is ever missing."""
        return []


_GENDER_LETTER = {"neutral": "neutral", "female": "f", "male": "m"}
_OTHER_FILES = {
    "smplx/kid": "smplx_kid_template.npy",
    "smpl/kid": "smpl_kid_template.npy",
    "j14": "SMPLX_to_J14.pkl",
    "h36m": "J_regressor_h36m_smplx.npy",
    "smpl/h36m": "J_regressor_h36m.npy",
    "hands": "MANO_SMPLX_vertex_ids.pkl",
    "face": "SMPL-X__FLAME_vertex_ids.npy",
    "agora_body": "body_verts_smplx.npy",
    "smplx2smpl": "smplx2smpl.pkl",
}
_OTHER_SPELLINGS = {
    "h36m": r".*smplx.*h36m.*\.npy|.*h36m.*smplx.*\.npy",
    "smpl/h36m": r"(smpl_)?j_regressor_h36m(_smpl|_correct)?\.npy",
}


@dataclass(frozen=True)
class LicensedSource:
    """Files of the owners below a folder, found by their names, whatever the sub-folders."""

    folder: Path
    _found: dict[str, Path | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.folder)

    def has(self, role: str) -> bool:
        """Whether a file with one of the role's names is there."""
        return self._path(role) is not None

    def model(self, family: str, gender: str) -> BodyModel:
        """Read the role's file."""
        found = load_body_file(self._needed(f"{family}/{gender}"), family=family, gender=gender)
        if (family, gender) == ("mano", "left") and self.has("mano/right"):
            return _mirrored(found, self.model("mano", "right"))
        return found

    def kid(self, family: str) -> Array | None:
        """The kid template, where the folder has one."""
        path = self._path(f"{family}/kid")
        return None if path is None else load_array(path)

    def regressor(self, name: str) -> Array:
        """From SMPLX_to_J14.pkl or a J_regressor_h36m file."""
        if name == "smpl/j14":
            return self.regressor("smpl/h36m")[_J14_OF_H36M]
        if name not in REGRESSORS:
            raise UnknownName.of("regressor", name, REGRESSORS)
        path = self._needed(name)
        regressor = load_array(path)
        rows = 14 if name == "j14" else 17
        if regressor.ndim != 2 or len(regressor) != rows:
            raise InputError(f"{path} should be a ({rows}, V) regressor, it is {regressor.shape}.")
        return regressor.astype(np.float64)

    def vertex_ids(self, name: str) -> Array:
        """From the owners' lists of MANO's and FLAME's vertices, and AGORA's of the body."""
        if name not in VERTEX_IDS:
            raise UnknownName.of("list of vertices", name, VERTEX_IDS)
        if name.endswith("tips"):
            return np.array(_MANO_TIPS)
        if name in ("face", "agora_body"):
            return load_array(self._needed(name)).astype(np.int64)
        return np.asarray(load_pickle(self._needed("hands"))[name]).astype(np.int64)

    def smplx_to_smpl(self) -> Array | None:
        """The matrix of smplx2smpl.pkl."""
        matrix = load_pickle(self._needed("smplx2smpl"))["matrix"]
        return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix)

    def missing(self) -> list[str]:
        """The names of the files that are not there, as the owners call them."""
        roles = [*ROLES, *(name for name in _OTHER_FILES if name not in ROLES)]
        return [owners_file(role) for role in roles if self._path(role) is None]

    def _needed(self, role: str) -> Path:
        path = self._path(role)
        if path is None:
            raise MissingBody(
                f"{owners_file(role)} is needed and not in {self.folder}. Get it from the owners "
                f"and put it there. Not there either: {', '.join(self.missing())}."
            )
        return path

    def _path(self, role: str) -> Path | None:
        if role not in self._found:
            pattern = re.compile(_spelling(role), re.IGNORECASE)
            files = [path for path in _below(self.folder) if pattern.fullmatch(_tail(path, role))]
            order = sorted(files, key=lambda p: (p.suffix != ".npz", len(p.parts), str(p)))
            self._found[role] = order[0] if order else None
        return self._found[role]


def _mirrored(left: BodyModel, right: BodyModel) -> BodyModel:
    """The left hand with shape directions that mirror the right one's.

    MANO_LEFT.pkl holds those of the right hand along x. Labels of left hands are made with the
    sign turned (InterHand2.6M's and NeuralAnnot's tools do so), where the file has not been mended.
    """
    if left.shapedirs.shape != right.shapedirs.shape:
        return left
    along, other = left.shapedirs[:, 0], right.shapedirs[:, 0]
    if np.abs(along + other).sum() <= np.abs(along - other).sum():
        return left
    raw = {name: getattr(left, name) for name in RAW}
    raw["shapedirs"] = left.shapedirs * np.array([-1.0, 1.0, 1.0])[:, None]
    return made("mano", "left", left.name, raw)


def _below(folder: Path) -> list[Path]:
    """Files at most three folders deep."""
    return [
        path for depth in range(4) for path in folder.glob("*/" * depth + "*.*") if path.is_file()
    ]


def _tail(path: Path, role: str) -> str:
    """The part of a path that names it: SMPL-H files are called male/model.npz."""
    return "/".join(path.parts[-3:]) if role.startswith("smplh/") else path.name


def _spelling(role: str) -> str:
    """Regular expression of the file names of a role."""
    family, _, gender = role.partition("/")
    if role in _OTHER_FILES:
        return _OTHER_SPELLINGS.get(role, re.escape(_OTHER_FILES[role]))
    if family == "smplh":
        return rf".*(smplh_{gender}|smplh/{gender}/model)\.(npz|pkl)"
    own = rf"{family}_{gender}\.(npz|pkl)"
    if family != "smpl" or gender not in _GENDER_LETTER:
        return own
    return rf"{own}|basicmodel_{_GENDER_LETTER[gender]}_lbs_10_207_0_v\d\.\d\.\d\.pkl"


def owners_file(role: str) -> str:
    """The usual file name of a role, as the owners call it."""
    if role in _OTHER_FILES:
        return _OTHER_FILES[role]
    family, gender = role.split("/")
    ending = "npz" if family in ("smplx", "smplh") else "pkl"
    return f"{family}/{family.upper()}_{gender.upper()}.{ending}"
