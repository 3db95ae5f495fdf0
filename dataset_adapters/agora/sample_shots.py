"""The pictures of a miniature AGORA, and the dataframes that speak of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.agora.sample_scans import Scan
from ehpsbench.dataset_adapters.agora.sample_views import FreeCamera, Place
from ehpsbench.dataset_adapters.surface_joints import joints_127
from ehpsbench.restricted_pickle import dump_frame_pandas1

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.camera import Camera
    from ehpsbench.world.scenes import Scene

TO_4K = 3  # the dataframes speak of pictures three times as large
SMALL = "_1280x720"


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One picture and the scans that a dataframe lists for it.

    Attributes:
        place: what kind of picture.
        view: the camera part of its name.
        number: of the picture.
        split: train, validation or test.
        shard: of the split.
        scene: what is drawn.
        camera: from where.
        free: the dataframe's camera columns.
        scans: the people, in order.
        occlusion: of each [%].
        rules: by which rule a scan must be refused; "" for a good one.
    """

    place: Place
    view: str
    number: int
    split: str
    shard: int
    scene: Scene
    camera: Camera
    free: FreeCamera
    scans: tuple[Scan, ...]
    occlusion: tuple[float, ...]
    rules: tuple[str, ...]

    @property
    def stem(self) -> str:
        """Name of the full-size file, without suffix."""
        return self.place.stem(self.split, self.view, self.number)

    @property
    def valid(self) -> list[bool]:
        """The owners' flags: an occlusion of at most 90 %."""
        return [occlusion <= 90 for occlusion in self.occlusion]

    @property
    def everybody(self) -> bool:
        """Whether the dataframe lists the very people that are drawn."""
        return bool(self.scans) and [s.person for s in self.scans] == list(self.scene.people)

    def path(self, root: Path) -> Path:
        """Where the picture lies."""
        folder = f"train_{self.shard}" if self.split == "train" else self.split
        return root / folder / f"{self.stem}{SMALL}.png"

    def id(self, person: int) -> str:
        """`instance_id` of one of the scans."""
        name = self.place.stem(self.split, "", self.number).rpartition("_")[0]
        return f"agora/{self.split}/{name}/{self.view or 0}/{self.number}/{person}"


Meshes = Mapping[int, NDArray[Any]]  # by the number of the scan


def write_shard(
    root: Path, shots: Sequence[Shot], bodies: BodySet, labelled: tuple[Meshes, Meshes] | None
) -> None:
    """Write the dataframes of the shots of one shard.

    Args:
        root: the release.
        shots: all of one split and shard.
        bodies: the open body.
        labelled: vertices and joints of every scan's label in the world, for the dataframe with
            joints; None writes only the one without.
    """
    split, shard = shots[0].split, shots[0].shard
    above = root / f"{split}_{{}}" if split == "validation" else root
    name = f"{split}_{shard}"
    columns = _columns(shots)
    if labelled is None or (split, shard) != ("validation", 0):
        _dump(columns, Path(str(above).format("Cam")) / "Cam" / f"{name}.pkl")
    if labelled is None or shard == 1:
        return
    joints = _joints(shots, bodies, *labelled)
    _dump(columns | joints, Path(str(above).format("SMPLX")) / "SMPLX" / f"{name}_withjv.pkl")
    if split == "train":
        fewer = {"gt_joints_2d": 45, "gt_joints_3d": 45, "gt_verts": 500}
        smpl = {n: [[v[: fewer[n]] for v in row] for row in rows] for n, rows in joints.items()}
        _dump(columns | smpl, root / "SMPL" / f"{name}_withjv.pkl")


def _dump(columns: dict[str, list[Any]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    dump_frame_pandas1(columns, path)


def _columns(shots: Sequence[Shot]) -> dict[str, list[Any]]:
    """The columns of the dataframe without joints: one value, or one list, a picture."""
    rows: list[dict[str, Any]] = []
    for shot in shots:
        scans = shot.scans
        row: dict[str, Any] = {
            "imgPath": f"{shot.stem}.png",
            "camX": shot.free.x,
            "camY": shot.free.y,
            "camZ": shot.free.z,
            "camYaw": shot.free.yaw,
            "X": [float(s.position[0]) for s in scans],
            "Y": [float(s.position[1]) for s in scans],
            "Z": [float(s.position[2]) for s in scans],
            "Yaw": [s.yaw for s in scans],
            "gender": [s.sex for s in scans],
            "kid": [s.label.kid > 0 for s in scans],
            "age": ["child" if s.label.kid > 0 else "31-50" for s in scans],
            "occlusion": list(shot.occlusion),
            "isValid": shot.valid,
            "gt_path_smpl": [f"smpl_gt/{s.name}.obj" for s in scans],
            "gt_path_smplx": [f"smplx_gt/{s.name}.obj" for s in scans],
        }
        rows.append(row)
    return {name: [row[name] for row in rows] for name in rows[0]}


def _joints(
    shots: Sequence[Shot], bodies: BodySet, vertices: Meshes, joints: Meshes
) -> dict[str, list[Any]]:
    """Joints and vertices in the camera frame, and the joints' pixels in the full size."""
    columns: dict[str, list[Any]] = {"gt_joints_2d": [], "gt_joints_3d": [], "gt_verts": []}
    for shot in shots:
        found: dict[str, list[Any]] = {name: [] for name in columns}
        for scan in shot.scans:
            model = bodies.model("smplx", scan.label.gender)
            mesh = shot.camera.to_camera(vertices[scan.number])
            points = joints_127(mesh, shot.camera.to_camera(joints[scan.number]), model)
            found["gt_joints_2d"].append(TO_4K * shot.camera.pixels(points))
            found["gt_joints_3d"].append(points)
            found["gt_verts"].append(mesh.astype(np.float32))
        for name, values in found.items():
            columns[name].append(values)
    return columns


def write_masks(root: Path, shot: Shot, bodies: BodySet) -> None:
    """Write the mask of everybody, each in a colour of his own, and one mask a person."""
    from PIL import Image

    from ehpsbench.world.renderer import render

    ids = render(shot.scene, shot.camera, bodies).person_ids
    folder = root / shot.split / "_".join(shot.stem.split("_")[:5])
    folder.mkdir(parents=True, exist_ok=True)
    base = shot.place.stem(shot.split, "", shot.number).rpartition("_")[0]
    name = f"{base}_mask{'_' + shot.view if shot.view else ''}_{shot.number:06d}"
    colours = np.zeros((*ids.shape, 3), np.uint8)
    for i in range(len(shot.scans)):
        mine = ids == i + 1
        colours[mine] = [(97 * i + 60) % 256, (57 * i + 120) % 256, (151 * i + 30) % 256]
        mask = Image.fromarray(mine.astype(np.uint8) * 255)
        mask.save(folder / f"{name}_{i + 1:05d}{SMALL}.png")
    Image.fromarray(colours).save(folder / f"{name}_00000{SMALL}.png")
