"""THuman2: a file of cameras for the renderings of a scan, and the owners' SMPL-X of the scan.

A scan has arbitrary units: vertices in it are those of SMPL-X times `scale` plus `translation`.
The store divides by `scale`: cameras and depth are in the metres of the fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import WHOLE_BODY, Labels, body_columns, validity
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.dataset_adapters.thuman2.fits import ScanFit, read_fit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["read", "units"]

Views = Mapping[str, Mapping[str, Any]]
NOTHING = 0.0  # in maps of depth and normals, where the scan is not


def units(release: Release) -> Iterator[Unit]:
    """One unit per rendered scan.

    Raises:
        InputError: a scan has two fits; the owners' first upload of 2.1 had wrong ones.
    """
    fits: dict[str, Path] = {}
    for path in release.find("*/[0-9]*/smplx_param.pkl"):
        if path.parent.name in fits:
            raise InputError(
                f"Scan {path.parent.name} has the fits {fits[path.parent.name]} and {path}. Keep "
                "one: for 2.1 the archive of May 2024 or later."
            )
        fits[path.parent.name] = path
    for cameras in release.find("renders/*/cameras.json"):
        scan = cameras.parent.name
        fit = [fits[scan]] if scan in fits else []
        mesh = [p.with_name("mesh_smplx.obj") for p in fit]
        yield Unit(scan, release, (cameras, *fit, *(p for p in mesh if p.is_file())))


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The scan in all its renderings; without a body where its fit cannot be trusted.

    Raises:
        InputError: a file is broken, or a view is of an unknown split.
    """
    views = read_json(unit.files[0])
    fit = read_fit(unit.name, unit.files[1:], bodies)
    try:
        images = _images(unit, views, fit)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{unit.files[0]} does not list views ({type(error).__name__}: {error}). Expected "
            "split, width, height, focal, principal_point, rotation and translation of each."
        ) from error
    count = len(images["frame"])
    columns = person_identity(images, np.arange(count), [unit.name] * count)
    columns["source_row"] = np.arange(count)
    if fit is None:
        return Instances(columns | validity(count, ()), images)
    card = unit.release.card
    labels = Labels(card.body.family, fit.hands, card.labels, card.annotation)
    same = {name: np.repeat(values, count, 0) for name, values in fit.parameters.items()}
    columns |= body_columns(same, fit.gender, labels, bodies, world=columns)
    columns |= validity(count, WHOLE_BODY)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    return Instances(columns, images)


def _images(unit: Unit, views: Views, fit: ScanFit | None) -> dict[str, NDArray[Any]]:
    """A view a row; without a fit nothing says how many metres a unit of the scan is."""
    rows = list(views.values())
    splits = [_split(unit, view) for view in rows]
    folder = f"renders/{unit.name}"
    metric: dict[str, Any] = {}
    if fit is not None:
        metric = {
            "world_rotation": _table(rows, "rotation", 9),
            "world_translation": _table(rows, "translation", 3) / fit.scale,
            "depth_path": [f"{folder}/{name}_depth.npy" for name in views],
            "depth_scale": 1 / fit.scale,
            "depth_invalid": NOTHING,
        }
    return image_columns(
        unit,
        [f"{folder}/{name}.png" for name in views],
        np.stack([_table(rows, "width", 1), _table(rows, "height", 1)], 1)[..., 0],
        split=splits,
        sequence=unit.name,
        camera=list(views),
        frame=[0] * len(rows),
        cluster=unit.name,
        focal=_table(rows, "focal", 2),
        principal_point=_table(rows, "principal_point", 2),
        normals_path=[f"{folder}/{name}_normals.npy" for name in views],
        normals_invalid=NOTHING,
        normals_classes="opencv",
        mask_path=[f"{folder}/{name}_mask.png" for name in views],
        source_row=np.arange(len(rows)),
        **metric,
    )


def _split(unit: Unit, view: Mapping[str, Any]) -> str:
    split = str(view["split"])
    if split not in unit.release.card.splits:
        raise InputError(
            f"{unit.files[0]} has a view of the split {split!r}; expected one of "
            f"{', '.join(unit.release.card.splits)}."
        )
    return split


def _table(views: list[Mapping[str, Any]], key: str, width: int) -> NDArray[np.float64]:
    return np.asarray([view[key] for view in views], np.float64).reshape(len(views), width)
