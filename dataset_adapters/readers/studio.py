"""Studio sets as Moon's projects parse them, with NeuralAnnot's fits: Human3.6M, MPI-INF-3DHP.

Images are in COCO's format; cameras, 3D joints and fits are tables of strings within strings, e.g.
fits[action][subaction][frame]. Joints and the cameras' t are in mm, the fits in metres, all in one
world; t is −R·C already. One fit of a frame serves all cameras; frames without a fit are absent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.parameters import spread
from ehpsbench.dataset_adapters.readers.neural_annot import neural_annot_columns
from ehpsbench.errors import InputError
from ehpsbench.geometry import project
from ehpsbench.schema import Columns, nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import Map

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["studio_bodies", "studio_cameras", "studio_joints"]

Records = Sequence[Mapping[str, Any]]
Keys = tuple[str, ...]
MM = 1e-3


def studio_cameras(path: Path, records: Records, keys: Keys) -> dict[str, NDArray[Any]]:
    """Lens and pose of the camera of M images, in metres and pixels.

    Args:
        path: of the table of cameras: R, t [mm], focal (or f), princpt (or c).
        records: (M,) of the images.
        keys: of a record, that lead to its camera.

    Raises:
        InputError: the file is broken, or lacks a camera; names it.
    """
    cameras = _looked_up(path, records, keys)
    try:

        def table(*names: str) -> NDArray[np.float64]:
            values = [next(c[n] for n in names if n in c) for c in cameras]
            return np.asarray(values, np.float64)

        return {
            "focal": table("focal", "f").reshape(-1, 2),
            "principal_point": table("princpt", "c").reshape(-1, 2),
            "world_rotation": table("R").reshape(-1, 3, 3),
            "world_translation": table("t").reshape(-1, 3) * MM,
        }
    except (TypeError, ValueError, StopIteration) as error:
        absent = next((r for r, c in zip(records, cameras, strict=True) if c is None), None)
        told = "" if absent is None else f" for {[absent[key] for key in keys]}"
        raise InputError(
            f"{path} has no camera{told} ({type(error).__name__}: {error}). Expected R, t, focal "
            f"(or f) and princpt (or c) by {' / '.join(keys)}."
        ) from error


def studio_bodies(
    path: Path, records: Records, keys: Keys, world: Columns, bodies: BodySet
) -> dict[str, NDArray[Any]]:
    """Body and validity columns of N people in their cameras; null in frames without a fit.

    Args:
        path: of the table of NeuralAnnot's fits, SMPL-X or SMPL.
        records: (N,) of the image of each person.
        keys: of a record, that lead to the fit of its frame.
        world: columns with `world_rotation` and `world_translation` of each person.
        bodies: the body set of the labels.

    Raises:
        InputError: the file is broken; names it.
    """
    entries = _looked_up(path, records, keys)
    fitted = np.asarray([entry is not None for entry in entries], bool)
    if not fitted.any():
        return {}
    chain = {name: world[name][fitted] for name in ("world_rotation", "world_translation")}
    try:
        found = neural_annot_columns([e for e in entries if e is not None], bodies, world=chain)
    except (InputError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: {error}") from error
    return spread(found, fitted)


def studio_joints(
    path: Path, records: Records, keys: Keys, joints: Map, world: Columns, seen: ArrayLike = True
) -> dict[str, NDArray[Any]]:
    """Keypoints of N people, in 3D in the camera frame [m] and seen by the camera [px].

    Args:
        path: of the table of joints in the world [mm].
        records: (N,) of the image of each person.
        keys: of a record, that lead to the joints of its frame.
        joints: their map.
        world: columns of each person's camera: world_rotation, world_translation, focal,
            principal_point, width and height.
        seen: (N, K) which are seen; those of them that are in the image count in 2D.

    Raises:
        InputError: the file is broken, or holds another number of joints; names it.
    """
    found = _looked_up(path, records, keys)
    known = np.asarray([points is not None for points in found], bool)
    nothing = np.zeros((len(joints), 3))
    try:
        points = np.stack([nothing if p is None else np.asarray(p, np.float64) for p in found])
        points = points.reshape(-1, len(joints), 3) * MM
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path} has joints of another shape ({error}). Expected {len(joints)} × 3 [mm] by "
            f"{' / '.join(keys)}."
        ) from error
    rotation = np.asarray(world["world_rotation"]).reshape(-1, 3, 3)
    camera = points @ rotation.transpose(0, 2, 1) + world["world_translation"][:, None]
    pixels = project(camera, world["focal"], world["principal_point"])
    score = np.broadcast_to(known[:, None], camera.shape[:2])
    size = np.stack([world["width"], world["height"]], -1)[:, None]
    inside = np.asarray((pixels >= 0) & (pixels <= size), bool).all(-1)
    visible = score & np.asarray(seen, bool) & inside & (camera[..., 2] > 0)
    columns = keypoint_columns(3, (np.concatenate([camera, score[..., None]], -1), joints))
    columns |= keypoint_columns(2, (np.concatenate([pixels, visible[..., None]], -1), joints))
    return {name: nullable(values, known) for name, values in columns.items()}


def _looked_up(path: Path, records: Records, keys: Keys) -> list[Any]:
    """What a table says of each record; None where it says nothing."""
    table = read_json(path)
    try:
        return [_value(table, [str(record[key]) for key in keys]) for record in records]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no table by {' / '.join(keys)} ({type(error).__name__}: {error}). Expected "
            "objects within objects, keyed by these fields of the images."
        ) from error


def _value(table: Any, keys: list[str]) -> Any:
    for key in keys:
        if table is None:
            return None
        table = table.get(key)
    return table
