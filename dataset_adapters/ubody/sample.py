"""A miniature UBody: videos of synthetic people, COCO-style files and SMPL-X fits."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ehpsbench.atomic import write_text
from ehpsbench.dataset_adapters.sampling import (
    Images,
    Order,
    TruthBook,
    save_image,
)
from ehpsbench.dataset_adapters.traits import hands_of
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.dataset_adapters.ubody.sample_labels import (
    BROKEN,
    INVALID,
    Values,
    crowd,
    label_of,
)

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.camera import Camera
    from ehpsbench.world.people import Person
    from ehpsbench.world.scenes import Scene
    from ehpsbench.world.settings import WorldSettings

HEIGHT, WIDTH = 720, 1280  # px
EVERY = 100  # annotations of test videos: all but the last of each hundred are crowds
MOST_PADDED = 200  # people of a miniature of both splits
VIDEOS = (  # scene, video, split; the list of test videos has the name without `_Trim…`
    ("Interview", "Trim7/talk_a_Trim2", "test"),
    ("Interview", "talk_b", "train"),
    ("SignLanguage", "news_Trim1", "train"),
    ("SignLanguage", "lesson", "test"),
)


@dataclass(slots=True)
class _SceneFiles:
    """The two annotation files of a scene, while they are filled."""

    images: list[Values] = field(default_factory=list)
    annotations: list[Values] = field(default_factory=list)
    fits: dict[str, Values] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Video:
    """A video: where it is, and in which split."""

    scene: str
    name: str
    split: str

    def file(self, frame: int) -> str:
        """`file_name` of a frame; the owners' often begin with a slash."""
        return f"/{self.name}/{frame:06d}.png"

    def id(self, frame: int, person: int) -> str:
        """`instance_id` of an annotation."""
        sequence = f"{self.scene}/{self.name}".replace("/", ":")
        return f"ubody/{self.split}/{sequence}/0/{frame}/{person}"


@dataclass(slots=True)
class _Writer:
    """Fills the files of all scenes, and the book of the truth."""

    root: Path
    bodies: BodySet
    book: TruthBook
    images: Images
    files: dict[str, _SceneFiles] = field(default_factory=dict)
    count: int = 0

    def image(self, video: _Video, frame: int, scene: Scene) -> int:
        """Write a frame; returns its id."""
        camera = scene.cameras[0]
        path = self.root / "images" / video.scene / video.file(frame).lstrip("/")
        save_image(path, self.images, scene, camera, self.bodies)
        records = self.files.setdefault(video.scene, _SceneFiles()).images
        number = 1 + sum(len(f.images) for f in self.files.values())
        records.append(
            {
                "id": number,
                "file_name": video.file(frame),
                "height": camera.height,
                "width": camera.width,
            }
        )
        return number

    def annotation(self, video: _Video, image: int, record: Values, fit: Values | None) -> int:
        """Add an annotation, with SMPL-X parameters or without; returns its id."""
        self.count += 1
        files = self.files[video.scene]
        files.annotations.append(record | {"id": self.count, "image_id": image})
        if fit is not None:
            files.fits[str(self.count)] = fit
        return self.count

    def pad(self, video: _Video, image: int, record: Values) -> None:
        """Add crowds until the next annotation is a hundredth of its scene's file."""
        for _ in range((EVERY - 1 - len(self.files[video.scene].annotations)) % EVERY):
            self.annotation(video, image, crowd(record), None)

    def save(self) -> None:
        """Write the annotation files."""
        for scene, files in self.files.items():
            folder = self.root / "annotations" / scene
            labels = {"images": files.images, "annotations": files.annotations}
            write_text(folder / "keypoint_annotation.json", json.dumps(labels))
            write_text(folder / "smplx_annotation.json", json.dumps(files.fits))


def write(order: Order) -> Truth:
    """Write a miniature release below `root`; see `Truth`.

    Test videos are padded with crowds, so that their people are those whom the protocol's every
    hundredth annotation scores; but not where many people of both splits are asked for.
    """
    from ehpsbench.world.labels import labels
    from ehpsbench.world.scenes import scenes

    world = (
        order.settings if order.split else order.settings.model_copy(update={"framing": "upper"})
    )
    world = world.model_copy(update={"num_betas": 10, "kids": 0.0})
    low, high = world.people
    count = max(round(2 * order.people / (low + high)), 2 * len(VIDEOS))
    made = scenes(
        world, count, order.seed, order.bodies, cameras=lambda r, i: _view(r, world, order.scale)
    )
    made = [_without_eyes(scene) for scene in made]
    labelled = labels(made, world, order.seed, order.bodies)
    book = order.book("ubody", world)
    writer = _Writer(order.root, order.bodies, book, order.images)
    videos = _videos(order.split)
    padding = order.split == "test" or order.people <= MOST_PADDED
    for i, (scene, said) in enumerate(zip(made, labelled, strict=True)):
        video, frame = videos[i % len(videos)], 1 + i // len(videos)
        padded = padding and video.split == "test"
        _write_scene(writer, video, frame, scene, said, padded=padded)
    if order.split is None:
        _special(writer, videos[0], made[0], labelled[0][0])
    writer.save()
    _save_test_list(order.root, videos)
    return book.save(order.root)


def _videos(split: str | None) -> list[_Video]:
    """The videos of a miniature; for one split many, so that there are clusters to resample."""
    if split is None:
        return [_Video(*names) for names in VIDEOS]
    scenes = sorted({scene for scene, *_ in VIDEOS})
    return [_Video(scenes[i % 2], f"{split}_{i:02d}", split) for i in range(16)]


def _save_test_list(root: Path, videos: list[_Video]) -> None:
    names = [v.name.rpartition("/")[2].split("_Trim")[0] for v in videos if v.split == "test"]
    (root / "splits").mkdir(parents=True, exist_ok=True)
    np.save(root / "splits" / "intra_scene_test_list.npy", np.asarray(names, str))
    np.save(root / "splits" / "inter_scene_test_list.npy", np.asarray(names, str))


def _view(rng: np.random.Generator, world: WorldSettings, scale: float) -> Camera:
    from ehpsbench.world.camera import look

    ranges = (world.pitch_deg, world.roll_deg, world.fov_deg)
    pitch, roll, view = np.radians([rng.uniform(*pair) for pair in ranges])
    size = (round(HEIGHT * scale), round(WIDTH * scale))
    return look(pitch=pitch, roll=roll, field_of_view=float(view), size=size)


def _without_eyes(scene: Scene) -> Scene:
    """UBody's fits have no eye poses."""
    rest = np.zeros(3)
    people = (replace(p, leye_pose=rest, reye_pose=rest) for p in scene.people)
    return replace(scene, people=tuple(people))


def _write_scene(
    writer: _Writer,
    video: _Video,
    frame: int,
    scene: Scene,
    said: tuple[Person, ...],
    *,
    padded: bool,
) -> None:
    from ehpsbench.world.scenes import posed_people

    camera = scene.cameras[0]
    image = writer.image(video, frame, scene)
    meshes = posed_people(scene, writer.bodies)
    for true, person, mesh in zip(scene.people, said, meshes, strict=True):
        record, fit = label_of(person, camera, writer.bodies)
        if padded:
            writer.pad(video, image, record)
        number = writer.annotation(video, image, record, fit)
        truth, lens = camera.to_camera(mesh), (camera.focal, camera.principal_point)
        writer.book.add(video.id(frame, number), truth, *lens, hands=hands_of(true))


def _special(writer: _Writer, video: _Video, scene: Scene, person: Person) -> None:
    """People without a fit, invalid ones, broken ones, and a frame with nobody."""
    from ehpsbench.world.people import posed

    camera = scene.cameras[0]
    record, fit = label_of(person, camera, writer.bodies)
    frame = 9000
    image = writer.image(video, frame, scene)
    writer.annotation(video, image, record, None)
    truth = camera.to_camera(posed([person], writer.bodies)[0])
    for change in INVALID.values():
        number = writer.annotation(video, image, record | change, fit)
        key = video.id(frame, number)
        writer.book.add(key, truth, camera.focal, camera.principal_point, valid=False)
    for rule, spoil in BROKEN.items():
        spoilt = fit | {"smplx_param": spoil(fit["smplx_param"])}
        number = writer.annotation(video, image, record, spoilt)
        writer.book.add_broken(video.id(frame, number), rule)
    outside = record | {"bbox": [camera.width + 50.0, 0.0, 30.0, 30.0]}
    number = writer.annotation(video, image, outside, fit)
    writer.book.add_broken(video.id(frame, number), "box_inside_image")
    writer.image(video, frame + 1, scene)
