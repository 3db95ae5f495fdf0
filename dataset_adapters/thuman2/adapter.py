"""THuman2: a file of cameras for the renderings of a scan, and the owners' SMPL-X of the scan.

A scan has arbitrary units: vertices in it are those of SMPL-X times `scale` plus `translation`.
The store divides by `scale`: cameras and depth are in the metres of the fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import (
    WHOLE_BODY,
    Labels,
    body_columns,
    spread,
    validity,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.dataset_adapters.thuman2.fits import ScanFit, read_fits
from ehpsbench.errors import InputError
from ehpsbench.schema import Columns, Instances, nullable

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["read", "units"]

SCANS_A_UNIT = 64
NOTHING = 0.0  # in maps of depth and normals, where the scan is not
CAMERA = {
    "width": 1,
    "height": 1,
    "focal": 2,
    "principal_point": 2,
    "rotation": 9,
    "translation": 3,
}


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    """A scan, its views, and how they lie: by key of `CAMERA` (views, k)."""

    name: str
    cameras: Path
    views: tuple[str, ...]
    splits: tuple[str, ...]
    parts: tuple[str | None, ...]  # class set of the part labels; None: there are none
    table: dict[str, NDArray[np.float64]]
    fit: ScanFit | None


def units(release: Release) -> Iterator[Unit]:
    """One unit per 64 rendered scans, in the order of their numbers.

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
    rendered = release.find("renders/*/cameras.json")
    for start in range(0, len(rendered), SCANS_A_UNIT):
        block = rendered[start : start + SCANS_A_UNIT]
        scans = [cameras.parent.name for cameras in block]
        labels = {scan: [fits[scan]] if scan in fits else [] for scan in scans}
        for own in labels.values():
            own += [mesh for fit in own if (mesh := fit.with_name("mesh_smplx.obj")).is_file()]
        files = (*block, *(path for own in labels.values() for path in own))
        yield Unit(f"{scans[0]}-{scans[-1]}", release, files, {"scans": scans, "labels": labels})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """Scans in all their renderings; without a body where a fit cannot be trusted.

    Raises:
        InputError: a file is broken, or a view is of an unknown split.
    """
    names: list[str] = unit.key["scans"]
    fits = read_fits(names, [unit.key["labels"][name] for name in names], bodies)
    cameras = unit.files[: len(names)]
    scans = [_scan(unit, *each) for each in zip(names, cameras, fits, strict=True)]
    images = _images(unit, scans)
    count = len(images["frame"])
    columns = person_identity(images, np.arange(count), images["sequence"])
    columns["source_row"] = images["source_row"]
    columns |= validity(count, ())
    fitted = np.repeat([scan.fit is not None for scan in scans], [len(s.views) for s in scans])
    if fitted.any():
        known = {name: values[fitted] for name, values in columns.items()}
        columns |= spread(_bodies(unit, scans, known, bodies), fitted)
    return Instances(columns, images)


def _scan(unit: Unit, name: str, cameras: Path, fit: ScanFit | None) -> _Scan:
    views = read_json(cameras)
    try:
        rows = list(views.values())
        table = {key: _table(rows, key, width) for key, width in CAMERA.items()}
        splits = tuple(str(view["split"]) for view in rows)
        parts = tuple(None if view.get("parts") is None else str(view["parts"]) for view in rows)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{cameras} does not list views ({type(error).__name__}: {error}). Expected "
            f"split, {', '.join(CAMERA)} of each."
        ) from error
    for split in splits:
        if split not in unit.release.card.splits:
            raise InputError(
                f"{cameras} has a view of the split {split!r}; expected one of "
                f"{', '.join(unit.release.card.splits)}."
            )
    return _Scan(name, cameras, tuple(views), splits, parts, table, fit)


def _bodies(
    unit: Unit, scans: Sequence[_Scan], columns: Columns, bodies: BodySet
) -> dict[str, NDArray[Any]]:
    """Body columns of the views of those scans that have a fit.

    Args:
        unit: they are read with.
        scans: all of the unit.
        columns: image columns of those views.
        bodies: the body set of the labels.
    """
    fits = [(scan.fit, len(scan.views)) for scan in scans if scan.fit is not None]
    views = [count for _, count in fits]
    same = {
        name: np.repeat(np.concatenate([fit.parameters[name] for fit, _ in fits]), views, 0)
        for name in fits[0][0].parameters
    }
    genders = np.repeat([fit.gender for fit, _ in fits], views)
    labels = replace(Labels.of(unit.release.card), hands="absolute")
    found = body_columns(same, genders, labels, bodies, world=columns)
    found |= validity(len(genders), WHOLE_BODY)
    found["bbox"] = joint_boxes({**columns, **found}, bodies, unit.release.root)
    return found


def _images(unit: Unit, scans: Sequence[_Scan]) -> dict[str, NDArray[Any]]:
    """A view a row; without a fit nothing says how many metres a unit of the scan is."""
    table = {key: np.concatenate([scan.table[key] for scan in scans]) for key in CAMERA}
    places = [f"renders/{scan.name}/{view}" for scan in scans for view in scan.views]
    views = [len(scan.views) for scan in scans]
    names = np.repeat([scan.name for scan in scans], views)
    fitted = np.repeat([scan.fit is not None for scan in scans], views)
    scale = np.repeat([scan.fit.scale if scan.fit else 1.0 for scan in scans], views)
    metric: dict[str, Any] = {}
    if fitted.any():
        metric = {
            "world_rotation": nullable(table["rotation"], fitted),
            "world_translation": nullable(table["translation"] / scale[:, None], fitted),
            "depth_path": [
                f"{place}_depth.npy" if known else None
                for place, known in zip(places, fitted, strict=True)
            ],
            "depth_scale": nullable(1 / scale, fitted),
            "depth_invalid": nullable(np.full(len(scale), NOTHING), fitted),
        }
    return image_columns(
        unit,
        [f"{place}.png" for place in places],
        np.hstack([table["width"], table["height"]]),
        split=[split for scan in scans for split in scan.splits],
        sequence=names,
        camera=[view for scan in scans for view in scan.views],
        frame=[0] * len(places),
        cluster=names,
        focal=table["focal"],
        principal_point=table["principal_point"],
        normals_path=[f"{place}_normals.npy" for place in places],
        normals_invalid=NOTHING,
        normals_classes="opencv",
        mask_path=[f"{place}_mask.png" for place in places],
        source_file=text(np.repeat([unit.release.relative(s.cameras) for s in scans], views)),
        source_row=np.concatenate([np.arange(count) for count in views]),
        **metric,
        **_parts(places, [parts for scan in scans for parts in scan.parts]),
    )


def _parts(places: Sequence[str], classes: Sequence[str | None]) -> dict[str, Any]:
    """Columns of part labels, of the views that say what classes they are of."""
    if not any(classes):
        return {}
    paths = [f"{p}_parts.png" if c else None for p, c in zip(places, classes, strict=True)]
    return {"parts_path": paths, "parts_classes": [*classes]}


def _table(views: list[Mapping[str, Any]], key: str, width: int) -> NDArray[np.float64]:
    return np.asarray([view[key] for view in views], np.float64).reshape(len(views), width)
