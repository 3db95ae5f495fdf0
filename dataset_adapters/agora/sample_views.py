"""Where a miniature AGORA is seen from: the owners' cameras once more, in metres and pixels.

Written down apart from what the reader knows, so that a slip in one of the two shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ehpsbench.world.camera import Camera, look

SIZE = (720, 1280)  # px


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of picture: the middle of its name and the cameras that see one arrangement.

    Attributes:
        prefix: how its names begin.
        scene: the middle of its names.
        cameras: the camera part of the names; "" for none.
    """

    prefix: str
    scene: str
    cameras: tuple[str, ...] = ("",)

    def stem(self, split: str, camera: str, number: int) -> str:
        """File name without size and suffix."""
        view = f"_{camera}" if camera else ""
        return f"{self.prefix}_{split}set_{self.scene}{view}_{number:05d}"


PLACES = (
    Place("ag", "renderpeople_body_hdri_50mm_5_10"),
    Place("ag", "3dpeople_bfh_archviz_5_10", ("cam00", "cam01")),
    Place("ag", "axyz_bfh_construction_5_10"),
    Place("ag", "3dpeople_bfh_archviz_5_10", ("cam02", "cam03")),
    Place("ag2", "humanalloy_bfh_grass_5_10"),
    Place("ag", "renderpeople_bfh_brushifyforest_5_15"),
)
_ROOM = {  # position x, y, z [m], yaw [deg]; y is down
    "cam00": ((-2.75, -2.65, 4.0), 135),
    "cam01": ((2.25, -2.65, 4.0), -135),
    "cam02": ((1.7, -2.65, -4.9), -45),
    "cam03": ((-2.75, -2.65, -4.9), 45),
}


@dataclass(frozen=True, slots=True)
class FreeCamera:
    """What a dataframe says of the camera of a picture: Unreal position [cm] and yaw [deg]."""

    x: float
    y: float
    z: float
    yaw: float


def free_camera(rng: np.random.Generator) -> FreeCamera:
    """Some camera in the open; of the other pictures these columns mean nothing."""
    x, y, z, yaw = rng.uniform([-500, -500, -20, -180], [500, 500, 60, 180]).tolist()
    return FreeCamera(x, y, z, yaw)


def camera_of(place: Place, camera: str, free: FreeCamera) -> Camera:
    """The camera of a picture in the world: x right, y down, z forward, eye level 1.7 m."""
    if "hdri" in place.scene:
        return look(position=(0, -1.7, 0), size=SIZE, focal=16000 / 9)
    if camera:
        position, yaw = _ROOM[camera]
        pitch, turn = np.radians([30, yaw])
        return look(pitch=pitch, yaw=turn, position=position, size=SIZE, focal=640)
    if place.prefix == "ag2":
        return look(pitch=np.pi / 12, position=(0, -1.7, 0), size=SIZE, focal=8960 / 9)
    eye = (free.y / 100, -free.z / 100 - 1.7, free.x / 100)
    return look(yaw=np.radians(free.yaw), position=eye, size=SIZE, focal=8960 / 9)
