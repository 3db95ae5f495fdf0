"""A miniature WHAC-A-Mole: HumanData files of pairs of dancers, seen by a camera that moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.humandata_sample_arrays import (
    BROKEN,
    Somebody,
    spoil,
    whole_content,
)
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.traits import Traits
from ehpsbench.dataset_adapters.truth import Truth

FILMING = Filming(size=(1080, 1920), actors=2, moving=True, focal=960.0, broken=BROKEN)
FILES = {  # recording and camera → the owners' file
    "DuetDance-20240218/0_1/seq_0003/img/camera-000": "DuetDance_240222_200_train_0",
    "DuetDance-20240218/0_1/seq_0007/img/camera-001": "DuetDance_240222_200_train_1",
    "DuetDance-20240218/2_3/seq_0011/img/camera-000": (
        "DuetDance-20240218_240426_200_test_camera-000_0.01"
    ),
}
CONTACT_REGIONS = 75


def write(order: Order) -> Truth:
    """Write a miniature release."""
    card = catalogue.card("whac")
    # files of this dialect hold no eye poses
    mini = Miniature(replace(order, scale=1.0), card, FILMING, Traits.of(card, eyes=False))
    places = [("test" if "_test_" in file else "train", name) for name, file in FILES.items()]
    for clip in mini.clips(places):
        for frame in range(len(clip)):
            mini.picture(f"images/{_path(clip, frame)}", clip, frame)
            for actor in range(clip.actors):
                key = f"{clip.split}/{clip.name.replace('/', ':')}/0/{frame + 1}/{actor}"
                mini.note(key, clip, frame, actor)
        path = order.root / f"annotations/synbody_whac_{FILES[clip.name]}.npz"
        save_npz(path, **_content(mini, clip))
    return mini.save()


def _path(clip: Clip, frame: int) -> str:
    return f"{clip.name}/{frame + 1:04d}.jpeg"


def _content(mini: Miniature, clip: Clip) -> dict[str, Any]:
    """The owners' HumanData of one clip, a row a person and frame."""
    rows = [(frame, actor) for frame in range(len(clip)) for actor in range(clip.actors)]
    people = [
        Somebody(
            _path(clip, frame),
            "",
            actor,
            clip.camera(frame),
            clip.scenes[frame].people[actor],
            clip.said[frame][actor],
        )
        for frame, actor in rows
    ]
    content = whole_content(people, clip.bodies, mini.card, later=True)
    chain = clip.extrinsics()
    content["meta"] |= {
        "RT": [chain[frame] for frame, _ in rows],
        "sequence_name": [clip.name.partition("/img/")[0] for _ in rows],
    }
    content["contact"] = {
        "part_segmentation": np.zeros((len(rows), 2), np.uint8),
        "contact_region": np.zeros((len(rows), CONTACT_REGIONS), np.uint8),
    }
    for row, (frame, _) in enumerate(rows):
        if clip.broken[frame]:
            spoil(content, "smplx", row, clip.broken[frame])
    return content
