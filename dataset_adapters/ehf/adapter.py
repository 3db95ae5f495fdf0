"""EHF (Pavlakos et al., CVPR 2019): a hundred stills, the label is an SMPL-X mesh."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import boxes_around
from ehpsbench.dataset_adapters.ehf.camera import HEIGHT, WIDTH, EhfCamera, read_camera
from ehpsbench.dataset_adapters.identity import person_identity, repeat, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import validity
from ehpsbench.dataset_adapters.readers.openpose import OPENPOSE_137, read_openpose
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.schema import Columns, Instances, nullable, present
from ehpsbench.skeleton.placing import keypoint_columns

if TYPE_CHECKING:
    from pathlib import Path

    from ehpsbench.body.bodies import BodySet

STILLS_A_UNIT = 1000  # the owners' release has a hundred
MESH, POINTS = "_align.ply", "_2Djnt.json"


def units(release: Release) -> Iterator[Unit]:
    """One unit per thousand stills, counted 1, 2, …, 100, not in the order of their names."""
    root, names = release.root, {path.name for path in release.root.iterdir()}
    ends = (MESH, "_img.jpg", "_img.png")
    stills = {name.split("_")[0] for name in names if name.endswith(ends)}
    ordered = sorted((s for s in stills if s.isdecimal()), key=int)  # macOS leaves ._01_img.jpg
    for start in range(0, len(ordered), STILLS_A_UNIT):
        block = ordered[start : start + STILLS_A_UNIT]
        labels = [name for s in block for end in (MESH, POINTS) if (name := s + end) in names]
        files = (root / "EHF_camera.txt", *(root / name for name in labels))
        png = [s for s in block if f"{s}_img.png" in names and f"{s}_img.jpg" not in names]
        yield Unit(f"test/{start // STILLS_A_UNIT}", release, files, {"stills": block, "png": png})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The stills of one unit; whoever has a mesh is a person.

    The mesh stays a file in the scan frame; `world_rotation` and `world_translation` bring it to
    the camera. A mesh with a broken vertex gets a broken box, so that the checks refuse it.
    """
    root, stills = unit.release.root, unit.key["stills"]
    images = _images(unit, stills, read_camera(root / "EHF_camera.txt"))
    names = {path.name for path in unit.files}
    meshed = np.flatnonzero([s + MESH in names for s in stills])
    people = [stills[i] for i in meshed]
    columns = person_identity(images, meshed, ["0"] * len(people))
    columns |= _labels(people, bodies) | _keypoints(unit, people)
    columns["bbox"] = _boxes(columns, bodies, root)
    return Instances(columns, images)


def _images(unit: Unit, stills: list[str], camera: EhfCamera) -> dict[str, NDArray[Any]]:
    """Image columns: one camera, one size, one recording."""
    return image_columns(
        unit,
        [f"{s}_img.{'png' if s in unit.key['png'] else 'jpg'}" for s in stills],
        (WIDTH, HEIGHT),
        split="test",
        sequence="EHF",
        frame=[int(s) for s in stills],
        cluster="EHF",
        focal=camera.focal,
        principal_point=camera.principal_point,
        world_rotation=camera.rotation,
        world_translation=camera.translation,
        source_file=[s + MESH for s in stills],
        source_row=np.zeros(len(stills), np.int64),
    )


def _labels(people: list[str], bodies: BodySet) -> dict[str, NDArray[Any]]:
    count = len(people)
    words = {
        "subject": "0",
        "source_model": "smplx",
        "body_hash": bodies.model("smplx", "neutral").hash,
        "labels": "owners",
        "annotation": "pseudo",
        "gender": "neutral",
    }
    true = ("body", "left_hand", "right_hand", "face", "camera")
    return {
        **{name: repeat(word, count) for name, word in words.items()},
        "vertices_path": text(s + MESH for s in people),
        **validity(count, true, owner=True),
    }


def _keypoints(unit: Unit, people: list[str]) -> dict[str, NDArray[Any]]:
    """OpenPose's first person in each still; null where the file or the person is missing."""
    if not people:
        return {}
    files = {path.name: path for path in unit.files}
    points = np.zeros((len(people), len(OPENPOSE_137), 3))
    seen = np.zeros(len(people), bool)
    for row, still in enumerate(people):
        path = files.get(still + POINTS)
        found = points[:0] if path is None else read_openpose(path, pupils=True)
        if len(found):
            points[row], seen[row] = found[0], True
    placed = keypoint_columns(2, (points, OPENPOSE_137))
    return {name: nullable(values, seen) for name, values in placed.items()}


def _boxes(columns: Columns, bodies: BodySet, root: Path) -> NDArray[Any]:
    """Boxes around the joints that the regressor finds on the meshes; NaN for a broken mesh.

    Raises:
        InputError: a mesh is not of the topology of the body at hand.
    """
    from ehpsbench.body.posed import posed_joints

    joints, has = posed_joints(columns, bodies, root)
    finite = np.asarray(np.isfinite(joints).all((1, 2)))
    boxes = boxes_around(columns, joints, has)
    known = present(boxes) | ~finite
    return nullable(np.where(finite[:, None], np.ma.getdata(boxes), np.nan), known)
