"""A body set: the models that labels and numbers belong to, under one id."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.model import BodyModel, arrays_hash
from ehpsbench.body.sources import ROLES, LicensedSource, OpenSource, Source
from ehpsbench.errors import InputError, MissingBody

__all__ = ["FOLDER_VARIABLE", "BodySet", "find_bodies", "licensed_bodies", "open_bodies"]

FOLDER_VARIABLE = "EHPSBENCH_BODY_MODELS"


class BodySet:
    """Models by role, read when first asked for; picklable (the arrays stay behind)."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._models: dict[str, BodyModel] = {}
        self._roles: dict[str, str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_source": self._source, "_models": {}, "_roles": self._roles}

    def __repr__(self) -> str:
        return f"BodySet({self.name!r})"

    @property
    def name(self) -> str:
        """`open`, `open-small`, or the folder of the licensed files."""
        return self._source.name

    @property
    def id(self) -> str:
        """Hash of every role's hash: numbers of two ids never meet in one table."""
        text = "\n".join(f"{role} {value}" for role, value in sorted(self.roles.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def roles(self) -> dict[str, str]:
        """Role → hash of its arrays, for every role that is there (reads them all once)."""
        if self._roles is None:
            self._roles = {role: self._hash(role) for role in ROLES if self._source.has(role)}
        return dict(self._roles)

    def has(self, family: str, gender: str = "neutral") -> bool:
        """Whether the model's file is there."""
        return self._source.has(f"{family}/{gender}")

    def model(self, family: str, gender: str = "neutral") -> BodyModel:
        """One model; gender is the side for MANO.

        Raises:
            MissingBody: its file is not there; names it.
            InputError: the file is another model's.
        """
        role = f"{family}/{gender}"
        if role not in self._models:
            model = self._source.model(family, gender)
            for other in self._models.values():
                _check_pair(model, other)
            if model.kid_direction is None:
                model = model.with_kid(self._source.kid(family))
            self._models[role] = model
        return self._models[role]

    def regressor(self, name: str) -> NDArray[Any]:
        """(K,V): `j14`, `h36m` (17 rows) on the SMPL-X mesh; `smpl/j14`, `smpl/h36m` on SMPL's."""
        return self._source.regressor(name)

    def vertex_ids(self, name: str) -> NDArray[Any]:
        """`left_hand`, `right_hand` (in MANO's order), `face` (the head) on the SMPL-X mesh.

        `agora_body`: what AGORA's evaluator calls the body, on the SMPL-X mesh: the owners' list
        of 4,010 vertices without head and hands (body_verts_smplx.npy); on the open body
        all that are neither. `left_hand_mano_tips`, `right_hand_mano_tips`: thumb, index, middle,
        ring, pinky tip on the MANO mesh.
        """
        return self._source.vertex_ids(name)

    def to_smpl(self, vertices: NDArray[Any]) -> NDArray[Any]:
        """(…,V,3) on the SMPL-X mesh → (…,V',3) on the SMPL mesh."""
        matrix = self.smplx_to_smpl()
        return vertices if matrix is None else np.asarray(matrix @ vertices)

    def smplx_to_smpl(self) -> NDArray[Any] | None:
        """(V',V) weights that take the SMPL-X mesh to the SMPL mesh; None where they are one."""
        return self._source.smplx_to_smpl()

    def missing(self) -> list[str]:
        """Names of the owners' files that a licensed folder lacks."""
        return self._source.missing()

    def _hash(self, role: str) -> str:
        family, gender = role.split("/")
        if gender != "kid":
            return self.model(family, gender).hash
        return arrays_hash(f"{family} kid", {"template": self._source.kid(family)})


@lru_cache(maxsize=2)
def open_bodies(size: str = "full") -> BodySet:
    """The body set that the package ships: `full` (13,492 vertices) or `small` (1,504)."""
    return BodySet(OpenSource(size))


def licensed_bodies(folder: Path) -> BodySet:
    """The models of the owners in a folder (smplx/SMPLX_NEUTRAL.npz, smpl/…, mano/…).

    Raises:
        MissingBody: there is no such folder, or no model in it.
    """
    source = LicensedSource(Path(folder).expanduser().resolve())
    if not any(source.has(role) for role in ROLES):
        state = "holds none of the body model files" if source.folder.is_dir() else "does not exist"
        raise MissingBody(f"The folder {source.folder} {state}: {', '.join(source.missing())}.")
    return BodySet(source)


def find_bodies(folder: Path | None = None) -> BodySet | None:
    """The licensed set in `folder`, else in EHPSBENCH_BODY_MODELS; None where neither is given."""
    named = folder or os.environ.get(FOLDER_VARIABLE)
    return licensed_bodies(Path(named)) if named else None


def _check_pair(model: BodyModel, other: BodyModel) -> None:
    """Two models of a family share the mesh and differ in shape, or a file has a wrong name."""
    if model.family != other.family:
        return
    if model.hash == other.hash:
        raise InputError(
            f"{model.name} ({model.gender}) and {other.name} ({other.gender}) hold the same "
            "arrays: one of the two files has a wrong name."
        )
    if model.family != "mano" and model.num_vertices != other.num_vertices:
        raise InputError(
            f"{model.name} has {model.num_vertices} vertices, {other.name} "
            f"{other.num_vertices}: they are not of one body set."
        )
