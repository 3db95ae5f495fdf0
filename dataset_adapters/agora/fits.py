"""AGORA's `smplx_gt`: one SMPL-X fit a scan, in scan space, used wherever the scan stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.restricted_pickle import load

if TYPE_CHECKING:
    pass

Columns = dict[str, NDArray[Any]]

FOLDER = "smplx_gt"
BETAS = 10
SIZES = {
    "transl": 3,
    "global_orient": 3,
    "body_pose": 63,
    "left_hand_pose": 45,
    "right_hand_pose": 45,
    "jaw_pose": 3,
    "leye_pose": 3,
    "reye_pose": 3,
    "expression": 10,
}


def scans(paths: list[str]) -> NDArray[Any]:
    """Names of scans, folder/scan, from a dataframe's `gt_path_smplx`, which ends in .obj."""
    return np.asarray(
        [str(Path(p).with_suffix("")).replace("\\", "/").removeprefix(f"{FOLDER}/") for p in paths],
        str,
    )


def fits(root: Path, names: NDArray[Any]) -> Columns:
    """The fits of N people, each file read once.

    Args:
        root: the release.
        names: (N,) from `scans`.

    Returns:
        The parameters of `SIZES`, hands relative to the mean, and `betas` (N, 11), of which the
        eleventh is NaN where a fit has only ten.
    """
    files, person = np.unique(names, return_inverse=True)
    table = {name: np.empty((len(files), size)) for name, size in SIZES.items()}
    table["betas"] = np.full((len(files), BETAS + 1), np.nan)
    for row, name in enumerate(files):
        path = root / FOLDER / f"{name}.pkl"
        try:
            _fill(table, row, load(path, encoding="latin1"))
        except MissingFiles as error:
            raise MissingFiles(
                f"{path} is not there, but a dataframe names it. Unpack the whole smplx_gt.zip."
            ) from error
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(
                f"{path} is not an SMPL-X fit with {', '.join(SIZES)} and 10 or 11 betas: "
                f"{type(error).__name__} {error}."
            ) from error
    return {name: values[person] for name, values in table.items()}


def _fill(table: Columns, row: int, fit: Any) -> None:
    for name in SIZES:
        table[name][row] = np.ravel(fit[name])
    betas = np.ravel(fit["betas"])
    table["betas"][row, : len(betas)] = betas


def model_genders(gender: NDArray[Any], kid: NDArray[np.bool_]) -> NDArray[Any]:
    """The body model of each person: the dataframe's gender, but girls use the neutral one."""
    return np.where(kid & (gender == "female"), "neutral", gender)
