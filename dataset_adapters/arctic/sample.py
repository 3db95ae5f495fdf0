"""A miniature ARCTIC: a Vicon frame, eight static cameras, and one on the actor's head."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import write_text
from ehpsbench.dataset_adapters.arctic.adapter import POSE
from ehpsbench.dataset_adapters.arctic.stage import TO_VICON, WITHHELD, Sequence, Subject, staged
from ehpsbench.dataset_adapters.arctic.views import DROPPED, EGO, VIEWS
from ehpsbench.dataset_adapters.sampling import FLAT_GREY, Images, Order, TruthBook
from ehpsbench.dataset_adapters.traits import hands_of
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.errors import InputError
from ehpsbench.meshes import write_obj
from ehpsbench.restricted_pickle import dump_plain
from ehpsbench.world.camera import Camera
from ehpsbench.world.labels import labels
from ehpsbench.world.people import in_camera, posed
from ehpsbench.world.renderer import render

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.settings import WorldSettings

BLACK = (0, 0, 0)  # what the first and last images may be


def write(order: Order) -> Truth:
    """Write a miniature release below `root`; see `Truth`. A person in a view counts as one.

    Raises:
        InputError: a split that ARCTIC does not have, or whose labels are withheld.
    """
    if order.split not in (None, "train", "val"):
        raise InputError(
            "ARCTIC has the splits 'train', 'val' and 'test' (without labels), not "
            f"{order.split!r}."
        )
    book = order.book("arctic")
    sequences = staged(
        order.settings, order.people, order.split, order.seed, order.scale, order.bodies
    )
    for sequence in sequences:
        _write_labels(order.root, sequence, order.settings, order.seed, order.bodies)
        _write_egocam(order.root, sequence)
        if order.images != "none":
            _write_images(order.root, sequence, order.images, order.bodies)
        _note(book, sequence, order.bodies)
    _write_flags(order.root, sequences)
    _write_meta(order.root, sequences, order.bodies)
    if order.split is None and order.images != "none":
        for view, camera in enumerate(sequences[0].views[0]):
            path = order.root / f"images/{WITHHELD.name}/box_grab_01/{view}/00020.jpg"
            _save(path, _picture(camera, FLAT_GREY))
    return book.save(order.root)


def _write_labels(
    root: Path, sequence: Sequence, settings: WorldSettings, seed: int, bodies: BodySet
) -> None:
    """Parameters of every row in the Vicon frame; rows without a scene repeat their neighbour."""
    people = [person for (person,) in labels(sequence.worlds, settings, seed, bodies)]
    columns = in_camera(people, TO_VICON, bodies)
    for index, rule in sequence.broken.items():
        if rule == "finite":
            columns["body_pose"][index, 5] = np.nan
        elif rule == "angles":
            columns["body_pose"][index] = np.degrees(columns["body_pose"][index])
    kept = ("transl", "global_orient", *POSE)
    values = {name: columns[name][sequence.scene_of_row].astype(np.float32) for name in kept}
    _save_npy(root / f"raw_seqs/{sequence.key}.smplx.npy", values)


def _write_egocam(root: Path, sequence: Sequence) -> None:
    """World → ego camera of every row; a frame that is to be refused has it 20 m ahead."""
    cameras = [views[EGO] for views in sequence.views]
    matrices = np.stack([_from_vicon(camera) for camera in cameras])
    for index, rule in sequence.broken.items():
        if rule == "in_front_of_camera":
            matrices[index, :3, 3] = [0, 0, -20]
    rows = matrices[sequence.scene_of_row]
    values = {
        "R_k_cam_np": rows[:, :3, :3],
        "T_k_cam_np": rows[:, :3, 3:],
        "intrinsics": cameras[0].intrinsics,
        "dist8": cameras[0].distortion,
    }
    _save_npy(root / f"raw_seqs/{sequence.key}.egocam.dist.npy", values)


def _from_vicon(camera: Camera) -> NDArray[np.float64]:
    return np.asarray(camera.matrix @ np.linalg.inv(TO_VICON.matrix))


def _write_flags(root: Path, sequences: list[Sequence]) -> None:
    """The owners' flags: a file a sequence for the training set, one in all for validation."""
    gathered: dict[str, Any] = {}
    for sequence in sequences:
        valid = sequence.valid[sequence.scene_of_row].astype(np.int64)
        flags = {"is_valid": valid, "left_valid": np.ones_like(valid), "right_valid": valid}
        if sequence.subject.split == "train":
            _save_npy(root / f"processed_seqs/{sequence.key}.npy", {"cam_coord": flags})
        else:
            gathered[sequence.key] = {"cam_coord": flags}
    if gathered:
        _save_npy(root / "splits/p1_val.npy", {"data_dict": gathered, "imgnames": []})


def _write_meta(root: Path, sequences: list[Sequence], bodies: BodySet) -> None:
    """misc.json, the personal rest meshes, and the two protocols."""
    misc, splits = {}, {name: list[str]() for name in ("train", "val", "test")}
    for sequence in sequences:
        subject, person = sequence.subject, sequence.worlds[0].people[0]
        misc[subject.name] = _subject_entry(subject, sequence.views[0])
        splits[subject.split].append(sequence.key)
        if person.template is not None:
            path = root / f"meta/subject_vtemplates/{subject.name}.obj"
            write_obj(path, person.template, bodies.model("smplx", subject.gender).faces)
    misc[WITHHELD.name] = _subject_entry(WITHHELD, sequences[0].views[0])
    splits[WITHHELD.split].append(f"{WITHHELD.name}/box_grab_01")
    write_text(root / "meta/misc.json", json.dumps(misc))
    for protocol in ("p1", "p2"):
        write_text(root / f"splits_json/protocol_{protocol}.json", json.dumps(splits))


def _subject_entry(subject: Subject, views: tuple[Camera, ...]) -> dict[str, Any]:
    static = views[EGO + 1 :]
    return {
        "gender": subject.gender,
        "image_size": [[camera.width, camera.height] for camera in views],
        "intris_mat": [camera.intrinsics.tolist() for camera in static],
        "world2cam": [_from_vicon(camera).tolist() for camera in static],
        "ioi_offset": subject.offset,
    }


def _write_images(root: Path, sequence: Sequence, images: Images, bodies: BodySet) -> None:
    """Images with and without labels: dropped ones, and some before and after the label rows."""
    drawn = {int(stem): i for i, stem in enumerate(sequence.stems)} if images == "rendered" else {}
    last = sequence.rows - DROPPED
    for stem in (DROPPED - 1, *range(DROPPED, last + 1), sequence.rows + sequence.subject.offset):
        index = drawn.get(stem)
        meshes = None if index is None else posed(sequence.worlds[index].people, bodies)
        for view in range(VIEWS):
            path = root / f"images/{sequence.key}/{view}/{stem:05d}.jpg"
            if index is None:
                colour = BLACK if images == "rendered" else FLAT_GREY
                _save(path, _picture(sequence.views[0][view], colour))
            else:
                camera, world = sequence.views[index][view], sequence.worlds[index]
                _save(path, _jpeg(render(world, camera, bodies, vertices=meshes).rgb))


_pictures: dict[tuple[int, int, tuple[int, int, int]], bytes] = {}


def _picture(camera: Camera, colour: tuple[int, int, int]) -> bytes:
    """A jpg of one colour; the same one serves many frames."""
    key = (camera.height, camera.width, colour)
    if key not in _pictures:
        pixels = np.broadcast_to(np.array(colour, np.uint8), (*key[:2], 3))
        _pictures[key] = _jpeg(np.ascontiguousarray(pixels))
    return _pictures[key]


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=92)
    return stream.getvalue()


def _save(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _save_npy(path: Path, values: dict[str, Any]) -> None:
    """What np.save of NumPy 1 makes of a dict: a header, then a pickled 0-dimensional array."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = BytesIO()
    kind = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(header, kind)
    dump_plain(np.array(values, object), path)
    path.write_bytes(header.getvalue() + path.read_bytes())


def _note(book: TruthBook, sequence: Sequence, bodies: BodySet) -> None:
    """Everybody in every view, as the world has them."""
    subject = sequence.subject
    people = [world.people[0] for world in sequence.worlds]
    meshes = posed(people, bodies) if book.keep_vertices else None
    for view in range(VIEWS):
        for index, stem in enumerate(sequence.stems.tolist()):
            camera = sequence.views[index][view]
            where = f"{subject.split}/{subject.name}:{sequence.name}/{view}/{stem}"
            key, rule = f"arctic/{where}/{subject.name}", sequence.broken.get(index)
            if rule is not None and (rule != "in_front_of_camera" or view == EGO):
                book.add_broken(key, rule)
                continue
            book.add(
                key,
                () if meshes is None else camera.to_camera(meshes[index]),
                camera.focal,
                camera.principal_point,
                valid=bool(sequence.valid[index, view]),
                distortion=camera.distortion,
                hands=hands_of(people[index]),
            )
