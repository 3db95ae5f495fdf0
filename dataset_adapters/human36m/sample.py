"""A miniature Human3.6M: an action of each subject before four cameras, fits in a world."""

from __future__ import annotations

from typing import Any

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.human36m.adapter import FITS
from ehpsbench.dataset_adapters.human36m.owners_sample import write_owners
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.neural_annot_sample import neural_annot_entries
from ehpsbench.dataset_adapters.readers.studio_sample import (
    nested,
    seen_by,
    studio_camera,
    studio_points,
)
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.traits import Traits
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.skeleton.sources import H36M_17, named

FILMING = Filming(size=(1000, 1000), views=4, broken=("finite", "ranges", "angles"))
ACTIONS = (("train", "1/2/1"), ("train", "5/16/2"), ("test", "9/5/1"))  # subject, action, subaction
STEP = 5  # frames; the parsed images are every fifth of the video
BARE = ("5/16/2", 0)  # a frame without a fit
STAND_IN: tuple[int, ...] = named(  # joints of SMPL near those of Human3.6M
    "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle spine_2 neck head head "
    "left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist"
)


def write(order: Order, source: str = "smplx") -> Truth:
    """Write a miniature release with fits of SMPL-X or SMPL, or as the owners ship it."""
    if source == "owners":
        return write_owners(order, STAND_IN)
    card = catalogue.card("human36m")
    smpl = Traits.of(card, family="smpl", hands="none")
    mini = Miniature(order, card, FILMING, smpl if source == "smpl" else None)
    kinds = ("camera", "joint_3d", FITS[source == "smpl"])
    for clip in mini.clips(ACTIONS, fewest=2):
        stem = f"annotations/Human36M_subject{clip.name.partition('/')[0]}"
        for kind, table in zip(kinds, _tables(mini, clip), strict=True):
            save_json(order.root / f"{stem}_{kind}.json", table)
        save_json(order.root / f"{stem}_data.json", _data(mini, clip))
    return mini.save()


def _tables(mini: Miniature, clip: Clip) -> tuple[dict[str, Any], ...]:
    """Cameras, joints and fits; the cameras of a subject stay where they are."""
    cameras: dict[str, Any] = {}
    joints: dict[str, Any] = {}
    fits: dict[str, Any] = {}
    points, entries = studio_points(clip, STAND_IN), neural_annot_entries(clip, 0, None, flat=True)
    for frame in range(len(clip)):
        place = (*clip.name.split("/")[1:], STEP * frame)
        nested(joints, place, points[frame])
        if not _bare(mini, clip, frame):
            nested(fits, place, entries[frame])
    for view in range(FILMING.views):
        nested(cameras, (view + 1,), studio_camera(clip, view, ("f", "c")))
    return cameras, joints, fits


def _bare(mini: Miniature, clip: Clip, frame: int) -> bool:
    """One frame has no fit."""
    return mini.whole and (clip.name, frame) == BARE


def _data(mini: Miniature, clip: Clip) -> dict[str, Any]:
    """Images and people of all views; files count from 1, frames from 0."""
    images: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    for view in range(FILMING.views):
        points, boxes = seen_by(clip, STAND_IN, view), clip.box(0, view)
        for frame in range(len(clip)):
            image = _image(mini, clip, frame, view) | {"id": len(images)}
            images.append(image)
            person = {"id": len(people), "image_id": image["id"], "bbox": boxes[frame]}
            people.append(person | {"keypoints_vis": points[frame, :, 2]})
            action = f"act_{image['action_idx']:02d}_subact_{image['subaction_idx']:02d}"
            subject = f"S{image['subject']}"
            key = f"{clip.split}/{subject}:{action}/{view + 1}/{STEP * frame}/{subject}"
            body = not _bare(mini, clip, frame)
            mini.note(key, clip, frame, 0, view, keypoints=(points[frame], H36M_17), body=body)
    return {"images": images, "annotations": people}


def _image(mini: Miniature, clip: Clip, frame: int, view: int) -> dict[str, Any]:
    subject, action, subaction = map(int, clip.name.split("/"))
    video = f"s_{subject:02d}_act_{action:02d}_subact_{subaction:02d}_ca_{view + 1:02d}"
    name = f"{video}/{video}_{STEP * frame + 1:06d}.jpg"
    mini.picture(f"images/{name}", clip, frame, view)
    camera = clip.camera(frame, view)
    return {
        "file_name": name,
        "width": camera.width,
        "height": camera.height,
        "subject": subject,
        "action_idx": action,
        "subaction_idx": subaction,
        "cam_idx": view + 1,
        "frame_idx": STEP * frame,
    }
