"""Writes a miniature of any dataset as HumanData files, with its card's genders and hands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ehpsbench.atomic import replacing
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.card import Card
from ehpsbench.dataset_adapters.readers.humandata_sample_arrays import (
    BROKEN,
    Somebody,
    compressed,
    spoil,
    whole_content,
)
from ehpsbench.dataset_adapters.sampling import (
    Images,
    Order,
    TruthBook,
    save_image,
)
from ehpsbench.dataset_adapters.truth import Truth

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.camera import Camera
    from ehpsbench.world.people import Person
    from ehpsbench.world.scenes import Scene
    from ehpsbench.world.settings import WorldSettings

Dialect = Literal["v2", "classic"]

HEIGHT, WIDTH = 720, 1280  # px
SEQUENCE = 4  # images of one folder
KID = 0.4  # weight of the kid template
FIRST_BROKEN = 900_000


@dataclass(slots=True)
class _File:
    """One HumanData file, while it is filled."""

    card: Card
    split: str
    part: int
    dialect: Dialect
    people: list[Somebody] = field(default_factory=list)

    @property
    def later(self) -> bool:
        """Whether it is of the second dialect."""
        return self.dialect == "v2"

    def picture(self, number: int) -> str:
        """Path of its image `number`."""
        return f"part{self.part}/seq{number // SEQUENCE:04d}/{number % SEQUENCE:06d}.jpg"

    def add(self, path: str, scene: Scene, number: int, pair: _Pair, **more: Any) -> str:
        """A person in an image; returns the id that the store must give.

        Args:
            path: of the image, as the file stores it.
            scene: what is in it.
            number: of the person in the image, counted from 0.
            pair: the person and the label.
            more: `sequence` and `frame` where they are not folder and number of the image,
                `track` and `valid`.
        """
        folder, _, name = path.rpartition("/")
        sequence = more.pop("sequence", folder).replace("/", ":")
        frame = more.pop("frame", None)
        frame = int(name.partition(".")[0]) if frame is None else frame
        track = more.pop("track", pair.person.subject)
        camera, key = ("0", track) if self.later else ("c1", number)
        identity = f"{self.card.name}/{self.split}/{sequence}/{camera}/{frame}/{key}"
        self.people.append(
            Somebody(path, identity, track, scene.cameras[0], pair.person, pair.label, **more)
        )
        return identity


@dataclass(frozen=True, slots=True)
class _Pair:
    """A person, and as what the release labels it."""

    person: Person
    label: Person

    def but(self, **changes: Any) -> _Pair:
        """The same, both changed."""
        return _Pair(replace(self.person, **changes), replace(self.label, **changes))


def write(order: Order, *, dataset: str, dialect: Dialect | None = None) -> Truth:
    """Write a miniature below `root`: annot/<dataset>_<split>.npz and img/<dataset>/."""
    from ehpsbench.world.labels import labels
    from ehpsbench.world.scenes import scenes

    card = catalogue.card(dataset)
    files = _files(card, order.split, dialect)
    family = "smpl" if card.body.family == "smpl" else "smplx"
    low, high = order.settings.people
    high = max(high, 3) if order.split is None else high  # several rows of one image
    betas = min(card.body.num_betas or 10, 16)
    world = order.settings.model_copy(
        update={"people": (low, high), "num_betas": betas, "kids": 0.0, "templates": False}
    )
    count = max(round(2 * order.people / (low + high)), 2 * len(files))
    gendered = card.body.gender == "gendered"
    genders = ("neutral", "male", "female") if gendered else ("neutral",)
    made = scenes(
        world,
        count,
        order.seed,
        order.bodies,
        cameras=lambda r, i: _view(r, world, order.scale),
        family=family,
        genders=genders,
    )
    made = [s if i % len(files) else _blind(s, files[0]) for i, s in enumerate(made)]
    labelled = labels(made, world, order.seed, order.bodies)
    book = order.book(dataset, world)
    folder = order.root / "img" / dataset
    for i, (scene, said) in enumerate(zip(made, labelled, strict=True)):
        file = files[i % len(files)]
        path = file.picture(i // len(files))
        save_image(folder / path, order.images, scene, scene.cameras[0], order.bodies)
        for number, (person, label) in enumerate(zip(scene.people, said, strict=True)):
            file.add(path, scene, number, _Pair(person, label))
    broken: dict[int, str] = {}
    if order.split is None:
        pair = _Pair(made[0].people[0], labelled[0][0])
        broken = _special(files[0], made[0], pair, folder, order.bodies, order.images)
    for file in files:
        _tell(book, file, order.bodies, broken if file is files[0] else {})
        content = whole_content(file.people, order.bodies, card, later=file.later)
        for row, rule in broken.items() if file is files[0] else ():
            spoil(content, family, row, rule)
        part = f"_{file.part + 1}" if any(f.split == file.split for f in files[: file.part]) else ""
        _save(order.root / "annot" / f"{dataset}_{file.split}{part}.npz", content, file)
    return book.save(order.root)


def _files(card: Card, split: str | None, dialect: Dialect | None) -> list[_File]:
    if split is not None or dialect is not None:
        return [_File(card, split or card.splits[0], 0, dialect or "v2")]
    last = card.splits[1] if len(card.splits) > 1 else card.splits[0]
    return [_File(card, card.splits[0], 0, "v2"), _File(card, last, 1, "classic")]


def _view(rng: np.random.Generator, world: WorldSettings, scale: float) -> Camera:
    from ehpsbench.world.camera import look

    ranges = (world.pitch_deg, world.roll_deg, world.fov_deg)
    pitch, roll, view = np.radians([rng.uniform(*pair) for pair in ranges])
    size = (round(HEIGHT * scale), round(WIDTH * scale))
    centre = (size[1] / 2 + rng.uniform(-5, 5), size[0] / 2)
    return look(
        pitch=pitch, roll=roll, field_of_view=float(view), size=size, principal_point=centre
    )


def _blind(scene: Scene, file: _File) -> Scene:
    """Files of the later dialect hold no eye poses."""
    if not file.later:
        return scene
    rest = np.zeros(3)
    return replace(
        scene, people=tuple(replace(p, leye_pose=rest, reye_pose=rest) for p in scene.people)
    )


def _special(
    file: _File, scene: Scene, pair: _Pair, folder: Path, bodies: BodySet, images: Images
) -> dict[int, str]:
    """Odd paths, still hands, invalid people and children; rows to break, with their rules."""
    from ehpsbench.world.people import model_of

    def picture(stored: str) -> str:
        path = folder / stored.replace("\\", "/").lstrip("/")
        save_image(path, images, scene, scene.cameras[0], bodies)
        return stored

    flat = file.card.humandata_flat_hands == file.later
    model = model_of(pair.person, bodies)
    still = pair
    if pair.person.family == "smplx":
        hands = {
            f"{side}_hand_pose": np.zeros(45) if flat else model.hand_mean(side)
            for side in ("left", "right")
        }
        still = pair.but(**hands)
    path = picture("odd\\portrait.jpg")
    file.add(path, scene, 0, still, sequence="odd:portrait", frame=0)
    for name in ("cam00_00001_1280x720", "cam01_00001_1280x720"):  # the last number is no frame
        file.add(picture(f"/odd/{name}.jpg"), scene, 0, pair, sequence=f"odd:{name}", frame=720)
    if file.later:
        file.add(picture("odd/000001.jpg"), scene, 0, pair, valid=False)
    if file.card.body.gender == "gendered" and model.kid_direction is not None:
        file.add(picture("odd/000002.jpg"), scene, 0, pair.but(kid=KID))
    path = picture("odd/000003.jpg")
    broken = {}
    for number, rule in enumerate(BROKEN):
        broken[len(file.people)] = rule
        file.add(path, scene, number, pair, track=FIRST_BROKEN + number)
    return broken


def _tell(book: TruthBook, file: _File, bodies: BodySet, broken: dict[int, str]) -> None:
    from ehpsbench.world.people import posed

    good = [(i, p) for i, p in enumerate(file.people) if i not in broken]
    meshes = posed([p.person for _, p in good], bodies) if book.keep_vertices else []
    for i, (_, one) in enumerate(good):
        mesh = one.camera.to_camera(meshes[i]) if meshes else ()
        camera = one.camera
        book.add(one.instance_id, mesh, camera.focal, camera.principal_point, valid=one.valid)
    for row, rule in broken.items():
        book.add_broken(file.people[row].instance_id, rule)


def _save(path: Path, content: dict[str, Any], file: _File) -> None:
    """The first dialect compressed by its masks, as MMHuman3D does before it saves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = content if file.later else compressed(content)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=True, **stored)
