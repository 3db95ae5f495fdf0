"""MoSh's SMPL of Human3.6M: ten poses a second in a camera's frame, without a translation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_pickle
from ehpsbench.dataset_adapters.parameters import (
    Labels,
    body_columns,
    split_pose,
    spread,
    validity,
)
from ehpsbench.errors import InputError
from ehpsbench.geometry import axis_angle, rotation_matrix
from ehpsbench.skeleton.sources import H36M_17

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["STEP", "mosh_columns", "mosh_file"]

Floats = NDArray[np.float64]
STEP = 5  # frames of the video a pose
LABELS = Labels("smpl", "none", "mosh", "mocap")
HALF_TURN = np.array([np.pi, 0.0, 0.0])  # about x, after the stored one
SMPL_JOINTS = 22
LIMBS = [row for row, joint in enumerate(H36M_17) if joint < SMPL_JOINTS]  # both models have them


def mosh_file(root: Path, subject: str, action: str, camera: int) -> Path | None:
    """Where the fits of a view are (camera 0 to 3); None where nowhere."""
    name = f"{subject}/{action}_cam{camera}_aligned.pkl"
    places = (root / "h36m_mosh" / name, root / "h36m_mosh/images" / name)
    return next((path for path in places if path.is_file()), None)


def mosh_columns(
    paths: Mapping[int, Path],
    view: NDArray[np.int64],
    frame: NDArray[np.int64],
    joints: Floats,
    bodies: BodySet,
) -> dict[str, NDArray[Any]]:
    """Body and validity columns of N people; null in frames without a pose.

    The translation is ours: it brings the limbs of the body to the owners' joints on average.

    Args:
        paths: files by their view.
        view: (N,) of each person.
        frame: (N,) of the video, from 0.
        joints: (N, 17, 3) the owners' joints in the camera frame [m].
        bodies: with SMPL.

    Raises:
        InputError: a file is broken.
    """
    pose, betas = np.zeros((len(view), 72)), np.zeros((len(view), 10))
    fitted = np.zeros(len(view), bool)
    for which, path in paths.items():
        poses, shape = _fit(path)
        mine = np.flatnonzero((view == which) & (frame % STEP == 0) & (frame // STEP < len(poses)))
        pose[mine], betas[mine], fitted[mine] = poses[frame[mine] // STEP], shape, True
    if not fitted.any():
        return {}
    fit = dict(split_pose(pose[fitted], "smpl"))
    turned = rotation_matrix(fit["global_orient"]) @ rotation_matrix(HALF_TURN)
    fit |= {"global_orient": axis_angle(turned), "betas": betas[fitted]}
    columns = body_columns(fit, "neutral", LABELS, bodies)
    columns["transl"] = _placed(columns, joints[fitted], bodies)
    return spread(columns | validity(int(fitted.sum()), ("body",)), fitted)


def _fit(path: Path) -> tuple[Floats, Floats]:
    """(n, 72) poses and (10,) betas of one file."""
    content = read_pickle(path)
    try:
        poses = np.asarray(content["new_poses"], np.float64).reshape(-1, 72)
        return poses, np.asarray(content["betas"], np.float64).reshape(10)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no fit of MoSh ({type(error).__name__}: {error}). Expected new_poses "
            "(n, 72) and betas (10,)."
        ) from error


def _placed(columns: dict[str, NDArray[Any]], joints: Floats, bodies: BodySet) -> Floats:
    """(N, 3) the translation that brings knees, ankles, shoulders, elbows and wrists there."""
    from ehpsbench.body.posed import posed_joints

    found = posed_joints(columns, bodies)[0][:, [H36M_17[row] for row in LIMBS]]
    return np.asarray((joints[:, LIMBS] - found).mean(1))
