"""Writes InterHand2.6M's layout for a miniature: two hands in a world, several cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.sampling import Order, TruthBook
from ehpsbench.dataset_adapters.traits import Traits
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.world.people import posed

__all__ = ["Layout", "write_interhand"]

Floats = NDArray[np.float64]
SIDES = ("right", "left")  # the owners' order
FILMING = Filming(size=(512, 334), views=3, broken=("finite", "ranges", "angles"))
SUBJECT = 3
NONE, RIGHT, LEFT, BOTH = "none", "right", "left", "interacting"
TYPES = (BOTH, RIGHT, LEFT, NONE)  # of the first frames; none: no MANO, joints all the same
# of MANO's 16 joints and 5 tips, each of the owners' 21: tip to base of a finger, the wrist last
PLACES = (16, 15, 14, 13, 17, 3, 2, 1, 18, 6, 5, 4, 19, 12, 11, 10, 20, 9, 8, 7, 0)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a dataset of this layout keeps things.

    Attributes:
        dataset: its name.
        prefix: of the annotation files.
        folder: of the images; the split comes after it.
        middle: every annotation says whether it is of the middle frame, and others are there too.
    """

    dataset: str
    prefix: str
    folder: str = "images"
    middle: bool = False


def write_interhand(order: Order, layout: Layout, captures: Sequence[tuple[str, str]]) -> Truth:
    """Write a miniature release; see `Truth`, whose meshes are the left hand's, then the right's.

    Args:
        order: what is asked for.
        layout: of the dataset.
        captures: split and number of each.
    """
    card = catalogue.card(layout.dataset)
    book = order.book(layout.dataset)
    minis = [
        Miniature(replace(order, scale=1.0), card, FILMING, Traits.of(card, family=f"mano_{side}"))
        for side in SIDES
    ]
    hands = [mini.clips(captures, fewest=len(TYPES)) for mini in minis]
    for split in dict.fromkeys(split for split, _ in captures):
        files = _Files(layout, order, book, split)
        for right, left in zip(*hands, strict=True):
            if right.split == split:
                files.add(minis[0], right, left)
        files.save()
    return book.save(order.root)


class _Files:
    """The four annotation files of a split, while they are filled."""

    def __init__(self, layout: Layout, order: Order, book: TruthBook, split: str) -> None:
        self.layout, self.order, self.book, self.split = layout, order, book, split
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.cameras: dict[str, Any] = {}
        self.joints: dict[str, Any] = {}
        self.fits: dict[str, Any] = {}

    def add(self, mini: Miniature, right: Clip, left: Clip) -> None:
        """One capture, in which each frame has one hand or both."""
        capture = right.name
        kinds = [*TYPES, *([BOTH] * len(right))][: len(right)]
        kinds = [BOTH if rule else kind for kind, rule in zip(kinds, right.broken, strict=True)]
        self.cameras[capture] = _cameras(right)
        points = [_joints(clip, self.order) for clip in (right, left)]
        self.joints[capture], self.fits[capture] = {}, {}
        tables = [clip.fits() for clip in (right, left)]
        meshes = [posed([s.people[0] for s in c.scenes], self.order.bodies) for c in (right, left)]
        for frame, kind in enumerate(kinds):
            shown = np.repeat([kind != LEFT, kind != RIGHT], 21)
            world = np.concatenate([p[frame] for p in points]) * 1000  # mm
            name = str(_number(frame))
            self.joints[capture][name] = {
                "world_coord": world.tolist(),
                "joint_valid": shown[:, None].astype(int).tolist(),
                "hand_type": kind,
            }
            self.fits[capture][name] = _fits(tables, frame, kind)
            for view in range(FILMING.views):
                mine = [m[frame] for m in meshes]
                self._picture(mini, (right, left), frame, view, kind, mine)

    def save(self) -> None:
        """Write the files."""
        folder = self.order.root / "annotations" / self.split
        content = {
            "data": {"images": self.images, "annotations": self.annotations},
            "camera": self.cameras,
            "joint_3d": self.joints,
            "MANO_NeuralAnnot": self.fits,
        }
        for kind, values in content.items():
            save_json(folder / f"{self.layout.prefix}_{self.split}_{kind}.json", values)

    def _picture(
        self,
        mini: Miniature,
        clips: tuple[Clip, Clip],
        frame: int,
        view: int,
        kind: str,
        meshes: list[Any],
    ) -> None:
        """An image, its annotation, and the truth of it."""
        right = clips[0]
        camera, sequence = right.camera(frame, view), "ROM01"
        name = f"cam{400000 + view}"
        file = f"Capture{right.name}/{sequence}/{name}/image{_number(frame):05d}.jpg"
        path = f"{self.layout.folder}/{self.split}/{file}"
        mini.picture(path, _painted(clips, frame, kind), frame, view)
        number = len(self.images)
        self.images.append(
            {
                "id": number,
                "file_name": file,
                "width": camera.width,
                "height": camera.height,
                "capture": int(right.name),
                "subject": SUBJECT,
                "seq_name": sequence,
                "camera": name[3:],
                "frame_idx": _number(frame),
            }
        )
        shown = np.repeat([kind != LEFT, kind != RIGHT], 21).astype(int)
        record = {
            "image_id": number,
            "bbox": _around(clips, frame, view, kind),
            "joint_valid": shown.tolist(),
            "hand_type": kind,
            "hand_type_valid": 1,
        }
        for middle in (False, True) if self.layout.middle else (None,):
            flag = {} if middle is None else {"is_middle": middle, "aid_list": [0, 1, 2, 3, 4]}
            self.annotations.append({"id": len(self.annotations), **record, **flag})
        key = f"{self.layout.dataset}/{self.split}/Capture{right.name}:{sequence}"
        self._note(f"{key}/{name[3:]}/{_number(frame)}/{SUBJECT}", clips, frame, view, kind, meshes)

    def _note(
        self,
        key: str,
        clips: tuple[Clip, Clip],
        frame: int,
        view: int,
        kind: str,
        meshes: list[Any],
    ) -> None:
        if clips[0].broken[frame]:
            self.book.add_broken(key, clips[0].broken[frame])
            return
        camera = clips[0].camera(frame, view)
        shown = [kind in (RIGHT, BOTH), kind in (LEFT, BOTH)]
        seen = [m for m, there in zip(meshes, shown, strict=True) if there][::-1]
        mesh = np.concatenate([camera.to_camera(m) for m in seen]) if seen else np.zeros((0, 3))
        poses = [
            np.asarray(getattr(c.scenes[frame].people[0], f"{side}_hand_pose"))
            if there
            else np.full(45, np.nan)
            for c, side, there in zip(clips, SIDES, shown, strict=True)
        ]
        self.book.add(key, mesh, camera.focal, camera.principal_point, hands=np.stack(poses[::-1]))


def _painted(clips: tuple[Clip, Clip], frame: int, kind: str) -> Clip:
    """The right hand's clip, in which this frame shows the hands that are there."""
    right, left = (clip.scenes[frame].people for clip in clips)
    people = {RIGHT: right, LEFT: left}.get(kind, right + left)
    scenes = list(clips[0].scenes)
    scenes[frame] = replace(scenes[frame], people=people)
    return replace(clips[0], scenes=tuple(scenes))


def _number(frame: int) -> int:
    return 21000 + 6 * frame


def _cameras(clip: Clip) -> dict[str, Any]:
    """Of one capture: places in mm."""
    found: dict[str, Any] = {"campos": {}, "camrot": {}, "focal": {}, "princpt": {}}
    for view in range(FILMING.views):
        name, camera, chain = str(400000 + view), clip.camera(0, view), clip.extrinsics(view)[0]
        found["campos"][name] = (-chain[:3, :3].T @ chain[:3, 3] * 1000).tolist()
        found["camrot"][name] = chain[:3, :3].tolist()
        found["focal"][name] = camera.focal.tolist()
        found["princpt"][name] = camera.principal_point.tolist()
    return found


def _joints(clip: Clip, order: Order) -> Floats:
    """(F, 21, 3) in the release's world [m], tips to bases of fingers, the wrist last."""
    side = clip.traits.family.partition("_")[2]
    tips = clip.meshes()[:, order.bodies.vertex_ids(f"{side}_hand_mano_tips")]
    return np.concatenate([clip.joints(), tips], 1)[:, PLACES]


def _around(clips: tuple[Clip, Clip], frame: int, view: int, kind: str) -> list[float]:
    """x, y, w, h around the hands that are there."""
    right, left = (clip.box(0, view)[frame] for clip in clips)
    boxes = {RIGHT: [right], LEFT: [left]}.get(kind, [right, left])
    low = np.min([b[:2] for b in boxes], 0)
    high = np.max([b[:2] + b[2:] for b in boxes], 0)
    return [*low.tolist(), *(high - low).tolist()]


def _fits(tables: list[dict[str, Floats]], frame: int, kind: str) -> dict[str, Any]:
    """MANO of each hand, null for one that is not there."""
    found: dict[str, Any] = {}
    shown = {"right": kind in (RIGHT, BOTH), "left": kind in (LEFT, BOTH)}
    for side, fit in zip(SIDES, tables, strict=True):
        pose = np.concatenate([fit["global_orient"][frame], fit["hand_pose"][frame]])
        hand = {"pose": pose, "shape": fit["betas"][frame], "trans": fit["transl"][frame]}
        found[side] = hand if shown[side] else None
    return found
