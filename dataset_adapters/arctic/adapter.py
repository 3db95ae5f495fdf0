"""ARCTIC (Fan et al., CVPR 2023): two hands and an object, eight static views and an ego view."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.arctic.flags import flags_file, validity
from ehpsbench.dataset_adapters.arctic.views import EGO, Frames, cameras, frames
from ehpsbench.dataset_adapters.boxes import joint_boxes
from ehpsbench.dataset_adapters.identity import person_identity, repeat
from ehpsbench.dataset_adapters.images import image_columns
from ehpsbench.dataset_adapters.parameters import Labels, body_columns
from ehpsbench.dataset_adapters.release import Release, Unit
from ehpsbench.errors import InputError, MissingFiles
from ehpsbench.meshes import read_mesh
from ehpsbench.restricted_pickle import load_npy
from ehpsbench.schema import Columns, Instances, present

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

FPS = 30.0
TEMPLATE = "meta/subject_vtemplates/{}.obj"
SPLITS = ("train", "val", "test")
POSE = ("body_pose", "jaw_pose", "leye_pose", "reye_pose", "left_hand_pose", "right_hand_pose")


def units(release: Release) -> Iterator[Unit]:
    """One unit per sequence of the protocols that has labels or images.

    Raises:
        InputError: a protocol is broken, or contradicts the other.
        MissingFiles: labels and egocentric images are there, but not the egocentric camera.
    """
    root, splits = release.root, _splits(release.root)
    for sequence in sorted(splits):
        labels = root / f"raw_seqs/{sequence}.smplx.npy"
        if labels.is_file() or (root / f"images/{sequence}").is_dir():
            split = splits[sequence]
            _demand_ego(root, sequence, labels)
            files = [
                root / "meta/misc.json",
                *(root / f"splits_json/protocol_{p}.json" for p in ("p1", "p2")),
                root / f"meta/subject_vtemplates/{sequence.split('/')[0]}.obj",
                *(labels, _ego_file(root, sequence), flags_file(root, sequence, split)),
            ]
            there = tuple(f for f in files if f is not None and f.is_file())
            yield Unit(
                f"{split}/{sequence}", release, there, {"sequence": sequence, "split": split}
            )


def read(unit: Unit, bodies: BodySet) -> Instances:
    """One person in nine views of one sequence, brought from the Vicon frame to each camera."""
    root, sequence = unit.release.root, unit.key["sequence"]
    name = sequence.split("/")[0]
    subject = json.loads((root / "meta/misc.json").read_text())[name]
    path = root / f"raw_seqs/{sequence}.smplx.npy"
    labels = load_npy(path) if path.is_file() else {"transl": np.zeros((0, 3))}
    of = frames(root / f"images/{sequence}", int(subject["ioi_offset"]), len(labels["transl"]))
    images = _images(unit, of, cameras(subject, _ego_file(root, sequence), of))
    chosen = np.flatnonzero(of.labelled & present(images["world_rotation"]))
    if not len(chosen):
        return Instances({}, images)
    row, view = of.row[chosen], of.view[chosen]
    columns = person_identity(images, chosen, [name] * len(chosen))
    fit = {key: labels[key][row] for key in (*POSE, "global_orient", "transl")}
    rest = _rest_pelvis(name, subject["gender"], bodies, root)
    card = Labels.of(unit.release.card)
    columns |= body_columns(fit, subject["gender"], card, bodies, columns, pelvis=rest)
    words = {"subject": name, "track": name, "subject_gender": subject["gender"]}
    words["template_path"] = TEMPLATE.format(name)
    columns |= {key: repeat(word, len(row)) for key, word in words.items()}
    columns |= validity(root, sequence, unit.key["split"], row, view)
    columns["source_row"] = row
    columns["bbox"] = joint_boxes(columns, bodies, root)
    return Instances(columns, images)


def _splits(root: Path) -> dict[str, str]:
    """Sequence → split, from both protocols.

    Raises:
        InputError: a sequence has two splits, so that views of it would lie on both sides.
    """
    found: dict[str, str] = {}
    for protocol in ("p1", "p2"):
        path = root / f"splits_json/protocol_{protocol}.json"
        for split, sequences in _protocol(path).items():
            for sequence in sequences:
                if found.setdefault(sequence, split) != split:
                    raise InputError(
                        f"{path}: {sequence} is in {split}, but elsewhere in {found[sequence]}; "
                        "all views of a sequence must have one split."
                    )
    return found


def _protocol(path: Path) -> dict[str, list[str]]:
    """Split → its sequences, of one protocol file."""
    expected = f"expected an object with a list of sequences for each of {', '.join(SPLITS)}"
    try:
        lists = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            f"{path} is not whole JSON ({error}); {expected}. Get it again."
        ) from error
    if not isinstance(lists, dict) or not all(isinstance(lists.get(s), list) for s in SPLITS):
        found = ", ".join(lists) if isinstance(lists, dict) else type(lists).__name__
        raise InputError(f"{path}: {expected}, found {found or 'nothing'}. Get it again.")
    return {split: lists[split] for split in SPLITS}


def _demand_ego(root: Path, sequence: str, labels: Path) -> None:
    """Labels without the ego camera are half a sequence, unless nobody looks through it."""
    folder, camera = root / f"images/{sequence}/{EGO}", _ego_file(root, sequence)
    if labels.is_file() and not camera.is_file() and any(folder.glob("*.jpg")):
        raise MissingFiles(
            f"{camera} is not there, but {labels.name} and the egocentric images in {folder} are. "
            "Unpack the whole raw_seqs, or move those images away."
        )


def _ego_file(root: Path, sequence: str) -> Path:
    return root / f"raw_seqs/{sequence}.egocam.dist.npy"


def _images(unit: Unit, of: Frames, camera: Columns) -> dict[str, NDArray[Any]]:
    """Identity, paths, times and cameras; the sequence is the cluster of all its views."""
    sequence = unit.key["sequence"]
    places = zip(of.view.tolist(), of.stem.tolist(), strict=True)
    source = next((f for f in unit.files if f.name.endswith(".smplx.npy")), unit.files[0])
    own = {k: v for k, v in camera.items() if k not in ("width", "height")}
    return image_columns(
        unit,
        [f"images/{sequence}/{v}/{s:05d}.jpg" for v, s in places],
        np.stack([camera["width"], camera["height"]], -1),
        split=unit.key["split"],
        sequence=sequence,
        camera=of.view,
        frame=of.stem,
        cluster=sequence,
        fps=FPS,
        source_file=unit.release.relative(source),
        **own,
    )


def _rest_pelvis(name: str, gender: str, bodies: BodySet, root: Path) -> NDArray[np.float64]:
    """(3,) of the personal rest mesh [m]."""
    model = bodies.model("smplx", gender)
    path = root / TEMPLATE.format(name)
    template = read_mesh(path).vertices
    if template.shape != model.v_template.shape:
        raise InputError(
            f"{path} has {len(template)} vertices, the {model.gender} SMPL-X body of body set "
            f"{bodies.name!r} has {model.num_vertices}. Do they belong together?"
        )
    return np.asarray(model.rest_joints(np.zeros((1, 0)), template=template)[0, 0])
