"""InterHand2.6M's layout (also BlurHand's): COCO-like data, cameras, 3D joints and MANO by capture.

`<prefix>_<split>_{data,camera,joint_3d,MANO_NeuralAnnot}.json`. Cameras have their place in mm
(t = −R·campos), joints are in mm, MANO in metres, all in one world a capture; poses leave the mean
hand out. A hand turns about its rest wrist. A person is one annotation: one hand or both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.files import read_json
from ehpsbench.dataset_adapters.identity import person_identity, person_keys, repeat, text
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.nested import array_of
from ehpsbench.dataset_adapters.parameters import Labels, hand_columns, spread, validity
from ehpsbench.dataset_adapters.read_once import read_once
from ehpsbench.dataset_adapters.readers.coco import Coco, box_column, read_coco
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError
from ehpsbench.geometry import box_around, clip_box, project
from ehpsbench.schema import Columns, Instances, nullable
from ehpsbench.skeleton.placing import keypoint_columns
from ehpsbench.skeleton.sources import INTERHAND_42

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

__all__ = ["KINDS", "interhand_read", "interhand_units"]

Floats = NDArray[np.float64]
Chosen = Callable[[Mapping[str, Any]], bool]
KINDS = ("data", "camera", "joint_3d", "MANO_NeuralAnnot")
MM = 1e-3
WRISTS = {"right": 20, "left": 41}
BOTH = "interacting"
# folders of a split's files: of version 1.0, then of the first version, whose files overlap
FOLDERS = ("{split}", "all", "human_annot", "machine_annot")
JOINTS = {"right": slice(0, 21), "left": slice(21, 42)}


def interhand_units(release: Release, prefix: str) -> Iterator[Unit]:
    """One unit per split and capture; a split is read from the first folder that has it."""
    for split in sorted(release.card.splits):
        folders = (release.root / "annotations" / f.format(split=split) for f in FOLDERS)
        places = [folder / f"{prefix}_{split}_data.json" for folder in folders]
        data = next((path for path in places if path.is_file()), None)
        if data is None:
            continue
        files = [data.with_name(f"{prefix}_{split}_{kind}.json") for kind in KINDS]
        there = tuple(f for f in files if f.is_file())
        for capture in sorted(_json(files[1]), key=int):
            key = {"split": split, "capture": capture, "prefix": prefix}
            yield Unit(f"{split}/Capture{capture}", release, there, key)


def interhand_read(
    unit: Unit, bodies: BodySet, folder: str, chosen: Chosen | None = None
) -> Instances:
    """The hands of one capture in all of its cameras.

    Args:
        unit: of `interhand_units`.
        bodies: the body set of the labels.
        folder: of the images of a split, below the root.
        chosen: which annotations count; None: all.

    Raises:
        InputError: a file is broken, or lacks something.
    """
    data, camera, joints, mano = (_file(unit, kind) for kind in KINDS)
    coco, rows = _capture(data, unit.key["capture"], chosen)
    try:
        images = _images(unit, coco, _json(camera)[unit.key["capture"]], folder)
        records = coco.annotations
        subject = text(str(coco.images[i].get("subject", "")) or None for i in coco.image)
        key = None if None in subject else subject.astype(str)
        columns = person_identity(images, coco.image, person_keys(coco.image, key))
        columns["subject"] = subject
        columns["source_row"] = rows
        frames = [str(coco.images[i]["frame_idx"]) for i in coco.image]
        fits = _json(mano).get(unit.key["capture"], {}) if mano.is_file() else {}
        columns |= _hands([fits.get(f) or {} for f in frames], records, columns, unit, bodies)
        points = _json(joints).get(unit.key["capture"], {})
        columns |= _points([points.get(f) for f in frames], records, columns)
        columns["bbox"] = box_column(records)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        names = ", ".join(path.name for path in unit.files)
        raise InputError(
            f"{unit.files[0].parent}: {names} of capture {unit.key['capture']} do not fit the "
            f"layout of InterHand2.6M ({type(error).__name__}: {error})."
        ) from error
    return Instances(columns, images)


def _file(unit: Unit, kind: str) -> Path:
    split, prefix = unit.key["split"], unit.key["prefix"]
    return unit.files[0].with_name(f"{prefix}_{split}_{kind}.json")


@read_once(len(KINDS))  # of one split: they are large
def _json(path: Path) -> Any:
    """A file of all captures, for the units that are cut from it; of images also the captures."""
    if not path.stem.endswith("_data"):
        return read_json(path)
    coco = read_coco(path)
    return coco, text(str(image.get("capture")) for image in coco.images)


def _capture(path: Path, capture: str, chosen: Chosen | None) -> tuple[Coco, NDArray[np.int64]]:
    """Images of a capture, those annotations in them that count, and their rows in the file."""
    coco, captures = _json(path)
    inside = np.asarray(captures == capture, bool)
    rows = np.flatnonzero(inside[coco.image])
    if chosen is not None:  # pictures that belong to no annotation that counts do not exist
        rows = rows[np.asarray([chosen(coco.annotations[row]) for row in rows.tolist()], bool)]
        inside = np.isin(np.arange(len(inside)), coco.image[rows])
    place = np.cumsum(inside) - 1
    images = [coco.images[i] for i in np.flatnonzero(inside).tolist()]
    annotations = [coco.annotations[row] for row in rows.tolist()]
    return Coco(images, annotations, place[coco.image[rows]]), rows


def _images(
    unit: Unit, coco: Coco, cameras: Mapping[str, Any], folder: str
) -> dict[str, NDArray[Any]]:
    names = [str(c) for c in coco.of_images("camera")]
    own = {name: row for row, name in enumerate(dict.fromkeys(names))}
    which = np.asarray([own[name] for name in names], np.int64)

    def table(key: str, *shape: int) -> Floats:
        return array_of([cameras[key][c] for c in own]).reshape(-1, *shape)

    turn, place = table("camrot", 3, 3), table("campos", 3)
    capture = unit.key["capture"]
    sequence = [f"Capture{capture}/{name}" for name in coco.of_images("seq_name")]
    size = np.asarray([(r["width"], r["height"]) for r in coco.images], np.int64).reshape(-1, 2)
    return image_columns(
        unit,
        [f"{folder}/{name}" for name in coco.of_images("file_name")],
        size,
        split=unit.key["split"],
        sequence=sequence,
        camera=names,
        frame=coco.of_images("frame_idx"),
        cluster=sequence,
        focal=table("focal", 2)[which],
        principal_point=table("princpt", 2)[which],
        world_rotation=turn[which],
        world_translation=(-(turn @ place[..., None])[..., 0] * MM)[which],
    )


def _hands(
    fits: list[Mapping[str, Any]], records: Any, columns: Columns, unit: Unit, bodies: BodySet
) -> dict[str, NDArray[Any]]:
    """MANO of the hands that an annotation has, where it is there, and the flags."""
    labels = Labels.of(unit.release.card)
    kinds = [record.get("hand_type", BOTH) for record in records]
    result: dict[str, NDArray[Any]] = {}
    here = {}
    for side in WRISTS:
        pairs = zip(fits, kinds, strict=True)
        hands = [fit.get(side) if kind in (side, BOTH) else None for fit, kind in pairs]
        here[side] = np.asarray([bool(hand) for hand in hands], bool)
        mine = [hand for hand in hands if hand]
        if mine:
            pose = array_of([m["pose"] for m in mine]).reshape(-1, 48)
            hand = {
                "global_orient": pose[:, :3],
                "hand_pose": pose[:, 3:],
                "betas": array_of([m["shape"] for m in mine]).reshape(-1, 10),
                "transl": array_of([m["trans"] for m in mine]).reshape(-1, 3),
            }
            names = ("world_rotation", "world_translation")
            world = {name: columns[name][here[side]] for name in names}
            found = hand_columns(hand, side, labels, bodies, world)
            own = {n: v for n, v in found.items() if n.startswith(side)}
            result |= spread(own, here[side])
    words = _words(labels, len(fits))
    flags = validity(len(fits), ("camera",), left_hand=here["left"], right_hand=here["right"])
    return result | words | flags


def _words(labels: Labels, count: int) -> dict[str, NDArray[Any]]:
    """Whose hands they are; two models, so no hash of one."""
    words = {"source_model": "mano", "labels": labels.source, "annotation": labels.annotation}
    return {name: repeat(word, count) for name, word in words.items()}


def _points(
    labelled: list[Mapping[str, Any] | None],
    records: Any,
    columns: Columns,
) -> dict[str, NDArray[Any]]:
    """3D joints in the camera frame, and boxes of each hand around those that are valid."""
    frames = list({id(joints): joints for joints in labelled}.values())  # cameras share them
    place = {id(joints): i for i, joints in enumerate(frames)}
    frame = np.asarray([place[id(joints)] for joints in labelled], np.int64)
    known = [joints for joints in frames if joints is not None]
    there = np.asarray([joints is not None for joints in frames], bool)
    world, placed = np.zeros((len(frames), 42, 3)), np.zeros((len(frames), 42), bool)
    world[there] = array_of([j["world_coord"] for j in known]).reshape(len(known), 42, 3) * MM
    placed[there] = _flags([j.get("joint_valid", [1.0] * 42) for j in known])
    valid = _flags([a["joint_valid"] for a in records]) & placed[frame]
    for side, wrist in WRISTS.items():  # no hand without its wrist
        valid[:, JOINTS[side]] &= valid[:, wrist : wrist + 1]
    turn = columns["world_rotation"].reshape(-1, 3, 3)
    points = world[frame] @ turn.transpose(0, 2, 1) + columns["world_translation"][:, None]
    scored = np.concatenate([points, valid[..., None]], -1)
    result = keypoint_columns(3, (scored, INTERHAND_42))
    pixels = project(points, columns["focal"], columns["principal_point"])
    pixels = np.where(valid[..., None], pixels, np.nan)
    for side, part in JOINTS.items():
        box = clip_box(box_around(pixels[:, part]), columns["width"], columns["height"])
        result[f"{side}_hand_bbox"] = nullable(np.nan_to_num(box), np.isfinite(box).all(1))
    return result


def _flags(values: list[Any]) -> NDArray[np.bool_]:
    """(N, 42) of `joint_valid`, which is (42,), (42, 1) or (42, 3), mostly the same in all."""
    try:
        flags = array_of(values).reshape(len(values), 42, -1).any(2)
    except ValueError:
        flags = np.asarray([np.reshape(v, (42, -1)).any(1) for v in values]).reshape(-1, 42)
    return np.asarray(flags, bool)
