"""Human3.6M: a subject's images, cameras, 17 joints and NeuralAnnot's fits, four static views.

This is the form into which Moon's projects parse it; without it, the owners' own files are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.human36m.owners import owners_read, owners_units
from ehpsbench.dataset_adapters.identity import person_identity, repeat
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.readers.coco import Coco, box_column, image_sizes, read_coco
from ehpsbench.dataset_adapters.readers.studio import studio_bodies, studio_cameras, studio_joints
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.schema import Instances
from ehpsbench.skeleton.sources import H36M_17

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

FPS = 50.0  # of the videos, whose frames frame_idx counts from 0
TEST = ("9", "11")  # subjects
FITS = ("SMPLX_NeuralAnnot", "SMPL_NeuralAnnot")  # the first that is there is read
NEEDS = {"SMPLX": ("smplx/neutral",), "SMPL": ("smpl/neutral",)}
FRAME = ("action_idx", "subaction_idx", "frame_idx")
CAMERA = ("cam_idx",)


def units(release: Release) -> Iterator[Unit]:
    """One unit per subject of the parsed form, else one per action of the owners' own."""
    parsed = release.find("annotations/Human36M_subject*_data.json")
    if not parsed:
        yield from owners_units(release)
    for data in parsed:
        stem = data.stem.removesuffix("_data")
        camera, joints, *fits = (
            data.with_name(f"{stem}_{kind}.json") for kind in ("camera", "joint_3d", *FITS)
        )
        chosen = {"camera": camera, "joints": joints}
        chosen |= {"fits": next((path for path in fits if path.is_file()), fits[0])}
        there = {what: path for what, path in chosen.items() if path.is_file()}
        subject = stem.removeprefix("Human36M_subject")
        key = {"split": "test" if subject in TEST else "train"}
        key |= {what: path.name for what, path in there.items()}
        key |= {"camera": camera.name}
        needs = NEEDS[key["fits"].split("_")[-2]] if "fits" in key else ()
        yield Unit(f"S{subject}", release, (data, *there.values()), key, needs)


def read(unit: Unit, bodies: BodySet) -> Instances:
    """The person of one subject's images, in the frame of each camera.

    Raises:
        InputError: a file is broken; names it.
    """
    if unit.key.get("form") == "owners":
        return owners_read(unit, bodies)
    path = unit.files[0]
    coco = read_coco(path)
    try:
        images = _images(unit, coco, path.with_name(unit.key["camera"]))
        people = coco.annotations
        columns = person_identity(images, coco.image, [unit.name] * len(people))
        columns["bbox"] = box_column(people)
        seen = _seen(people)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not Human3.6M as Moon's projects parse it ({type(error).__name__}: "
            f"{error}). Expected images with file_name, width, height and {', '.join(FRAME)}, "
            "and people with bbox and keypoints_vis."
        ) from error
    records = [coco.images[row] for row in coco.image]
    for name in ("subject", "track"):
        columns[name] = repeat(unit.name, len(people))
    if "joints" in unit.key:
        table = path.with_name(unit.key["joints"])
        columns |= studio_joints(table, records, FRAME, H36M_17, columns, seen)
    if "fits" in unit.key:
        columns |= studio_bodies(path.with_name(unit.key["fits"]), records, FRAME, columns, bodies)
    columns["source_row"] = np.arange(len(people))
    return Instances(columns, images)


def _images(unit: Unit, coco: Coco, cameras: Path) -> dict[str, NDArray[Any]]:
    """A cluster is what one action shows, in all views."""
    sequence = [
        f"{unit.name}/act_{i['action_idx']:02d}_subact_{i['subaction_idx']:02d}"
        for i in coco.images
    ]
    return image_columns(
        unit,
        [f"images/{name}" for name in coco.of_images("file_name")],
        image_sizes(coco),
        split=unit.key["split"],
        sequence=sequence,
        camera=[str(c) for c in coco.of_images("cam_idx")],
        frame=coco.of_images("frame_idx"),
        cluster=sequence,
        fps=FPS,
        **studio_cameras(cameras, coco.images, CAMERA),
    )


def _seen(people: Sequence[Mapping[str, Any]]) -> NDArray[np.bool_]:
    """(N, 17) joints that the owners mark as seen; all where they say nothing."""
    every = [1] * len(H36M_17)
    flags = [a.get("keypoints_vis", every) for a in people]
    return np.asarray(flags, np.float64).reshape(-1, len(H36M_17)) > 0
