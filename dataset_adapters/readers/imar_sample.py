"""Writes IMAR's layout for a miniature of CHI3D, FIT3D or HumanSC3D."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.imar import CAMERAS, PARTS
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.geometry import rotation_matrix

__all__ = ["write_imar"]

Floats = NDArray[np.float64]
RADIAL, ASIDE = (-0.12, 0.08, -0.01), (0.0006, -0.0004)  # as of the owners' lenses
NAMES = {  # of the 25 joints here: the left leg first, as one reading has it
    0: 0, 1: 1, 2: 4, 3: 7, 4: 2, 5: 5, 6: 8, 7: 6, 8: 12, 9: 15, 10: 15, 11: 16, 12: 18, 13: 20,
    14: 17, 15: 19, 16: 21, 17: 10, 18: 10, 19: 11, 20: 11, 21: 20, 22: 20, 23: 21, 24: 21,
}  # fmt: skip


def write_imar(
    order: Order, dataset: str, actions: tuple[tuple[str, str], ...], actors: int = 1
) -> Truth:
    """Write a miniature release.

    Args:
        order: what is asked for.
        dataset: its name.
        actions: subject and action of each recording.
        actors: people in every frame.
    """
    filming = Filming(
        size=(900, 900),
        actors=actors,
        views=len(CAMERAS),
        distortion=(*RADIAL[:2], *ASIDE, RADIAL[2], 0.0, 0.0, 0.0),
        broken=("finite", "ranges"),
    )
    subjects = {subject: [a for s, a in actions if s == subject] for subject, _ in actions}
    info = {"train_subj_names": [*subjects], "subj_to_act": subjects}
    save_json(order.root / f"{dataset}_info.json", info)
    mini = Miniature(replace(order, scale=1.0), catalogue.card(dataset), filming)
    for clip in mini.clips([("train", "/".join(names)) for names in actions]):
        subject, _, action = clip.name.partition("/")
        folder = order.root / "train" / subject
        save_json(folder / f"smplx/{action}.json", _fits(clip))
        joints = np.stack([clip.joints(a)[:, [*NAMES.values()]] for a in range(actors)])
        save_json(folder / f"joints3d_25/{action}.json", {"joints3d_25": _lead(joints)})
        for view, camera in enumerate(CAMERAS):
            save_json(folder / f"camera_parameters/{camera}/{action}.json", _camera(clip, view))
            for frame in range(len(clip)):
                path = f"train/{subject}/frames/{camera}/{action}/{frame:04d}.jpg"
                mini.picture(path, clip, frame, view)
                for actor in range(actors):
                    key = f"train/{subject}:{action}/{camera}/{frame}/{actor}"
                    mini.note(key, clip, frame, actor, view)
    return mini.save()


def _fits(clip: Clip) -> dict[str, Any]:
    """SMPL-X of all actors, angles as rotation matrices."""
    table: dict[str, Any] = {}
    each = [clip.fits(actor) for actor in range(clip.actors)]
    for name, shape in PARTS.items():
        values = np.stack([fit[name] for fit in each])
        turned = rotation_matrix(values.reshape(*values.shape[:2], -1, 3)) if shape[1:] else values
        table[name] = _lead(turned)
    return table


def _lead(values: Floats) -> Floats:
    """Without the leading axis of the people where there is one person."""
    return values if len(values) > 1 else values[0]


def _camera(clip: Clip, view: int) -> dict[str, Any]:
    """The owners' camera file: T is where the camera stands."""
    chain, lens = clip.extrinsics(view)[0], clip.camera(0, view)
    turn, shift = chain[:3, :3], chain[:3, 3]
    simple = {"f": lens.focal.tolist(), "c": lens.principal_point.tolist()}
    return {
        "extrinsics": {"R": turn.tolist(), "T": [(-turn.T @ shift).tolist()]},
        "intrinsics_w_distortion": {
            "f": [simple["f"]],
            "c": [simple["c"]],
            "k": [[*RADIAL]],
            "p": [[*ASIDE]],
        },
        "intrinsics_wo_distortion": simple,
    }
