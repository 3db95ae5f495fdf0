"""Model files of the owners: SMPL-X, SMPL-H, SMPL and MANO, as .npz or .pkl, read without risk.

A pickle is opened by the restricted reader only; an .npz without it, as far as its arrays allow.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.model import FAMILIES, BodyModel, Landmarks, made
from ehpsbench.errors import InputError, MissingBody, UnknownName

__all__ = ["BodyModel", "Landmarks", "load_array", "load_body_file", "load_pickle"]

_PADDED = 400  # SMPL-X files of the owners: 300 shape columns, then 100 of expression
_SHAPE_COLUMNS = 300
# The `smplx` package's places of nose … finger tips on the owners' SMPL-X mesh.
SMPLX_VERTICES = 10475
SMPLX_EXTRA_IDS = (
    9120, 9929, 9448, 616, 6, 5770, 5780, 8846, 8463, 8474, 8635,
    5361, 4933, 5058, 5169, 5286, 8079, 7669, 7794, 7905, 8022,
)  # fmt: skip


def load_body_file(path: Path, *, family: str, gender: str, max_betas: int = 16) -> BodyModel:
    """The body model in a file of the owners.

    Args:
        path: .npz, or .pkl (latin1 pickles of Python 2 with chumpy arrays included).
        family: `smplx`, `smplh`, `smpl` or `mano`: the file does not say it.
        gender: `neutral`, `female`, `male`; for MANO `left` or `right`.
        max_betas: shape directions past this are not kept.

    Raises:
        MissingBody: there is no such file.
        InputError: an array is missing, or the joints are another family's.
    """
    if family not in FAMILIES:
        raise UnknownName.of("body family", family, FAMILIES)
    raw = _Raw(path)
    arrays: dict[str, Any] = {
        "v_template": raw["v_template"],
        "joint_regressor": raw["J_regressor"],
        "weights": raw["weights"],
        "parents": _parents(raw["kintree_table"]),
        "faces": raw["f"],
        "posedirs": _posedirs(raw.get("posedirs")),
        **_shape_space(raw["shapedirs"], family, path),
        **_hands(raw, family, gender),
    }
    if family == "smplx":
        arrays["landmarks"] = _landmarks(raw)
        if len(arrays["v_template"]) == SMPLX_VERTICES:
            arrays["extra_vertex_ids"] = np.array(SMPLX_EXTRA_IDS, np.int32)
    return made(family, gender, str(path), arrays, max_betas=max_betas)


def load_array(path: Path) -> NDArray[Any]:
    """A plain array in an .npy file, or in a pickle."""
    if path.suffix == ".pkl":
        return _dense(load_pickle(path))
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path} is not a readable .npy array: {error}") from error


def load_pickle(path: Path) -> Any:
    """What a pickle of the owners holds, through the restricted reader."""
    from ehpsbench.restricted_pickle import load

    return load(path, encoding="latin1")


class _Raw:
    """Arrays of a model file by the owners' names; an .npz is read lazily, array by array."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise MissingBody(f"The body model file {path} does not exist.")
        self.path = path
        self._arrays = _npz(path) if path.suffix == ".npz" else load_pickle(path)
        if not isinstance(self._arrays, Mapping):
            raise InputError(f"{path} should hold a dictionary of arrays and holds another object.")

    def __getitem__(self, key: str) -> NDArray[Any]:
        value = self.get(key)
        if value is None:
            raise InputError(
                f"{self.path} has no {key!r}: it is no SMPL-family model file. "
                f"It holds {', '.join(sorted(map(str, self._arrays)))[:200]}."
            )
        return value

    def get(self, key: str) -> NDArray[Any] | None:
        """The array, dense, or None if the file has no such key."""
        if key not in self._arrays:
            return None
        try:
            return _dense(self._arrays[key])
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise InputError(f"{self.path} is damaged at {key!r}: copy it again.") from error
        except ValueError:  # an object array: only the restricted reader may open it
            from ehpsbench.restricted_pickle import load_npz

            return _dense(load_npz(self.path)[key])


def _npz(path: Path) -> Mapping[str, Any]:
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path} is not an .npz file, or it was cut off: copy it again.")
    archive: Mapping[str, Any] = np.load(path, allow_pickle=False)
    return archive


def _dense(value: Any) -> NDArray[Any]:
    return np.asarray(value.toarray() if hasattr(value, "toarray") else value)


def _parents(table: NDArray[Any]) -> NDArray[np.int64]:
    """(J,) of the (2,J) tree table, whose root says 2³² − 1."""
    parents = np.array(table[0] if table.ndim == 2 else table).astype(np.int64)
    parents[0] = -1
    return parents


def _posedirs(posedirs: NDArray[Any] | None) -> NDArray[np.float32] | None:
    """(P,3V), or None where all are zero."""
    if posedirs is None or not np.any(posedirs):
        return None
    flat = posedirs.reshape(-1, posedirs.shape[-1]).T
    return np.ascontiguousarray(flat, dtype=np.float32)


def _shape_space(shapedirs: NDArray[Any], family: str, path: Path) -> dict[str, NDArray[Any]]:
    """Shape and expression directions: 300 + 100 columns, or the older 10 + 10."""
    if family != "smplx":
        return {"shapedirs": shapedirs}
    columns = shapedirs.shape[-1]
    if columns >= _PADDED:
        first = _SHAPE_COLUMNS
    elif columns >= 20:
        first = 10
    else:
        raise InputError(
            f"{path}: shapedirs has {columns} columns; SMPL-X files have 400 (300 + 100) or 20 "
            "(10 + 10). Is this an SMPL file?"
        )
    return {
        "shapedirs": shapedirs[..., :first],
        "expression_dirs": shapedirs[..., first : first + 10],
    }


def _hands(raw: _Raw, family: str, gender: str) -> dict[str, NDArray[Any]]:
    """Hand means and components, where the family has hands."""
    sides = {"left": "l", "right": "r"}
    if family == "mano":
        sides = {gender: ""}
    elif family == "smpl":
        return {}
    found = {
        f"{side}_hand_{kind}": raw.get(f"hands_{stored}{letter}")
        for side, letter in sides.items()
        for kind, stored in (("mean", "mean"), ("components", "components"))
    }
    return {name: value for name, value in found.items() if value is not None}


def _landmarks(raw: _Raw) -> Landmarks | None:
    keys = (
        "lmk_faces_idx",
        "lmk_bary_coords",
        "dynamic_lmk_faces_idx",
        "dynamic_lmk_bary_coords",
    )
    found = [raw.get(key) for key in keys]
    faces, barycentres, contour, contour_barycentres = found
    if faces is None or barycentres is None or contour is None or contour_barycentres is None:
        return None
    return Landmarks(
        faces.astype(np.int32),
        barycentres.astype(np.float64),
        contour.astype(np.int32),
        contour_barycentres.astype(np.float64),
    )
