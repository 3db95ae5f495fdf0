"""The people of a miniature release: recordings of the synthetic world, and the truth of them.

A writer asks for clips, writes what the owners would say of them (`Clip.fits`, `.extrinsics`,
`.keypoints`), the pictures (`Miniature.picture`), and notes under which id the store must have
everybody (`Miniature.note`). People are made so that the labels can say all of them: hands lie in
the principal components, faces are at rest where the release has none. Rows that must be refused
are spoilt already when `fits` gives them, and `note` knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.dataset_adapters.card import Card
from ehpsbench.dataset_adapters.clips import Clip, with_shapes
from ehpsbench.dataset_adapters.filming import Filming
from ehpsbench.dataset_adapters.sampling import Order, save_image
from ehpsbench.dataset_adapters.traits import Traits, hands_of
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.dataset_adapters.world_frames import nowhere, rigid, upright_world
from ehpsbench.errors import InputError
from ehpsbench.skeleton.sources import ALL, Map
from ehpsbench.world.camera import Camera, look, ring
from ehpsbench.world.labels import labels
from ehpsbench.world.people import Person, posed
from ehpsbench.world.scenes import Scene, scenes

if TYPE_CHECKING:
    from ehpsbench.world.settings import WorldSettings

__all__ = ["Filming", "Miniature"]

Floats = NDArray[np.float64]
TRIES = 4  # to find scenes where all actors have room
DISTANCE = 3.6  # m, of several cameras to the middle of the stage
LENS_DEG = 41.0  # of several cameras, over the height


@dataclass(frozen=True, slots=True, eq=False)
class _Noted:
    """Somebody who must be in the store."""

    key: str
    person: Person
    camera: Camera
    valid: bool
    keypoints: Floats | None
    body: bool


class Miniature:
    """A miniature release while it is written."""

    def __init__(
        self, order: Order, card: Card, filming: Filming, traits: Traits | None = None
    ) -> None:
        """Start one.

        Args:
            order: what is asked of the writer.
            card: of the dataset.
            filming: how the release was filmed.
            traits: what its labels can say; None: what the card's body facts say.

        Raises:
            InputError: the order names a split that the card does not have.
        """
        if order.split not in (None, *card.splits):
            raise InputError(f"{card.title} has the splits {card.splits}, not {order.split!r}.")
        self.order, self.card, self.filming = order, card, filming
        self.traits = traits or Traits.of(card)
        self.whole = order.split is None
        self._noted: list[_Noted] = []
        self.book = order.book(card.name)

    def clips(self, places: Sequence[tuple[str, str]], *, fewest: int = 1) -> list[Clip]:
        """Recordings (or lots of stills), about as many people in all as were ordered.

        Args:
            places: split and name of each; only those of the ordered split are made.
            fewest: frames of each. Where everything is ordered, the first clip has one more frame
                for each rule of `Filming.broken`.
        """
        wanted = [p for p in places if self.order.split in (None, p[0])]
        each = len(wanted) * self.filming.actors * self.filming.views
        frames = max(fewest, -(-self.order.people // each))
        made = []
        for index, (split, name) in enumerate(wanted):
            broken = self.filming.broken if self.whole and index == 0 else ()
            made.append(self._clip(index, split, name, ("",) * frames + tuple(broken)))
        return made

    def picture(
        self, path: str, clip: Clip, frame: int, view: int = 0, *, orientation: int = 1
    ) -> None:
        """Write a frame of a clip below the root; nothing when no images were ordered."""
        scene = clip.scenes[frame]
        save_image(
            self.order.root / path,
            self.order.images,
            scene,
            scene.cameras[view],
            self.order.bodies,
            orientation=orientation,
        )

    def note(
        self,
        key: str,
        clip: Clip,
        frame: int,
        actor: int = 0,
        view: int = 0,
        *,
        valid: bool = True,
        keypoints: tuple[ArrayLike, Map] | None = None,
        body: bool = True,
    ) -> None:
        """Somebody of a clip must be in the store, or, if the frame is spoilt, in the rejects.

        Args:
            key: `instance_id` as the adapter must build it, without the dataset's name.
            clip: the recording.
            frame: of it.
            actor: of the frame.
            view: the camera.
            valid: False for somebody whom the owners mark invalid.
            keypoints: (K, 3) x, y, score [px] and their map, where the store must have them.
            body: False for somebody of whom the release has keypoints only.
        """
        name = f"{self.card.name}/{key}"
        if clip.broken[frame]:
            self.book.add_broken(name, clip.broken[frame])
            return
        placed = None
        if keypoints is not None:
            placed = np.zeros((ALL, 3))
            values = np.asarray(keypoints[0], np.float64)
            seen = values[:, 2] > 0
            placed[np.asarray(keypoints[1])[seen]] = values[seen]
        scene = clip.scenes[frame]
        noted = _Noted(name, scene.people[actor], scene.cameras[view], valid, placed, body)
        self._noted.append(noted)

    def save(self) -> Truth:
        """Pose everybody who was noted, and write the truth and the marker."""
        self.record()
        return self.book.save(self.order.root)

    def record(self) -> None:
        """Pose everybody who was noted, into the book; several miniatures can share one."""
        keep = self.book.keep_vertices
        bare = self.card.body.family == "none"
        shown = [n for n in self._noted if n.body and not bare]
        people = list({id(n.person): n.person for n in shown}.values())
        meshes = posed(people, self.order.bodies) if keep and people else []
        mesh_of = {id(p): mesh for p, mesh in zip(people, meshes, strict=False)}
        for noted in self._noted:
            camera, mesh = noted.camera, mesh_of.get(id(noted.person))
            known = mesh is not None and noted.body
            self.book.add(
                noted.key,
                camera.to_camera(mesh) if mesh is not None and known else np.zeros((0, 3)),
                camera.focal,
                camera.principal_point,
                valid=noted.valid,
                distortion=camera.distortion,
                hands=hands_of(noted.person) if known else None,
                keypoints=noted.keypoints,
            )

    def _clip(self, index: int, split: str, name: str, broken: tuple[str, ...]) -> Clip:
        rng = np.random.default_rng([self.order.seed, 11, index])
        world = self._settings()
        gender = self.traits.genders[index % len(self.traits.genders) :]
        seed = int(rng.integers(2**31))
        made = self._scenes(world, len(broken), seed, rng, gender if self.filming.video else ())
        bodies = self.order.bodies
        if self.filming.video:
            same = with_shapes([s.people for s in made], made[0].people, bodies)
            made = [replace(s, people=p) for s, p in zip(made, same, strict=True)]
        people = self.traits.trained([p for s in made for p in s.people], bodies)
        count = self.filming.actors
        rows = [tuple(people[i : i + count]) for i in range(0, len(people), count)]
        made = [replace(s, people=p) for s, p in zip(made, rows, strict=True)]
        said = labels(made, world, seed, bodies)
        if self.filming.video:
            said = with_shapes(said, said[0], bodies)
        motion = np.eye(4) if self.filming.aligned else rigid(rng)
        if self.filming.aligned:
            motion = made[0].cameras[0].matrix
        if not self.filming.pictured:
            motion = upright_world(rng)
            camera = nowhere(made[0].cameras[0], motion)
            made = [replace(scene, cameras=(camera,)) for scene in made]
        return Clip(
            index, split, name, tuple(made), tuple(said), broken, motion, bodies, self.traits
        )

    def _settings(self) -> WorldSettings:
        """The ordered world, without what the labels cannot say."""
        settings, count = self.order.settings, self.filming.actors
        betas = max(min(settings.num_betas, self.traits.num_betas, 16), 1)
        update: dict[str, Any] = {"people": (count, count), "num_betas": betas}
        update |= {"kids": 0.0, "templates": False}
        if self.filming.views > 1:
            update |= {"distance": (DISTANCE - 0.2, DISTANCE + 0.2), "framing": "whole"}
            update |= {"spread": min(settings.spread, 0.3)}
        return settings.model_copy(update=update)

    def _scenes(
        self,
        world: WorldSettings,
        count: int,
        seed: int,
        rng: np.random.Generator,
        genders: Sequence[str],
    ) -> list[Scene]:
        """Scenes in which all actors have room."""
        if self.filming.video:  # one lens, however the camera moves
            angle = float(rng.uniform(*world.fov_deg))
            world = world.model_copy(update={"fov_deg": (angle, angle)})
        fixed = self._rig(world, rng)
        still = self.filming.video and not self.filming.moving

        def cameras(own: np.random.Generator, index: int) -> tuple[Camera, ...]:
            return fixed if still or self.filming.views > 1 else self._rig(world, own)

        asked = count
        for _ in range(TRIES):
            made = scenes(
                world,
                asked,
                seed,
                self.order.bodies,
                cameras=cameras,
                family=self.traits.family,
                genders=tuple(genders) or self.traits.genders,
            )
            full = [scene for scene in made if len(scene.people) == self.filming.actors]
            if len(full) >= count:
                return full[:count]
            asked *= 2
        raise InputError(
            f"{self.filming.actors} people hardly ever fit into one picture of this world: of "
            f"{len(made)} scenes only {len(full)} have them all. Choose a smaller fill."
        )

    def _rig(self, world: WorldSettings, rng: np.random.Generator) -> tuple[Camera, ...]:
        """One camera as the world wants it, or several around the stage."""
        bent = self.filming.distortion
        lens = None if bent is None else np.array(bent)
        return tuple(replace(camera, distortion=lens) for camera in self._pinholes(world, rng))

    def _pinholes(self, world: WorldSettings, rng: np.random.Generator) -> tuple[Camera, ...]:
        height, width = (round(side * self.order.scale) for side in self.filming.size)
        if self.filming.views > 1:
            target = (0.0, 0.0, DISTANCE)
            lens = float(np.radians(LENS_DEG * rng.uniform(1.0, 1.1)))
            return ring(
                self.filming.views,
                target=target,
                radius=DISTANCE,
                pitch=0.12,
                size=(height, width),
                field_of_view=lens,
            )
        ranges = (world.pitch_deg, world.roll_deg, world.fov_deg)
        pitch, roll, view = np.radians([rng.uniform(*pair) for pair in ranges])
        focal = self.filming.focal
        length = None if focal is None else focal * self.order.scale
        place = {"pitch": pitch, "roll": roll, "size": (height, width)}
        if length is None:
            return (look(**place, field_of_view=float(view)),)
        return (look(**place, focal=length),)
