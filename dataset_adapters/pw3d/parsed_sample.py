"""Writes 3DPW as Moon's projects parse it, with NeuralAnnot's SMPL-X of most people."""

from __future__ import annotations

from typing import Any

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.pw3d.parsed import FITS, LABELS
from ehpsbench.dataset_adapters.readers.neural_annot_sample import neural_annot_entries
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.traits import Traits
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.skeleton.sources import OPENPOSE_18, SMPL_24

FILMING = Filming(actors=2, moving=True, broken=("finite", "ranges", "angles"))
CLIPS = (("train", "courtyard_box_00"), ("validation", "downtown_cafe_00"), ("test", "office_00"))


def write_parsed(order: Order) -> Truth:
    """Write a miniature of the parsed splits."""
    card = catalogue.card("pw3d")
    traits = Traits.of(card, family="smplx", genders=("neutral",), hands="relative")
    mini = Miniature(order, card, FILMING, traits)
    for clip in mini.clips(CLIPS):
        _split(mini, clip)
    return mini.save()


def _split(mini: Miniature, clip: Clip) -> None:
    """One video is a split; ids of images and people go on over all actors."""
    content: dict[str, Any] = {"images": [_image(mini, clip, f) for f in range(len(clip))]}
    content["annotations"], fits = [], {}
    for actor in range(clip.actors):
        entries = neural_annot_entries(clip, actor, flat=True)
        for frame, person in enumerate(_people(mini, clip, actor)):
            content["annotations"].append(person)
            if not _bare(mini, clip, frame, actor):
                del entries[frame]["cam_param"]  # it is that of the image
                fits[str(person["id"])] = entries[frame]
    save_json(mini.order.root / "data" / LABELS.format(clip.split), content)
    save_json(mini.order.root / "data" / FITS.format(clip.split), fits)


def _bare(mini: Miniature, clip: Clip, frame: int, actor: int) -> bool:
    """One person of the test split has no fit."""
    return mini.whole and (clip.split, frame, actor) == ("test", 0, 1)


def _image(mini: Miniature, clip: Clip, frame: int) -> dict[str, Any]:
    """A picture and its record; some records lack the name of the file."""
    name, camera = f"image_{frame:05d}.jpg", clip.camera(frame)
    mini.picture(f"data/imageFiles/{clip.name}/{name}", clip, frame)
    lens = {"focal": camera.focal, "princpt": camera.principal_point}
    record = {"id": frame, "sequence": clip.name, "frame_idx": frame, "cam_param": lens}
    record |= {"width": camera.width, "height": camera.height}
    return record | ({"file_name": name} if frame % 2 else {})


def _people(mini: Miniature, clip: Clip, actor: int) -> list[dict[str, Any]]:
    points, boxes = clip.keypoints(OPENPOSE_18, actor), clip.box(actor)
    joints = clip.points3d(SMPL_24, actor, 0).copy()
    joints[..., :3] = np.where(joints[..., 3:] > 0, joints[..., :3], joints[:, 20:21, :3])
    people: list[dict[str, Any]] = []
    for frame in range(len(clip)):
        bare = _bare(mini, clip, frame, actor)
        mini.note(
            f"{clip.split}/{clip.name}/0/{frame}/{actor}",
            clip,
            frame,
            actor,
            keypoints=(points[frame], OPENPOSE_18),
            body=not bare,
        )
        people.append(
            {
                "id": clip.actors * frame + actor,
                "image_id": frame,
                "person_id": actor,
                "joint_cam": joints[frame, :, :3],
                "openpose_result": points[frame],
                "bbox": boxes[frame],
                "smpl_param": {"gender": ("male", "female")[actor]},
            }
        )
    return people
