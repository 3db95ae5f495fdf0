"""EHF (Pavlakos et al., CVPR 2019): a hundred stills, the label is an SMPL-X mesh."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import boxes_around
from ehpsbench.dataset_adapters.ehf.camera import HEIGHT, WIDTH, EhfCamera, read_camera
from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.identity import person_identity, repeat, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import validity
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.meshes import read_mesh
from ehpsbench.schema import Columns, Instances, nullable, present
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import FACE_68, LEFT_HAND_21, OPENPOSE_BODY_25, RIGHT_HAND_21

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

STILLS_A_UNIT = 100  # the whole of the owners' release
# OpenPose's keys, how many points each has, and where they go; the face ends with two pupils
DETECTIONS = (
    ("pose_keypoints_2d", OPENPOSE_BODY_25),
    ("face_keypoints_2d", (*FACE_68, INDEX["right_eyeball"], INDEX["left_eyeball"])),
    ("hand_left_keypoints_2d", LEFT_HAND_21),
    ("hand_right_keypoints_2d", RIGHT_HAND_21),
)


def units(release: Release) -> Iterator[Unit]:
    """One unit per hundred stills, counted 1, 2, …, 100, not in the order of their names."""
    stills = {
        path.name.split("_")[0]
        for pattern in ("*_align.ply", "*_img.jpg", "*_img.png")
        for path in release.find(pattern)
    }
    ordered = sorted(stills, key=int)
    for start in range(0, len(ordered), STILLS_A_UNIT):
        block = ordered[start : start + STILLS_A_UNIT]
        labels = [release.root / f"{s}_{end}" for s in block for end in ("align.ply", "2Djnt.json")]
        files = (release.root / "EHF_camera.txt", *(f for f in labels if f.is_file()))
        yield Unit(f"test/{start // STILLS_A_UNIT}", release, files, {"stills": block})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The stills of one unit; whoever has a mesh is a person.

    The mesh stays a file in the scan frame; `world_rotation` and `world_translation` bring it to
    the camera. A mesh with a broken vertex gets a broken box, so that the checks refuse it.
    """
    root, stills = unit.release.root, unit.key["stills"]
    images = _images(unit, stills, read_camera(root / "EHF_camera.txt"))
    meshed = np.flatnonzero([(root / f"{s}_align.ply").is_file() for s in stills])
    people = [stills[i] for i in meshed]
    columns = person_identity(images, meshed, ["0"] * len(people))
    columns |= _labels(people, bodies) | _keypoints(root, people)
    columns["bbox"] = _boxes(columns, [root / f"{s}_align.ply" for s in people], bodies)
    return Instances(columns, images)


def _images(unit: Unit, stills: list[str], camera: EhfCamera) -> dict[str, NDArray[Any]]:
    """Image columns: one camera, one size, one recording."""
    return image_columns(
        unit,
        [_image_path(unit.release.root, s) for s in stills],
        (WIDTH, HEIGHT),
        split="test",
        sequence="EHF",
        frame=[int(s) for s in stills],
        cluster="EHF",
        focal=camera.focal,
        principal_point=camera.principal_point,
        world_rotation=camera.rotation,
        world_translation=camera.translation,
        source_file=[f"{s}_align.ply" for s in stills],
        source_row=np.zeros(len(stills), np.int64),
    )


def _image_path(root: Path, still: str) -> str:
    """The release has both; the jpg unless only the png is there."""
    png_only = (root / f"{still}_img.png").is_file() and not (root / f"{still}_img.jpg").is_file()
    return f"{still}_img.{'png' if png_only else 'jpg'}"


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
        "vertices_path": text(f"{s}_align.ply" for s in people),
        **validity(count, true, owner=True),
    }


def _keypoints(root: Path, people: list[str]) -> dict[str, NDArray[Any]]:
    """OpenPose's first person in each still; null where the file or the person is missing."""
    values = [np.zeros((len(people), len(joints), 3)) for _, joints in DETECTIONS]
    seen = np.zeros(len(people), bool)
    for row, still in enumerate(people):
        path = root / f"{still}_2Djnt.json"
        found = read_json(path)["people"] if path.is_file() else []
        seen[row] = bool(found)
        for (key, joints), points in zip(DETECTIONS, values, strict=True):
            if found:
                points[row] = np.reshape(found[0][key], (len(joints), 3))
    if not len(people):
        return {}
    sources = [(v, joints) for v, (_, joints) in zip(values, DETECTIONS, strict=True)]
    return {k: nullable(v, seen) for k, v in keypoint_columns(2, *sources).items()}


def _boxes(columns: Columns, paths: list[Path], bodies: BodySet) -> NDArray[Any]:
    """Boxes around the joints that the regressor finds on the meshes; NaN for a broken mesh.

    Raises:
        InputError: a mesh is not of the topology of the body at hand.
    """
    model = bodies.model("smplx", "neutral")
    joints = np.zeros((len(paths), model.num_joints, 3))
    finite = np.ones(len(paths), bool)
    for row, path in enumerate(paths):
        vertices = read_mesh(path).vertices
        if len(vertices) != model.num_vertices:
            raise InputError(
                f"{path} has {len(vertices)} vertices, the neutral SMPL-X body of body set "
                f"{bodies.name!r} has {model.num_vertices}. Expected the registration "
                "(NN_align.ply), not a scan, and the body models that belong to it."
            )
        finite[row] = np.isfinite(vertices).all()
        joints[row] = model.joint_regressor @ np.nan_to_num(vertices)
    turn = columns["world_rotation"].reshape(-1, 3, 3).transpose(0, 2, 1)
    seen = joints @ turn + columns["world_translation"][:, None]
    boxes = boxes_around(columns, seen, np.ones(seen.shape[:2], bool))
    known = present(boxes) | ~finite
    return nullable(np.where(finite[:, None], np.ma.getdata(boxes), np.nan), known)
