"""3DPW as Moon's projects parse it, with NeuralAnnot's SMPL-X: a JSON a split, in camera frames.

The parsed file has SMPL too (`smpl_param`), but puts gendered bodies where neutral ones would turn
about their pelvis: that is not read, the sequence files have it right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import spread, validity
from ehpsbench.dataset_adapters.pw3d.joints import joint_columns
from ehpsbench.dataset_adapters.readers.coco import Coco, Records, image_sizes, read_coco
from ehpsbench.dataset_adapters.readers.neural_annot import neural_annot_columns
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["parsed_units", "read_parsed"]

SPLITS = ("train", "validation", "test")
LABELS, FITS = "3DPW_{}.json", "3DPW_{}_SMPLX_NeuralAnnot.json"
FPS = 30.0


def parsed_units(release: Release) -> Iterator[Unit]:
    """One unit per split, with its fits if they are there."""
    for split in SPLITS:
        for labels in release.find(f"data/{LABELS.format(split)}"):
            fits = labels.with_name(FITS.format(split))
            files = (labels, fits) if fits.is_file() else (labels,)
            needs = ("smplx/neutral",) if len(files) > 1 else ()
            yield Unit(split, release, files, {"split": split, "parsed": True}, needs)


def read_parsed(unit: Unit, bodies: BodySet) -> Instances:
    """The people of one split; who has no fit has joints only.

    Raises:
        InputError: a file is broken; names it.
    """
    path = unit.files[0]
    coco = read_coco(path)
    people = coco.annotations
    try:
        images = _images(unit, coco)
        columns = person_identity(images, coco.image, [a["person_id"] for a in people])
        pairs = zip(columns["sequence"], columns["person"], strict=True)
        columns["subject"] = columns["track"] = text(f"{where}/{who}" for where, who in pairs)
        columns["subject_gender"] = text(a.get("smpl_param", {}).get("gender") for a in people)
        joints, detected = _table(people, "joint_cam", 24), _table(people, "openpose_result", 18)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} is not a parsed split of 3DPW ({type(error).__name__}: {error}). Expected "
            "images with sequence, frame_idx, width, height and cam_param, and people with "
            "person_id, 24 joints in joint_cam and 18 in openpose_result."
        ) from error
    everybody = np.ones(len(people), bool)  # who was not aligned with the camera is not in it
    columns |= joint_columns(joints, everybody, detected, columns)
    columns |= validity(len(people), (), owner=everybody) | _bodies(unit, people, bodies)
    return Instances(columns | {"source_row": np.arange(len(people))}, images)


def _images(unit: Unit, coco: Coco) -> dict[str, NDArray[Any]]:
    folder = unit.release.relative(unit.files[0].parent)
    frame = [int(number) for number in coco.of_images("frame_idx")]
    sequence = [str(name) for name in coco.of_images("sequence")]
    names = [
        image.get("file_name") or f"image_{number:05d}.jpg"
        for image, number in zip(coco.images, frame, strict=True)
    ]
    lens = coco.of_images("cam_param")
    return image_columns(
        unit,
        [f"{folder}/imageFiles/{s}/{name}" for s, name in zip(sequence, names, strict=True)],
        image_sizes(coco),
        split=unit.key["split"],
        sequence=sequence,
        frame=frame,
        cluster=sequence,
        focal=np.asarray([c["focal"] for c in lens], np.float64).reshape(-1, 2),
        principal_point=np.asarray([c["princpt"] for c in lens], np.float64).reshape(-1, 2),
        fps=FPS,
        source_row=np.arange(len(frame)),
    )


def _table(people: Records, key: str, count: int) -> NDArray[np.float64]:
    values = np.asarray([person[key] for person in people], np.float64)
    return values.reshape(len(people), count, 3)


def _bodies(unit: Unit, people: Records, bodies: BodySet) -> dict[str, NDArray[Any]]:
    """SMPL-X by annotation id; its camera is that of the image, so that depth is metric."""
    if len(unit.files) < 2:
        return {}
    path = unit.files[1]
    fits = read_json(path)
    try:
        fitted = np.asarray([str(person["id"]) in fits for person in people], bool)
        entries = [fits[str(person["id"])] for person in people if str(person["id"]) in fits]
        if not entries:
            return {}
        found = neural_annot_columns(entries, bodies)
    except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is not a file of NeuralAnnot: {error}") from error
    return spread(found | validity(len(entries), ("body", "shape", "camera")), fitted)
