"""A miniature UBody: videos of synthetic people, COCO-style files and SMPL-X fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import write_text
from ehpsbench.dataset_adapters.sampling import (
    MOST_VERTICES_KEPT,
    Images,
    TruthBook,
    save_image,
)
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.geometry import box_around
from ehpsbench.skeleton.sources import (
    COCO_17,
    COCO_FEET_6,
    FACE_68,
    LEFT_HAND_21,
    RIGHT_HAND_21,
)

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.camera import Camera
    from ehpsbench.world.people import Person
    from ehpsbench.world.scenes import Scene
    from ehpsbench.world.settings import WorldSettings

Values = dict[str, Any]

HEIGHT, WIDTH = 720, 1280  # px
EVERY = 100  # annotations of the test split: all but the last of each hundred are crowds
JOINTS = 55  # of the body model; the others have no score
HANDS = {"lefthand": LEFT_HAND_21, "righthand": RIGHT_HAND_21}
HAND_BOX = 1.5  # the owners' hand boxes are larger than the hand
VIDEOS = (  # scene, video, split; the list of test videos has the name without `_Trim…`
    ("Interview", "Trim7/talk_a_Trim2", "test"),
    ("Interview", "talk_b", "train"),
    ("SignLanguage", "news_Trim1", "train"),
    ("SignLanguage", "lesson", "test"),
)
BROKEN: dict[str, Callable[[Values], Values]] = {
    "finite": lambda fit: fit | {"root_pose": [float("nan")] * 3},
    "ranges": lambda fit: fit | {"shape": [100.0] * 10},
    "angles": lambda fit: fit | {"body_pose": np.degrees(fit["body_pose"]).tolist()},
    "in_front_of_camera": lambda fit: fit | {"trans": [0.0, 0.0, -30.0]},
    "joints_near_box": lambda fit: fit | {"trans": _beside(fit["trans"])},
}
INVALID: dict[str, Values] = {
    "crowd": {"iscrowd": 1},
    "no_keypoints": {"num_keypoints": 0},
    "valid_label_0": {"valid_label": 0},
}


def _beside(place: list[float]) -> list[float]:
    """A place far out of the picture."""
    return [place[0] + 5 * place[2], place[1], place[2]]


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

    def save(self) -> None:
        """Write the annotation files."""
        for scene, files in self.files.items():
            folder = self.root / "annotations" / scene
            labels = {"images": files.images, "annotations": files.annotations}
            write_text(folder / "keypoint_annotation.json", json.dumps(labels))
            write_text(folder / "smplx_annotation.json", json.dumps(files.fits))


def write(
    root: Path,
    bodies: BodySet,
    settings: WorldSettings,
    *,
    seed: int,
    people: int,
    images: Images = "rendered",
    split: str | None = None,
    scale: float = 1.0,
    workers: int = 1,
) -> Truth:
    """Write a miniature release below `root`; see `Truth`.

    The test split alone is padded with crowds, so that the people of the world are those whom the
    protocol's every hundredth annotation scores.

    Args:
        root: a new folder.
        bodies: the open body.
        settings: the world; with every special case (split None), people are upper bodies.
        seed: the same seed gives the same release.
        people: how many, about.
        images: "rendered", "flat" or "none".
        split: "train" or "test", with ordinary people only; None: both, with every special case.
        scale: of the image size.
        workers: not used, the pictures are drawn in this process.
    """
    from ehpsbench.world.labels import labels
    from ehpsbench.world.scenes import scenes

    world = settings if split else settings.model_copy(update={"framing": "upper"})
    world = world.model_copy(update={"num_betas": 10, "kids": 0.0})
    low, high = world.people
    count = max(round(2 * people / (low + high)), 2 * len(VIDEOS))
    made = scenes(world, count, seed, bodies, cameras=lambda r, i: _view(r, world, scale))
    made = [_without_eyes(scene) for scene in made]
    labelled = labels(made, world, seed, bodies)
    book = TruthBook("ubody", bodies, world, seed, people <= MOST_VERTICES_KEPT)
    writer = _Writer(root, bodies, book, images)
    videos = _videos(split)
    for i, (scene, said) in enumerate(zip(made, labelled, strict=True)):
        video, frame = videos[i % len(videos)], 1 + i // len(videos)
        _write_scene(writer, video, frame, scene, said, padded=split == "test")
    if split is None:
        _special(writer, videos[0], made[0], labelled[0][0])
    writer.save()
    _save_test_list(root, videos)
    return book.save(root)


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
    for person, mesh in zip(said, meshes, strict=True):
        record, fit = _label(person, camera, writer.bodies)
        for _ in range(EVERY - 1 if padded else 0):
            writer.annotation(video, image, record | {"iscrowd": 1}, None)
        number = writer.annotation(video, image, record, fit)
        truth = camera.to_camera(mesh)
        writer.book.add(video.id(frame, number), truth, camera.focal, camera.principal_point)


def _special(writer: _Writer, video: _Video, scene: Scene, person: Person) -> None:
    """People without a fit, invalid ones, broken ones, and a frame with nobody."""
    from ehpsbench.world.people import posed

    camera = scene.cameras[0]
    record, fit = _label(person, camera, writer.bodies)
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


def _label(person: Person, camera: Camera, bodies: BodySet) -> tuple[Values, Values]:
    """The annotation of a person, without its ids, and the SMPL-X entry."""
    from ehpsbench.world.people import in_camera, posed_joints

    values = in_camera(person, camera, bodies)
    model = bodies.model("smplx", "neutral")
    joints = camera.to_camera(posed_joints([person], bodies)[0])[:JOINTS]
    pixels = np.zeros((190, 3))
    pixels[: len(joints), :2] = camera.pixels(joints)
    pixels[: len(joints), 2] = joints[:, 2] > 0
    fit = {
        "root_pose": values["global_orient"].tolist(),
        "body_pose": values["body_pose"].tolist(),
        "shape": values["betas"][:10].tolist(),
        "trans": values["transl"].tolist(),
        "lhand_pose": (values["left_hand_pose"] - model.hand_mean("left")).tolist(),
        "rhand_pose": (values["right_hand_pose"] - model.hand_mean("right")).tolist(),
        "jaw_pose": values["jaw_pose"].tolist(),
        "expr": values["expression"].tolist(),
        "lhand_valid": True,
        "rhand_valid": True,
        "face_valid": True,
    }
    lens = {"focal": camera.focal.tolist(), "princpt": camera.principal_point.tolist()}
    return _record(pixels, camera), {"smplx_param": fit, "cam_param": lens}


def _record(pixels: NDArray[np.float64], camera: Camera) -> Values:
    seen = np.where(pixels[:, 2:] > 0, pixels[:, :2], np.nan)
    inside = np.all((seen >= 0) & (seen <= [camera.width, camera.height]), axis=1)
    record: Values = {
        "iscrowd": 0,
        "num_keypoints": int((pixels[list(COCO_17), 2] > 0).sum()),
        "valid_label": 2,
        "bbox": box_around(np.where(inside[:, None], seen, np.nan)).tolist(),
        "keypoints": pixels[list(COCO_17)].ravel().tolist(),
        "foot_kpts": pixels[list(COCO_FEET_6)].ravel().tolist(),
        "face_kpts": pixels[list(FACE_68)].ravel().tolist(),
        "face_box": [0.0, 0.0, 0.0, 0.0],
        "face_valid": True,
    }
    for name, joints in HANDS.items():
        x, y, w, h = box_around(seen[list(joints)]).tolist()
        larger = [
            x - w * (HAND_BOX - 1) / 2,
            y - h * (HAND_BOX - 1) / 2,
            w * HAND_BOX,
            h * HAND_BOX,
        ]
        points = pixels[list(joints)].ravel().tolist()
        record |= {f"{name}_kpts": points, f"{name}_box": larger, f"{name}_valid": True}
    return record
