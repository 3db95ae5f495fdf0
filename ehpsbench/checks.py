"""The rules that every row must pass; what breaks one goes, whole, to the rejects.

A rule looks at all rows of a unit at once and returns findings. People whom the owners mark
invalid pass the rules of plausibility (where they are in the image), not those of form.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ehpsbench.geometry import canonical, clip_box, project
from ehpsbench.schema import ANGLE_COLUMNS, BOX_COLUMNS, Columns, nullable, present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

RULES = (
    "finite",
    "ranges",
    "angles",
    "box_inside_image",
    "in_front_of_camera",
    "joints_near_box",
    "duplicate_id",
)
BODY_RULES = ("in_front_of_camera", "joints_near_box")  # they need posed joints

# (column, lowest, highest): wide enough for every true label, narrow enough for a wrong unit
RANGES = (
    ("height", 1, 1e5),
    ("width", 1, 1e5),
    ("orientation", 1, 8),
    ("focal", 1e-3, 1e7),
    ("principal_point", -1e5, 1e5),
    ("betas", -20, 20),
    ("betas_neutral", -20, 20),
    ("left_hand_betas", -20, 20),
    ("right_hand_betas", -20, 20),
    ("num_betas", 0, 400),
    ("expression", -50, 50),
    ("kid", -1, 2),
    ("transl", -1000, 1000),
    ("left_hand_transl", -1000, 1000),
    ("right_hand_transl", -1000, 1000),
    ("occlusion", 0, 1),
    ("truncation", 0, 1),
)
LARGEST_ANGLE = 2 * np.pi  # beyond one full turn: degrees, or garbage
LEAST_VISIBLE_BOX = 1.0  # px
LEAST_SHARE_IN_FRONT = 0.1  # of the joints: an egocentric wearer shows little more than hands
LEAST_SHARE_NEAR_BOX = 0.5  # of the joints that fall inside the image
BOX_MARGIN = 0.5  # of the box's own size, to every side


class Finding(NamedTuple):
    """Rows that break a rule, and the value that breaks it."""

    rule: str
    column: str
    rows: NDArray[np.int64]
    values: NDArray[np.float64]


def findings(
    columns: Columns, bodies: BodySet | None, root: Path, *, pictured: bool = True
) -> Iterator[Finding]:
    """Every finding in a unit, rule by rule.

    Args:
        columns: the unit's instance columns.
        bodies: the body set of the labels; None skips the two rules that need joints.
        root: the release root, for templates and meshes.
        pictured: False for motions: there is no camera to be in front of, and no image.
    """
    if not _rows(columns):
        return
    yield from _finite(columns)
    yield from _ranges(columns)
    yield from _angles(columns)
    if not pictured:
        return
    scored = np.asarray(columns.get("owner_valid", np.ones(_rows(columns), bool)), bool)
    yield from _box_inside_image(columns, scored)
    if bodies is not None:
        yield from _joints(columns, bodies, root, scored)


def tidy(columns: Columns) -> dict[str, NDArray[Any]]:
    """The columns as the store keeps them.

    Angles are ≤ π (the same rotations), boxes are cut to the image, and the box of a hand or face
    that is out of it is null.
    """
    result = dict(columns)
    for name in ANGLE_COLUMNS:
        if name in columns:
            turned = canonical(np.ma.getdata(columns[name]))
            result[name] = nullable(turned, present(columns[name]))
    if "height" in columns and "width" in columns:
        for name in BOX_COLUMNS:
            if name in columns:
                box = clip_box(np.ma.getdata(columns[name]), columns["width"], columns["height"])
                seen = (box[:, 2:] > 0).all(1) | (name == "bbox")
                result[name] = nullable(box, present(columns[name]) & seen)
    return result


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values()), ()))


def _finding(
    rule: str, column: str, broken: NDArray[np.bool_], values: NDArray[Any]
) -> Iterator[Finding]:
    if broken.any():
        rows = np.flatnonzero(broken)
        yield Finding(rule, column, rows, np.asarray(values, np.float64)[rows])


def _finite(columns: Columns) -> Iterator[Finding]:
    for name, column in columns.items():
        data = np.ma.getdata(column)
        if data.dtype.kind == "f":
            finite = np.isfinite(data.reshape(len(data), -1))
            if finite.all():
                continue
            broken = ~finite.all(1) & present(column)
            yield from _finding("finite", name, broken, np.full(len(data), np.nan))


def _ranges(columns: Columns) -> Iterator[Finding]:
    for name, lowest, highest in RANGES:
        if name not in columns:
            continue
        flat = np.ma.getdata(columns[name]).astype(np.float64).reshape(_rows(columns), -1)
        if ((flat >= lowest) & (flat <= highest)).all():
            continue
        outside = np.maximum(lowest - flat, flat - highest)
        worst = np.nanargmax(np.where(np.isfinite(outside), outside, -np.inf), axis=1)
        each = np.arange(len(flat))
        broken = (outside[each, worst] > 0) & present(columns[name])
        yield from _finding("ranges", name, broken, flat[each, worst])


def _angles(columns: Columns) -> Iterator[Finding]:
    for name in ANGLE_COLUMNS:
        if name in columns:
            vectors = np.ma.getdata(columns[name]).astype(np.float64)
            with np.errstate(invalid="ignore"):
                angle = np.linalg.norm(vectors.reshape(len(vectors), -1, 3), axis=-1).max(1)
                broken = (angle > LARGEST_ANGLE) & present(columns[name])
            yield from _finding("angles", name, broken, angle)


def _box_inside_image(columns: Columns, scored: NDArray[np.bool_]) -> Iterator[Finding]:
    if not {"bbox", "height", "width"} <= set(columns):
        return
    visible = _visible(columns, "bbox")
    broken = (visible < LEAST_VISIBLE_BOX) & present(columns["bbox"]) & scored
    yield from _finding("box_inside_image", "bbox", broken, visible)


def _visible(columns: Columns, name: str) -> NDArray[np.float64]:
    """(N,) the shorter side of a box inside the image [px]; NaN where the box is."""
    box = clip_box(np.ma.getdata(columns[name]), columns["width"], columns["height"])
    with np.errstate(invalid="ignore"):
        return np.asarray(box[:, 2:].min(1))


def _joints(
    columns: Columns, bodies: BodySet, root: Path, scored: NDArray[np.bool_]
) -> Iterator[Finding]:
    from ehpsbench.body.posed import posed_joints

    joints, has = posed_joints(columns, bodies, root)
    known = has.any(1) & _placed(columns)
    count = np.maximum(has.sum(1), 1)
    with np.errstate(invalid="ignore"):
        front = has & (joints[..., 2] > 0)
    share = front.sum(1) / count
    broken = known & scored & (share < LEAST_SHARE_IN_FRONT)
    yield from _finding("in_front_of_camera", "transl", broken, share)
    if "focal" not in columns or "bbox" not in columns:
        return
    near = _share_near_box(columns, joints, front)
    tested = known & scored & ~broken & present(columns["bbox"]) & present(columns["focal"])
    yield from _finding("joints_near_box", "bbox", tested & (near < LEAST_SHARE_NEAR_BOX), near)


def _placed(columns: Columns) -> NDArray[np.bool_]:
    """(N,) False for whole bodies whose place in front of the camera is not known."""
    nothing = np.zeros(_rows(columns), bool)
    there, oriented, mesh = (
        present(columns[name]) if name in columns else nothing
        for name in ("transl", "global_orient", "vertices_path")
    )
    return there | ~oriented | mesh


def _share_near_box(
    columns: Columns, joints: NDArray[np.float64], front: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Share of the joints in the image that lie in the grown box; 0 when none is in the image."""
    pixels = project_rows(columns, joints)
    box = np.ma.getdata(columns["bbox"])
    margin = BOX_MARGIN * box[:, 2:]
    low, high = box[:, :2] - margin, box[:, :2] + box[:, 2:] + margin
    inside, near = front.copy(), np.ones(front.shape, bool)
    with np.errstate(invalid="ignore"):
        for axis, size in enumerate(("width", "height")):
            at = pixels[..., axis]
            inside &= (at >= 0) & (at <= columns[size][:, None])
            near &= (at >= low[:, axis, None]) & (at <= high[:, axis, None])
    near &= inside
    return np.asarray(near.sum(1) / np.maximum(inside.sum(1), 1))


def project_rows(columns: Columns, joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, J, 2) pixels of camera-frame joints by each row's own camera."""
    focal, centre = np.ma.getdata(columns["focal"]), np.ma.getdata(columns["principal_point"])
    pixels = project(joints, focal, centre)
    if "distortion" in columns:
        bent = present(columns["distortion"])
        coefficients = np.ma.getdata(columns["distortion"])[bent]
        pixels[bent] = project(
            joints[bent], focal[bent], centre[bent], coefficients, "opencv_rational"
        )
    return pixels
