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
from ehpsbench.meshes import read_vertices

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["FIRST_OF_SECOND_BATCH", "ScanFit", "read_fits"]

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
CERTAIN = 1e-4  # m: no other model or mean hand comes as near
SIZES = {name: size for name, size in FIT_SIZES.items() if name != "transl"}
SIZES |= {"scale": 1, "translation": 3}


@dataclass(frozen=True, slots=True)
class ScanFit:
    """SMPL-X of one scan in its own metres.

    Attributes:
        parameters: by the names of the schema, each (1, k); hands as 45 absolute angles.
        scale: units of the scan in a metre of the fit.
        gender: of the model.
    """

    parameters: dict[str, Floats]
    scale: float
    gender: str


def read_fits(
    scans: Sequence[str], files: Sequence[Sequence[Path]], bodies: BodySet
) -> list[ScanFit | None]:
    """The fits of N scans; None where there is none, or where nothing tells how to read it.

    Args:
        scans: (N,) their numbers.
        files: (N,) smplx_param.pkl and mesh_smplx.obj of each, as far as they are there.
        bodies: the body set of the labels.

    Raises:
        InputError: a file lacks something, or a scale is none.
    """
    fits: list[ScanFit | None] = [None] * len(scans)
    unsure: list[tuple[int, ScanFit, Floats]] = []
    for row, (scan, own) in enumerate(zip(scans, files, strict=True)):
        if not own:
            continue
        stored = _stored(own[0])
        if int(scan) < FIRST_OF_SECOND_BATCH:
            fits[row] = _understood(stored, CONVENTIONS[0], bodies)
        elif len(own) > 1:
            unsure.append((row, stored, read_vertices(own[1]) / stored.scale))
    found = _decided([fit for _, fit, _ in unsure], [mesh for *_, mesh in unsure], bodies)
    for (row, *_), fit in zip(unsure, found, strict=True):
        fits[row] = fit
    return fits


def _stored(path: Path) -> ScanFit:
    """A fit with hands as they are stored; of which model it is, the file does not say."""
    found = read_frames([path], SIZES, read_pickle)
    scale = float(found.pop("scale")[0, 0])
    if not (np.isfinite(scale) and scale > 0):
        raise InputError(f"{path}: scale must be positive, it is {scale}.")
    found["transl"] = found.pop("translation") / scale
    return ScanFit(found, scale, "")


def _understood(stored: ScanFit, convention: tuple[str, str], bodies: BodySet) -> ScanFit:
    gender, hands = convention
    model, parameters = bodies.model("smplx", gender), dict(stored.parameters)
    for side in ("left", "right"):
        name = f"{side}_hand_pose"
        parameters[name] = absolute_hand(parameters[name], model, side, hands)
    return ScanFit(parameters, stored.scale, gender)


def _decided(
    stored: Sequence[ScanFit], meshes: Sequence[Floats], bodies: BodySet
) -> list[ScanFit | None]:
    """Each by the convention that makes the owners' mesh of it; None where none does.

    What explains the first scan is tried first: mostly it explains them all.
    """
    best: list[ScanFit | None] = [None] * len(stored)
    least = np.full(len(stored), LARGEST_MISFIT)
    left = np.arange(len(stored))

    def misfits(convention: tuple[str, str], rows: Sequence[int]) -> Floats:
        fits = [_understood(stored[row], convention, bodies) for row in rows]
        apart = _misfits(fits, [meshes[row] for row in rows], bodies)
        for row, fit, own in zip(rows, fits, apart.tolist(), strict=True):
            if own < least[row]:
                best[row], least[row] = fit, own
        return apart

    tried = [each for each in CONVENTIONS if stored and bodies.has("smplx", each[0])]
    for convention in sorted(tried, key=lambda each: misfits(each, [0])[0]):
        left = left[least[left] > CERTAIN]
        if len(left):
            misfits(convention, left.tolist())
    return best


def _misfits(fits: Sequence[ScanFit], meshes: Sequence[Floats], bodies: BodySet) -> Floats:
    """(N,) mean distance of the vertices of fits to one model from the owners' meshes [m]."""
    from ehpsbench.body.forward import forward

    inputs: dict[str, Any] = {
        name: np.concatenate([fit.parameters[name] for fit in fits]) for name in fits[0].parameters
    }
    vertices = forward(bodies.model("smplx", fits[0].gender), **inputs).vertices
    apart = np.full(len(fits), np.inf)
    for row, mesh in enumerate(meshes):
        if vertices is not None and vertices.shape[1] == len(mesh):
            apart[row] = np.linalg.norm(vertices[row].numpy() - mesh, axis=-1).mean()
    return apart
