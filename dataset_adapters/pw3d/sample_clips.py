"""What happens in the sequences of a miniature 3DPW: who, where, and what is special."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.clips import with_shapes
from ehpsbench.errors import InputError
from ehpsbench.world.camera import Camera, focal_of_view, look
from ehpsbench.world.scenes import Scene, scenes

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.settings import WorldSettings

SPLITS = ("train", "validation", "test")
PLACES = ("courtyard", "downtown", "office", "outdoors")
LONG, SHORT = 1920, 1080
SEQUENCES, FEWEST, MOST = 10, 4, 800  # sequences, people in each
TRIES = 4  # to find scenes where all actors have room
BROKEN = {  # what is wrong with a row → the rule that must find it
    "nan": "finite",
    "huge_shape": "ranges",
    "degrees": "angles",
    "behind": "in_front_of_camera",
    "aside": "joints_near_box",
}


@dataclass(frozen=True, slots=True)
class Clip:
    """A sequence to write.

    Attributes:
        index: number of the sequence.
        split: of the release.
        actors: 1 or 2.
        kinds: of each frame, what is special about it, or nothing: a key of `BROKEN`,
            "unaligned" (the first actor with the camera), "undetected" (the last actor),
            "no_row" (an image that the labels do not reach), "no_image" (a row beyond the images).
        betas: 10, or 300 as some files have.
    """

    index: int
    split: str
    actors: int
    kinds: tuple[str, ...]
    betas: int = 10

    @property
    def name(self) -> str:
        """As the owners name them: a place and a number."""
        return f"{PLACES[self.index % len(PLACES)]}_walk_{self.index:02d}"

    @property
    def portrait(self) -> bool:
        """Every other video is upright."""
        return self.index % 2 == 1


def plan(people: int, split: str | None, crowd: tuple[int, int], *, pictures: bool) -> list[Clip]:
    """The sequences of a release.

    Args:
        people: how many valid ones, about.
        split: only this one, without anything special; None: all, with everything.
        crowd: fewest and most actors in a picture; more than two become two.
        pictures: whether images are written; without them none can be missing.
    """
    low, high = (min(n, 2) for n in crowd)
    if split is None:
        low, high = 1, 2
    each = min(max(-(-people // SEQUENCES), FEWEST), MOST)
    clips: list[Clip] = []
    left = people
    while left > 0:
        i = len(clips)
        actors = high - i % (high - low + 1)
        frames = -(-min(each, left) // actors)
        clips.append(Clip(i, split or SPLITS[i % 3], actors, ("",) * frames))
        left -= frames * actors
    return clips if split is not None else _with_everything(clips, pictures=pictures)


def _with_everything(clips: list[Clip], *, pictures: bool) -> list[Clip]:
    while len(clips) < len(SPLITS):
        clips.append(Clip(len(clips), SPLITS[len(clips)], 1, ("",)))
    beyond = (("no_image",), ("no_row",)) if pictures else ((), ())
    first, second = clips[:2]
    clips[0] = replace(first, kinds=("unaligned", "undetected", *first.kinds, *beyond[0]))
    clips[1] = replace(second, kinds=(*second.kinds, "unaligned", *beyond[1]), betas=300)
    rows = tuple(kind for kind in BROKEN if kind != "huge_shape")  # which spoils a whole sequence
    for kinds in (rows, ("huge_shape",)):
        clips.append(Clip(len(clips), "train", 1, kinds))
    return clips


def filmed(
    clip: Clip, world: WorldSettings, seed: int, scale: float, bodies: BodySet
) -> list[Scene]:
    """A scene a frame, with all actors in each, and each actor with one shape and gender."""
    rng = np.random.default_rng([seed, 5, clip.index])
    size = (round(SHORT * scale), round(LONG * scale))
    size = size[::-1] if clip.portrait else size
    focal = focal_of_view(float(np.radians(rng.uniform(*world.fov_deg))), size[0])

    def camera(rng: np.random.Generator, index: int) -> Camera:
        pitch, roll = np.radians([rng.uniform(*p) for p in (world.pitch_deg, world.roll_deg)])
        return look(pitch=pitch, roll=roll, size=size, focal=focal)

    crowd = world.model_copy(update={"people": (clip.actors, clip.actors)})
    wanted, count, own = len(clip.kinds), len(clip.kinds), int(rng.integers(2**31))
    for _ in range(TRIES):
        options: Any = {"cameras": camera, "family": "smpl", "genders": ("male", "female")}
        made = scenes(crowd, count, own, bodies, **options)
        full = [scene for scene in made if len(scene.people) == clip.actors]
        if len(full) >= wanted:
            actors = full[0].people
            same = with_shapes([s.people for s in full[:wanted]], actors, bodies)
            return [replace(s, people=p) for s, p in zip(full, same, strict=False)]
        count *= 2
    raise InputError(
        f"{clip.actors} people hardly ever fit into one picture of this world: of {count // 2} "
        f"scenes only {len(full)} have them all. Choose a smaller fill, or fewer people."
    )


def camera_matrices(scenes: Sequence[Scene]) -> NDArray[np.float64]:
    """(N, 4, 4) scene → camera."""
    return np.stack([scene.cameras[0].matrix for scene in scenes])
