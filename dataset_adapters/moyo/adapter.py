"""MOYO: a MoSh++ file a sequence, SMPL-X with a personal rest mesh, eight static views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.identity import person_identity, repeat
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.moyo.fits import Fitted, read_fit
from ehpsbench.dataset_adapters.moyo.views import Pictures, pictures, read_views
from ehpsbench.dataset_adapters.parameters import Labels, body_columns, validity
from ehpsbench.dataset_adapters.readers.static_views import view_columns, view_sizes
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import MissingFiles
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

FPS = 30.0
ROWS_A_FRAME = 2  # 60 fits and 30 pictures a second
WITH_HANDS = "with_hands"  # in the name of the session with markers on the hands
SUBJECT = "03596"


def units(release: Release) -> Iterator[Unit]:
    """One unit per sequence, with all its views."""
    for path in release.find("*/mosh/*/*_stageii.pkl"):
        session, split = path.parents[2], path.parent.name
        name = path.stem.removesuffix("_stageii")
        cameras = sorted(session.glob(f"cameras/20{name[:6]}/*/cameras_param.json"))
        if not cameras:
            raise MissingFiles(
                f"{session}/cameras/20{name[:6]}/*/cameras_param.json is not there; {name} needs "
                "it. Unpack the cameras of the session."
            )
        key = {"session": session.name, "split": split, "sequence": name}
        yield Unit(f"{session.name}/{split}/{name}", release, (path, cameras[0]), key)


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The yogi of one sequence in the camera frame of every view.

    Picture n belongs to the fits from row 2 (n − first) on, where `first` is the smallest number
    of a picture of the sequence.

    Raises:
        InputError: a file is broken or lacks something.
    """
    fitted = read_fit(unit, bodies)
    shown = pictures(unit, len(fitted.parameters["transl"]) // ROWS_A_FRAME)
    images = _images(unit, shown)
    row = ROWS_A_FRAME * (shown.number - shown.first)
    image = np.flatnonzero((row >= 0) & (row < len(fitted.parameters["transl"])))
    columns = person_identity(images, image, [SUBJECT] * len(image))
    words = {"subject": SUBJECT, "subject_gender": "female"}
    words["track"] = unit.key["sequence"]
    columns |= {name: repeat(word, len(image)) for name, word in words.items()}
    columns |= _body(unit, fitted, row[image], columns, bodies)
    columns["source_row"] = row[image]
    hands = WITH_HANDS in unit.key["session"]
    parts = ("body", "camera") if fitted.template else ("body", "shape", "camera")
    columns |= validity(len(image), parts, hands=np.full(len(image), hands))
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    return Instances(columns, images)


def _body(
    unit: Unit,
    fitted: Fitted,
    row: NDArray[np.int64],
    columns: dict[str, NDArray[Any]],
    bodies: BodySet,
) -> dict[str, NDArray[Any]]:
    fit = {name: values[row] for name, values in fitted.parameters.items()}
    labels = Labels.of(unit.release.card)
    if fitted.template is None:
        return body_columns(fit, fitted.gender, labels, bodies, world=columns)
    found = body_columns(
        fit, fitted.gender, labels, bodies, world=columns, pelvis=np.array(fitted.pelvis)
    )
    return found | {"template_path": repeat(fitted.template, len(row))}


def _images(unit: Unit, shown: Pictures) -> dict[str, NDArray[Any]]:
    views = read_views(unit, shown)
    return image_columns(
        unit,
        shown.path,
        view_sizes(views, shown.view),
        split=unit.key["split"],
        sequence=unit.key["sequence"],
        frame=shown.number,
        cluster=unit.key["sequence"],
        fps=FPS,
        source_file=unit.release.relative(unit.files[1]),
        **view_columns(views, shown.view),
    )
