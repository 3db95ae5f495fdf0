"""HBW: the true shape of a person, and OpenPose's keypoints in each photo; no pose, no camera."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.identity import person_identity, repeat, text
from ehpsbench.dataset_adapters.images import header_sizes, image_columns
from ehpsbench.dataset_adapters.parameters import BETAS as WIDTH
from ehpsbench.dataset_adapters.parameters import validity
from ehpsbench.dataset_adapters.readers.openpose import OPENPOSE_135, read_openpose
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.dataset_adapters.shapy_hbw.shapes import (
    BETAS,
    Shape,
    fitted,
    read_genders,
    read_shape,
    same_subject,
)
from ehpsbench.errors import MissingFiles
from ehpsbench.geometry import box_around
from ehpsbench.schema import Instances, nullable
from ehpsbench.skeleton.placing import keypoint_columns

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SPLITS = ("val", "test")
PHOTOS = (".png", ".jpg", ".jpeg")
REPAIRED = str.maketrans({"(": None, ")": None, " ": "_"})  # what files of keypoints are called


def units(release: Release) -> Iterator[Unit]:
    """One unit per split."""
    for split in SPLITS:
        meshes = release.find(f"smplx/{split}/*.obj") + release.find(f"smplx/{split}/*.npy")
        keypoints = release.find(f"keypoints/{split}/*/*/*.json")
        if keypoints or (release.root / "images" / split).is_dir():
            files = (release.root / "genders.yaml", *meshes, *keypoints)
            yield Unit(split, release, files, {"split": split})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The person of interest of every photo of a split.

    Raises:
        InputError: a file is broken; names it.
        MissingFiles: a split has no photos, whose sizes stand nowhere else.
    """
    release, split = unit.release, unit.key["split"]
    found = (release.relative(path) for path in release.find(f"images/{split}/*/*/*"))
    photos = [path for path in found if path.lower().endswith(PHOTOS)]
    if not photos:
        raise MissingFiles(f"No photos below {release.root}/images/{split}; unpack them.")
    places = [path.split("/", 2)[2].rpartition(".")[0] for path in photos]  # subject/kind/name
    subjects = [place.partition("/")[0].split("_")[0] for place in places]
    images = image_columns(
        unit,
        photos,
        header_sizes(release.root, photos),
        split=split,
        sequence=places,
        frame=np.zeros(len(photos), np.int64),
        cluster=subjects,
    )
    columns = person_identity(images, np.arange(len(photos)), subjects)
    columns |= {"subject": text(subjects)}
    columns |= _seen(_points(unit, places))
    columns |= _shapes(unit, subjects, read_genders(unit.files[0]), bodies)
    return Instances(columns, images)


def _points(unit: Unit, places: Sequence[str]) -> list[NDArray[np.float64]]:
    """(P, 135, 3) of each photo; nobody where it has no file under its own or its repaired name."""
    above = f"keypoints/{unit.key['split']}/"
    named = ((unit.release.relative(path), path) for path in unit.files if path.suffix == ".json")
    files = {name.removeprefix(above).removesuffix(".json"): path for name, path in named}
    nobody = np.empty((0, len(OPENPOSE_135), 3))
    points = []
    for place in places:
        folder, _, name = place.rpartition("/")
        path = files.get(place) or files.get(f"{folder}/{name.translate(REPAIRED)}")
        points.append(nobody if path is None else read_openpose(path))
    return points


def _seen(people: Sequence[NDArray[np.float64]]) -> dict[str, NDArray[Any]]:
    """Keypoints and box of photos that OpenPose saw one person in; the owners skip the others."""
    alone = np.asarray([len(found) == 1 for found in people], bool)
    nobody = np.zeros((len(OPENPOSE_135), 3))
    points = np.stack([found[0] if len(found) == 1 else nobody for found in people])
    scored = points[..., 2] > 0
    box = np.nan_to_num(box_around(np.where(scored[..., None], points[..., :2], np.nan)))
    columns = {
        name: nullable(values, scored.any(1))
        for name, values in keypoint_columns(2, (points, OPENPOSE_135)).items()
    }
    return columns | {"bbox": nullable(box, scored.any(1)), "owner_valid": alone}


def _shapes(
    unit: Unit, subjects: Sequence[str], genders: dict[str, str], bodies: BodySet
) -> dict[str, NDArray[Any]]:
    """Betas of those with a mesh, and what they were fitted with."""
    gender = [genders.get(same_subject(subject)) for subject in subjects]
    meshes = {same_subject(f.stem): f for f in unit.files if f.suffix in (".obj", ".npy")}
    found: dict[str, Shape] = {}
    for key in sorted({same_subject(s) for s in subjects} & set(meshes)):
        own = genders.get(key)
        tried = dict.fromkeys((own or "neutral", "neutral"))
        found[key] = fitted(read_shape(meshes[key]), tuple(tried), bodies, meshes[key])
    each = [found.get(same_subject(subject)) for subject in subjects]
    known = np.asarray([shape is not None for shape in each], bool)
    betas = np.zeros((len(subjects), WIDTH))
    for row, shape in enumerate(each):
        if shape is not None:
            betas[row, :BETAS] = shape.betas
    files = [meshes.get(same_subject(s), unit.files[0]) for s in subjects]
    columns = {
        "betas": betas,
        "num_betas": np.full(len(subjects), BETAS),
        "source_model": repeat("smplx", len(subjects)),
        "labels": repeat(unit.release.card.labels, len(subjects)),
        "annotation": repeat(unit.release.card.annotation, len(subjects)),
    }
    return {
        **{name: nullable(values, known) for name, values in columns.items()},
        "gender": text(shape.gender if shape else None for shape in each),
        "body_hash": text(shape.body_hash if shape else None for shape in each),
        "subject_gender": text(gender),
        "source_file": text(unit.release.relative(path) for path in files),
        **validity(len(subjects), (), shape=known),
    }
