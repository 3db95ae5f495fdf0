"""A COCO result json → detections, one object at a time: the file is never held whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.keypoints2d.joints import PART_SCORES, coco_joints
from ehpsbench.evaluation.keypoints2d.rules import Joints
from ehpsbench.evaluation.keypoints2d.truth import Images
from ehpsbench.evaluation.other_kinds import kind_of

Floats = NDArray[np.float64]
BLOCK = 1 << 20
PERSON = 1  # COCO's category
RESULTS, IMAGES = "predictions.json", "images.json"


@dataclass(frozen=True, slots=True)
class Submitted:
    """Detections of all images, in the order of the file within each.

    Attributes:
        image: (N,) row of each detection's image, ascending.
        person: (N,) instance_id that the detection claims to be; None where it claims none.
        points: (N, K, 3) x, y [px] and confidence.
        score: (N,) of the detection.
        part_scores: group → (N,) its own score, the detection's where it has none.
        area: (N,) of the given box, or of the box around the joints [px²].
        unused: of other categories than people.
    """

    image: NDArray[np.int64]
    person: NDArray[np.object_]
    points: Floats
    score: Floats
    part_scores: dict[str, Floats]
    area: Floats
    unused: int


def submitted(path: Path, images: Images, joints: Joints) -> Submitted:
    """The detections in a COCO result json.

    Args:
        path: the file: a list of {image_id, category_id, keypoints, score} with foot_kpts,
            face_kpts, lefthand_kpts, righthand_kpts for the whole body; or a folder with it as
            predictions.json and, where image ids are numbers that file names do not tell,
            images.json: {"number": "image_id", …}.
        images: of the benchmark. An image is called by its image_id in the store or its COCO
            number.
        joints: which are scored.

    Raises:
        InputError: broken JSON, an unknown image, a missing part, or values that are not finite.
    """
    names = dict(images.names)
    if path.is_dir():
        names |= _numbered(path / IMAGES, images)
        path = path / RESULTS
    rows: list[tuple[int, Any, float, list[float]]] = []
    points: list[Floats] = []
    boxes: list[float] = []
    unused, boxed = 0, None
    for number, entry in enumerate(elements(path)):
        where = f"{path}, result {number}"
        if not isinstance(entry, dict):
            raise InputError(f"{where} is no object; each is {{image_id, keypoints, score}}.")
        if entry.get("category_id", PERSON) != PERSON:
            unused += 1
            continue
        joint = coco_joints(entry, joints, where)
        scores = _scores(entry, where)
        rows.append((_image(entry, names, where), entry.get("instance_id"), scores[0], scores[1:]))
        points.append(joint)
        boxed = bool(entry.get("bbox")) if boxed is None else boxed
        boxes.append(_area(entry, joint, boxed, where))
        if not (np.isfinite(joint).all() and np.isfinite([*scores, boxes[-1]]).all()):
            raise InputError(
                f"{where} (image {entry['image_id']}) is not finite. Leave the person out, or "
                "write numbers; confidence 0 says that a joint is not there."
            )
    return _sorted(rows, points, boxes, unused=unused, joints=joints, path=path)


def _sorted(
    rows: list[tuple[int, Any, float, list[float]]],
    points: list[Floats],
    boxes: list[float],
    *,
    unused: int,
    joints: Joints,
    path: Path,
) -> Submitted:
    image = np.asarray([r[0] for r in rows], np.int64)
    order = np.argsort(image, kind="stable")
    count = {"coco17": 17, "wholebody133": 133, "hand21": 21}[joints]
    stacked = np.asarray(points, np.float64).reshape(-1, count, 3)
    if len(stacked) and np.abs(stacked[..., :2]).max() <= 2:
        raise InputError(
            f"{path}: no coordinate is beyond 2; keypoints are pixels of the original image, not "
            "shares of it."
        )
    parts = np.asarray([r[3] for r in rows], np.float64).reshape(-1, len(PART_SCORES))
    return Submitted(
        image[order],
        np.asarray([*(r[1] for r in rows), None], object)[:-1][order],
        stacked[order],
        np.asarray([r[2] for r in rows], np.float64)[order],
        {name: parts[order, i] for i, name in enumerate(PART_SCORES)},
        np.asarray(boxes, np.float64)[order],
        unused,
    )


def _image(entry: Mapping[str, Any], names: Mapping[str | int, int], where: str) -> int:
    name = entry.get("image_id")
    if not isinstance(name, str | int) or name not in names:
        known = next(iter(names), "none")
        raise InputError(
            f"{where} is of the image {name!r}, which is not scored. Images are called by their "
            f"image_id in the store, such as {known!r}, or by COCO's number; for other numbers "
            f"give a folder with {RESULTS} and {IMAGES} that maps them to image ids."
        )
    return names[name]


def _scores(entry: Mapping[str, Any], where: str) -> list[float]:
    """The detection's score, then that of each part; a part without one has the detection's."""
    try:
        score = float(entry["score"])
        return [score, *(float(entry.get(key, score)) for key in PART_SCORES.values())]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where} has no score, or one that is no number ({error!r}).") from error


def _area(entry: Mapping[str, Any], points: Floats, boxed: bool, where: str) -> float:
    """Of the box that the first detection decides on for all, as COCO's loadRes does."""
    if boxed:
        box = entry.get("bbox")
        if (
            not isinstance(box, list)
            or len(box) != 4
            or not all(isinstance(x, int | float) for x in box)
        ):
            raise InputError(f"{where} has no bbox x, y, w, h; the first result has one.")
        return float(box[2]) * float(box[3])
    body = points[:17, :2]
    return float(np.prod(body.max(0) - body.min(0)))


def _numbered(path: Path, images: Images) -> dict[str | int, int]:
    """The rows of images by the numbers of a mapping file."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {int(number): images.names[name] for number, name in found.items()}
    except (json.JSONDecodeError, AttributeError, ValueError) as error:
        raise InputError(f"{path} must be {{number: image_id}} ({error}).") from error
    except KeyError as error:
        raise InputError(f"{path} names the image {error}, which the benchmark lacks.") from error


def elements(path: Path) -> Iterator[Any]:
    """The elements of a JSON list in a file, read block by block.

    Raises:
        MissingFiles: there is no such file.
        InputError: it is not a list, not UTF-8, or broken.
    """
    if not path.is_file():
        raise MissingFiles(f"The predictions {path} are missing; expected a COCO result json.")
    decoder, first, whole = json.JSONDecoder(), True, False
    with path.open(encoding="utf-8") as file:
        buffer = _read(file, path).lstrip()
        if not buffer.startswith("["):
            raise InputError(f"{path} is not a COCO result json: that is a list of detections.")
        at = _next(buffer, 1)
        while True:
            try:
                if buffer[at : at + 1] == "]":
                    return
                element, end = decoder.raw_decode(buffer, at if first else _comma(buffer, at))
            except json.JSONDecodeError as error:
                if whole:
                    raise InputError(f"{path} is broken or cut short ({error.msg}).") from error
                more = _read(file, path)
                whole, buffer = not more, buffer[at:] + more
                at = _next(buffer, 0)
                continue
            at, first = _next(buffer, end), False
            yield element


def _read(file: TextIO, path: Path) -> str:
    try:
        return file.read(BLOCK)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text ({error.reason}) and begins like {kind_of(path)}; expected "
            "a COCO result json, which is a list of detections, not compressed."
        ) from error


def _next(buffer: str, at: int) -> int:
    """Where the next character is that is no space."""
    while at < len(buffer) and buffer[at].isspace():
        at += 1
    return at


def _comma(buffer: str, at: int) -> int:
    """Where the element after a comma begins."""
    if buffer[at : at + 1] != ",":
        raise json.JSONDecodeError("expected , or ]", buffer, at)
    return _next(buffer, at + 1)
