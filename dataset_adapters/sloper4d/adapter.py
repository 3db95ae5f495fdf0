"""SLOPER4D: a pickle a sequence; gendered SMPL in a world, seen from the follower's head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.files import read_pickle
from ehpsbench.dataset_adapters.identity import person_identity, repeat
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import (
    BODY_ONLY,
    Labels,
    body_columns,
    split_pose,
    validity,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.dataset_adapters.sloper4d.cameras import extrinsics, lens
from ehpsbench.errors import InputError
from ehpsbench.schema import Columns, Instances, nullable, present
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import COCO_17

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

PERSON = "second_person"
SPLIT = "all"  # the owners have none


def units(release: Release) -> Iterator[Unit]:
    """One unit per sequence."""
    for path in release.find("seq*/*_labels.pkl"):
        yield Unit(path.parent.name, release, (path,))


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The followed person of one sequence, in every frame that has an image.

    Raises:
        InputError: the file is broken, or lacks something.
    """
    data = read_pickle(unit.files[0])
    try:
        rows = _pictured(data)
        images = _images(unit, data, rows)
        count = len(rows)
        if not count:  # a sequence that is not synchronised with its video
            return Instances({}, images)
        columns = person_identity(images, np.arange(count), [PERSON] * count)
        columns |= {"track": repeat(PERSON, count), "source_row": rows}
        person, gender = data[PERSON], str(data[PERSON]["gender"])
        betas = np.asarray(person["beta"], np.float64)
        fit = {
            **split_pose(np.asarray(person["opt_pose"])[rows], "smpl"),
            "transl": np.asarray(person["opt_trans"])[rows],  # `trans` is from before the fit
            "betas": betas[rows] if betas.ndim == 2 else betas,
        }
        labels = Labels.of(unit.release.card)
        columns |= body_columns(fit, gender, labels, bodies, world=columns)
        columns |= {"subject_gender": columns["gender"], **validity(count, BODY_ONLY)}
        columns |= _detected(data["RGB_frames"], rows)
        columns["bbox"] = _boxes(columns, bodies, unit.release.root)
        return Instances(columns, images)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"{unit.files[0]} is not a sequence of SLOPER4D ({type(error).__name__}: {error}). "
            "Expected first_person, second_person with opt_pose, opt_trans, beta and gender, and "
            "RGB_frames with file_basename, bbox and skel_2d."
        ) from error


def _pictured(data: Mapping[str, Any]) -> NDArray[np.int64]:
    """Rows with an image, of those that count: arrays may go on past `total_frames`."""
    total = int(data.get("total_frames") or len(data["frame_num"]))
    names = (data.get("RGB_frames") or {}).get("file_basename", [])[:total]
    return np.flatnonzero(np.asarray([bool(name) for name in names], bool))


def _images(
    unit: Unit, data: Mapping[str, Any], rows: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """A synchronised frame a row, by the owners' frame number."""
    camera, size = lens(data)
    names: Sequence[str] = (data.get("RGB_frames") or {}).get("file_basename", [])
    pose = extrinsics(data, len(names))[rows] if len(rows) else np.empty((0, 4, 4))
    return image_columns(
        unit,
        [f"{unit.name}/rgb_data/{unit.name}_imgs/{names[row]}" for row in rows],
        size,
        split=SPLIT,
        sequence=unit.name,
        frame=np.asarray(data["frame_num"], np.int64)[rows],
        cluster=unit.name,
        focal=camera[:2],
        principal_point=camera[2:],
        world_rotation=pose[:, :3, :3],
        world_translation=pose[:, :3, 3],
        fps=float(data["framerate"]),
        source_row=rows,
    )


def _boxes(columns: Columns, bodies: BodySet, root: Path) -> NDArray[Any]:
    """The detector's boxes, and around the joints of whom it did not see."""
    found = columns["bbox"]
    unseen = ~present(found)
    if not unseen.any():
        return found
    tight = joint_boxes({name: values[unseen] for name, values in columns.items()}, bodies, root)
    boxes, known = np.array(np.ma.getdata(found)), ~unseen
    boxes[unseen], known[unseen] = np.ma.getdata(tight), present(tight)
    return nullable(boxes, known)


def _detected(frames: Mapping[str, Any], rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Box and keypoints of the detectors; an empty list is a person they did not see."""
    boxes, points = ([frames[key][row] for row in rows] for key in ("bbox", "skel_2d"))
    boxed = np.asarray([len(box) > 0 for box in boxes], bool)
    seen = np.asarray([len(found) > 0 for found in points], bool)
    corners = np.zeros((len(rows), 4))
    joints = np.zeros((len(rows), len(COCO_17), 3))
    for row in np.flatnonzero(boxed):
        corners[row] = np.asarray(boxes[row], np.float64)[:4]
    for row in np.flatnonzero(seen):
        joints[row] = points[row]
    box = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1)
    columns = keypoint_columns(2, (joints, COCO_17))
    columns = {name: nullable(values, seen) for name, values in columns.items()}
    return columns | {"bbox": nullable(box, boxed)}
