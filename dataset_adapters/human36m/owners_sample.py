"""Writes Human3.6M as its owners ship it: joints of 32 names in .cdf, metadata.xml, MoSh's fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import write_text
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.human36m.metadata import CAMERAS, LENS, POSE, SIZES, SUBJECTS
from ehpsbench.dataset_adapters.human36m.mosh import HALF_TURN, STEP
from ehpsbench.dataset_adapters.human36m.owners import JOINTS_OF_32, POSES, picture
from ehpsbench.dataset_adapters.lenses import with_lenses_of
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.parameters import joined_pose
from ehpsbench.dataset_adapters.readers.cdf_sample import save_cdf
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.traits import Traits
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.geometry import axis_angle, rotation_matrix
from ehpsbench.restricted_pickle import dump_plain
from ehpsbench.skeleton.sources import H36M_17, Map
from ehpsbench.world.scenes import Scene

__all__ = ["write_owners"]

Floats = NDArray[np.float64]
BENT = (-0.19, 0.24, -0.0009, -0.0016, -0.002)  # k1, k2, p1, p2, k3
FILMING = Filming(size=(1000, 1000), views=4, distortion=(*BENT, 0.0, 0.0, 0.0), broken=("angles",))
ACTIONS = (("train", "S1/Directions 1"), ("test", "S9/Waiting 1"))
NUMBERS = {"Directions 1": (2, 1), "Waiting 1": (14, 2)}
SHIFT = np.array([200.0, 0.0, 0.0])  # mm, of S9 in this action


def write_owners(order: Order, stand_in: Map) -> Truth:
    """Write a miniature of the owners' files with MoSh's fits.

    Args:
        order: what is asked for; pictures have the owners' sizes.
        stand_in: joints of SMPL in the places of the 17 of Human3.6M.
    """
    card = catalogue.card("human36m")
    traits = Traits.of(card, family="smpl", hands="none")
    mini = Miniature(replace(order, scale=1.0), card, FILMING, traits)
    clips = mini.clips(ACTIONS, fewest=2)
    made = [_with_tall_views(with_lenses_of(clips[0], clip)) for clip in clips]  # one set for all
    for clip in made:
        subject, _, action = clip.name.partition("/")
        _write_joints(order.root / f"{subject}/{POSES}/{action}.cdf", clip, stand_in)
        for view in range(len(CAMERAS)):
            _write_fits(order.root / "h36m_mosh" / subject, clip, action, view)
            points = clip.keypoints(stand_in, 0, view)
            for frame in range(len(clip)):
                path = picture(subject, action, CAMERAS[view], STEP * frame)
                mini.picture(path, clip, frame, view)
                numbers = "act_{:02d}_subact_{:02d}".format(*NUMBERS[action])
                key = f"{clip.split}/{subject}:{numbers}/{view + 1}/{STEP * frame}/{subject}"
                mini.note(key, clip, frame, 0, view, keypoints=(points[frame], H36M_17))
    _write_metadata(order.root / "Release-v1.2/metadata.xml", made)
    return mini.save()


def _with_tall_views(clip: Clip) -> Clip:
    """Two of the cameras have two rows more than the others."""

    def sized(scene: Scene) -> Scene:
        pairs = zip(scene.cameras, SIZES, strict=True)
        return replace(scene, cameras=tuple(replace(c, width=w, height=h) for c, (w, h) in pairs))

    return replace(clip, scenes=tuple(map(sized, clip.scenes)))


def _write_joints(path: Path, clip: Clip, stand_in: Map) -> None:
    """32 joints of every frame [mm], of which the 17 are known; between two the first stays."""
    shift = SHIFT if clip.name in {"S9/Waiting 1"} else np.zeros(3)
    joints = np.zeros((len(clip), 32, 3))
    joints[:, JOINTS_OF_32] = clip.points3d(stand_in)[..., :3] * 1000 + shift
    values = np.repeat(joints.reshape(len(clip), 96), STEP, 0)[None]
    save_cdf(path, "Pose", values)


def _write_fits(folder: Path, clip: Clip, action: str, view: int) -> None:
    """Ten poses a second in the camera's frame, half a turn about x before them."""
    folder.mkdir(parents=True, exist_ok=True)
    fit = clip.fits(0, view)
    turned = rotation_matrix(fit["global_orient"]) @ rotation_matrix(-HALF_TURN)
    pose = joined_pose(fit | {"global_orient": axis_angle(turned)}, "smpl")
    content = {"new_poses": pose, "betas": fit["betas"][0]}
    dump_plain(content, folder / f"{action}_cam{view}_aligned.pkl")


def _write_metadata(path: Path, clips: list[Clip]) -> None:
    """Names of the actions, and 300 numbers of the cameras of eleven subjects."""
    poses, lenses = np.zeros((len(CAMERAS), SUBJECTS, POSE)), np.zeros((len(CAMERAS), LENS))
    for clip in clips:
        subject = int(clip.name[1 : clip.name.index("/")])
        for view in range(len(CAMERAS)):
            chain, camera = clip.extrinsics(view)[0], clip.camera(0, view)
            place = -chain[:3, :3].T @ chain[:3, 3] * 1000
            poses[view, subject - 1] = [*_angles(chain[:3, :3]), *place]
            aside, radial = BENT[2:4], (*BENT[:2], BENT[4])
            lenses[view] = [*camera.focal, *camera.principal_point, *radial, *aside]
    numbers = " ".join(repr(float(n)) for n in [*poses.ravel(), *lenses.ravel()])
    header = [f"<td>S{number}</td>" for number in range(1, SUBJECTS + 1)]
    rows = [f"<tr><td></td><td></td>{''.join(header)}</tr>"]
    for action, (first, second) in NUMBERS.items():
        names = f"<td>{action}</td>" * SUBJECTS
        rows.append(f"<tr><td>{first}</td><td>{second}</td>{names}</tr>")
    table = f"<mapping>{''.join(rows)}</mapping>"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, f"<metadata>{table}<w0>[{numbers}]</w0></metadata>")


def _angles(turn: Floats) -> tuple[float, float, float]:
    """About x, y and z, of which the rotation is the product in this order."""
    about_x = float(np.arctan2(-turn[1, 2], turn[2, 2]))
    about_z = float(np.arctan2(-turn[0, 1], turn[0, 0]))
    return about_x, float(np.arcsin(np.clip(turn[0, 2], -1, 1))), about_z
