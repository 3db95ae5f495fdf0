"""BEDLAM's `all_npz_12_training`: camera-frame SMPL-X labels, one npz a scene."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.identity import (
    image_identity,
    person_identity,
    person_keys,
    repeat,
    text,
)
from ehpsbench.dataset_adapters.parameters import (
    WHOLE_BODY,
    Labels,
    body_columns,
    split_pose,
    validity,
)
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.geometry import box_around
from ehpsbench.restricted_pickle import load_npz
from ehpsbench.schema import Instances, nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import SMPLX_144

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

FPS = 30.0  # of the recording; "_6fps" keeps every fifth frame under its 30 fps number
KINEMATIC = 55  # joints, whose box is tight; the owners' center and scale make a padded square
TURNED_CLOCKWISE = 6  # EXIF: the labels are for the stored picture turned by 90° clockwise
VALIDATION = (
    "20221019_3-8_250_highbmihand_orbit_stadium",
    "20221018_3_250_batch01hand_orbit_archVizUI3_time15",
    "20221018_1_250_batch01hand_zoom_suburb_b",
    "20221018_3-8_250_batch01hand",
)


def units(release: Release) -> Iterator[Unit]:
    """One unit per scene; the two AGORA files that lie beside them are left alone."""
    folders = {_scene(p.parent.name): p for n in ("*/png", "*/*/png") for p in release.find(n)}
    for path in release.find("*/all_npz_12_training/*.npz"):
        if path.name.startswith("agora-"):
            continue
        scene = _scene(path.stem)
        expected = release.root / "training_images" / path.stem / "png"
        key = {
            "scene": scene,
            "split": "validation" if scene in VALIDATION else "train",
            "pictures": release.relative(folders.get(scene, expected)),
            "any_pictures": bool(folders),
            "step": 5 if path.stem.endswith("_6fps") else 1,
        }
        yield Unit(path.stem, release, (path,), key)


def read(unit: Unit, bodies: BodySet | None) -> Instances:
    """The people of one scene, who are in the camera frame already.

    Labels whose picture is missing are left out, unless the release has no pictures at all.

    Raises:
        InputError: the scene has pictures, but none is that of a label.
    """
    data = load_npz(unit.files[0])
    names = np.asarray(data["imgname"]).astype(str)
    stored = _stored_pictures(unit)
    kept = np.isin(names, stored) if unit.key["any_pictures"] else np.ones(len(names), bool)
    if len(names) and not kept.any():
        _demand_no_pictures(unit, names)
    rows = np.flatnonzero(kept)
    labelled, first, image = np.unique(names[rows], return_index=True, return_inverse=True)
    unlabelled = np.setdiff1d(stored, labelled) if len(rows) else stored[:0]
    identity = _identity(unit, [*labelled, *unlabelled])
    camera = _camera(np.asarray(data["cam_int"], np.float64)[rows])
    who = _who(data, rows)
    points = np.asarray(data["gtkps"], np.float64)[rows, : len(SMPLX_144)]
    columns = {
        **person_identity(identity, image, person_keys(image, who.get("subject"))),
        **who,
        **camera,
        **_body(unit, data, rows, bodies),
        **keypoint_columns(2, (points, SMPLX_144[: points.shape[1]])),
        **validity(len(rows), WHOLE_BODY, owner=True),
        "bbox": box_around(points[:, :KINEMATIC, :2]),
        "source_row": rows,
    }
    return Instances(columns, identity | _of_images(camera, first, len(unlabelled)))


def _scene(name: str) -> str:
    """Name of a scene without its frame rate; some have a hyphen after the date, some not."""
    name = name.removesuffix("_6fps").removesuffix("_30fps")
    return f"{name[:8]}_{name[9:]}"


def _stored_pictures(unit: Unit) -> NDArray[Any]:
    """Pictures of the scene on disk, at the labels' frame rate, spelled as in `imgname`."""
    folder = unit.release.root / unit.key["pictures"]
    found = (path for path in sorted(folder.glob("*/*.png")))
    at_rate = (p for p in found if int(p.stem.rpartition("_")[2]) % unit.key["step"] == 0)
    return np.asarray([f"{p.parent.name}/{p.name}" for p in at_rate], str)


def _demand_no_pictures(unit: Unit, names: NDArray[Any]) -> None:
    """A scene that was not downloaded may lack all pictures; others under other names may not."""
    folder = unit.release.root / unit.key["pictures"]
    other = next(iter(sorted(folder.glob("**/*.png"))), None)
    if other is not None:
        raise InputError(
            f"{unit.files[0]}: none of its {len(names)} labels has a picture. Expected e.g. "
            f"{names[0]} (imgname) in {folder}, found e.g. {other.relative_to(folder).as_posix()}. "
            "Unpack the pictures as the owners' archives have them."
        )


def _identity(unit: Unit, names: list[str]) -> dict[str, NDArray[Any]]:
    """Identity and image columns; `names` as in `imgname`."""
    sequence = [f"{unit.key['scene']}/{name.partition('/')[0]}" for name in names]
    frame = np.asarray([int(name[:-4].rpartition("_")[2]) for name in names], np.int64)
    dataset, split, pictures = unit.release.name, unit.key["split"], unit.key["pictures"]
    camera = ["0"] * len(names)
    return {
        **image_identity(dataset, split, sequence, camera, frame, sequence),
        "image_path": text(f"{pictures}/{name}" for name in names),
        "fps": np.full(len(names), FPS),
        "timestamp": frame / FPS,
        "source_file": repeat(unit.release.relative(unit.files[0]), len(names)),
    }


def _camera(intrinsics: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Camera columns, and the image's size and orientation: both follow from the principal point.

    Close-ups are stored as landscape; neither folder names nor the owners' short names say surely
    which scenes those are.
    """
    centre = intrinsics[:, [0, 1], 2]
    size = np.rint(2 * centre).astype(np.int64)
    return {
        "focal": intrinsics[:, [0, 1], [0, 1]],
        "principal_point": centre,
        "width": size[:, 0],
        "height": size[:, 1],
        "orientation": np.where(size[:, 0] < size[:, 1], TURNED_CLOCKWISE, 1),
    }


def _of_images(
    camera: dict[str, NDArray[Any]], first: NDArray[np.int64], unlabelled: int
) -> dict[str, NDArray[Any]]:
    """Camera columns of the images; of an unlabelled one the size is known, but not the lens."""
    source = np.append(first, np.zeros(unlabelled, np.int64))
    known = np.arange(len(source)) < len(first)
    columns = {name: values[source] for name, values in camera.items()}
    lens = {name: nullable(columns[name], known) for name in ("focal", "principal_point")}
    return columns | lens


def _who(data: Mapping[str, NDArray[Any]], rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Subject columns, as far as the file has them (`sub` came with later files)."""
    columns: dict[str, NDArray[Any]] = {}
    if "sub" in data:
        columns["subject"] = columns["track"] = np.asarray(data["sub"]).astype(str)[rows]
    if "gender" in data:
        said = np.asarray(data["gender"]).astype(str)[rows]
        letter = np.asarray([word[:1].lower() for word in said], str)
        sex = np.where(letter == "m", "male", "female")
        columns["subject_gender"] = nullable(sex, (letter == "m") | (letter == "f"))
    return columns


def _body(
    unit: Unit,
    data: Mapping[str, NDArray[Any]],
    rows: NDArray[np.int64],
    bodies: BodySet | None,
) -> dict[str, NDArray[Any]]:
    """Parameters for the neutral model; `gender` in the file is the subject's, not the model's."""
    # cam_ext differs from person to person; only its translation belongs to the camera frame
    place = np.asarray(data["trans_cam"], np.float64) + np.asarray(data["cam_ext"])[:, :3, 3]
    fit = split_pose(np.asarray(data["pose_cam"])[rows], "smplx")
    fit |= {"betas": np.asarray(data["shape"])[rows], "transl": place[rows]}
    fit["expression"] = np.zeros((len(rows), 10))
    return body_columns(fit, "neutral", Labels.of(unit.release.card), bodies)
