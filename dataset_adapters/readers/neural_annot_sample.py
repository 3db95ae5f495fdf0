"""Writes NeuralAnnot's entries for the people of a miniature release."""

from __future__ import annotations

from typing import Any

from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.parameters import joined_pose
from ehpsbench.dataset_adapters.readers.neural_annot import SMPLX

__all__ = ["neural_annot_entries"]


def neural_annot_entries(
    clip: Clip, actor: int = 0, view: int | None = 0, *, flat: bool = False
) -> list[dict[str, Any]]:
    """An entry for each frame of a clip.

    Args:
        clip: with people of SMPL-X (`Traits.hands` "relative") or SMPL.
        actor: of the clip.
        view: whose camera frame and camera; None: in the world, without a camera.
        flat: parameters beside `cam_param`, as older files have them.
    """
    fit = clip.fits(actor, view)
    if "smpl_hand_pose" in fit:
        name = "smpl_param"
        table = {"pose": joined_pose(fit, "smpl"), "shape": fit["betas"], "trans": fit["transl"]}
    else:
        name = "smplx_param"
        table = {key: fit[column] for column, key in SMPLX.items() if column in fit}
        if "left_hand_pose" not in fit:
            table = {key: table[key] for key in ("root_pose", "body_pose", "shape", "trans")}
    entries: list[dict[str, Any]] = []
    for frame in range(len(clip)):
        values = {key: rows[frame].tolist() for key, rows in table.items()}
        lens: dict[str, Any] = {}
        if view is not None:
            camera = clip.camera(frame, view)
            focal, centre = camera.focal.tolist(), camera.principal_point.tolist()
            lens = {"cam_param": {"focal": focal, "princpt": centre}}
        entries.append({**values, **lens} if flat else {name: values, **lens})
    return entries
