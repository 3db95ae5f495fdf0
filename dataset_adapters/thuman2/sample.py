"""A miniature THuman2: scans in units of their own, both batches, two renderings of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import write_text
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.parameters import absolute_hand
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.thuman2.fits import FIRST_OF_SECOND_BATCH
from ehpsbench.dataset_adapters.traits import SIDES, Traits
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.restricted_pickle import dump_plain
from ehpsbench.restricted_pickle.encoder import Call, Name
from ehpsbench.world.people import model_of
from ehpsbench.world.renderer import render

if TYPE_CHECKING:
    from ehpsbench.body.model import BodyModel

FILMING = Filming(size=(192, 192), views=2, video=False, broken=("finite", "ranges", "angles"))
SPLITS = ("face", "upper-body", "full-body", "test")
HUNDRED = 100  # scans of each split but the test's are of the first batch, as far as they go
CLASSES = "goliath-28"
# for each of PARTS, Goliath's class; the synthetic people's clothes are on torso, hips and thighs
GOLIATH = np.array([0, 3, 2, 2, 22, 12, 10, 19, 6, 15, 5, 14, 12, 12, 7, 16, 8, 17], np.uint8)
UNREADABLE = 0  # scan of the second batch without the owners' mesh


def write(order: Order) -> Truth:
    """Write a miniature release."""
    card = catalogue.card("thuman2")
    mini = Miniature(order, card, FILMING, Traits.of(card, genders=("male",)))
    clips = mini.clips([(split, split) for split in SPLITS], fewest=2 if mini.whole else 1)
    numbers = _numbers(clips)
    for clip in clips:
        fit, meshes = clip.fits(), clip.meshes()
        for frame in range(len(clip)):
            number = numbers[clip.split][frame]
            scan, scale = f"{number:04d}", 0.35 + 0.02 * (number % 10)
            content = {name: rows[frame : frame + 1] for name, rows in fit.items()}
            bare = mini.whole and clip.split == "test" and frame == UNREADABLE
            folder = order.root / f"smplx/{scan}"
            if number < FIRST_OF_SECOND_BATCH:
                _write_fit(folder, content, scale)
            else:
                _write_fit(folder, content, scale, model_of(clip.person(0, frame), clip.bodies))
            if not bare:
                _write_obj(folder / "mesh_smplx.obj", meshes[frame] * scale)
            _write_views(mini, clip, frame, scan, scale)
            for view in range(FILMING.views):
                key = f"{clip.split}/{scan}/{view:03d}/0/{scan}"
                mini.note(key, clip, frame, view=view, body=not bare)
    return mini.save()


def _numbers(clips: Sequence[Clip]) -> dict[str, list[int]]:
    """Numbers of the scans of each split; what is spoilt is in the first batch, if not a test.

    The fit of a spoilt scan does not make the owners' mesh: in the second batch, where that
    decides, it would be a scan without a body instead.
    """
    numbers: dict[str, list[int]] = {}
    free = FIRST_OF_SECOND_BATCH
    for clip in sorted(clips, key=lambda clip: clip.split != "test"):
        spoilt = sum(map(bool, clip.broken))
        early = 0 if clip.split == "test" else min(len(clip), HUNDRED)
        later = len(clip) - early
        first = [HUNDRED * clip.index + place for place in range(early)]
        cut = max(early - spoilt, 0)  # the spoilt ones come last
        numbers[clip.split] = [*first[:cut], *range(free, free + later), *first[cut:]]
        free += later
    return numbers


def _write_fit(
    folder: Path, fit: dict[str, NDArray[Any]], scale: float, model: BodyModel | None = None
) -> None:
    """The owners' pickle; the second batch has hands of 45 absolute angles, of a model."""
    content: dict[str, Any] = {name: rows.astype(np.float32) for name, rows in fit.items()}
    translation = content.pop("transl")[0].astype(np.float64) * scale
    if model is not None:
        for side in SIDES:
            name = f"{side}_hand_pose"
            content[name] = absolute_hand(fit[name], model, side, "relative").astype(np.float32)
    content |= {"scale": _tracked(np.asarray(scale)), "translation": _tracked(translation)}
    folder.mkdir(parents=True)
    dump_plain(content, folder / "smplx_param.pkl")


def _tracked(values: NDArray[np.float64]) -> Call:
    """An array of the class of trimesh."""
    state: Any = values.__reduce__()
    kind = Name("trimesh.caching", "TrackedArray")
    return Call(Name("numpy.core.multiarray", "_reconstruct"), (kind, (0,), b"b"), state[2])


def _write_obj(path: Path, vertices: NDArray[np.float64]) -> None:
    write_text(path, "".join(f"v {x:.8f} {y:.8f} {z:.8f}\n" for x, y, z in vertices.tolist()))


def _write_views(mini: Miniature, clip: Clip, frame: int, scan: str, scale: float) -> None:
    """Cameras, pictures and maps of one scan, all in its units."""
    folder = f"renders/{scan}"
    cameras: dict[str, Any] = {}
    for view in range(FILMING.views):
        name, camera, pose = f"{view:03d}", clip.camera(frame, view), clip.extrinsics(view)[frame]
        cameras[name] = {
            "split": clip.split,
            "width": camera.width,
            "height": camera.height,
            "focal": camera.focal,
            "principal_point": camera.principal_point,
            "rotation": pose[:3, :3],
            "translation": pose[:3, 3] * scale,
        } | ({"parts": CLASSES} if mini.order.images != "none" else {})
        mini.picture(f"{folder}/{name}.png", clip, frame, view)
        if mini.order.images != "none":
            _write_maps(mini.order.root / folder, name, clip, (frame, view), scale)
    save_json(mini.order.root / folder / "cameras.json", cameras)


def _write_maps(folder: Path, name: str, clip: Clip, place: tuple[int, int], scale: float) -> None:
    from PIL import Image

    scene = clip.scenes[place[0]]
    shown = render(scene, scene.cameras[place[1]], clip.bodies)
    np.save(folder / f"{name}_depth.npy", (shown.depth * scale).astype(np.float32))
    np.save(folder / f"{name}_normals.npy", shown.normals)
    mask = np.where(shown.person_ids > 0, 255, 0).astype(np.uint8)
    Image.fromarray(mask).save(folder / f"{name}_mask.png")
    Image.fromarray(GOLIATH[shown.parts]).save(folder / f"{name}_parts.png")
