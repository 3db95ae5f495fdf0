"""A miniature EgoBody: a person before a head-mounted camera, labelled in a Kinect's frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ehpsbench.body.model import BodyModel
from ehpsbench.dataset_adapters.egobody_egocentric.sample_files import (
    COMPONENTS,
    as_fit,
    coefficients,
    detections,
    pv_pose,
    random_transform,
    write_pv,
    write_seen,
)
from ehpsbench.dataset_adapters.egobody_egocentric.sample_takes import (
    BROKEN,
    NO_FIT,
    NO_PICTURE,
    Take,
    plan,
    write_takes,
)
from ehpsbench.dataset_adapters.parameters import hand_components
from ehpsbench.dataset_adapters.readers.egobody_sample import SPLITS, write_fits, write_transform
from ehpsbench.dataset_adapters.sampling import (
    Images,
    Order,
    TruthBook,
    save_image,
)
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.errors import InputError
from ehpsbench.world.camera import Camera, focal_of_view, look
from ehpsbench.world.labels import labels
from ehpsbench.world.people import Person, in_camera, posed
from ehpsbench.world.renderer import rendered
from ehpsbench.world.scenes import Scene, scenes

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.settings import WorldSettings

HEIGHT, WIDTH = 1080, 1920
OFF_CENTRE = (0.012, -0.02)  # of the width: where the optical axis meets the image
FEWEST_DETECTED = 6  # joints, else the owners call a frame invalid
BETAS = 10
FIRST_TICK, TICKS = 132_754_956_345_623_415, 333_333
FAR = 20.0  # m


def write(order: Order) -> Truth:
    """Write a miniature release below `root`; see `Truth`.

    Raises:
        InputError: a split that EgoBody does not have.
    """
    if order.split not in (None, *SPLITS):
        raise InputError(f"EgoBody has the splits {SPLITS}, not {order.split!r}.")
    update = {
        "people": (1, 1),
        "num_betas": min(order.settings.num_betas, BETAS),
        "kids": 0.0,
    }
    world = order.settings.model_copy(update=update | {"templates": False})
    book = order.book("egobody_egocentric")
    takes = plan(order.people, order.split)
    for take in takes:
        _Recording(order.root, take, order.bodies, world, order.seed, order.scale).write(
            order.images, book
        )
    listed = takes if order.split else [*takes, Take(len(takes), "test", ("",))]  # not downloaded
    write_takes(order.root, listed)
    return book.save(order.root)


class _Recording:
    """One recording while it is written: its world, its cameras, its random frames of reference."""

    def __init__(
        self,
        root: Path,
        take: Take,
        bodies: BodySet,
        world: WorldSettings,
        seed: int,
        scale: float,
    ) -> None:
        self.root, self.take, self.bodies, self.world = root, take, bodies, world
        self.rng = np.random.default_rng([seed, 7, take.index])
        self.size = round(HEIGHT * scale), round(WIDTH * scale)
        self.model: BodyModel = bodies.model("smplx", take.gender)
        self.kinect, self.holo_to_kinect = (random_transform(self.rng) for _ in range(2))
        own_seed = int(self.rng.integers(2**31))
        made = scenes(
            world, len(take.kinds), own_seed, bodies, cameras=self._camera, genders=(take.gender,)
        )
        people = _in_reach([scene.people[0] for scene in made], self.model)
        self.scenes = [replace(s, people=(p,)) for s, p in zip(made, people, strict=True)]
        self.labels = [person for (person,) in labels(self.scenes, world, own_seed, bodies)]
        self.ticks = [FIRST_TICK + TICKS * f + int(self.rng.integers(999)) for f in take.frames]

    def write(self, images: Images, book: TruthBook) -> None:
        """Write everything of the recording, and note its people."""
        folder = self.root / "egocentric_color" / self.take.name / "2021-09-07-155421"
        folder.mkdir(parents=True)
        points = [detections(joints, s.cameras[0]) for joints, s in self._joints()]
        seen = np.stack(points)
        valid = (seen[..., 2] > 0).sum(1) >= FEWEST_DETECTED
        valid &= np.array([kind != "invalid" for kind in self.take.kinds])
        self._write_camera(folder)
        self._write_fits()
        self._write_pictures(folder, images)
        shown = [i for i, kind in enumerate(self.take.kinds) if kind not in NO_PICTURE]
        prefix = folder.relative_to(self.root).as_posix()
        paths = [f"{prefix}/PV/{self._picture(i)}" for i in shown]
        write_seen(folder, paths, seen[shown], valid[shown], self.take.gender)
        self._note(book, valid)

    def _camera(self, rng: np.random.Generator, index: int) -> Camera:
        """The wearer's view; the focal length breathes with the focus, the centre stays."""
        height, width = self.size
        ranges = (self.world.pitch_deg, self.world.roll_deg, self.world.fov_deg)
        pitch, roll, view = np.radians([rng.uniform(*pair) for pair in ranges])
        focal = focal_of_view(float(view), height) * np.array([1.0, rng.uniform(0.998, 1.002)])
        centre = np.array([width, height]) / 2 + width * np.array(OFF_CENTRE)
        return look(pitch=pitch, roll=roll, size=self.size, focal=focal, principal_point=centre)

    def _picture(self, index: int) -> str:
        return f"{self.ticks[index]}_frame_{self.take.frames[index]:05d}.jpg"

    def _joints(self) -> Iterator[tuple[NDArray[np.float64], Scene]]:
        from ehpsbench.world.people import posed_joints

        everybody = posed_joints([scene.people[0] for scene in self.scenes], self.bodies)
        for joints, scene in zip(everybody, self.scenes, strict=True):
            yield scene.cameras[0].to_camera(joints), scene

    def _write_camera(self, folder: Path) -> None:
        kept = [i for i, k in enumerate(self.take.kinds) if k not in (*NO_PICTURE, "no_camera")]
        cameras = [self.scenes[i].cameras[0] for i in kept]
        poses = [pv_pose(camera, self.kinect, self.holo_to_kinect) for camera in cameras]
        for place, i in enumerate(kept):
            if self.take.kinds[i] == "singular":
                poses[place] = np.diag([0.0, 0.0, 0.0, 1.0])
        write_pv(folder / f"{folder.name}_pv.txt", cameras, [self.ticks[i] for i in kept], poses)
        level = "" if self.take.index % 2 else "cal_trans"  # the documents omit it, the code not
        place_of = self.root / "calibrations" / self.take.name / level
        write_transform(place_of / "holo_to_kinect12.json", self.holo_to_kinect)
        room = random_transform(self.rng)
        write_transform(place_of / "kinect12_to_world" / "seminar_g110.json", room)

    def _write_fits(self) -> None:
        """Those of the interactee; and two of the wearer, which belong to nobody in sight."""
        take = self.take
        kept = [i for i, kind in enumerate(take.kinds) if kind not in NO_FIT]
        if not kept:
            return
        people = [_moved(self.labels[i], take.kinds[i], self.scenes[i].cameras[0]) for i in kept]
        master = replace(
            self.scenes[0].cameras[0], rotation=self.kinect[:3, :3], translation=self.kinect[:3, 3]
        )
        columns = in_camera(people, master, self.bodies)
        for row, i in enumerate(kept):
            if take.kinds[i] == "nan":
                columns["transl"][row, 1] = np.nan
            elif take.kinds[i] == "huge_shape":
                columns["betas"][row, 0] = 100.0
            elif take.kinds[i] == "degrees":
                columns["body_pose"][row] = np.degrees(columns["body_pose"][row])
        results = f"{take.name}/body_idx_{take.body}/results"
        folder = self.root / f"smplx_interactee_{take.split}" / results
        paths = [folder / f"frame_{take.frames[i]:05d}/000.pkl" for i in kept]
        fit = as_fit(columns, self.model)
        write_fits(paths, fit, self.model.gender, self.rng)
        if "early" in take.kinds:
            other = f"{take.name}/body_idx_{1 - take.body}/results"
            folder = self.root / f"smplx_camera_wearer_{take.split}" / other
            paths = [folder / f"frame_{take.frames[i]:05d}/000.pkl" for i in kept[:2]]
            write_fits(paths, fit, self.model.gender, self.rng)

    def _write_pictures(self, folder: Path, images: Images) -> None:
        if images == "none":
            return
        frames = rendered(self.scenes, self.bodies) if images == "rendered" else None
        for i, (scene, kind) in enumerate(zip(self.scenes, self.take.kinds, strict=True)):
            picture = next(frames).rgb if frames is not None else None
            if kind not in NO_PICTURE:
                path = folder / "PV" / self._picture(i)
                save_image(path, images, scene, scene.cameras[0], self.bodies, people=picture)

    def _note(self, book: TruthBook, valid: NDArray[np.bool_]) -> None:
        """World meshes moved by the camera, under the ids that the people must get."""
        take = self.take
        shown = [i for i, kind in enumerate(take.kinds) if kind in ("", "invalid")]
        true = [self.scenes[i].people[0] for i in shown]
        meshes = (
            dict(zip(shown, posed(true, self.bodies), strict=True)) if book.keep_vertices else {}
        )
        for i, (frame, kind) in enumerate(zip(take.frames, take.kinds, strict=True)):
            key = f"egobody_egocentric/{take.split}/{take.name}/PV/{frame}/{take.body}"
            camera = self.scenes[i].cameras[0]
            if kind in BROKEN:
                book.add_broken(key, BROKEN[kind])
            elif kind in ("", "invalid"):
                mesh = camera.to_camera(meshes[i]) if meshes else ()
                ok = bool(valid[i])
                book.add(key, mesh, camera.focal, camera.principal_point, valid=ok)


def _in_reach(people: Sequence[Person], model: BodyModel) -> list[Person]:
    """The people with hands that 12 coefficients can say."""
    hands: dict[str, NDArray[np.float64]] = {}
    for side in ("left", "right"):
        poses = np.stack([getattr(person, f"{side}_hand_pose") for person in people])
        space = hand_components(model, side, COMPONENTS)
        hands[side] = coefficients(poses, model, side) @ space + model.hand_mean(side)
    return [
        replace(person, left_hand_pose=hands["left"][i], right_hand_pose=hands["right"][i])
        for i, person in enumerate(people)
    ]


def _moved(person: Person, kind: str, camera: Camera) -> Person:
    """A label in the wrong place: behind the camera, or far to the side of what it sees."""
    way = {"behind": [0.0, 0.0, -FAR], "aside": [FAR, 0.0, 0.0]}.get(kind)
    if way is None:
        return person
    return replace(person, transl=person.transl + camera.rotation.T @ np.array(way))
