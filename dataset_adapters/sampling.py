"""What the writers of miniature releases share: pictures, and the book of the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    from PIL import Image

    from ehpsbench.world.renderer import render

    path.parent.mkdir(parents=True, exist_ok=True)
    if people is not None:
        picture = Image.fromarray(people)
    elif images == "rendered":
        picture = Image.fromarray(render(scene, camera, bodies).rgb)
    else:
        picture = Image.new("RGB", (camera.width, camera.height), FLAT_GREY)
    picture = orient(picture, INVERSE[orientation])
    options: dict[str, Any] = {"quality": 92} if path.suffix == ".jpg" else {"compress_level": 1}
    picture.save(path, **options)


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
    ) -> None:
        """A person who must be in the store.

        Args:
            instance_id: as the adapter must build it.
            vertices: (V, 3) world truth in the camera frame of the (oriented) image [m].
            focal: (2,) [px].
            principal_point: (2,) [px].
            valid: False for a person whom the owners mark invalid.
            distortion: (8,) of the OpenCV rational model, where the image is distorted.
        """
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
