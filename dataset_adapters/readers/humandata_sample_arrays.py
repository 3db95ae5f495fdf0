"""The arrays of a miniature HumanData file, in either dialect, made from people in images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters.card import Card
from ehpsbench.geometry import body_to_camera, box_around, clip_box, project
from ehpsbench.skeleton.human_data import INDEX
from ehpsbench.skeleton.sources import ALL, LEFT_HAND_21, RIGHT_HAND_21, SMPL_24, SMPLX_127

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.world.camera import Camera
    from ehpsbench.world.people import Person

Content = dict[str, Any]
Floats = NDArray[np.float64]

PADDING = 1.2  # of the body's box
HEAD = (15, 22, 23, 24)
PELVIS_AGAIN = INDEX["pelvis_openpose"]  # a joint past the first 144
PARTS = {"lhand": LEFT_HAND_21, "rhand": RIGHT_HAND_21, "face": HEAD}


@dataclass(frozen=True, slots=True)
class Somebody:
    """One row: who is in which image, how labelled, and under what id it must be stored."""

    image_path: str
    instance_id: str
    track: int
    camera: Camera
    person: Person
    label: Person
    valid: bool = True


def whole_content(
    people: Sequence[Somebody], bodies: BodySet, card: Card, *, later: bool
) -> Content:
    """What a HumanData file of these people holds, before compression.

    Args:
        people: the rows.
        bodies: the open body.
        card: the dataset's, for gender, betas and hands.
        later: the second dialect, of the convertors branch; else the first.
    """
    from ehpsbench.world.people import posed_joints

    labels = [p.label for p in people]
    focal = np.stack([p.camera.focal for p in people])
    centre = np.stack([p.camera.principal_point for p in people])
    scene = np.stack(posed_joints(labels, bodies))
    turn = np.stack([p.camera.rotation for p in people])
    shift = np.stack([p.camera.translation for p in people])
    joints = scene @ turn.transpose(0, 2, 1) + shift[:, None]
    places = np.asarray(SMPLX_127[:55] if joints.shape[1] == 55 else SMPL_24)
    points = np.zeros((len(people), ALL, 4))
    points[:, places, :3], points[:, places, 3] = joints, 1
    points[:, PELVIS_AGAIN] = points[:, 0]
    pixels = np.zeros((len(people), ALL, 3))
    pixels[..., :2] = np.where(points[..., 3:] > 0, project(points[..., :3], focal, centre), 0)
    size = np.asarray([(p.camera.width, p.camera.height) for p in people])
    inside = ((pixels[..., :2] >= 0) & (pixels[..., :2] <= size[:, None])).all(-1)
    pixels[..., 2] = inside & (points[..., 2] > 0)
    family = people[0].label.family
    absolute = card.humandata_flat_hands if later else not card.humandata_flat_hands
    values = _parameters(people, bodies, absolute=absolute)
    columns = _later_shapes(values) if later else _first_shapes(values)
    betas = min(card.body.num_betas or 10, 16)
    columns["betas"] = values["betas"][:, :betas]
    if any(p.label.kid for p in people):
        columns["betas_extra"] = values["kid"][:, None]
    return {
        "image_path": [p.image_path for p in people],
        **_boxes(pixels, size, hands=later),
        **_keypoints(pixels, points, "_smplx" if later else ""),
        family: _of_family(columns, values, family),
        "meta": _meta(people, focal, centre, later=later),
        "misc": _misc(people, family, later=later, absolute=absolute),
        "config": "ehpsbench_miniature",
        "__data_len__": len(people),
        "__key_strict__": False,
        "__keypoints_compressed__": False,
    }


def _parameters(people: Sequence[Somebody], bodies: BodySet, *, absolute: bool) -> dict[str, Any]:
    """Camera-frame parameters by name, (N, k); hands as the file stores them."""
    from ehpsbench.world.people import model_of, rest_pelvis, stacked

    labels = [p.label for p in people]
    values = stacked(labels)
    values["global_orient"], values["transl"] = body_to_camera(
        np.stack([p.camera.rotation for p in people]),
        np.stack([p.camera.translation for p in people]),
        values["global_orient"],
        values["transl"],
        rest_pelvis(labels, bodies),
    )
    if not absolute and labels[0].family == "smplx":
        for side in ("left", "right"):
            mean = [model_of(label, bodies).hand_mean(side) for label in labels]
            values[f"{side}_hand_pose"] = values[f"{side}_hand_pose"] - np.stack(mean)
    return values


def _later_shapes(values: dict[str, Any]) -> Content:
    """Flat rows, a hundred expressions, and eyes that are empty arrays."""
    flat = ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose", "transl")
    columns = {name: values[name] for name in flat}
    columns["jaw_pose"] = values["jaw_pose"][:, None]
    columns["expression"] = np.pad(values["expression"], ((0, 0), (0, 90)))
    return columns | {"leye_pose": np.zeros((0, 3)), "reye_pose": np.zeros((0, 3))}


def _first_shapes(values: dict[str, Any]) -> Content:
    """Three numbers a joint, ten expressions."""
    joints = ("body_pose", "left_hand_pose", "right_hand_pose")
    columns = {name: values[name].reshape(len(values[name]), -1, 3) for name in joints}
    whole = ("global_orient", "transl", "jaw_pose", "leye_pose", "reye_pose", "expression")
    return columns | {name: values[name] for name in whole}


def _of_family(columns: Content, values: dict[str, Any], family: str) -> Content:
    """The dictionary of a body model; SMPL has neither hands nor face, but 23 joints."""
    if family == "smplx":
        return columns
    pose = np.concatenate([values["body_pose"], values["smpl_hand_pose"]], 1)
    shape = (-1, 23, 3) if columns["body_pose"].ndim == 3 else (-1, 69)
    names = ("global_orient", "betas", "betas_extra", "transl")
    kept = {name: columns[name] for name in names if name in columns}
    return kept | {"body_pose": pose.reshape(shape)}


def _boxes(pixels: Floats, size: NDArray[Any], *, hands: bool) -> Content:
    """x, y, w, h, confidence: the body's padded and cut to the image."""
    body = _box(pixels)
    grown = body[:, 2:4] * PADDING
    around = np.concatenate([body[:, :2] - (grown - body[:, 2:4]) / 2, grown], 1)
    content = {"bbox_xywh": np.c_[clip_box(around, size[:, 0], size[:, 1]), body[:, 4]]}
    if hands:
        content |= {f"{n}_bbox_xywh": _box(pixels[:, list(part)]) for n, part in PARTS.items()}
    return content


def _box(pixels: Floats) -> Floats:
    """(N, 5) around the pixels in the image; zeros where there are none."""
    box = box_around(np.where(pixels[..., 2:] > 0, pixels[..., :2], np.nan))
    return np.concatenate([np.nan_to_num(box), np.isfinite(box).all(1, keepdims=True)], 1)


def _keypoints(pixels: Floats, points: Floats, ending: str) -> Content:
    content: Content = {}
    mask = (points[..., 3] > 0).any(0).astype(np.uint8)
    for name, values in ((f"keypoints2d{ending}", pixels), (f"keypoints3d{ending}", points)):
        content |= {name: values, f"{name}_mask": mask, f"{name}_convention": "human_data"}
    return content


def _meta(people: Sequence[Somebody], focal: Floats, centre: Floats, *, later: bool) -> Content:
    genders = [p.label.gender for p in people]
    if set(genders) == {"neutral"}:  # then it is the subject's
        genders = [p.label.subject_gender for p in people]
    meta: Content = {"gender": genders, "R": [], "T": []}
    if later:
        return meta | {
            "height": [p.camera.height for p in people],
            "width": [p.camera.width for p in people],
            "focal_length": focal,
            "principal_point": centre,
            "track_id": [p.track for p in people],
            "annot_valid": [p.valid for p in people],
        }
    return meta | {
        "focal_length": focal[:, 0].tolist(),
        "princpt": [tuple(point) for point in centre.tolist()],
        "cam_id": ["c1"] * len(people),
    }


def _misc(people: Sequence[Somebody], family: str, *, later: bool, absolute: bool) -> Content:
    """Settings; the first dialect says how hands are stored, the later leaves it to the card."""
    misc: Content = {
        "kps3d_root_aligned": False,
        "bbox_soruce": "keypoints2d_smplx",
        "bbox_body_scale": PADDING,
        f"{family}_source": "original",
        "cam_param_type": "prespective",
    }
    if later:
        return misc | {"bbox_facehand_scale": 1.0}
    camera = people[0].camera
    return misc | {"flat_hand_mean": absolute, "image_shape": (camera.height, camera.width)}


def compressed(content: Content) -> Content:
    """The same with only those keypoints that the masks name."""
    smaller = dict(content)
    for name in content:
        if f"{name}_mask" in content:
            smaller[name] = content[name][:, content[f"{name}_mask"] == 1]
    return smaller | {"__keypoints_compressed__": True}


def _degrees(table: Content, row: int) -> None:
    table["body_pose"][row] = np.degrees(table["body_pose"][row])


def _moved(axis: int, metres: float) -> Callable[[Content, int], None]:
    def move(table: Content, row: int) -> None:
        table["transl"][row, axis] += metres

    return move


SPOILT: dict[str, Callable[[Content, int], None]] = {
    "finite": lambda table, row: table["global_orient"].__setitem__(row, np.nan),
    "ranges": lambda table, row: table["betas"].__setitem__(row, 100.0),
    "angles": _degrees,
    "in_front_of_camera": _moved(2, -50.0),
    "joints_near_box": _moved(0, 30.0),
}


def spoil(content: Content, family: str, row: int, rule: str) -> None:
    """Break one row so that `rule` must refuse it."""
    if rule == "box_inside_image":
        content["bbox_xywh"][row, :2] += 5000
    else:
        SPOILT[rule](content[family], row)


BROKEN = (*SPOILT, "box_inside_image")
