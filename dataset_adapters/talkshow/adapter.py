"""TalkSHOW's SHOW: a pickle a clip; SMPL-X before a camera that only shifts and turns nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.files import read_pickle
from ehpsbench.dataset_adapters.identity import person_identity, repeat
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import WHOLE_BODY, Labels, body_columns, validity
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["read", "units"]

FPS = 30.0
CLIPS = "[cos][lhoe]*[rynh]/*/**/*.pkl"  # below chemistry, conan, oliver and seth
SPLITS = ("train", "val", "test")
UNSPLIT = "train"  # clips as downloaded, before the owners' apply_split.py
PARTS = {  # name of the schema → of the file, and how many numbers a frame; None: any
    "global_orient": ("global_orient", 3),
    "body_pose": ("body_pose_axis", 63),
    "left_hand_pose": ("left_hand_pose", None),
    "right_hand_pose": ("right_hand_pose", None),
    "jaw_pose": ("jaw_pose", 3),
    "leye_pose": ("leye_pose", 3),
    "reye_pose": ("reye_pose", 3),
    "expression": ("expression", None),
    "betas": ("betas", None),
    "transl": ("transl", 3),
}
# the owners' renderer looks along z with x and y the other way round
PYTORCH3D = np.array([-1.0, -1.0, 1.0])


def units(release: Release) -> Iterator[Unit]:
    """One unit per clip, divided by the owners' script (a folder a split) or not."""
    for path in release.find(CLIPS):
        speaker, video, *below = path.relative_to(release.root).parts
        split = below[0] if below[0] in SPLITS else UNSPLIT
        key = {"split": split, "speaker": speaker, "video": video}
        yield Unit(f"{speaker}/{video}/{path.stem}", release, (path,), key)


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The speaker of one clip in the camera frame.

    Raises:
        InputError: the file is broken, or lacks something, or its frames do not fit.
    """
    path = unit.files[0]
    content = read_pickle(path)
    try:
        data = content[0] if isinstance(content, list | tuple) else content
        fit = _fit(data)
        images = _images(unit, data, len(fit["transl"]))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"{path} is no clip of SHOW ({type(error).__name__}: {error}). Expected "
            f"{', '.join(name for name, _ in PARTS.values())}, camera_transl, focal_length, "
            "center, width and height."
        ) from error
    shown = _shown(unit, len(images["frame"]))
    images = {name: values[shown] for name, values in images.items()}
    count, speaker = len(shown), unit.key["speaker"]
    columns = person_identity(images, np.arange(count), [speaker] * count)
    columns |= {"subject": repeat(speaker, count), "track": repeat(speaker, count)}
    columns["source_row"] = shown
    fit = {name: values[shown] for name, values in fit.items()}
    columns |= body_columns(fit, "neutral", Labels.of(unit.release.card), bodies)
    columns |= validity(count, WHOLE_BODY, camera=False)  # a focal length is assumed
    columns["bbox"] = joint_boxes(columns, bodies, unit.release.root)
    return Instances(columns, images)


def _fit(data: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Parameters of F frames by the schema's names, in the camera frame.

    The camera turns nothing in OpenCV's axes, so that no pelvis is in the way of its shift.
    """
    count = len(np.asarray(data["transl"]))
    if int(data.get("batch_size", count)) != count:
        raise ValueError(f"{count} frames of transl, batch_size {data['batch_size']}")
    fit = {}
    for name, (key, size) in PARTS.items():
        values = np.asarray(data[key], np.float64)
        if name == "betas":  # of the clip, (1, 300) or (300,)
            fit[name] = np.broadcast_to(values.reshape(1, -1), (count, values.size))
            continue
        fit[name] = values.reshape(count, size or int(np.prod(values.shape[1:])))
    fit["transl"] = fit["transl"] + PYTORCH3D * np.asarray(data["camera_transl"]).reshape(3)
    return fit


def _images(unit: Unit, data: Mapping[str, Any], count: int) -> dict[str, NDArray[Any]]:
    """The frames of a clip, which users cut from the video, numbered from 1."""
    frame = np.arange(1, count + 1)
    folder = unit.release.relative(unit.files[0].with_suffix(""))
    return image_columns(
        unit,
        [f"{folder}/{number:06d}.png" for number in frame],
        (int(data["width"]), int(data["height"])),
        split=unit.key["split"],
        sequence=unit.name,
        frame=frame,
        cluster=f"{unit.key['speaker']}/{unit.key['video']}",
        focal=float(np.asarray(data["focal_length"]).reshape(-1)[0]),
        principal_point=np.asarray(data["center"], np.float64).reshape(2),
        fps=FPS,
        source_row=frame - 1,
    )


def _shown(unit: Unit, count: int) -> NDArray[np.int64]:
    """Rows of a clip that count: all, or none where its video was cut to other frames.

    Videos vanish and are encoded anew; the owners' users skip such clips, too.
    """
    found = len(list(unit.files[0].with_suffix("").glob("*.png")))
    return np.arange(count if found in (0, count) else 0)
