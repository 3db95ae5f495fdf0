"""A miniature COCO: stills of two people with whole-body keypoints, or a list of EFT or CLIFF."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.mscoco.adapter import LABELS, SOURCES, VAL_LIST
from ehpsbench.dataset_adapters.readers.coco import WHOLE_BODY
from ehpsbench.dataset_adapters.readers.fit_lists_sample import filming_of, people_of, write_list
from ehpsbench.dataset_adapters.readers.neural_annot_sample import neural_annot_entries
from ehpsbench.dataset_adapters.sampling import Order, with_sizes
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.geometry import box_around

FILMING = Filming(size=(480, 640), actors=2, video=False)
FIRST = 1000  # number of the first image
NAME = "{0}2014/COCO_{0}2014_{{:012d}}.jpg"
ALL = tuple(joint for _, joints in WHOLE_BODY for joint in joints)
FILES = {"eft": "fits/COCO2014-All-ver01.json", "eft part": "fits/COCO2014-Part-ver01.json"}
FILES |= {"cliff": "fits/coco2014part_cliffGT.npz"}
OF_BODIES = ("id", "image_id", "bbox", "area", "iscrowd", "num_keypoints", "keypoints")
# what the second person of the first images is: (split, frame)
CROWD, BARE, HIDDEN = ("val", 0), ("train", 0), ("train", 1)


def write(order: Order, source: str = "neuralannot") -> Truth:
    """Write a miniature release whose bodies are of this source of the adapter's."""
    card = catalogue.card("mscoco")
    if source in FILES:  # the sizes of images are in the images only
        kind = source.split()[0]
        order = replace(order, images=with_sizes(order.images))
        mini = Miniature(order, card, filming_of(kind, FILMING), people_of(kind, card))
        write_list(mini, kind, FILES[source], NAME.format("train"), annotated=True)
        if kind == "eft":
            path = VAL_LIST.replace("*", "fits", 1).replace("*", "10")
            write_list(mini, kind, path, NAME.format("val"), "val", annotated=True)
        return mini.save()
    mini = Miniature(order, card, FILMING, people_of("neuralannot", card))
    if source == "neuralannot smpl":
        mini = Miniature(order, card, FILMING, people_of(source, card))
    for clip in mini.clips([("train", "train"), ("val", "val")]):
        _split(mini, clip, SOURCES[source].replace("*", "NeuralAnnot"))
    return mini.save()


def _split(mini: Miniature, clip: Clip, fits_path: str) -> None:
    labels: dict[str, Any] = {"images": [], "annotations": []}
    fits: dict[str, Any] = {}
    for frame in range(len(clip)):
        labels["images"].append(_image(mini, clip, frame))
    for actor in range(clip.actors):
        entries = neural_annot_entries(clip, actor)
        points, boxes = clip.keypoints(ALL, actor), clip.box(actor)
        for frame in range(len(clip)):
            special = (clip.split, frame) if mini.whole and actor == 1 else None
            record = _record(points[frame], boxes[frame], special)
            number = FIRST + 100_000 * actor + frame
            record |= {"id": number, "image_id": FIRST + frame}
            labels["annotations"].append(record)
            fitted = clip.split == "train" and special != BARE
            if fitted:
                fits[str(number)] = entries[frame]
            mini.note(
                f"{clip.split}/{clip.split}/0/{FIRST + frame}/{number}",
                clip,
                frame,
                actor,
                valid=special != CROWD,
                keypoints=(_points(record), ALL),
                body=fitted,
            )
    save_json(mini.order.root / LABELS[0].format(clip.split), labels)
    if clip.split == "val":
        save_json(mini.order.root / LABELS[1].format(clip.split), _of_bodies(labels))
    if clip.split == "train":
        save_json(mini.order.root / fits_path, fits)


def _of_bodies(labels: dict[str, Any]) -> dict[str, Any]:
    """COCO's own file of the same people: 17 keypoints, and what they are of."""
    people = [{key: person[key] for key in OF_BODIES} for person in labels["annotations"]]
    kind = {"id": 1, "name": "person", "supercategory": "person"}
    return {
        "images": labels["images"],
        "annotations": [person | {"category_id": 1} for person in people],
        "categories": [kind],
    }


def _image(mini: Miniature, clip: Clip, frame: int) -> dict[str, Any]:
    name = f"{FIRST + frame:012d}.jpg"
    mini.picture(f"images/{clip.split}2017/{name}", clip, frame)
    camera = clip.camera(frame)
    return {
        "id": FIRST + frame,
        "file_name": name,
        "width": camera.width,
        "height": camera.height,
        "coco_url": "",
    }


def _record(points: np.ndarray, box: np.ndarray, special: tuple[str, int] | None) -> dict[str, Any]:
    """A person of COCO-WholeBody: visibility 2 on the body, a confidence on face and hands."""
    record: dict[str, Any] = {"bbox": box.tolist(), "iscrowd": int(special == CROWD)}
    start = 0
    for key, joints in WHOLE_BODY:
        part = points[start : start + len(joints)].copy()
        start += len(joints)
        part[:, 2] *= 2.0 if key == "keypoints" else 0.75
        gone = special == CROWD or (special == HIDDEN and key == "lefthand_kpts")
        record[key] = (part * (not gone)).ravel().tolist()
        name = key.removesuffix("_kpts")
        if key in ("face_kpts", "lefthand_kpts", "righthand_kpts"):
            around = box_around(np.where(part[:, 2:] > 0, part[:, :2], np.nan))
            seen = bool(np.isfinite(around).all()) and not gone
            record[f"{name}_valid"] = seen
            record[f"{name}_box"] = around.tolist() if seen else [0.0] * 4
    body = np.reshape(record["keypoints"], (-1, 3))
    labelled = int((body[:, 2] > 0).sum())
    area = float(box[2] * box[3]) / 2  # of the silhouette, by which OKS judges distances
    return record | {"num_keypoints": labelled, "area": area, "foot_valid": True}


def _points(record: dict[str, Any]) -> np.ndarray:
    """(133, 3) as written, in the order of `WHOLE_BODY`."""
    return np.concatenate([np.reshape(record[key], (-1, 3)) for key, _ in WHOLE_BODY])
