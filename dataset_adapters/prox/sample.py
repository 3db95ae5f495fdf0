"""A miniature PROX: fits to mirrored images, which are stored as filmed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.lenses import with_lens
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.prox.adapter import CENTRE, FOCAL, MIRRORED, SIZE
from ehpsbench.dataset_adapters.readers.fit_files_sample import write_fit_files
from ehpsbench.dataset_adapters.readers.openpose import OPENPOSE_135
from ehpsbench.dataset_adapters.readers.openpose_joints import mirrored
from ehpsbench.dataset_adapters.readers.openpose_sample import openpose_keypoints, openpose_person
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.geometry import rotation_matrix

FILMING = Filming(size=SIZE[::-1], focal=FOCAL[0])
PLACES = (("train", "N3OpenArea"), ("train", "MPH112"), ("test", "vicon"))
QUANTITATIVE = "quantitative/"
SCENE = (0.3, -1.2, 0.5, 0.4, 2.0, -0.7)  # Vicon → scan: axis-angle, metres
SUBJECTS = {"female": "03403", "male": "00157"}
AS_FILMED = 1  # the recording whose detections were made on images that are not mirrored
NO_FIT = (1, 0)  # recording and frame


def write(order: Order) -> Truth:
    """Write a miniature release; its pictures have the Kinect's size."""
    mini = Miniature(replace(order, scale=1.0), catalogue.card("prox"), FILMING)
    for made in mini.clips(PLACES, fewest=2 if mini.whole else 1):
        clip = with_lens(made, FOCAL, CENTRE)
        subject = SUBJECTS[clip.person().gender]
        recording = f"{clip.name}_{subject}_01"
        fitted = [f for f in range(len(clip)) if not (mini.whole and (clip.index, f) == NO_FIT)]
        part = QUANTITATIVE if clip.split == "test" else ""
        _write_fits(mini, clip, recording, fitted)
        _write_places(mini, clip, part)
        found = _write_detections(mini, clip, recording)
        for frame in range(len(clip)):
            path = f"{part}recordings/{recording}/Color/{_name(frame)}.jpg"
            mini.picture(path, clip, frame, orientation=MIRRORED)
        for frame in fitted:
            key = f"{clip.split}/{recording}/0/{frame + 1}/{subject}"
            mini.note(key, clip, frame, keypoints=(found[frame], OPENPOSE_135))
    return mini.save()


def _name(frame: int) -> str:
    seconds, milliseconds = divmod(33 * frame + 29, 1000)
    return f"s001_frame_{frame + 1:05d}__00.00.{seconds:02d}.{milliseconds:03d}"


def _made(mini: Miniature, path: str) -> Path:
    place = mini.order.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _write_places(mini: Miniature, clip: Clip, part: str) -> None:
    """Camera → scan, which is the clip's own world; with markers the world is Vicon's."""
    scan = np.eye(4)
    if part:
        scan[:3, :3], scan[:3, 3] = rotation_matrix(np.array(SCENE[:3])), SCENE[3:]
        save_json(_made(mini, f"{part}vicon2scene.json"), scan)
    back = scan @ np.linalg.inv(clip.extrinsics()[0])
    save_json(_made(mini, f"{part}cam2world/{clip.name}.json"), back)


def _write_fits(mini: Miniature, clip: Clip, recording: str, fitted: list[int]) -> None:
    """A pickle a frame; one recording calls the betas beta; with markers in Vicon's frame."""
    markers = clip.split == "test"
    fit = clip.fits(view=None if markers else 0)
    if clip.index == 1:
        fit["beta"] = fit.pop("betas")
    tree = f"{QUANTITATIVE}fittings/mosh" if markers else "PROXD"
    folder = mini.order.root / f"{tree}/{recording}/results"
    paths = [folder / f"{_name(f)}/000.pkl" if f in fitted else None for f in range(len(clip))]
    write_fit_files(
        paths,
        fit,
        camera_rotation=np.eye(3, dtype=np.float32)[None],
        camera_translation=np.zeros((1, 3), np.float32),
        pose_embedding=np.ones((1, 32), np.float32),
    )


def _write_detections(mini: Miniature, clip: Clip, recording: str) -> NDArray[np.float64]:
    """(F, 135, 3) [px] of the person; a file also has somebody else, who comes first."""
    found = openpose_keypoints(clip)
    for frame, points in enumerate(found):
        other = points + np.where(points[:, 2:] > 0, [700.0, 500.0, 0.0], 0.0)
        people = [other, points]
        if mini.whole and clip.index == AS_FILMED:
            people = [mirrored(person, SIZE[0]) for person in people]
        part = QUANTITATIVE if clip.split == "test" else ""
        place = _made(mini, f"{part}keypoints/{recording}/{_name(frame)}_keypoints.json")
        save_json(place, {"version": 1.3, "people": [openpose_person(one) for one in people]})
    return found
