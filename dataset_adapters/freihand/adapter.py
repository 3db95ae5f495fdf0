"""FreiHAND v2 (Zimmermann et al., ICCV 2019): right hands, four versions of every sample."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.freihand.version import check_version
from ehpsbench.dataset_adapters.identity import person_identity
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.nested import array_of
from ehpsbench.dataset_adapters.parameters import Labels, hand_columns, validity
from ehpsbench.dataset_adapters.read_once import read_once
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.geometry import box_around, clip_box, project
from ehpsbench.schema import Columns, Instances
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import RIGHT_HAND_21

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

SIZE = 224  # px
# version k of sample i is image i + k · (number of samples); the evaluation set has one version
VERSIONS = {"training": ("gs", "hom", "sample", "auto"), "evaluation": ("evaluation",)}
LABELS = {"mano": (61,), "xyz": (21, 3)}
NEEDED = {"K", *LABELS}
PUBLISHED_FIRST = {"K", "scale"}  # of the evaluation set, years before its labels
ROOT = 9  # FreiHAND's joint that the root coordinates are of: the base of the middle finger
ROOT_SMPLX = RIGHT_HAND_21[ROOT]


def units(release: Release) -> Iterator[Unit]:
    """One unit per split and version.

    Raises:
        MissingFiles: only a part of a split's annotations is there.
    """
    for split, versions in VERSIONS.items():
        files = _annotations(release.root, split)
        for k, version in enumerate(versions if files else ()):
            yield Unit(f"{split}/{version}", release, files, {"split": split, "version": k})


def read(unit: Unit, bodies: BodySet) -> Instances:
    """One version of all samples of a split; without annotations, its images alone.

    Raises:
        InputError: annotation files of one split have different lengths, or belong to version 1.
    """
    root, split = unit.release.root, unit.key["split"]
    intrinsics = _numbers(root / f"{split}_K.json", (3, 3))
    images = _images(unit, intrinsics)
    labels = [root / f"{split}_{kind}.json" for kind in LABELS]
    if not all(path.is_file() for path in labels):
        return Instances({}, images)
    mano, xyz = (_numbers(path, shape) for path, shape in zip(labels, LABELS.values(), strict=True))
    lengths = {"K": len(intrinsics), "mano": len(mano), "xyz": len(xyz)}
    if len(set(lengths.values())) > 1:
        raise InputError(
            f"{root}: the {split} annotations must have one length, found {lengths}. Are the files "
            "of one version of the release, and complete?"
        )
    each = np.arange(len(mano))
    columns = person_identity(images, each, ["0"] * len(mano))
    columns |= _labels(unit, mano, xyz, intrinsics, bodies)
    columns["right_hand_transl"] = _root(mano, intrinsics) - _unplaced_root(columns, bodies, root)
    check_version(root / f"{split}_verts.json", columns, bodies)
    return Instances(columns, images)


def _annotations(root: Path, split: str) -> tuple[Path, ...]:
    """What rows of a split depend on; nothing where the split is not there."""
    kinds = {kind for kind in (*NEEDED, "scale", "verts") if _file(root, split, kind).is_file()}
    images_alone = split == "evaluation" and "K" in kinds and kinds <= PUBLISHED_FIRST
    if kinds and not images_alone and not kinds >= NEEDED:
        absent = ", ".join(f"{split}_{kind}.json" for kind in sorted(NEEDED - kinds))
        raise MissingFiles(
            f"{root} has {', '.join(f'{split}_{kind}.json' for kind in sorted(kinds))}, but not "
            f"{absent}. Unpack the whole FreiHAND_pub_v2.zip (evaluation labels come "
            f"apart), or move the other {split}_*.json away."
        )
    return tuple(_file(root, split, k) for k in ("K", *LABELS, "verts") if k in kinds)


def _file(root: Path, split: str, kind: str) -> Path:
    return root / f"{split}_{kind}.json"


def _numbers(path: Path, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A JSON list with one array a sample, whatever brackets are around it."""
    values = _list(path)
    return values.reshape(len(values), *shape)


@read_once(3)  # the files of a split, for each of its versions
def _list(path: Path) -> NDArray[np.float64]:
    values = array_of(read_json(path))
    values.flags.writeable = False
    return values


def _images(unit: Unit, intrinsics: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Image columns; the frame is the number of the file, the cluster that of the sample."""
    split, version = unit.key["split"], unit.key["version"]
    count = len(intrinsics)
    sample = np.arange(count)
    number = sample + version * count
    masked = (unit.release.root / split / "mask").is_dir()  # one mask serves all versions
    return image_columns(
        unit,
        [f"{split}/rgb/{i:08d}.jpg" for i in number],
        (SIZE, SIZE),
        split=split,
        sequence=VERSIONS[split][version],
        frame=number,
        cluster=[f"{split}-{i:08d}" for i in sample],
        focal=intrinsics[:, (0, 1), (0, 1)],
        principal_point=intrinsics[:, :2, 2],
        source_file=f"{split}_mano.json",
        source_row=sample,
        mask_path=[f"{split}/mask/{i:08d}.jpg" for i in sample] if masked else None,
        mask_scale=1 / 255 if masked else None,  # JPEG blurs their edges
    )


def _labels(
    unit: Unit,
    mano: NDArray[np.float64],
    xyz: NDArray[np.float64],
    intrinsics: NDArray[np.float64],
    bodies: BodySet,
) -> Columns:
    """The right hand; nothing is known of the rest of the body, which fills the image."""
    count = len(mano)
    fit = {
        "global_orient": mano[:, :3],
        "hand_pose": mano[:, 3:48],
        "betas": mano[:, 48:58],
        "transl": np.zeros((count, 3)),
    }
    pixels = project(xyz, intrinsics[:, (0, 1), (0, 1)], intrinsics[:, :2, 2])
    scored = np.concatenate([xyz, np.ones((count, 21, 1))], -1)
    return {
        **hand_columns(fit, "right", Labels.of(unit.release.card), bodies),
        **validity(count, ("right_hand", "camera"), owner=True),
        "bbox": np.tile([0.0, 0.0, SIZE, SIZE], (count, 1)),
        "right_hand_bbox": clip_box(box_around(pixels), SIZE, SIZE),
        **keypoint_columns(3, (scored, RIGHT_HAND_21)),
    }


def _root(mano: NDArray[np.float64], intrinsics: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) joint 9 [m] from its place in the image and the scale, z = focal / scale."""
    focal = intrinsics[:, (0, 1), (0, 1)].mean(1, keepdims=True)
    offset = mano[:, 58:60] - intrinsics[:, :2, 2]
    return np.asarray(np.concatenate([offset, focal], 1) / mano[:, 60:61])


def _unplaced_root(columns: Columns, bodies: BodySet, root: Path) -> NDArray[np.float64]:
    """(N, 3) joint 9 of the posed hands before any translation [m]."""
    from ehpsbench.body.posed import posed_joints

    return posed_joints(columns, bodies, root)[0][:, ROOT_SMPLX]
