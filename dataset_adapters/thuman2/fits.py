"""The owners' SMPL-X of a scan; of the second batch its own mesh says what the numbers mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_frames, read_pickle
from ehpsbench.dataset_adapters.parameters import FIT_SIZES, absolute_hand
from ehpsbench.errors import InputError
from ehpsbench.meshes import read_mesh

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["FIRST_OF_SECOND_BATCH", "ScanFit", "read_fit"]

Floats = NDArray[np.float64]

FIRST_OF_SECOND_BATCH = 526  # THuman2.0 ends here, 2.1 goes on
# gender and hands: what the second batch may have been made with; the first is the first batch's
CONVENTIONS = (
    ("male", "relative"),
    ("neutral", "relative"),
    ("neutral", "absolute"),
    ("male", "absolute"),
    ("female", "relative"),
    ("female", "absolute"),
)
LARGEST_MISFIT = 0.005  # m, mean over the vertices
SIZES = {name: size for name, size in FIT_SIZES.items() if name != "transl"}
SIZES |= {"scale": 1, "translation": 3}


@dataclass(frozen=True, slots=True)
class ScanFit:
    """SMPL-X of one scan in its own metres.

    Attributes:
        parameters: by the names of the schema, each (1, k); hands as stored.
        scale: units of the scan in a metre of the fit.
        gender: of the model.
        hands: "relative" or "absolute".
    """

    parameters: dict[str, Floats]
    scale: float
    gender: str
    hands: str


def read_fit(scan: str, files: Sequence[Path], bodies: BodySet) -> ScanFit | None:
    """The fit of a scan; None where there is none, or where nothing tells how to read it.

    Args:
        scan: number of the scan.
        files: smplx_param.pkl and mesh_smplx.obj, as far as they are there.
        bodies: the body set of the labels.

    Raises:
        InputError: the file lacks something, or its scale is none.
    """
    if not files:
        return None
    found = read_frames(files[:1], SIZES, read_pickle)
    scale = float(found.pop("scale")[0, 0])
    if not (np.isfinite(scale) and scale > 0):
        raise InputError(f"{files[0]}: scale must be positive, it is {scale}.")
    found["transl"] = found.pop("translation") / scale
    if int(scan) < FIRST_OF_SECOND_BATCH:
        return ScanFit(found, scale, *CONVENTIONS[0])
    if len(files) < 2:
        return None
    mesh = read_mesh(files[1]).vertices / scale
    fits = [ScanFit(found, scale, *each) for each in CONVENTIONS if bodies.has("smplx", each[0])]
    apart = [_misfit(fit, mesh, bodies) for fit in fits]
    best = int(np.argmin(apart)) if apart else 0
    return fits[best] if apart and apart[best] < LARGEST_MISFIT else None


def _misfit(fit: ScanFit, mesh: Floats, bodies: BodySet) -> float:
    """Mean distance of the fit's vertices from the owners' mesh [m]."""
    from ehpsbench.body.forward import forward

    model = bodies.model("smplx", fit.gender)
    inputs: dict[str, Any] = dict(fit.parameters)
    for side in ("left", "right"):
        name = f"{side}_hand_pose"
        inputs[name] = absolute_hand(inputs[name], model, side, fit.hands)
    vertices = forward(model, **inputs).vertices
    if vertices is None or vertices.shape[1] != len(mesh):
        return float("inf")
    return float(np.linalg.norm(vertices[0].cpu().numpy() - mesh, axis=-1).mean())
