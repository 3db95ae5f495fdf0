"""EgoBody seen by its Kinects: two gendered SMPL-X people in the master Kinect's frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.egobody_kinect.views import read_views, view_files
from ehpsbench.dataset_adapters.files import read_frames
from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import WHOLE_BODY, Labels, body_columns, validity
from ehpsbench.dataset_adapters.readers.egobody import (
    FIT_SIZES_12,
    FPS,
    Recording,
    frame_number,
    recordings,
)
from ehpsbench.dataset_adapters.readers.fit_files import same_frame
from ehpsbench.dataset_adapters.readers.static_views import (
    StaticView,
    view_columns,
    view_sizes,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet


class _Fit(NamedTuple):
    """One file of the owners: who is fitted in which frame."""

    frame: int
    body: int
    gender: str
    subject: str
    path: Path


def units(release: Release) -> Iterator[Unit]:
    """One unit per recording, with all its views and both people."""
    root = release.root
    tree = "kinect_color" if (root / "kinect_color").is_dir() else "calibrations"
    tables = (root / "data_info_release.csv", root / "data_splits.csv")
    for recording in recordings(root, tree):
        results = f"{recording.split}/{recording.name}/body_idx_"
        fits = (
            *release.find(f"smplx_interactee_{results}{recording.body}/results/*/000.pkl"),
            *release.find(f"smplx_camera_wearer_{results}{1 - recording.body}/results/*/000.pkl"),
        )
        files = (*tables, *view_files(root, recording.name), *fits)
        name = f"{recording.split}/{recording.name}"
        yield Unit(name, release, files, {"recording": recording})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """Both people of one recording in the camera frame of every view.

    A fit counts when it lies between the recording's start and end, in every view that has the
    frame.

    Raises:
        InputError: a file is broken or lacks something.
    """
    recording: Recording = unit.key["recording"]
    fits = list(_fits(unit, recording))
    images = _images(unit, read_views(unit.release.root, recording.name), fits)
    if not fits:
        return Instances({}, images)
    image, row = same_frame(images["frame"], [fit.frame for fit in fits])
    columns = person_identity(images, image, [fits[r].body for r in row])
    columns |= _words(unit, recording, [fits[r] for r in row])
    table = read_frames([fit.path for fit in fits], FIT_SIZES_12)
    fit = {name: values[row] for name, values in table.items()}
    labels = Labels.of(unit.release.card)
    columns |= body_columns(fit, columns["gender"], labels, bodies, world=columns)
    columns |= validity(len(row), WHOLE_BODY)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    return Instances(columns, images)


def _fits(unit: Unit, recording: Recording) -> Iterator[_Fit]:
    """The fits that count, of the interactee and of the camera wearer."""
    for path in unit.files:
        frame = frame_number(path.parent.name) if path.name == "000.pkl" else -1
        if not recording.start <= frame <= recording.end or frame < 0:
            continue
        body = int(path.parents[2].name.removeprefix("body_idx_"))
        if body == recording.body:
            yield _Fit(frame, body, recording.gender, recording.subject, path)
        else:
            yield _Fit(frame, body, recording.wearer_gender, recording.wearer, path)


def _words(unit: Unit, recording: Recording, fits: Sequence[_Fit]) -> dict[str, NDArray[Any]]:
    return {
        "subject": text(fit.subject for fit in fits),
        "track": text(f"{recording.name}/{fit.body}" for fit in fits),
        "gender": text(fit.gender for fit in fits),
        "subject_gender": text(fit.gender for fit in fits),
        "source_file": text(unit.release.relative(fit.path) for fit in fits),
        "source_row": np.zeros(len(fits), np.int64),
    }


def _images(
    unit: Unit, views: Sequence[StaticView], fits: Sequence[_Fit]
) -> dict[str, NDArray[Any]]:
    """Every image of every view: those on disk, else those of the fits."""
    recording: Recording = unit.key["recording"]
    root, fitted = unit.release.root, sorted({fit.frame for fit in fits})
    folders = [f"kinect_color/{recording.name}/{view.name}" for view in views]
    frames = [
        sorted(frame_number(p.name) for p in (root / folder).glob("frame_*.jpg"))
        if (root / "kinect_color").is_dir()
        else fitted
        for folder in folders
    ]
    of = np.repeat(np.arange(len(views)), [len(each) for each in frames])
    shown = [(v, frame) for v, each in enumerate(frames) for frame in each]
    return image_columns(
        unit,
        [f"{folders[v]}/frame_{frame:05d}.jpg" for v, frame in shown],
        view_sizes(views, of),
        split=recording.split,
        sequence=recording.name,
        frame=[frame for _, frame in shown],
        cluster=recording.name,
        fps=FPS,
        source_file=text(unit.release.relative(views[v].path) for v, _ in shown),
        **view_columns(views, of),
    )
