"""A miniature RICH: two people in a scene's frame; small pictures with whole-size lenses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ehpsbench.atomic import write_text
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.fit_files_sample import write_fit_files
from ehpsbench.dataset_adapters.rich.adapter import SUBJECTS, WOMEN
from ehpsbench.dataset_adapters.rich.views import FORMATS, NATIVE
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth

SHRUNK = 4  # whole pictures have twelve megapixels
LENS = (-0.08, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
FILMING = Filming(
    size=(NATIVE[1] // SHRUNK, NATIVE[0] // SHRUNK),
    actors=2,
    views=3,
    distortion=LENS,
    broken=("finite", "ranges", "angles"),
)
PLACES = (
    ("train", "ParkingLot1_greetingchattingeating1"),
    ("val", "Pavallion_tossball"),
    ("test", "Gym_lunge2"),  # pictures as JPEG
)
CAMERAS = (0, 2, 5)
MOVING = 10  # a camera without calibration
LONE = (1, 0)  # clip and frame where the second person has no fit
FIRST = 24


def write(order: Order) -> Truth:
    """Write a miniature release; without pictures the lenses are those of whole ones."""
    size = SHRUNK if order.images == "none" else order.scale
    mini = Miniature(replace(order, scale=size), catalogue.card("rich"), FILMING)
    save_json(order.root / "gender.json", {str(number): _gender(number) for number in SUBJECTS})
    for clip in mini.clips(PLACES):
        scene, _, action = clip.name.partition("_")
        people = _subjects(clip)
        sequence = "_".join([scene, *people, action])
        for actor, subject in enumerate(people):
            bodies = order.root / f"bodies/{clip.split}/{sequence}"
            paths = [
                bodies / f"{FIRST + frame:05d}/{subject}.pkl"
                if _fitted(mini, clip, frame, actor)
                else None
                for frame in range(len(clip))
            ]
            write_fit_files(paths, clip.fits(actor))
        for view, camera in enumerate(CAMERAS):
            place = order.root / f"scan_calibration/{scene}/calibration/{camera:03d}.xml"
            _write_camera(place, clip, view)
        _write_pictures(mini, clip, sequence)
        for view, frame, actor in _shown(mini, clip):
            key = f"{clip.split}/{sequence}/cam_{CAMERAS[view]:02d}/{FIRST + frame}/{people[actor]}"
            mini.note(key, clip, frame, actor, view)
    return mini.save()


def _gender(number: int) -> str:
    return "female" if number in WOMEN else "male"


def _subjects(clip: Clip) -> list[str]:
    """Owners' numbers of people with the actors' genders."""
    free = {"female": [9, 18, 21], "male": [4, 5, 14]}
    return [f"{free[clip.person(actor).gender].pop(0):03d}" for actor in range(clip.actors)]


def _fitted(mini: Miniature, clip: Clip, frame: int, actor: int) -> bool:
    return not (mini.whole and actor == 1 and (clip.index, frame) == LONE)


def _shown(mini: Miniature, clip: Clip) -> Iterator[tuple[int, int, int]]:
    """View, frame and actor of everybody with a fit."""
    for view in range(len(CAMERAS)):
        for frame in range(len(clip)):
            for actor in range(clip.actors):
                if _fitted(mini, clip, frame, actor):
                    yield view, frame, actor


def _write_pictures(mini: Miniature, clip: Clip, sequence: str) -> None:
    scene = sequence.partition("_")[0]
    suffix = "jpeg" if scene == "Gym" else FORMATS.get(scene, "bmp")
    folder = f"images/{clip.split}/{sequence}"
    for view, camera in enumerate(CAMERAS):
        for frame in range(len(clip)):
            name = f"cam_{camera:02d}/{FIRST + frame:05d}_{camera:02d}.{suffix}"
            mini.picture(f"{folder}/{name}", clip, frame, view)
    if mini.whole:
        name = f"cam_{MOVING}/{FIRST:05d}_{MOVING}.{suffix}"
        mini.picture(f"{folder}/{name}", clip, 0, 0)


def _write_camera(path: Path, clip: Clip, view: int) -> None:
    """OpenCV's FileStorage, for whole pictures."""
    camera, chain = clip.camera(0, view), clip.extrinsics(view)[0]
    lens = camera.intrinsics * np.array([[NATIVE[0] / camera.width] * 3] * 2 + [[1.0] * 3])
    parts = [
        _matrix("CameraMatrix", chain[:3]),
        _matrix("Intrinsics", lens),
        _matrix("Distortion", np.array([LENS[:5]])),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    body = "\n".join(parts)
    write_text(path, f'<?xml version="1.0"?>\n<opencv_storage>\n{body}\n</opencv_storage>\n')


def _matrix(name: str, values: ArrayLike) -> str:
    array = np.asarray(values, np.float64)
    rows, columns = array.shape
    data = " ".join(repr(float(value)) for value in array.ravel())
    return (
        f'<{name} type_id="opencv-matrix">\n  <rows>{rows}</rows>\n  <cols>{columns}</cols>\n'
        f"  <dt>d</dt>\n  <data>\n    {data}</data></{name}>"
    )
