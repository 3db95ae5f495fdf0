"""A miniature AMASS: motions in a world with z up, in SMPL-H and in neutral SMPL-X."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_npz
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.parameters import joined_pose
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.traits import SIDES, Traits
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.world.people import Person, model_of

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

FILMING = Filming(pictured=False, broken=("finite", "angles"))  # one shape a file: none for a row
SMPLH = (  # as the folders are called; the ids have the new names
    ("train", "CMU/01/01_01"),
    ("val", "MPI_HDM05/bd/HDM_bd_01-01_01_120"),
    ("test", "Transitions_mocap/mazen_c3d/airkick_jumpinplace"),
    ("train", "ACCAD/Female1General_c3d/A1 - Stand"),
)
SMPLX = (("train", "BMLrub/rub001/0000_treadmill_norm"), ("test", "SSM/20160330_03333/punch"))
NEW = {"MPI_HDM05": "HDM05", "Transitions_mocap": "Transitions"}
RATES = (120.00004577636719, 100.0, 250.0, 60.0)
FINGERLESS = "ACCAD"  # recorded without markers on the hands, which are the mean hand
MARKERS = 41


def write(order: Order) -> Truth:
    """Write a miniature release: two thirds of it SMPL-H, one third SMPL-X."""
    card = catalogue.card("amass")
    every = len(SMPLH) + len(SMPLX)
    book = order.book(card.name)
    neutral = Traits.of(card, family="smplx", genders=("neutral",), eyes=True)
    for places, traits in ((SMPLH, Traits.of(card)), (SMPLX, neutral)):
        few = replace(order, people=max(order.people * len(places) // every, 1))
        mini = Miniature(few, card, FILMING, traits)
        mini.book = book
        for clip in mini.clips(places, fewest=2):
            shown = _fingerless(clip) if clip.name.startswith(FINGERLESS) else clip
            _write_motion(order.root, shown)
            for frame in range(len(shown)):
                mini.note(_key(shown, frame), shown, frame)
        mini.record()
    return book.save(order.root)


def _key(clip: Clip, frame: int) -> str:
    archive, subject, name = clip.name.split("/")
    sequence = f"{NEW.get(archive, archive)}:{subject}:{name}"
    return f"{clip.split}/{sequence}/world/{frame}/{subject}"


def _write_motion(root: Path, clip: Clip) -> None:
    """A motion, and the shape of its subject beside it."""
    fit, place = clip.fits(), root / clip.name
    both = {"betas": fit["betas"][-1], "gender": _gender(clip)}
    rate = np.array(RATES[clip.index])
    if clip.traits.family == "smplh":
        content = _smplh(fit) | {"mocap_framerate": rate}
        save_npz(place.with_name("shape.npz"), **both)
    else:
        content = _smplx(fit) | {"mocap_frame_rate": rate}
        save_npz(place.with_name(f"{both['gender']}_stagei.npz"), **both)
    ending = "poses" if clip.traits.family == "smplh" else "stageii"
    save_npz(place.with_name(f"{place.name}_{ending}.npz"), **content, **both)


def _gender(clip: Clip) -> Any:
    """As text, as bytes (S6 for female), or as an object."""
    gender = clip.person().gender
    return (gender, np.array(gender.encode()), np.array(gender.encode(), object))[clip.index % 3]


def _smplh(fit: dict[str, Any]) -> dict[str, Any]:
    count = len(fit["transl"])
    return {
        "trans": fit["transl"],
        "poses": joined_pose(fit, "smplh"),
        "dmpls": np.full((count, 8), 0.1),
        "marker_data": np.zeros((count, MARKERS, 3)),
        "marker_labels": np.array([f"M{i}" for i in range(MARKERS)]),
    }


def _smplx(fit: dict[str, Any]) -> dict[str, Any]:
    return {
        "surface_model_type": "smplx",
        "num_betas": 16,
        "trans": fit["transl"],
        "poses": joined_pose(fit, "smplx"),
        "root_orient": fit["global_orient"],
        "pose_body": fit["body_pose"],
        "pose_hand": np.concatenate([fit[f"{side}_hand_pose"] for side in SIDES], 1),
        "pose_jaw": fit["jaw_pose"],
        "pose_eye": np.concatenate([fit["leye_pose"], fit["reye_pose"]], 1),
    }


def _fingerless(clip: Clip) -> Clip:
    """The same with the mean hand in every frame."""

    def rested(people: tuple[Person, ...]) -> tuple[Person, ...]:
        return tuple(_at_rest(person, clip.bodies) for person in people)

    scenes = tuple(replace(scene, people=rested(scene.people)) for scene in clip.scenes)
    return replace(clip, scenes=scenes, said=tuple(map(rested, clip.said)))


def _at_rest(person: Person, bodies: BodySet) -> Person:
    model = model_of(person, bodies)
    return replace(
        person,
        left_hand_pose=model.hand_mean("left"),
        right_hand_pose=model.hand_mean("right"),
    )
