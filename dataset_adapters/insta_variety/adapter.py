"""InstaVariety: NeuralAnnot's SMPL of the training crops, and the owners' tracks in record files.

The training part is read from NeuralAnnot's files where they are there, else from the records.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.insta_variety.tracks import Track, read_tracks
from ehpsbench.dataset_adapters.parameters import validity
from ehpsbench.dataset_adapters.readers.fit_lists import last_number
from ehpsbench.dataset_adapters.readers.joblib_files import read_joblib
from ehpsbench.dataset_adapters.readers.neural_annot import joined_columns
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.geometry import box_around, clip_box
from ehpsbench.schema import Instances, nullable, present
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import Map, named

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["INSTA_25", "SIDE", "read", "units"]

SIDE = 224  # px, height and width of every crop
FITS = "annotations/InstaVariety_train_SMPL_NeuralAnnot.json"
CROPS = "annotations/insta_train_db.pt"
INSTA_25: Map = named(  # the first and the sixth are heels, the ankles come last
    "right_heel right_knee right_hip_extra left_hip_extra left_knee left_heel right_wrist "
    "right_elbow right_shoulder left_shoulder left_elbow left_wrist neck_extra headtop nose "
    "left_eye right_eye left_ear right_ear left_bigtoe right_bigtoe left_smalltoe right_smalltoe "
    "left_ankle right_ankle"
)


def units(release: Release) -> Iterator[Unit]:
    """NeuralAnnot's training part, and one unit per record file that it does not stand for.

    Raises:
        MissingFiles: NeuralAnnot's fits are there without the list of the crops.
    """
    fits, crops = release.root / FITS, release.root / CROPS
    if fits.is_file():
        if not crops.is_file():
            raise MissingFiles(f"{crops} is not there; without it nothing says whose the fits are.")
        yield Unit("train", release, (crops, fits), {"split": "train"})
    for split in ("test",) if fits.is_file() else ("train", "test"):
        for path in release.find(f"{split}/insta_variety_*.tfrecord"):
            yield Unit(f"{split}/{path.stem}", release, (path,), {"split": split}, ())


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The people of one unit, one a crop.

    Raises:
        InputError: a file is broken, or lacks something.
    """
    if unit.files[0].suffix == ".tfrecord":
        return _tracked(unit, list(read_tracks(unit.files[0])))
    return _fitted(unit, bodies)


def _fitted(unit: Unit, bodies: BodySet) -> Instances:
    """NeuralAnnot's crops; people without a fit have a box only."""
    path = unit.files[0]
    crops = read_joblib(path)
    try:
        names = np.asarray(crops["file_name"]).astype(str).tolist()  # or bytes
        keys = [str(key) for key in crops["ann_id"]]
        sizes = np.asarray(crops["img_shape"], np.int64).reshape(len(names), 2)[:, ::-1]
        boxes = np.asarray(crops["bbox"], np.float64).reshape(len(names), 4)
        _, first, image = np.unique(np.asarray(names, str), return_index=True, return_inverse=True)
        images = _crop_images(unit, [names[row] for row in first], sizes[first])
        columns = person_identity(images, image.reshape(-1).astype(np.int64), keys)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"{path} is not NeuralAnnot's list of crops ({type(error).__name__}: {error}). "
            "Expected ann_id, file_name, img_shape and bbox, as many of each."
        ) from error
    columns["source_row"] = np.arange(len(names))
    columns |= joined_columns(keys, unit.files[1], bodies) or validity(len(names), ())
    columns["bbox"] = boxes
    if "global_orient" in columns:
        tight = joint_boxes(columns, bodies, unit.release.root)
        has = present(tight)
        columns["bbox"] = np.where(has[:, None], np.ma.getdata(tight), boxes)
    return Instances(columns, images)


def _crop_images(
    unit: Unit, names: Sequence[str], sizes: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """A picture a row; its folder is the sequence, the first two folders are tag and video."""
    folders = [PurePosixPath(name).parent.parts or ("train",) for name in names]
    return image_columns(
        unit,
        [f"images/{name}" for name in names],
        sizes,
        split=unit.key["split"],
        sequence=["/".join(parts) for parts in folders],
        frame=_frames(names),
        cluster=["/".join(parts[:2]) for parts in folders],
    )


def _frames(names: Sequence[str]) -> list[int]:
    """The number at the end of each name, or a running one where names lack it or share it."""
    try:
        numbers = [last_number(name) for name in names]
    except InputError:
        return list(range(len(names)))
    folders = [str(PurePosixPath(name).parent) for name in names]
    twice = len(set(zip(folders, numbers, strict=True))) < len(names)
    return list(range(len(names))) if twice else numbers


def _tracked(unit: Unit, tracks: Sequence[Track]) -> Instances:
    """The owners' tracks: keypoints, no bodies."""
    record, split = unit.files[0].stem, unit.key["split"]
    rows = [(track, frame) for track in tracks for frame in range(len(track))]
    images = image_columns(
        unit,
        [track.picture(split, record, frame) for track, frame in rows],
        (SIDE, SIDE),
        split=split,
        sequence=[f"{track.video}/{_number(record)}-{track.index}" for track, _ in rows],
        frame=[track.frames[frame] for track, frame in rows],
        cluster=[track.video for track, _ in rows],
        source_row=[track.index for track, _ in rows],
    )
    keys = [f"{_number(record)}-{track.index}" for track, _ in rows]
    columns = person_identity(images, np.arange(len(rows)), keys)
    points = np.concatenate([np.empty((0, 25, 3)), *(track.points for track in tracks)])
    columns |= {"track": text(keys), "source_row": images["source_row"]}
    columns |= validity(len(rows), ()) | keypoint_columns(2, (points, INSTA_25))
    columns["bbox"] = _boxes(points)
    return Instances(columns, images)


def _number(record: str) -> str:
    """insta_variety_07_copy00_hmr_noS5.ckpt-642561 → 07."""
    return record.removeprefix("insta_variety_").partition("_")[0]


def _boxes(points: NDArray[np.float64]) -> NDArray[Any]:
    """(N, 4) around the visible keypoints; null where fewer than two are."""
    seen = points[..., 2] > 0
    boxes = box_around(np.where(seen[..., None], points[..., :2], np.nan))
    wide = seen.sum(1) > 1
    return nullable(np.nan_to_num(clip_box(boxes, SIDE, SIDE)), wide)
