"""A contact sheet: people who span a dataset, with their labels drawn over the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench import drawing
from ehpsbench.atomic import replacing
from ehpsbench.checks import project_rows
from ehpsbench.curation.validation.chosen import span
from ehpsbench.errors import EhpsbenchError
from ehpsbench.in_view import in_view
from ehpsbench.pictures import open_picture
from ehpsbench.schema import from_arrow, present
from ehpsbench.store import Store

if TYPE_CHECKING:
    from PIL.Image import Image

    from ehpsbench.body.bodies import BodySet

__all__ = ["PEOPLE", "draw_sheet", "labelled_points"]

PEOPLE, ACROSS = 24, 6
TILE, CAPTION, HEAD, GAP = (210, 270), 28, 30, 6  # px
PADDING = 1.25
BODY: drawing.Colour = (52, 150, 98)
DOUBTED: drawing.Colour = (214, 126, 36)  # people whom the owners mark invalid
POINTS: drawing.Colour = (212, 42, 130)
BOX: drawing.Colour = (40, 70, 190)
INK: drawing.Colour = (30, 33, 38)

Row = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class _Given:
    """What all tiles need."""

    root: Path
    bodies: BodySet | None


def draw_sheet(store: Store, name: str, bodies: BodySet | None, path: Path) -> int:
    """Write the sheet of a dataset as PNG; returns how many people are on it.

    Green is the mesh of the labels (orange: people whom the owners mark invalid), magenta the
    labelled keypoints (of 3D labels where there are no others), blue the tight box. Where the
    image is missing, the skeleton stands on a plain ground. Motions have no images: their meshes
    stand on a plain ground, each seen by a camera put before it.

    Args:
        store: with the dataset.
        name: of the dataset.
        bodies: of the labels; None draws keypoints and boxes only.
        path: of the picture.
    """
    from PIL import Image, ImageDraw

    people = span(store, name, PEOPLE)
    given = _Given(store.release_root(name), bodies)
    down = max(-(-people.num_rows // ACROSS), 1)
    size = (
        ACROSS * (TILE[0] + GAP) + GAP,
        HEAD + down * (TILE[1] + CAPTION + GAP) + GAP,
    )
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP, 8), _title(store, name, people.num_rows), fill=INK)
    for number in range(people.num_rows):
        row = from_arrow(people.slice(number, 1))
        across, below = number % ACROSS, number // ACROSS
        left = GAP + across * (TILE[0] + GAP)
        top = HEAD + below * (TILE[1] + CAPTION + GAP)
        picture, note = _tile(row, given)
        sheet.paste(picture, (left, top))
        for line, text in enumerate(_caption(row, note)):
            pen.text((left, top + TILE[1] + 1 + 13 * line), text, fill=INK)
    with replacing(path) as temporary:
        sheet.save(temporary, "PNG")
    return int(people.num_rows)


def _title(store: Store, name: str, shown: int) -> str:
    splits = store.manifest(name)["splits"]
    people = sum(account["instances"] for account in splits.values())
    if not store.pictured(name):
        return (
            f"{name}: {shown} of {people:,} people ({', '.join(splits)}). Motions "
            "without pictures. Green: mesh of the labels, seen level by a camera put before it."
        )
    return (
        f"{name}: {shown} of {people:,} people ({', '.join(splits)}). Green: mesh of the labels "
        "(orange: marked invalid by the owners); magenta: labelled keypoints; blue: box."
    )


def _caption(row: Row, note: str) -> tuple[str, str]:
    """Who it is, as much as fits, and what is to be said."""
    identity = str(row["instance_id"][0]).split("/")
    person = "/".join(identity[-3:])
    sequence = "/".join(identity[1:-3])
    return sequence[-34:], f"{person[-22:]} {note}".strip()


def _tile(row: Row, given: _Given) -> tuple[Image, str]:
    """One person drawn, and a remark."""
    pictured = "image_path" in row
    picture, note = _picture(row, given.root) if pictured else (None, "")
    if not pictured:
        row = in_view(row, given.bodies, given.root)
    shown = drawing.panel(_near(row), picture, TILE, PADDING)
    colour = BODY if _true(row, "owner_valid") else DOUBTED
    if given.bodies is not None and "focal" in row:
        try:
            shown, missing = _labels(shown, row, given, colour, bare=pictured and not picture)
            note = note or missing
        except EhpsbenchError as error:
            note = f"not drawn: {error}"[:30]
    if not pictured:
        return shown.picture(), note
    shown = drawing.outline(shown, row, BOX)
    return drawing.dots(shown, labelled_points(row), POINTS).picture(), note


def labelled_points(row: Row) -> NDArray[np.float64]:
    """(K, 2) where the labels have keypoints [px]; those of 3D labels where there are no others."""
    flat = _scored(row, "keypoints2d", 3)
    if len(flat):
        return flat
    solid = _scored(row, "keypoints3d", 4)
    solid = solid[solid[:, 2] > 0]
    if not len(solid) or "focal" not in row:
        return flat
    return np.asarray(project_rows(row, solid[None])[0])


def _scored(row: Row, name: str, width: int) -> NDArray[np.float64]:
    """(K, width − 1) the joints of both groups that score."""
    there = [row[n] for n in (name, f"{name}_extra") if n in row]
    values = [np.ma.filled(np.ma.asarray(v, np.float64), 0).reshape(-1, width) for v in there]
    points = np.concatenate([np.zeros((0, width)), *values])
    return np.asarray(points[points[:, -1] > 0, :-1], np.float64)


def _near(row: Row) -> Row:
    """The row with the box to look at: of hands alone, that around the hands."""
    names = [f"{side}_hand_bbox" for side in ("left", "right")]
    boxes = [np.ma.getdata(row[n])[0] for n in names if n in row and present(row[n])[0]]
    if not boxes or "source_model" not in row or row["source_model"][0] != "mano":
        return row
    low = np.min([box[:2] for box in boxes], 0)
    high = np.max([box[:2] + box[2:] for box in boxes], 0)
    return {**row, "bbox": np.concatenate([low, high - low])[None]}


def _picture(row: Row, root: Path) -> tuple[Image | None, str]:
    """The upright image, or why there is none."""
    orientation = int(row["orientation"][0]) if "orientation" in row else 1
    try:
        return open_picture(root / str(row["image_path"][0]), orientation), ""
    except EhpsbenchError:
        return None, "image missing"


def _true(row: Row, name: str) -> bool:
    """Whether a flag is set; one that is null counts as set."""
    return bool(np.ma.filled(np.ma.asarray(row[name]), True)[0]) if name in row else True


def _labels(
    shown: drawing.Panel, row: Row, given: _Given, colour: drawing.Colour, *, bare: bool
) -> tuple[drawing.Panel, str]:
    """The mesh of the labels; on bare ground the skeleton."""
    from ehpsbench.body.posed import posed_joints, posed_vertices

    if given.bodies is None:
        return shown, ""
    if bare:
        joints, has = posed_joints(row, given.bodies, given.root)
        if not has.any():
            return shown, "no body"
        parents = given.bodies.model("smplx", "neutral").parents
        return drawing.skeleton(shown, joints[0], parents, colour), ""
    vertices = posed_vertices(row, given.bodies, given.root)[0]
    if not len(vertices):
        return shown, "no body"
    return drawing.mesh(shown, vertices, _faces(row, given.bodies), colour), ""


def _faces(row: Row, bodies: BodySet) -> NDArray[np.int32]:
    """Triangles of a row's mesh; of both hands, the left one's first."""
    family = str(row["source_model"][0])
    if family != "mano":
        gender = str(row["gender"][0]) if "gender" in row else "neutral"
        return bodies.model(family, gender).faces
    faces, offset = [np.zeros((0, 3), np.int32)], 0
    for side in ("left", "right"):
        orient = f"{side}_hand_orient"
        if orient in row and present(row[orient])[0]:
            model = bodies.model("mano", side)
            faces.append(model.faces + offset)
            offset += model.num_vertices
    return np.concatenate(faces)
