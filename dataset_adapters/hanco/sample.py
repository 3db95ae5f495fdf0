"""A miniature HanCo: two sequences of right hands in a world, a crop a view and frame."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.hanco.adapter import SIZE
from ehpsbench.dataset_adapters.lenses import Lens, with_own_lenses
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.freihand_sample import freihand_points
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.silhouettes import save_silhouette
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.world.camera import Camera

Floats = NDArray[np.float64]

VIEWS = 8
FILMING = Filming(size=(SIZE, SIZE), views=VIEWS, broken=("finite", "ranges", "angles"))
PLACES = (("training", "0000"), ("evaluation", "0002"))  # 0001 was not downloaded
SUBJECTS = {"0000": 12, "0002": 7}
# frames of the second sequence: points without a fit, a fit that the owners refuse, nothing
UNFITTED, INVALID, BARE = 0, 1, 2
ROOT = 9  # the base of the middle finger, which a view's own fit is placed by


def write(order: Order) -> Truth:
    """Write a miniature release; the size of the crops is fixed."""
    mini = Miniature(replace(order, scale=1.0), catalogue.card("hanco"), FILMING)
    clips = [_cropped(mini, clip) for clip in mini.clips(PLACES, fewest=4 if mini.whole else 1)]
    for clip in clips:
        _write_sequence(mini, clip)
        for frame in range(len(clip)):
            for view in range(VIEWS):
                place = f"{clip.name}/cam{view}/{frame:08d}"
                mini.picture(f"rgb/{place}.jpg", clip, frame, view)
                mask, camera = f"mask_hand/{place}.jpg", clip.camera(frame, view)
                save_silhouette(mini.order, mask, clip.scenes[frame], camera)
                if _special(mini, clip, frame) != BARE:
                    _note(mini, clip, frame, view)
    save_json(order.root / "meta.json", _meta(mini, clips))
    return mini.save()


def _special(mini: Miniature, clip: Clip, frame: int) -> int | None:
    known = mini.whole and clip.name == "0002" and frame in (UNFITTED, INVALID, BARE)
    return frame if known else None


def _note(mini: Miniature, clip: Clip, frame: int, view: int) -> None:
    special = _special(mini, clip, frame)
    key = f"{clip.split}/{clip.name}/cam{view}/{frame}/{SUBJECTS[clip.name]}"
    valid = special not in (UNFITTED, INVALID)
    mini.note(key, clip, frame, view=view, valid=valid, body=special != UNFITTED)


def _cropped(mini: Miniature, clip: Clip) -> Clip:
    """Every picture is a crop: no two have the same lens."""
    rng = np.random.default_rng([mini.order.seed, clip.index])

    def lens(frame: int, view: int, camera: Camera) -> Lens:
        zoom = rng.uniform(0.97, 1.03) * (1 + rng.uniform(-0.01, 0.01, 2))
        return camera.focal * zoom, camera.principal_point + rng.uniform(-5, 5, 2)

    return with_own_lenses(clip, lens)


def _write_sequence(mini: Miniature, clip: Clip) -> None:
    """Calibrations, points and fits of one sequence, a file a frame."""
    root, bodies = mini.order.root, mini.order.bodies
    fit, world = clip.fits(), freihand_points(clip.joints(), clip.meshes(), bodies)
    chains = [clip.extrinsics(view) for view in range(VIEWS)]
    for frame in range(len(clip)):
        name, special = f"{clip.name}/{frame:08d}.json", _special(mini, clip, frame)
        lenses = [clip.camera(frame, view).intrinsics for view in range(VIEWS)]
        save_json(root / f"calib/{name}", {"K": lenses, "M": [chain[frame] for chain in chains]})
        if special != BARE:
            save_json(root / f"xyz/{name}", world[frame])
        if special not in (BARE, UNFITTED):
            pose = np.concatenate([fit["global_orient"][frame], fit["hand_pose"][frame]])
            own = {"poses": [pose], "shapes": [fit["betas"][frame]]}
            save_json(root / f"shape/{name}", {**own, "global_t": [fit["transl"][frame]]})
    for view in range(VIEWS):
        _write_view(mini, clip, view, world, chains[view])


def _write_view(mini: Miniature, clip: Clip, view: int, world: Floats, chain: Floats) -> None:
    """The fits as a view has them: 61 numbers, of which the last three place joint 9."""
    fit = clip.fits(0, view)
    for frame in range(len(clip)):
        if _special(mini, clip, frame) in (BARE, UNFITTED):
            continue
        camera = clip.camera(frame, view)
        joint = chain[frame, :3, :3] @ world[frame, ROOT] + chain[frame, :3, 3]
        place = [*camera.pixels(joint[None])[0], camera.focal.mean() / joint[2]]
        row = [fit[name][frame] for name in ("global_orient", "hand_pose", "betas")]
        path = f"shape/{clip.name}/cam{view}/{frame:08d}.json"
        save_json(mini.order.root / path, np.concatenate([*row, place]))


def _meta(mini: Miniature, clips: list[Clip]) -> dict[str, list[list[Any]]]:
    """Lists of all sequences up to the last, also of those that are not there."""
    by_number = {int(clip.name): clip for clip in clips}
    meta: dict[str, list[list[Any]]] = {
        key: [] for key in ("is_train", "subject_id", "is_valid", "object_id", "has_fit")
    }
    for number in range(max(by_number) + 1):
        clip = by_number.get(number)
        frames = range(len(clip) if clip else 1)
        special = [_special(mini, clip, f) if clip else BARE for f in frames]
        green = bool(clip) and number == 0
        meta["is_train"].append([green for _ in frames])
        meta["subject_id"].append([SUBJECTS[clip.name] if clip else 99 for _ in frames])
        meta["is_valid"].append([s is None for s in special])
        meta["object_id"].append([None if f % 2 else 5 for f in frames])
        meta["has_fit"].append([s not in (BARE, UNFITTED) for s in special])
    return meta
