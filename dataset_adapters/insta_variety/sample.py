"""A miniature InstaVariety: NeuralAnnot's training crops, and a record file of test tracks."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.insta_variety.adapter import CROPS, FITS, INSTA_25, SIDE
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.joblib_sample import save_joblib
from ehpsbench.dataset_adapters.readers.neural_annot_sample import neural_annot_entries
from ehpsbench.dataset_adapters.readers.tfrecord_sample import save_records
from ehpsbench.dataset_adapters.sampling import FLAT_GREY, Order
from ehpsbench.dataset_adapters.truth import Truth

FILMING = Filming(size=(SIDE, SIDE), moving=True)
VIDEOS = (("train", "dance/BQ1"), ("train", "yoga/BR2"), ("test", "dance/BS3"), ("test", "gym/BT4"))
RECORD = "insta_variety_00_copy00_hmr_noS5.ckpt-642561"
PREFIX = "/data2/Data/instagram_download/frames_raw"
NO_FIT = (0, 0)  # clip and frame
FIRST, STEP = 17, 100


def write(order: Order, source: str = "neuralannot") -> Truth:
    """Write a miniature release; `source` "owners": the training part as record files too."""
    broken = FILMING.broken if source == "neuralannot" else ()  # the rules are about bodies
    filming = replace(FILMING, broken=broken)
    mini = Miniature(order, catalogue.card("insta_variety"), filming)
    clips = mini.clips(VIDEOS)
    fitted = [c for c in clips if c.split == "train" and source == "neuralannot"]
    if fitted:
        _fits(mini, fitted)
    for split in ("train", "test"):
        _records(mini, split, [c for c in clips if c.split == split and c not in fitted])
    return mini.save()


def _fits(mini: Miniature, clips: Sequence[Clip]) -> None:
    """NeuralAnnot's files; the first crop has no fit."""
    names: list[str] = []
    boxes: list[Any] = []
    fits: dict[str, Any] = {}
    for clip in clips:
        entries, box = neural_annot_entries(clip), clip.box()
        for frame in range(len(clip)):
            key, name = len(names), f"{clip.name}/{FIRST + frame:06d}.jpg"
            bare = mini.whole and (clip.index, frame) == NO_FIT
            if not bare:
                fits[str(key)] = entries[frame]
            names.append(name)
            boxes.append(box[frame])
            mini.picture(f"images/{name}", clip, frame)
            place = f"train/{clip.name.replace('/', ':')}/0/{FIRST + frame}/{key}"
            mini.note(place, clip, frame, body=not bare)
    crops = {
        "ann_id": list(range(len(names))),
        "file_name": names,
        "img_shape": np.tile([SIDE, SIDE], (len(names), 1)),
        "bbox": np.asarray(boxes, np.float32),
    }
    save_joblib(mini.order.root / CROPS, crops)
    save_json(mini.order.root / FITS, fits)


def _records(mini: Miniature, split: str, clips: Sequence[Clip]) -> None:
    """A record file of a track a clip; the second one has pixels and lacks the toes."""
    examples = []
    for index, clip in enumerate(clips):
        points = clip.keypoints(INSTA_25).copy()
        points[..., :2] = points[..., :2].astype(np.float32)
        if index % 2:
            points[:, 19:] = 0.0
        examples.append(_example(mini, clip, points, in_pixels=bool(index % 2)))
        for frame in range(len(clip)):
            picture = f"images/{split}/{RECORD}/{index:05d}/{frame:06d}.jpg"
            mini.picture(picture, clip, frame)
            place = f"{clip.name.replace('/', ':')}:00-{index}/0/{_frame(index, frame)}/00-{index}"
            seen = (points[frame], INSTA_25)
            mini.note(f"{split}/{place}", clip, frame, keypoints=seen, body=False)
    if examples:
        save_records(mini.order.root / f"{split}/{RECORD}.tfrecord", examples)


def _frame(index: int, frame: int) -> int:
    return STEP * index + frame


def _example(mini: Miniature, clip: Clip, points: Any, *, in_pixels: bool) -> dict[str, Any]:
    """The owners' record, with what is there and all zero."""
    count, index = len(clip), VIDEOS.index((clip.split, clip.name)) % 2
    rows = points.transpose(0, 2, 1).copy()  # (F, 3, 25)
    if not in_pixels:
        rows[:, :2] = rows[:, :2] / SIDE * 2 - 1
    names = [f"{PREFIX}/{clip.name}/{_frame(index, f):06d}.jpg".encode() for f in range(count)]
    example: dict[str, Any] = {
        "meta/N": np.array([count]),
        "image/encoded": [_jpeg()] * count,
        "image/filenames": names,
        "image/heightwidths": np.tile([SIDE, SIDE], count),
        "image/centers": np.tile([SIDE // 2 - 3, SIDE // 2 + 5], count),
        "image/xys": rows[:, :2, :14].astype(np.float32),
        "image/visibilities": rows[:, 2, :14].astype(np.int64),
        "image/face_pts": rows[:, :, 14:19].astype(np.float32),
        "mosh/shape": np.zeros(10, np.float32),
        "mosh/poses": np.zeros(72 * count, np.float32),
    }
    if not in_pixels:
        example["image/phis"] = np.full((count, 2048), 0.5, np.float32)
        example["image/toe_pts"] = rows[:, :, 19:].astype(np.float32)
    return example


def _jpeg() -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), FLAT_GREY).save(stream, "JPEG")
    return stream.getvalue()
