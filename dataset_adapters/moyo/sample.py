"""A miniature MOYO: one yogi with a rest mesh of her own, fits twice as often as small pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.moyo.adapter import SUBJECT
from ehpsbench.dataset_adapters.moyo.views import FIRST, HALF
from ehpsbench.dataset_adapters.parameters import joined_pose
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.traits import Traits
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.meshes import write_ply
from ehpsbench.restricted_pickle import dump_plain
from ehpsbench.world.people import Person, model_of, rest_pelvis

SHRUNK = 4  # released pictures have three megapixels
VIEWS = 4
FILMING = Filming(
    size=(HALF[1] // SHRUNK, HALF[0] // SHRUNK), views=VIEWS, broken=("finite", "angles")
)
HANDS, BARE = "20220923_20220926_with_hands", "20221004_with_com"
PLACES = (
    ("train", f"{HANDS}/220923/Tree_Pose_or_Vrksasana_-a"),
    ("val", f"{HANDS}/220926/Boat_Pose_or_Paripurna_Navasana_-b"),
    ("val", f"{BARE}/221004/Cobra_Pose_or_Bhujangasana_-a"),
)
LATE = 4  # number of the first picture of the second sequence
TEMPLATE = "v_templates/220923_yogi_03596_minimal_simple_female/mesh.ply"


def write(order: Order) -> Truth:
    """Write a miniature release; without pictures nothing says their size, which is the owners'."""
    scale = SHRUNK if order.images == "none" else order.scale
    card = catalogue.card("moyo")
    traits = Traits.of(card, genders=("female",))
    mini = Miniature(replace(order, scale=scale), card, FILMING, traits)
    rest: Person | None = None
    for made in mini.clips(PLACES):
        rest = rest or made.person()
        clip = _of_yogi(made, rest)
        session, token, pose = clip.name.split("/")
        sequence = f"{token}_yogi_body_hands_{SUBJECT}_{pose}"
        first = LATE if clip.index == 1 and order.images != "none" else FIRST
        _write_fit(mini, clip, f"{session}/mosh/{clip.split}/{sequence}_stageii.pkl")
        _write_cameras(mini, clip, f"{session}/cameras/20{token}/{token}_PROCESSED_CAMERA_PARAMS")
        for view in range(VIEWS):
            camera = f"YOGI_Cam_{view + 1:02d}"
            for frame in range(len(clip)):
                name = f"{sequence}/{camera}/{sequence}_{camera}_{first + frame:04d}.jpg"
                mini.picture(f"{session}/images/{clip.split}/{name}", clip, frame, view)
                key = f"{clip.split}/{sequence}/{camera}/{first + frame}/{SUBJECT}"
                mini.note(key, clip, frame, 0, view)
    return mini.save()


def _of_yogi(clip: Clip, rest: Person) -> Clip:
    """The clip with everybody as the one yogi, whose rest mesh takes the place of betas."""
    model = model_of(rest, clip.bodies)
    template = model.v_template + model.shapedirs[..., :10] @ rest.betas[:10]
    betas = np.zeros_like(rest.betas)

    def changed(person: Person) -> Person:
        yogi = replace(person, template=template, betas=betas, subject=rest.subject)
        shift = rest_pelvis([person], clip.bodies) - rest_pelvis([yogi], clip.bodies)
        return replace(yogi, transl=yogi.transl + shift[0])

    scenes = tuple(replace(s, people=tuple(map(changed, s.people))) for s in clip.scenes)
    return replace(clip, scenes=scenes, said=tuple(tuple(map(changed, row)) for row in clip.said))


def _write_fit(mini: Miniature, clip: Clip, path: str) -> None:
    """A row of the 60 a second for every picture, and one between it and the next."""
    fit = clip.fits()
    place = mini.order.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    between = np.full(3, 0.05)
    content = {
        "betas": np.zeros(400),
        "fullpose": _doubled(joined_pose(fit, "smplx"), 0.0),
        "trans": _doubled(fit["transl"], between),
        "v_template_fname": f"/a/place/of/the/owners/{TEMPLATE}",
        "stageii_debug_details": {"mocap_frame_rate": 60.0},
    }
    dump_plain(content, place)
    person = clip.person()
    mesh = mini.order.root / TEMPLATE
    mesh.parent.mkdir(parents=True, exist_ok=True)
    if person.template is not None:
        write_ply(mesh, person.template, model_of(person, clip.bodies).faces)


def _doubled(values: NDArray[np.float64], more: float | NDArray[np.float64]) -> NDArray[np.float64]:
    both = np.stack([values, values + more], 1)
    return both.reshape(-1, values.shape[1])


def _write_cameras(mini: Miniature, clip: Clip, folder: str) -> None:
    """Places in millimetres, lenses of whole pictures."""
    content = {}
    for view in range(VIEWS):
        lens, chain = clip.camera(0, view), clip.extrinsics(view)[0]
        position = -chain[:3, :3].T @ chain[:3, 3]
        content[f"cam_{view + 1}"] = {
            "focal": 2 * HALF[0] / lens.width * lens.focal[0],
            "princpt": 2 * HALF[0] / lens.width * lens.principal_point,
            "rotation": chain[:3, :3],
            "position": 1000 * position,
        }
    place = mini.order.root / folder / "cameras_param.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    save_json(place, content)
