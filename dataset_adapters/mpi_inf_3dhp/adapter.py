"""MPI-INF-3DHP: NeuralAnnot's parsed images and fits, or the owners' recordings and SPIN's fits.

One source of the training split is read: the first of `FITS` that is there, else the recordings.
The test set is read beside either.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.boxes import keypoint_boxes
from ehpsbench.dataset_adapters.identity import person_identity, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.mpi_inf_3dhp.benchmark import read_test
from ehpsbench.dataset_adapters.mpi_inf_3dhp.recordings import read_recording
from ehpsbench.dataset_adapters.readers.coco import Coco, box_column, image_sizes, read_coco
from ehpsbench.dataset_adapters.readers.mpi_inf import MPI_INF_17
from ehpsbench.dataset_adapters.readers.studio import studio_bodies, studio_cameras, studio_joints
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

PARSED = "data/MPI-INF-3DHP_1k.json"
FITS = ("SMPLX_NeuralAnnot", "SMPL_NeuralAnnot")
TABLE = "MPI-INF-3DHP_{}.json"
FRAME = ("subject_idx", "seq_idx", "frame_idx")
CAMERA = ("subject_idx", "seq_idx", "cam_idx")
SMPLX, SMPL = ("smplx/neutral",), ("smpl/neutral",)
SPIN = "dataset_extras/mpi_inf_3dhp_train.npz"
TESTS = ("TS*", "*test_set/TS*", "*test_set/*test_set/TS*")  # the zip nests its folder once more


def units(release: Release) -> Iterator[Unit]:
    """NeuralAnnot's training split at once, or one unit per recording; one per test sequence."""
    for data in release.find(PARSED):
        tables = [data.with_name(TABLE.format(kind)) for kind in ("camera_1k", "joint_3d", *FITS)]
        camera, joints, *fits = tables
        chosen = {"joints": joints}
        chosen |= {"fits": next((path for path in fits if path.is_file()), fits[0])}
        there = {what: path for what, path in chosen.items() if path.is_file()}
        key = {"kind": "parsed", **{what: path.name for what, path in there.items()}}
        needs = {fits[0].name: SMPLX, fits[1].name: SMPL}.get(key.get("fits", ""), ())
        yield Unit("train", release, (data, camera, *there.values()), key, needs)
    if not release.find(PARSED):
        fits = release.find(SPIN)
        for path in release.find("S*/Seq*/annot.mat"):
            name = f"{path.parent.parent.name}/{path.parent.name}"
            files = (path, path.with_name("camera.calibration"), *fits)
            yield Unit(name, release, files, {"kind": "recording"}, SMPL if fits else ())
    for path in next((found for p in TESTS if (found := release.find(f"{p}/annot_data.mat"))), []):
        yield Unit(path.parent.name, release, (path,), {"kind": "test"}, ())


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The person of every image of a unit.

    Raises:
        InputError: a file is broken; names it.
    """
    if unit.key["kind"] == "recording":
        return read_recording(unit, bodies)
    if unit.key["kind"] == "test":
        return read_test(unit)
    path = unit.files[0]
    coco = read_coco(path)
    try:
        images = _images(unit, coco)
        records = [coco.images[row] for row in coco.image]
        subject = [f"S{record['subject_idx']}" for record in records]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not NeuralAnnot's file of images ({type(error).__name__}: {error}). "
            "Expected images with file_name, width, height, subject_idx, seq_idx, frame_idx and "
            "cam_idx."
        ) from error
    if not records:
        return Instances({}, images)
    columns = person_identity(images, coco.image, subject)
    columns |= {"subject": text(subject), "track": text(subject)}
    if "joints" in unit.key:
        table = path.with_name(unit.key["joints"])
        columns |= studio_joints(table, records, FRAME, MPI_INF_17, columns)
    if "fits" in unit.key:
        columns |= studio_bodies(path.with_name(unit.key["fits"]), records, FRAME, columns, bodies)
    known = "joints" in unit.key
    columns["bbox"] = keypoint_boxes(columns) if known else box_column(coco.annotations)
    columns["source_row"] = np.arange(len(records))
    return Instances(columns, images)


def _images(unit: Unit, coco: Coco) -> dict[str, NDArray[Any]]:
    """A cluster is a recording in all its views."""
    folders = [f"S{i['subject_idx']}/Seq{i['seq_idx']}" for i in coco.images]
    names = zip(folders, coco.of_images("file_name"), strict=True)
    root = unit.release.relative(unit.files[0].parent)
    cameras: Path = unit.files[1]
    return image_columns(
        unit,
        [f"{root}/images_1k/{folder}/imageSequence/{name}" for folder, name in names],
        image_sizes(coco),
        split="train",
        sequence=folders,
        camera=[str(c) for c in coco.of_images("cam_idx")],
        frame=coco.of_images("frame_idx"),
        cluster=folders,
        **studio_cameras(cameras, coco.images, CAMERA),
    )
