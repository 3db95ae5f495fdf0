"""RICH: a pickle a person and frame, gendered SMPL-X in a scene's frame, many static views."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.files import read_frames, read_json
from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import (
    FIT_SIZES,
    WHOLE_BODY,
    Labels,
    body_columns,
    validity,
)
from ehpsbench.dataset_adapters.readers.fit_files import same_frame
from ehpsbench.dataset_adapters.readers.static_views import view_columns, view_sizes
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.dataset_adapters.rich.views import (
    Filmed,
    frame_pictures,
    read_views,
    sequence_views,
)
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

FPS = 30.0
SPLITS = ("train", "val", "test")
BODIES = ("bodies/{}", "{}_body")  # of the toolkit's tree; of the archives
SIZES = {**FIT_SIZES, "left_hand_pose": 12, "right_hand_pose": 12}
WOMEN = frozenset({9, 10, 12, 13, 16, 17, 18, 19, 21})  # the toolkit's gender.json
SUBJECTS = range(22)


def units(release: Release) -> Iterator[Unit]:
    """One unit per sequence, with all its static views."""
    for split in SPLITS:
        for pattern in BODIES:
            for folder in release.find(f"{pattern.format(split)}/*"):
                fits = sorted(folder.glob("[0-9]*/[0-9]*.pkl"))
                views = sequence_views(release.root, split, folder.name)
                if not views:  # of its pictures only those of the moving camera are there
                    continue
                table = release.find("gender.json")
                files = (*fits, *(path for path, _ in views.values()), *table)
                key = {"split": split, "sequence": folder.name, "views": views}
                yield Unit(f"{split}/{folder.name}", release, files, key)


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The people of one sequence in the camera frame of every view.

    Raises:
        InputError: a file is broken, or a subject's gender is not known.
    """
    paths = [path for path in unit.files if path.suffix == ".pkl"]
    frames = [int(path.parent.name) for path in paths]
    images = _images(unit, read_views(unit.key["views"], unit.release.root), sorted({*frames}))
    if not paths:
        return Instances({}, images)
    image, row = same_frame(images["frame"], frames)
    subjects = [path.stem for path in paths]
    columns = person_identity(images, image, [subjects[r] for r in row])
    gender = _genders(unit, sorted({*subjects}))
    columns |= {
        "subject": text(subjects[r] for r in row),
        "track": text(f"{unit.key['sequence']}/{subjects[r]}" for r in row),
        "subject_gender": text(gender[subjects[r]] for r in row),
        "source_file": text(unit.release.relative(paths[r]) for r in row),
        "source_row": np.zeros(len(row), np.int64),
    }
    fit = {name: values[row] for name, values in read_frames(paths, SIZES).items()}
    labels = Labels.of(unit.release.card)
    columns |= body_columns(fit, columns["subject_gender"], labels, bodies, world=columns)
    columns |= validity(len(row), WHOLE_BODY)
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    return Instances(columns, images)


def _genders(unit: Unit, subjects: Sequence[str]) -> dict[str, str]:
    """Of each subject: the release's gender.json, else the toolkit's, whose numbers have no zeros.

    Raises:
        InputError: a subject is in neither.
    """
    given: Mapping[str, Any] = {}
    for path in unit.files:
        if path.name == "gender.json":
            given = read_json(path)
            if not isinstance(given, Mapping):
                raise InputError(f"{path}: expected a gender for each subject's number.")
    known = {str(number): "female" if number in WOMEN else "male" for number in SUBJECTS}
    known |= {key: str(value).lower() for key, value in given.items()}
    unknown = [subject for subject in subjects if str(int(subject)) not in known]
    if unknown:
        raise InputError(
            f"{unit.name}: the gender of subject {', '.join(unknown)} is not known; it decides the "
            f"body model. Put gender.json of the owners' toolkit into {unit.release.root}."
        )
    return {subject: known[str(int(subject))] for subject in subjects}


def _images(unit: Unit, filmed: Sequence[Filmed], fitted: Sequence[int]) -> dict[str, NDArray[Any]]:
    """Every image of every static view: those on disk, else those of the fits."""
    found = [frame_pictures(unit.release.root, each, fitted) for each in filmed]
    of = np.repeat(np.arange(len(filmed)), [len(pictures) for pictures in found])
    views = [each.view for each in filmed]
    columns = view_columns(views, of)
    if not columns["distortion"].any():
        del columns["distortion"]
    return image_columns(
        unit,
        [name for pictures in found for name in pictures.values()],
        view_sizes(views, of),
        split=unit.key["split"],
        sequence=unit.key["sequence"],
        frame=[frame for pictures in found for frame in pictures],
        cluster=unit.key["sequence"],
        fps=FPS,
        source_file=text(unit.release.relative(views[v].path) for v in of.tolist()),
        **columns,
    )
