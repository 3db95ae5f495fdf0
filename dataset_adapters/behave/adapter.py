"""BEHAVE: a fit a second, gendered SMPL-H in the colour frame of Kinect 1, four distorted views."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.behave.detections import seen_in_images, seen_in_space
from ehpsbench.dataset_adapters.behave.fits import DENSE, FIT, milliseconds, read_fits
from ehpsbench.dataset_adapters.behave.views import read_views, view_files
from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.identity import person_identity, repeat, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import (
    BODY_ONLY,
    Labels,
    body_columns,
    split_pose,
    validity,
)
from ehpsbench.dataset_adapters.readers.fit_files import same_frame
from ehpsbench.dataset_adapters.readers.static_views import (
    StaticView,
    view_columns,
    view_sizes,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances, nullable

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

MASKS = ("person_mask.png", "person_mask.jpg")  # as the owners look for them
DEPTH = ("depth.png",)
MM, NOTHING = 1e-3, 0.0  # what depth is in, and its value where there is none


def units(release: Release) -> Iterator[Unit]:
    """One unit per sequence, with all its views."""
    splits = _splits(release.root / "split.json")
    for info in release.find("sequences/*/info.json"):
        folder = info.parent
        if folder.name not in splits:
            raise InputError(
                f"{release.root / 'split.json'} gives no split to {folder.name}, which is in "
                "sequences/."
            )
        fits = sorted(folder.glob(f"t[0-9]*/{FIT}"))
        dense = release.find(DENSE.format(folder.name))
        files = (info, *view_files(release.root, read_info(info)), *fits, *dense)
        key = {"split": splits[folder.name], "sequence": folder.name}
        yield Unit(f"{key['split']}/{folder.name}", release, files, key)


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The person of one sequence in the camera frame of every view.

    Raises:
        InputError: a file is broken or lacks something.
    """
    info = read_info(unit.files[0])
    seconds = [path.parents[2].name for path in unit.files if path.name == "person_fit.pkl"]
    images = _images(unit, read_views(unit.release.root, info), seconds)
    fits = read_fits(unit.files, images["frame"].tolist())
    if not len(fits):
        return Instances({}, images)
    image, row = same_frame(images["frame"], [milliseconds(time) for time in fits.time])
    subject, gender = _subject(unit), str(info["gender"]).lower()
    columns = person_identity(images, image, [subject] * len(image))
    words = {"subject": subject, "subject_gender": gender}
    words["track"] = f"{unit.key['sequence']}/{subject}"
    columns |= {name: repeat(word, len(image)) for name, word in words.items()}
    columns["source_file"] = text(unit.release.relative(fits.file[r]) for r in row)
    columns["source_row"] = fits.row[row]
    fit = split_pose(fits.table["pose"][row], "smplh")
    fit |= {"betas": fits.table["betas"][row], "transl": fits.table["trans"][row]}
    columns |= body_columns(fit, gender, Labels.of(unit.release.card), bodies, world=columns)
    columns |= validity(len(image), BODY_ONLY)  # fingers are not observed
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    places = [unit.release.root / str(path) for path in columns["image_path"]]
    columns |= seen_in_images([place.with_suffix(".json") for place in places])
    folder = unit.files[0].parent
    joints = [folder / time / "person/person_J3d.json" for time in fits.time]
    columns |= seen_in_space(joints, row, columns)
    return Instances(columns, images)


def read_info(path: Path) -> Mapping[str, Any]:
    """What a sequence says of itself: `gender`, `kinects`, `config` and `intrinsic`.

    Raises:
        InputError: something of it is missing.
    """
    content = read_json(path)
    if not isinstance(content, Mapping) or not {"gender", "config", "intrinsic"} <= set(content):
        raise InputError(f"{path}: expected gender, config and intrinsic of a sequence.")
    kinects = content.get("kinects") or [0, 1, 2]  # the first recordings do not name their three
    if not isinstance(kinects, list) or not all(isinstance(each, int) for each in kinects):
        raise InputError(f"{path}: expected a list of whole numbers under kinects, got {kinects}.")
    return {**content, "kinects": kinects}


def _splits(path: Path) -> dict[str, str]:
    """The split of each sequence."""
    content = read_json(path)
    try:
        return {str(name): split for split in ("train", "test") for name in content[split]}
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: expected lists of sequences, train and test.") from error


def _subject(unit: Unit) -> str:
    """SubYY of DateXX_SubYY_object_action."""
    return str(unit.key["sequence"]).split("_")[1]


def _images(
    unit: Unit, views: Sequence[StaticView], fitted: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Every image of every view: those on disk, else those of the fits; frames in milliseconds."""
    folder, place = unit.files[0].parent, f"sequences/{unit.key['sequence']}"
    found = sorted(folder.glob("t[0-9]*/k[0-9].color.jpg"))
    there = [(path.parent.name, path.name[:2]) for path in found]
    there = there or [(time, view.name) for time in sorted(fitted) for view in views]
    place_of = {view.name: index for index, view in enumerate(views)}
    shown = [(time, name) for time, name in there if name in place_of]
    of = np.array([place_of[name] for _, name in shown], np.int64)
    frame = np.array([milliseconds(time) for time, _ in shown], np.int64)
    seen = [f"{place}/{time}/{name}" for time, name in shown]
    files = {time: _names(folder / time) for time, _ in shown}
    masks = [_first(view, files[time], MASKS) for view, (time, _) in zip(seen, shown, strict=True)]
    depth = [_first(view, files[time], DEPTH) for view, (time, _) in zip(seen, shown, strict=True)]
    masked, deep = (np.array([p is not None for p in paths], bool) for paths in (masks, depth))
    return image_columns(
        unit,
        [f"{view}.color.jpg" for view in seen],
        view_sizes(views, of),
        split=unit.key["split"],
        sequence=unit.key["sequence"],
        frame=frame,
        cluster=unit.key["sequence"],
        timestamp=frame / 1000,
        mask_path=nullable(text(masks), masked) if masked.any() else None,
        mask_scale=1 / 255 if masked.any() else None,  # above 127 is the person
        depth_path=nullable(text(depth), deep) if deep.any() else None,
        depth_scale=MM if deep.any() else None,
        depth_invalid=NOTHING if deep.any() else None,
        **view_columns(views, of),
    )


def _names(folder: Path) -> set[str]:
    """Of the files of one moment; none where nothing is of it but fits of 30 a second."""
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _first(view: str, there: set[str], endings: Sequence[str]) -> str | None:
    """The map of a picture by the first ending of which there is a file."""
    name = view.rpartition("/")[2]
    return next((f"{view}.{end}" for end in endings if f"{name}.{end}" in there), None)
