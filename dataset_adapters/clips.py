"""One clip of a miniature release: who is in it, and what the owners' labels say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters import clip_points
from ehpsbench.dataset_adapters.traits import SIDES, Traits
from ehpsbench.geometry import body_to_camera
from ehpsbench.skeleton.sources import Map
from ehpsbench.world.camera import Camera
from ehpsbench.world.people import Person, model_of, rest_pelvis, stacked
from ehpsbench.world.scenes import Scene

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["RULES", "Clip", "with_shapes"]

Floats = NDArray[np.float64]

RULES = ("finite", "ranges", "angles", "in_front_of_camera")
BEHIND, ASIDE = np.array([0.0, 0.0, -50.0]), np.array([40.0, 0.0, 0.0])  # m, camera frame
NAMES = {
    "smplx": (
        "global_orient",
        "body_pose",
        "left_hand_pose",
        "right_hand_pose",
        "jaw_pose",
        "leye_pose",
        "reye_pose",
        "expression",
        "betas",
        "transl",
    ),
    "smplh": (
        "global_orient",
        "body_pose",
        "left_hand_pose",
        "right_hand_pose",
        "betas",
        "transl",
    ),
    "smpl": ("global_orient", "body_pose", "smpl_hand_pose", "betas", "transl"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """F frames of a recording (or F stills), with A labelled people in each.

    Attributes:
        index: number of the clip.
        split: the owners' split.
        name: of the recording.
        scenes: of each frame: the true people, and the cameras.
        said: of each frame, the people as they are labelled.
        broken: of each frame, the rule that its labels must break, or nothing.
        motion: (4, 4) scene → the release's world.
        bodies: the open body.
        traits: what the labels can say.
    """

    index: int
    split: str
    name: str
    scenes: tuple[Scene, ...]
    said: tuple[tuple[Person, ...], ...]
    broken: tuple[str, ...]
    motion: Floats
    bodies: BodySet
    traits: Traits

    def __len__(self) -> int:
        return len(self.scenes)

    @property
    def actors(self) -> int:
        """People in each frame."""
        return len(self.said[0])

    def person(self, actor: int = 0, frame: int = 0) -> Person:
        """Somebody as labelled: gender, subject and so on."""
        return self.said[frame][actor]

    def camera(self, frame: int = 0, view: int = 0) -> Camera:
        """The camera of one view."""
        return self.scenes[frame].cameras[view]

    def extrinsics(self, view: int = 0) -> Floats:
        """(F, 4, 4) the release's world → camera; read only."""
        return clip_points.extrinsics(self, view)

    def fits(self, actor: int = 0, view: int | None = None) -> dict[str, Floats]:
        """What the release says of one actor, each (F, k): spoilt where a frame is broken.

        Args:
            actor: of the clip.
            view: in the camera frame of this view; None: in the release's world.

        Returns:
            The parameters of the family by the schema's names (MANO: `hand_pose`), hands in the
            release's convention; no hands where `Traits.fingers` is False.
        """
        people = [row[actor] for row in self.said]
        chain = clip_points.chain(self, view)
        fit = self._parameters(people, chain)
        to_frame = chain[:, :3, :3] @ np.stack(
            [self.camera(f, view or 0).rotation.T for f in range(len(self))]
        )
        for row, rule in enumerate(self.broken):
            if rule:
                _spoil(fit, row, rule, to_frame[row])
        return fit

    def joints(self, actor: int = 0, view: int | None = None) -> Floats:
        """(F, J, 3) joints as labelled [m], in the order of the family, never spoilt; read only."""
        return clip_points.joints(self, actor, view)

    def meshes(self, actor: int = 0, view: int | None = None) -> Floats:
        """(F, V, 3) vertices as labelled [m]; read only."""
        return clip_points.meshes(self, actor, view)

    def points3d(self, joints: Map, actor: int = 0, view: int | None = None) -> Floats:
        """(F, K, 4) x, y, z [m], score of joints in HumanData's order; 0 for those unknown here."""
        return clip_points.points3d(self, tuple(joints), actor, view)

    def keypoints(self, joints: Map, actor: int = 0, view: int = 0) -> Floats:
        """(F, K, 3) x, y, score [px] of joints in HumanData's order; zeros for those not seen."""
        return clip_points.keypoints(self, tuple(joints), actor, view)

    def box(self, actor: int = 0, view: int = 0) -> Floats:
        """(F, 4) x, y, w, h [px] around the kinematic joints in the image; read only."""
        return clip_points.boxes(self, actor, view)

    def _parameters(self, people: Sequence[Person], chain: Floats) -> dict[str, Floats]:
        values = stacked(people)
        values["global_orient"], values["transl"] = body_to_camera(
            chain[:, :3, :3],
            chain[:, :3, 3],
            values["global_orient"],
            values["transl"],
            rest_pelvis(people, self.bodies),
        )
        values["betas"] = values["betas"][:, : self.traits.num_betas]
        if self.traits.family.startswith("mano"):
            side = self.traits.family.partition("_")[2]
            names: tuple[str, ...] = ("global_orient", "betas", "transl")
            hand = {"hand_pose": self._hand(people, values, side)}
            return {name: values[name] for name in names} | hand
        fit = {name: values[name] for name in NAMES[self.traits.family]}
        for side in SIDES if self.traits.family != "smpl" else ():
            fit[f"{side}_hand_pose"] = self._hand(people, values, side)
            if not self.traits.fingers:
                del fit[f"{side}_hand_pose"]
        return fit

    def _hand(self, people: Sequence[Person], values: dict[str, Floats], side: str) -> Floats:
        poses = values[f"{side}_hand_pose"]
        each = [
            self.traits.stored_hand(pose[None], model_of(person, self.bodies), side)
            for person, pose in zip(people, poses, strict=True)
        ]
        return np.concatenate(each)


def with_shapes(
    frames: Sequence[Sequence[Person]], actors: Sequence[Person], bodies: BodySet
) -> list[tuple[Person, ...]]:
    """People of all frames as the same actors, whose pelvis stays where it was."""
    count = len(actors)
    people = [person for frame in frames for person in frame]
    names = ("gender", "subject_gender", "betas", "look", "subject")
    looks = [{name: getattr(actor, name) for name in names} for actor in actors]
    changed = [replace(person, **looks[i % count]) for i, person in enumerate(people)]
    shift = rest_pelvis(people, bodies) - rest_pelvis(changed, bodies)
    moved = [replace(p, transl=p.transl + d) for p, d in zip(changed, shift, strict=True)]
    return [tuple(moved[i : i + count]) for i in range(0, len(moved), count)]


def _spoil(fit: dict[str, Floats], row: int, rule: str, to_frame: Floats) -> None:
    """Break one row so that this rule must find it; `to_frame` turns camera → frame of the fit."""
    if rule == "finite":
        fit["transl" if "transl" in fit else "betas"][row] = np.nan
    elif rule == "ranges":
        fit["betas"][row, 0] = 100.0
    elif rule == "angles":
        name = "body_pose" if "body_pose" in fit else "hand_pose"
        fit[name][row] = np.degrees(fit[name][row]) + 90.0
    else:
        way = BEHIND if rule == "in_front_of_camera" else ASIDE
        fit["transl"][row] += to_frame @ way
