"""A miniature HBW: subjects with a mesh as .obj or .npy, photos with odd names, a hidden test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ehpsbench.atomic import write_text
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.openpose import OPENPOSE_135
from ehpsbench.dataset_adapters.readers.openpose_sample import openpose_keypoints, openpose_person
from ehpsbench.dataset_adapters.sampling import Order, with_sizes
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.meshes import write_obj
from ehpsbench.world.people import model_of

FILMING = Filming(size=(640, 480), moving=True, broken=("box_inside_image",))
SUBJECTS = (
    ("val", "001_noLab_22/Pictures_in_the_Wild"),
    ("val", "004_11_24/Photos_Lab"),
    ("test", "007_9_13/Photos_Lab"),
)
ALONE, CROWDED = 0, 1  # photos of the second subject in which OpenPose saw nobody, and two


def write(order: Order) -> Truth:
    """Write a miniature release; the sizes of photos are in the photos only, so there are some."""
    order = replace(order, images=with_sizes(order.images))
    mini = Miniature(order, catalogue.card("shapy_hbw"), FILMING)
    genders = []
    for clip in mini.clips(SUBJECTS, fewest=3 if mini.whole else 1):
        subject = clip.name.split("_")[0]
        genders.append(f"{subject}: {clip.person().gender}")
        if clip.split == "val":
            _mesh(clip, order.root / f"smplx/val/{subject}", binary=clip.index == 1)
        for frame in range(len(clip)):
            _photo(mini, clip, frame, subject)
    write_text(order.root / "genders.yaml", "\n".join(genders) + "\n")
    return mini.save()


def _mesh(clip: Clip, path: Path, *, binary: bool) -> None:
    """The body at rest, somewhere."""
    person = clip.person()
    model = model_of(person, clip.bodies)
    betas = person.betas[: clip.traits.num_betas]
    rest = model.v_template + model.shapedirs[:, :, : len(betas)] @ betas + [0.1, 1.2, -0.3]
    path.parent.mkdir(parents=True, exist_ok=True)
    if binary:
        np.save(path.with_suffix(".npy"), rest.astype(np.float32))
    else:
        write_obj(path.with_suffix(".obj"), rest, model.faces)


def _photo(mini: Miniature, clip: Clip, frame: int, subject: str) -> None:
    """A photo and OpenPose's file; the name of a first photo is repaired in its file's."""
    odd = mini.whole and clip.index == 0 and frame == 0
    name, repaired = ("IMG 7 (2)", "IMG_7_2") if odd else (f"{frame:05d}",) * 2
    place = f"{clip.split}/{clip.name}"
    mini.picture(f"images/{place}/{name}.png", clip, frame)
    points = openpose_keypoints(clip)[frame].copy()
    if clip.broken[frame]:
        points[:, 0] += 10_000.0
    people: list[dict[str, Any]] = [openpose_person(points)]
    special = mini.whole and clip.index == 1
    if special and frame == ALONE:
        people = []
    if special and frame == CROWDED:
        people *= 2
    save_json(mini.order.root / f"keypoints/{place}/{repaired}.json", {"people": people})
    alone = len(people) == 1
    key = f"{clip.split}/{clip.name.replace('/', ':')}:{name}/0/0/{subject}"
    seen = (points, OPENPOSE_135) if alone else None
    mini.note(key, clip, frame, valid=alone, keypoints=seen, body=False)
