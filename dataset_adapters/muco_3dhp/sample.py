"""A miniature MuCo-3DHP: stills of two people in millimetres, SMPL in metres, gaps in the fits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.mpi_inf import MUCO_21
from ehpsbench.dataset_adapters.readers.neural_annot_sample import neural_annot_entries
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth

BROKEN = ("ranges", "angles", "in_front_of_camera")  # a fit that is not finite is no fit
FILMING = Filming(size=(1024, 1024), actors=2, video=False, broken=BROKEN)
SETS = ("unaugmented_set", "augmented_set")
# of the first set, the fits of (frame, actor) that are missing and that are NaN
MISSING, NAN = (0, 0), (0, 1)


def write(order: Order) -> Truth:
    """Write a miniature release."""
    mini = Miniature(order, catalogue.card("muco_3dhp"), FILMING)
    labels: dict[str, Any] = {"images": [], "annotations": []}
    fits: dict[str, Any] = {}
    for clip in mini.clips([("train", name) for name in SETS]):
        for frame in range(len(clip)):
            labels["images"].append(_image(mini, clip, frame))
        for actor in range(clip.actors):
            _people(mini, clip, actor, labels["annotations"], fits)
    save_json(order.root / "data/MuCo-3DHP.json", labels)
    save_json(order.root / "data/smpl_param.json", fits)
    return mini.save()


def _number(clip: Clip, frame: int) -> int:
    return 10_000 * clip.index + frame


def _image(mini: Miniature, clip: Clip, frame: int) -> dict[str, Any]:
    """A picture and its record; R and T lead to a world that nothing else is in."""
    name = f"{clip.name}/{frame:06d}.jpg"
    mini.picture(f"data/{name}", clip, frame)
    camera, pose = clip.camera(frame), clip.extrinsics()[frame]
    return {
        "id": _number(clip, frame),
        "file_name": name,
        "width": camera.width,
        "height": camera.height,
        "f": camera.focal.tolist(),
        "c": camera.principal_point.tolist(),
        "R": pose[:3, :3].tolist(),
        "T": (1000 * pose[:3, 3]).tolist(),
    }


def _people(
    mini: Miniature, clip: Clip, actor: int, records: list[dict[str, Any]], fits: dict[str, Any]
) -> None:
    """Annotations and fits of one actor."""
    entries = neural_annot_entries(clip, actor)
    space, pixels = clip.points3d(MUCO_21, actor, 0).copy(), clip.keypoints(MUCO_21, actor)
    boxes, pelvis = clip.box(actor), clip.joints(actor, 0)[:, :1]
    space[..., :3] = np.where(space[..., 3:] > 0, space[..., :3], pelvis)
    for frame in range(len(clip)):
        number = 10 * _number(clip, frame) + actor
        gap = (frame, actor) if mini.whole and clip.index == 0 else None
        records.append(
            {
                "id": number,
                "image_id": _number(clip, frame),
                "bbox": boxes[frame].tolist(),
                "keypoints_cam": (1000 * space[frame, :, :3]).tolist(),
                "keypoints_img": pixels[frame, :, :2].tolist(),
                "keypoints_vis": (pixels[frame, :, 2] > 0).astype(int).tolist(),
            }
        )
        if gap != MISSING:
            fits[str(number)] = entries[frame]["smpl_param"]
        if gap == NAN:
            fits[str(number)]["pose"] = [float("nan")] * 72
        mini.note(
            f"train/{clip.name}/0/{_number(clip, frame)}/{number}",
            clip,
            frame,
            actor,
            keypoints=(pixels[frame], MUCO_21),
            body=gap not in (MISSING, NAN),
        )
