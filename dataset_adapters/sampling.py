"""What the writers of miniature releases share: pictures, and the book of the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.geometry import project
from ehpsbench.pictures import INVERSE, orient

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.camera import Camera
    from ehpsbench.world.scenes import Scene
    from ehpsbench.world.settings import WorldSettings

Images = Literal["rendered", "flat", "none"]
FLAT_GREY = (120, 120, 120)
MOST_VERTICES_KEPT = 600  # people; beyond, the truth keeps ids only


def with_sizes(images: Images) -> Images:
    """What to write where only the pictures know their sizes: at least flat ones."""
    return "flat" if images == "none" else images


def save_image(
    path: Path,
    images: Images,
    scene: Scene,
    camera: Camera,
    bodies: BodySet,
    *,
    orientation: int = 1,
    people: NDArray[Any] | None = None,
) -> None:
    """Write one picture of a scene in the format of its suffix; nothing when images is "none".

    Args:
        path: of the file.
        images: "rendered", "flat" (one colour, the right size) or "none".
        scene: what is seen.
        camera: from where; its size is that of the picture after `orientation`.
        bodies: to render with.
        orientation: EXIF code that turns the stored file into what the camera sees.
        people: (H, W, 3) uint8, a picture that is ready already.
    """
    if images == "none":
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if people is None and images == "flat":
        turned = orientation >= 5
        size = (camera.height, camera.width) if turned else (camera.width, camera.height)
        path.write_bytes(_flat(*size, path.suffix))
        return
    from PIL import Image

    from ehpsbench.world.renderer import render

    picture = Image.fromarray(render(scene, camera, bodies).rgb if people is None else people)
    picture = orient(picture, INVERSE[orientation])
    picture.save(path, **_options(path.suffix))


@lru_cache(maxsize=64)
def _flat(width: int, height: int, suffix: str) -> bytes:
    """The file of a picture of one colour."""
    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (width, height), FLAT_GREY).save(
        buffer, Image.registered_extensions()[suffix], **_options(suffix)
    )
    return buffer.getvalue()


def _options(suffix: str) -> dict[str, Any]:
    return {"quality": 92} if suffix == ".jpg" else {"compress_level": 1}


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of the writer of a miniature release.

    Attributes:
        root: a new folder.
        bodies: the open body.
        settings: the world.
        seed: the same seed gives the same release.
        people: how many valid ones, about.
        images: "rendered", "flat" or "none".
        split: only this one, with ordinary people; None: all, with every special case.
        scale: of the image size, where the layout leaves it free.
    """

    root: Path
    bodies: BodySet
    settings: WorldSettings
    seed: int = 0
    people: int = 24
    images: Images = "rendered"
    split: str | None = None
    scale: float = 1.0

    def book(self, dataset: str, world: WorldSettings | None = None) -> TruthBook:
        """An empty book of the truth; large samples leave the meshes out.

        Args:
            dataset: its name.
            world: the settings that the people were made with; None: those of the order.
        """
        keep = self.people <= MOST_VERTICES_KEPT
        return TruthBook(dataset, self.bodies, world or self.settings, self.seed, keep)


@dataclass(slots=True)
class TruthBook:
    """Gathers the people of a miniature release while it is written.

    Attributes:
        dataset: the dataset's name.
        bodies: the open body that the world used.
        settings: the world's settings.
        seed: the world's seed.
        keep_vertices: False leaves the meshes out (large samples).
    """

    dataset: str
    bodies: BodySet
    settings: WorldSettings
    seed: int
    keep_vertices: bool = True
    _ids: list[str] = field(default_factory=list)
    _vertices: list[NDArray[np.float32]] = field(default_factory=list)
    _pixels: list[NDArray[np.float32]] = field(default_factory=list)
    _hands: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    _keypoints: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    _invalid: set[str] = field(default_factory=set)
    _broken: dict[str, str] = field(default_factory=dict)

    def add(
        self,
        instance_id: str,
        vertices: ArrayLike,
        focal: ArrayLike,
        principal_point: ArrayLike,
        *,
        valid: bool = True,
        distortion: ArrayLike | None = None,
        hands: ArrayLike | None = None,
        keypoints: ArrayLike | None = None,
    ) -> None:
        """A person who must be in the store.

        Args:
            instance_id: as the adapter must build it.
            vertices: (V, 3) world truth in the camera frame of the (oriented) image [m].
            focal: (2,) [px].
            principal_point: (2,) [px].
            valid: False for a person whom the owners mark invalid.
            distortion: (8,) of the OpenCV rational model, where the image is distorted.
            hands: (2, 45) left and right, absolute [rad]; NaN for one that is not labelled.
            keypoints: (190, 3) x, y, score [px] as the store must have them.
        """
        for table, values in ((self._hands, hands), (self._keypoints, keypoints)):
            if values is not None:
                table[instance_id] = np.asarray(values, np.float64)
        self._ids.append(instance_id)
        if not valid:
            self._invalid.add(instance_id)
        if self.keep_vertices:
            mesh = np.asarray(vertices, np.float64)
            model = None if distortion is None else "opencv_rational"
            pixels = project(mesh, focal, principal_point, distortion, model)
            self._vertices.append(mesh.astype(np.float32))
            self._pixels.append(pixels.astype(np.float32))

    def add_broken(self, instance_id: str, rule: str) -> None:
        """A row planted to be refused, and by which rule."""
        self._broken[instance_id] = rule

    def save(self, root: Path, extra: Mapping[str, Any] | None = None) -> Truth:
        """Write the truth and the marker below `root`."""
        truth = Truth(
            instance_id=tuple(self._ids),
            vertices=tuple(self._vertices),
            pixels=tuple(self._pixels),
            hands=dict(self._hands),
            keypoints=dict(self._keypoints),
            invalid=frozenset(self._invalid),
            broken=dict(self._broken),
        )
        marker = {
            "dataset": self.dataset,
            "body": self.bodies.name,
            "body_set": self.bodies.id,
            "seed": self.seed,
            "settings": self.settings.model_dump(mode="json"),
            **(extra or {}),
        }
        truth.save(root, marker)
        return truth
