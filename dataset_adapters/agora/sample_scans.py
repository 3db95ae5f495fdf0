"""The scans of a miniature AGORA: people turned back into scan space, and their fit files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.geometry import body_to_camera, rotate_y
from ehpsbench.restricted_pickle import dump_plain

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.people import Person

Floats = NDArray[np.float64]

MEAN_RELATIVE = ("left_hand_pose", "right_hand_pose")
PLAIN = ("global_orient", "body_pose", "jaw_pose", "leye_pose", "reye_pose", "expression", "transl")
OTHER = {"male": "female", "female": "male"}


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A scan that stands in the world.

    Attributes:
        number: its place in the list of all scans.
        person: what it truly is, in the world.
        label: what its fit says, in the world.
        name: folder/scan, below smplx_gt.
        sex: the dataframe's gender.
        position: Unreal X, Y, Z [cm].
        yaw: Unreal [deg].
        pelvis: where the label has it in the world, (3,) [m].
        fit: what its file holds.
    """

    number: int
    person: Person
    label: Person
    name: str
    sex: str
    position: Floats
    yaw: float
    pelvis: Floats
    fit: dict[str, Any]

    def write(self, root: Path) -> None:
        """Write the fit below the release."""
        path = root / "smplx_gt" / f"{self.name}.pkl"
        path.parent.mkdir(parents=True, exist_ok=True)
        dump_plain(self.fit, path)


def as_child(person: Person, weight: float) -> Person:
    """The person as a child; girls have the neutral body."""
    gender = "neutral" if person.subject_gender == "female" else person.gender
    return replace(person, kid=weight, gender=gender)


def scans(
    people: Sequence[Person],
    labels: Sequence[Person],
    split: Sequence[str],
    bodies: BodySet,
    rng: np.random.Generator,
) -> list[Scan]:
    """Scans somewhere near the people's feet, and fits that put the labels in their place."""
    from ehpsbench.world.people import rest_pelvis, stacked

    values, pelvis = stacked(labels), rest_pelvis(labels, bodies)
    count = len(labels)
    yaw = rng.uniform(-180, 180, count)
    hips = pelvis + values["transl"]
    feet = hips + rng.normal(0, 0.2, (count, 3)) + [0, 0.9, 0]
    upright = rotate_y(np.radians(yaw - 90)) * [1, -1, -1]  # columns: scans have y up
    back = np.swapaxes(upright, 1, 2)
    values["global_orient"], values["transl"] = body_to_camera(
        back, -(back @ feet[..., None])[..., 0], values["global_orient"], values["transl"], pelvis
    )
    junk = rng.normal(0, 1, count)
    unreal = 100 * feet[:, [2, 0, 1]] * [1, 1, -1]
    found = []
    for i, label in enumerate(labels):
        fit = {n: values[n][i][None].astype(np.float32) for n in PLAIN}
        for name in MEAN_RELATIVE:
            mean = getattr(bodies.model("smplx", label.gender), name.replace("pose", "mean"))
            fit[name] = (values[name][i] - mean)[None].astype(np.float32)
        child, sex = label.kid > 0, label.subject_gender
        betas = values["betas"][i, :10]
        if child or i % 4 == 1:  # some adults have an eleventh beta, which means nothing
            betas = np.append(betas, label.kid if child else junk[i])
        fit["betas"] = betas[None].astype(np.float32)
        fit["gender"] = OTHER[sex] if i % 5 == 2 else sex  # the dataframe is right, not this
        moved = "moved" if len(betas) == 11 and not child else ""
        age = "kids" if child else "adults"
        folder = f"{split[i]}set_{moved}renderpeople_{age}_bfh"
        name = f"{folder}/{10000 + i}_{sex[0]}_{label.pose_family.title()}_0_0"
        found.append(Scan(i, people[i], label, name, sex, unreal[i], float(yaw[i]), hips[i], fit))
    return found


def broken(scan: Scan, right: Floats, forward: Floats) -> list[tuple[Scan, str]]:
    """Copies of a scan that must be refused, and by which rule.

    Args:
        scan: a good one, of an adult.
        right: (3,) the camera's x axis in the world.
        forward: (3,) the camera's z axis in the world.
    """
    wrong = {
        "nan": ({"body_pose": scan.fit["body_pose"] * np.nan}, "finite"),
        "betas": ({"betas": scan.fit["betas"] + 100}, "ranges"),
        "degrees": ({"body_pose": np.degrees(scan.fit["body_pose"])}, "angles"),
        "aside": ({}, "box_inside_image"),
        "behind": ({}, "in_front_of_camera"),
    }
    moves = {"aside": 100 * right, "behind": -100 * forward}
    result = []
    for what, (change, rule) in wrong.items():
        position = scan.position + 100 * (moves.get(what, np.zeros(3))[[2, 0, 1]] * [1, 1, -1])
        made = replace(
            scan, name=f"{scan.name}_{what}", position=position, fit={**scan.fit, **change}
        )
        result.append((made, rule))
    return result
