"""Writes a miniature BEDLAM release: scenes of synthetic people in the owners' layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import replacing
from ehpsbench.dataset_adapters.bedlam.sample_labels import LabelledPerson, broken_rows, label_rows
from ehpsbench.dataset_adapters.sampling import (
    FLAT_GREY,
    Images,
    Order,
    TruthBook,
    save_image,
)
from ehpsbench.dataset_adapters.traits import hands_of

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.dataset_adapters.truth import Truth
    from ehpsbench.world.camera import Camera
    from ehpsbench.world.people import Person
    from ehpsbench.world.scenes import Scene
    from ehpsbench.world.settings import WorldSettings

Columns = dict[str, NDArray[Any]]

LONG, SHORT = 1280, 720  # px
SEQUENCE = 4  # pictures of one sequence
GHOST, NOBODY = "seq_000000/seq_000000_9995.png", "seq_000000/seq_000000_9990.png"


@dataclass(frozen=True, slots=True)
class Place:
    """A rendered scene: its file, how the pictures are stored, and what its labels say.

    Attributes:
        stem: name of its label file.
        portrait: pictures are stored as landscape, the labels are for the turned ones.
        split: where the owners use it.
        subjects: "named", "unnamed" (older files), or "twins": one name for everybody.
    """

    stem: str
    portrait: bool = False
    split: str = "train"
    subjects: str = "named"

    @property
    def key(self) -> str:
        """Its name in the store."""
        bare = self.stem.removesuffix("_6fps").removesuffix("_30fps")
        return bare.replace("20221020-", "20221020_")

    def id(self, picture: str, person: str) -> str:
        """`instance_id` of somebody in the picture that `imgname` calls so."""
        sequence, frame = picture.split("/")[0], int(picture[-8:-4])
        return f"bedlam/{self.split}/{self.key}:{sequence}/0/{frame}/{person}"

    def picture(self, index: int) -> str:
        """`imgname` of its picture number `index`."""
        sequence, step = f"seq_{index // SEQUENCE:06d}", 5 if "_6fps" in self.stem else 1
        return f"{sequence}/{sequence}_{index % SEQUENCE * step:04d}.png"


PLACES = (
    Place("20221013_3_250_batch01hand_static_bigOffice_6fps"),
    Place("20221011_1_250_batch01hand_closeup_suburb_a_6fps", portrait=True),
    Place("20221020-3-8_250_highbmihand_zoom_highSchoolGym_a_6fps", subjects="unnamed"),
    Place("20221022_3_250_batch01handhair_static_bigOffice_30fps", subjects="twins"),
    # a close-up by its folder, none by the owners' short name: stored as it is seen
    Place("20221017_1_250_batch01hand_closeup_suburb_a_6fps"),
    Place("20221018_3-8_250_batch01hand_6fps", split="validation"),
)


def write(order: Order) -> Truth:
    """Write about `people` people into `root`, and the truth about them."""
    from ehpsbench.world.labels import labels
    from ehpsbench.world.scenes import scenes

    places = [p if order.split is None else replace(p, subjects="named") for p in PLACES]
    places = [p for p in places if order.split in (None, p.split)]
    low, high = order.settings.people
    most = max(high, 3) if order.split is None else high  # several rows of one picture
    world = order.settings.model_copy(update={"people": (low, most), "num_betas": 11})
    count = max(round(order.people / ((low + most) / 2)), 2 * len(places))
    made = scenes(
        world,
        count,
        order.seed,
        order.bodies,
        cameras=lambda r, i: _view(r, places[i % len(places)], world, order.scale),
    )
    made = [_without_expression(scene) for scene in made]
    labelled = labels(made, world, order.seed, order.bodies)
    book = order.book("bedlam", world)
    for first, place in enumerate(places):
        mine = slice(first, None, len(places))
        _pictures(order.root, place, made[mine], order.bodies, order.images)
        found = _people(place, made[mine], labelled[mine])
        rng = np.random.default_rng([order.seed, first])
        kept, columns = label_rows(found, order.bodies, rng, whole=book.keep_vertices)
        _tell(book, place, kept, order.bodies)
        if order.split is None and first == 0:
            columns = _broken(order.root, place, columns, book, order.images)
        _save(order.root, place, columns)
    if order.split is None:
        _save_agora(order.root, columns)
    return book.save(order.root)


def _view(rng: np.random.Generator, place: Place, world: WorldSettings, scale: float) -> Camera:
    """A camera as the world wants it, anywhere in the scene; the size is that of the place."""
    from ehpsbench.world.camera import look

    ranges = (world.pitch_deg, world.roll_deg, world.fov_deg)
    pitch, roll, view = np.radians([rng.uniform(*pair) for pair in ranges])
    size = (LONG, SHORT) if place.portrait else (SHORT, LONG)
    return look(
        pitch=pitch,
        yaw=rng.uniform(-np.pi, np.pi),
        roll=roll,
        position=rng.uniform(-2, 2, 3),
        size=(round(size[0] * scale), round(size[1] * scale)),
        field_of_view=float(view),
    )


def _without_expression(scene: Scene) -> Scene:
    """BEDLAM's faces move with jaw and eyes alone."""
    people = (replace(person, expression=np.zeros(10)) for person in scene.people)
    return replace(scene, people=tuple(people))


def _pictures(
    root: Path, place: Place, made: Sequence[Scene], bodies: BodySet, images: Images
) -> None:
    from ehpsbench.world.renderer import rendered

    folder = root / "training_images" / place.stem / "png"
    turned = 6 if place.portrait else 1
    frames = rendered(made, bodies) if images == "rendered" else None
    for i, scene in enumerate(made):
        picture = next(frames).rgb if frames is not None else None
        save_image(
            folder / place.picture(i),
            images,
            scene,
            scene.cameras[0],
            bodies,
            orientation=turned,
            people=picture,
        )


def _people(
    place: Place, made: Sequence[Scene], labelled: Sequence[tuple[Person, ...]]
) -> list[LabelledPerson]:
    """Everybody in the pictures of a scene, with the label."""
    return [
        LabelledPerson(
            picture=place.picture(i),
            camera=scene.cameras[0],
            person=person,
            label=label,
            subject="rp_twin" if place.subjects == "twins" else f"rp_{person.subject:07d}",
        )
        for i, scene in enumerate(made)
        for person, label in zip(scene.people, labelled[i], strict=True)
    ]


def _tell(book: TruthBook, place: Place, people: Sequence[LabelledPerson], bodies: BodySet) -> None:
    """Enter the people under the ids that they must get."""
    from ehpsbench.world.people import posed

    company: dict[str, list[str]] = {}
    for one in people:
        company.setdefault(one.picture, []).append(one.subject)
    keys = [
        str(number) if place.subjects == "unnamed" or len(set(subjects)) < len(subjects) else name
        for subjects in company.values()
        for number, name in enumerate(subjects)
    ]
    meshes = posed([p.person for p in people], bodies) if book.keep_vertices else []
    for i, (one, key) in enumerate(zip(people, keys, strict=True)):
        mesh = one.camera.to_camera(meshes[i]) if meshes else ()
        lens = one.camera.focal, one.camera.principal_point
        book.add(place.id(one.picture, key), mesh, *lens, hands=hands_of(one.person))


def _broken(root: Path, place: Place, columns: Columns, book: TruthBook, images: Images) -> Columns:
    """The labels with rows that must be refused or left out, and a picture without a label."""
    rows, rules = broken_rows(columns)
    for row, rule in enumerate(rules):
        book.add_broken(place.id(str(rows["imgname"][row]), str(rows["sub"][row])), rule)
    if images != "none":
        from PIL import Image

        ghost = {name: values[:1].copy() for name, values in columns.items()}
        ghost["imgname"] = np.asarray([GHOST])
        rows = {name: np.concatenate([rows[name], ghost[name]]) for name in rows}
        path = root / "training_images" / place.stem / "png" / NOBODY
        size = (int(2 * columns["cam_int"][0, 0, 2]), int(2 * columns["cam_int"][0, 1, 2]))
        Image.new("RGB", size, FLAT_GREY).save(path)
    return {name: np.concatenate([values, rows[name]]) for name, values in columns.items()}


def _save(root: Path, place: Place, columns: Columns) -> None:
    """Write the labels of a scene; strings as the owners' NumPy did, objects in some files."""
    if place.subjects == "unnamed":
        columns = {n: v for n, v in columns.items() if n not in ("sub", "motion_info")}
        columns["imgname"] = columns["imgname"].astype(object)
    path = root / "training_labels" / "all_npz_12_training" / f"{place.stem}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=True, **columns)


def _save_agora(root: Path, columns: Columns) -> None:
    """AGORA's labels, which the owners ship in the same folder: not to be read as BEDLAM."""
    for name in ("bfh", "body"):
        rows = {key: values[:1] for key, values in columns.items()}
        rows["imgname"] = np.asarray([f"ag_trainset_3dpeople_{name}_archviz_5_10_cam00_00001.png"])
        _save(root, Place(f"agora-{name}"), rows)
