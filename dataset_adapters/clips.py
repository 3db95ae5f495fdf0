"""One clip of a miniature release: who is in it, and what the owners' labels say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.surface_joints import joints_127
from ehpsbench.dataset_adapters.traits import SIDES, Traits
from ehpsbench.geometry import body_to_camera
from ehpsbench.skeleton.sources import Map
from ehpsbench.world.camera import Camera
from ehpsbench.world.people import Person, model_of, posed, posed_joints, rest_pelvis, stacked
from ehpsbench.world.scenes import Scene

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["RULES", "Clip", "with_shapes"]

Floats = NDArray[np.float64]

RULES = ("finite", "ranges", "angles", "in_front_of_camera")
BEHIND, ASIDE = np.array([0.0, 0.0, -50.0]), np.array([40.0, 0.0, 0.0])  # m, camera frame
SMPL_JOINTS, SMPLX_JOINTS = 22, 55
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
        """(F, 4, 4) the release's world → camera."""
        back = np.linalg.inv(self.motion)
        return np.stack([self.camera(f, view).matrix @ back for f in range(len(self))])

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
        chain = self._chain(view)
        fit = self._parameters(people, chain)
        to_frame = chain[:, :3, :3] @ np.stack(
            [self.camera(f, view or 0).rotation.T for f in range(len(self))]
        )
        for row, rule in enumerate(self.broken):
            if rule:
                _spoil(fit, row, rule, to_frame[row])
        return fit

    def joints(self, actor: int = 0, view: int | None = None) -> Floats:
        """(F, J, 3) joints as labelled [m], in the order of the family, never spoilt."""
        found = np.stack(posed_joints([row[actor] for row in self.said], self.bodies))
        return self._moved(found, view)

    def meshes(self, actor: int = 0, view: int | None = None) -> Floats:
        """(F, V, 3) vertices as labelled [m]."""
        found = np.stack(posed([row[actor] for row in self.said], self.bodies))
        return self._moved(found.astype(np.float64), view)

    def points3d(self, joints: Map, actor: int = 0, view: int | None = None) -> Floats:
        """(F, K, 4) x, y, z [m], score of joints in HumanData's order; 0 for those unknown here."""
        known = self._labelled_joints(actor, view, max(joints) >= SMPLX_JOINTS)
        places = np.asarray(joints)
        has = places < known.shape[1]
        result = np.zeros((len(self), len(joints), 4))
        result[:, has, :3] = known[:, places[has]]
        result[:, has, 3] = 1.0
        return result

    def keypoints(self, joints: Map, actor: int = 0, view: int = 0) -> Floats:
        """(F, K, 3) x, y, score [px] of joints in HumanData's order; zeros for those not seen."""
        points = self.points3d(joints, actor, view)
        result = np.zeros((*points.shape[:2], 3))
        for frame, row in enumerate(points):
            camera = self.camera(frame, view)
            pixels = camera.pixels(row[:, :3])
            inside = ((pixels >= 0) & (pixels <= [camera.width, camera.height])).all(-1)
            seen = inside & (row[:, 2] > 0) & (row[:, 3] > 0)
            result[frame, seen] = np.concatenate([pixels[seen], np.ones((seen.sum(), 1))], 1)
        return result

    def box(self, actor: int = 0, view: int = 0) -> Floats:
        """(F, 4) x, y, w, h [px] around the kinematic joints in the image."""
        from ehpsbench.geometry import box_around, clip_box

        found = self.joints(actor, view)
        if self.traits.family == "smpl":  # without the hands, which SMPL-X has elsewhere
            found = found[:, :SMPL_JOINTS]
        boxes = []
        for frame, points in enumerate(found):
            camera = self.camera(frame, view)
            pixels = np.where(points[:, 2:] > 0, camera.pixels(points), np.nan)
            boxes.append(clip_box(box_around(pixels), camera.width, camera.height))
        return np.stack(boxes)

    def _chain(self, view: int | None) -> Floats:
        """(F, 4, 4) scene → camera of a view, or → the release's world."""
        if view is None:
            return np.repeat(self.motion[None], len(self), 0)
        return np.stack([self.camera(f, view).matrix for f in range(len(self))])

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

    def _labelled_joints(self, actor: int, view: int | None, surface: bool) -> Floats:
        """(F, J, 3) 22 of SMPL and SMPL-H, 55 or 127 of SMPL-X."""
        joints = self.joints(actor, view)
        if self.traits.family in ("smpl", "smplh"):
            return joints[:, :SMPL_JOINTS]
        if self.traits.family != "smplx" or not surface:
            return joints
        model = model_of(self.person(actor), self.bodies)
        return joints_127(self.meshes(actor, view), joints, model)

    def _moved(self, points: Floats, view: int | None) -> Floats:
        chain = self._chain(view)
        return np.asarray(points @ chain[:, :3, :3].transpose(0, 2, 1) + chain[:, None, :3, 3])


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
