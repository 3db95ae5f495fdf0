"""The people of a benchmark and their labelled keypoints, image by image."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.evaluation.keypoints2d.joints import coco_joints, stored_joints
from ehpsbench.evaluation.keypoints2d.rules import Keypoints2dProtocol
from ehpsbench.schema import from_arrow, present

if TYPE_CHECKING:
    from ehpsbench.store import Store

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
BOX_SHARE = 0.53  # of the box, that a body covers on average: CrowdPose's area


@dataclass(frozen=True, slots=True)
class Images:
    """The images of a split, in the order in which equal scores are ranked.

    Attributes:
        ids: image_id of each.
        clusters: what a bootstrap resamples.
        names: how predictions may call them: image_id, or COCO's number → row.
    """

    ids: tuple[str, ...]
    clusters: tuple[str, ...]
    names: dict[str | int, int]


@dataclass(frozen=True, slots=True)
class Truth:
    """The people of all images, image by image.

    Attributes:
        images: of the split, with and without people.
        image: (P,) row of each person's image, ascending.
        person: (P,) instance_id, or the annotation's id.
        points: (P, K, 3) x, y [px], and above 0 where labelled.
        box: (P, 4) x, y, w, h [px].
        area: (P,) [px²].
        crowd: (P,) regions of many people.
        left_out: (P,) people who need not be found.
        reasons: how many are left out for what.
    """

    images: Images
    image: NDArray[np.int64]
    person: NDArray[np.object_]
    points: Floats
    box: Floats
    area: Floats
    crowd: Flags
    left_out: Flags
    reasons: dict[str, int]


def truth_of(store: Store, rules: Keypoints2dProtocol) -> Truth:
    """The people whom a protocol scores.

    Raises:
        InputError: the split has no labelled 2D keypoints, or they cannot be used.
        MissingFiles: the release's annotation file is not there.
    """
    found = _stored(store, rules) if rules.truth == "store" else _annotated(store, rules)
    if not (found.points[~found.left_out][..., 2] > 0).any():
        raise InputError(
            f"{rules.dataset}/{rules.split} has no labelled 2D keypoints of the joints "
            f"{rules.joints}. Projections of its bodies are not labels and are not scored; choose "
            "a benchmark on keypoints that the release labels, or one on meshes."
        )
    return found


def _stored(store: Store, rules: Keypoints2dProtocol) -> Truth:
    wanted = ("instance_id", "image_id", "cluster", "bbox", "keypoints2d", *rules.flags)
    rows = store.instances(rules.dataset, rules.split, wanted)
    images = _stored_images(store, rules, rows)
    order = np.array([images.names[name] for name in rows["image_id"].to_pylist()], np.int64)
    rows = rows.take(pa.array(np.argsort(order, kind="stable")))
    columns, count = from_arrow(rows), rows.num_rows
    points = np.zeros((count, 144 * 3))
    if "keypoints2d" in columns:
        here = present(columns["keypoints2d"])
        points[here] = np.ma.getdata(columns["keypoints2d"])[here]
    joints = stored_joints(points, rules.joints)
    flagged = np.ones(count, bool)
    for flag in rules.flags:
        values = columns.get(flag, np.zeros(count, bool))
        flagged &= np.asarray(present(values) & np.ma.getdata(values).astype(bool))
    box = _boxes(columns.get("bbox"), rows, rules)
    return Truth(
        images,
        np.sort(order),
        np.asarray(rows["instance_id"].to_pylist(), object),
        joints,
        box,
        np.asarray(box[:, 2] * box[:, 3] * BOX_SHARE),
        np.zeros(count, bool),
        *_left_out(joints, np.zeros(count, bool), flagged),
    )


def _boxes(box: NDArray[Any] | None, rows: pa.Table, rules: Keypoints2dProtocol) -> Floats:
    here = np.zeros(rows.num_rows, bool) if box is None else present(box)
    if box is None or not here.all():
        first = rows["instance_id"][int(np.argmin(here))].as_py()
        raise InputError(
            f"{int((~here).sum())} people of {rules.dataset}/{rules.split} have no bbox, for "
            f"example {first}; its size is what errors in pixels are measured by. Ingest the "
            "dataset with an adapter that fills it."
        )
    return np.asarray(np.ma.getdata(box), np.float64).reshape(-1, 4)


def _left_out(points: Floats, crowd: Flags, flagged: Flags) -> tuple[Flags, dict[str, int]]:
    labelled = (points[..., 2] > 0).any(1)
    reasons = {
        "crowd": crowd,
        "flags": ~flagged & ~crowd,
        "no labelled keypoint": ~labelled & flagged & ~crowd,
    }
    counts = {name: int(who.sum()) for name, who in reasons.items() if who.any()}
    return crowd | ~flagged | ~labelled, counts


def _stored_images(store: Store, rules: Keypoints2dProtocol, rows: pa.Table) -> Images:
    """The images of a split in the order of their COCO numbers, or else of their ids."""
    wanted = ("image_id", "cluster", "image_path")
    table = store.images(rules.dataset, rules.split, wanted).to_pylist()
    found = {r["image_id"]: (r["cluster"] or r["image_id"], r["image_path"]) for r in table}
    people = rows.select(["image_id", "cluster"]).to_pylist()
    for row in people:
        found.setdefault(row["image_id"], (row["cluster"] or row["image_id"], None))
    numbers = {name: _number(path) for name, (_, path) in found.items()}
    counts = Counter(numbers.values())
    unique = all(n is not None and counts[n] == 1 for n in numbers.values())
    ids = sorted(found, key=lambda name: (numbers[name] or 0, name) if unique else (0, name))
    names: dict[str | int, int] = {name: row for row, name in enumerate(ids)}
    if unique:
        names |= {numbers[name] or 0: row for row, name in enumerate(ids)}
    return Images(tuple(ids), tuple(found[name][0] for name in ids), names)


def _number(path: str | None) -> int | None:
    """The number that COCO calls an image by, from a name like 000000000139.jpg."""
    stem = "" if path is None else PurePosixPath(path).stem
    return int(stem) if stem.isdecimal() else None


def _annotated(store: Store, rules: Keypoints2dProtocol) -> Truth:
    """The people of a COCO annotation file; areas, crowds and visibility are the owners'."""
    path = store.release_root(rules.dataset) / str(rules.annotations)
    found = _read(path)
    images = _annotated_images(store, rules, found["images"], path)
    people = sorted(
        (a for a in found["annotations"] if a.get("category_id", 1) == 1),
        key=lambda a: images.names.get(a["image_id"], -1),
    )
    if people and people[0]["image_id"] not in images.names:
        raise InputError(
            f"{path}: annotation {people[0]['id']} is of image {people[0]['image_id']}, which the "
            "file does not list."
        )
    where = [f"{path}, annotation {a['id']}" for a in people]
    points = [coco_joints(a, rules.joints, w) for a, w in zip(people, where, strict=True)]
    joints = np.asarray(points, np.float64).reshape(len(people), -1, 3)
    box = np.asarray([a["bbox"] for a in people], np.float64).reshape(-1, 4)
    area = np.asarray(box[:, 2] * box[:, 3] * BOX_SHARE)
    if rules.detections is not None and rules.detections.area == "annotation":
        area = np.asarray([a["area"] for a in people], np.float64)
    crowd = np.asarray([a.get("iscrowd", 0) for a in people], bool)
    return Truth(
        images,
        np.asarray([images.names[a["image_id"]] for a in people], np.int64),
        np.asarray([str(a["id"]) for a in people], object),
        joints,
        box,
        area,
        crowd,
        *_left_out(joints, crowd, np.ones(len(people), bool)),
    )


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise MissingFiles(f"The annotations {path} are missing; the protocol scores against them.")
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        people, images = found["annotations"], found["images"]
        keys = ({*("id", "image_id", "bbox", "area")} - set(a) for a in people)
        if lacking := next((k for k in keys if k), None):
            raise InputError(f"{path}: an annotation lacks {sorted(lacking)}.")
        if not all("id" in image for image in images):
            raise InputError(f"{path}: an image lacks its id.")
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a COCO annotation file ({error!r}).") from error
    return found


def _annotated_images(
    store: Store, rules: Keypoints2dProtocol, listed: list[dict[str, Any]], path: Path
) -> Images:
    """The file's images in the order of their numbers, as the official code ranks equal scores."""
    table = store.images(rules.dataset, rules.split, ("image_id", "cluster", "image_path"))
    table = table.filter(pc.is_valid(table["image_path"]))
    stored = {PurePosixPath(r["image_path"]).name: r for r in table.to_pylist()}
    listed = sorted(listed, key=lambda image: int(image["id"]))
    ids, clusters = [], []
    names: dict[str | int, int] = {}
    for row, image in enumerate(listed):
        file = PurePosixPath(str(image.get("file_name", f"{int(image['id']):012d}.jpg"))).name
        if file not in stored:
            raise InputError(
                f"{path} lists the image {file}, which {rules.dataset}/{rules.split} of the store "
                "lacks. Score the split that the file belongs to, or ingest it whole."
            )
        name = stored[file]["image_id"]
        ids.append(name)
        clusters.append(stored[file]["cluster"] or name)
        names |= {int(image["id"]): row, name: row}
    return Images(tuple(ids), tuple(clusters), names)
