"""Random views of cached crops: the image and everything that it teaches move together."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ehpsbench.training.crops import CropSize
from ehpsbench.training.joints import MIRROR
from ehpsbench.training.occluders import Occluders
from ehpsbench.training.recipe import Augmentation, Input
from ehpsbench.training.rotations import rotation_z, turn_to_axis
from ehpsbench.training.targets import Targets
from ehpsbench.training.transfer import constant, sent


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops and their targets on the device; the fields of `Targets` as tensors."""

    images: Tensor
    joints: Tensor
    joints_known: Tensor
    pixels: Tensor
    pixels_known: Tensor
    rotations: Tensor
    rotations_known: Tensor
    hand_root: Tensor
    hand_root_known: Tensor
    betas: Tensor
    betas_known: Tensor
    betas_residual: Tensor
    expression: Tensor
    expression_known: Tensor
    camera: Tensor
    tangent: Tensor

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, slots=True)
class Draws:
    """One random view per row; `still` leaves everything where it is.

    Attributes:
        scale: (B,) size of the new crop / size of the old one.
        shift: (B, 2) its centre in the old one's crop coordinates.
        angle: (B,) by which the image turns, x towards y [rad].
        mirrored: (B,) whether it is mirrored, after all else.
        colour: (B, 3) factor of each channel.
        occluders: what covers a part of the new crop.
    """

    scale: Tensor
    shift: Tensor
    angle: Tensor
    mirrored: Tensor
    colour: Tensor
    occluders: Occluders

    @classmethod
    def still(cls, count: int) -> Draws:
        """No change."""
        one, zero = torch.ones(count), torch.zeros(count)
        return cls(
            scale=one,
            shift=torch.zeros(count, 2),
            angle=zero,
            mirrored=zero.bool(),
            colour=torch.ones(count, 3),
            occluders=Occluders.none(count),
        )

    @classmethod
    def random(cls, settings: Augmentation, count: int, rng: np.random.Generator) -> Draws:
        """Draws for `count` rows, the same numbers whatever the device."""
        turned = rng.random(count) < settings.rotation_probability
        angle = np.radians(settings.rotation_deg) * rng.standard_normal(count).clip(-2, 2) * turned
        return cls(
            scale=1 + settings.scale * _uniform(rng, count),
            shift=settings.shift * 2 * _uniform(rng, count, 2),
            angle=torch.tensor(angle, dtype=torch.float32),
            mirrored=torch.tensor(rng.random(count) < settings.flip),
            colour=1 + settings.colour * _uniform(rng, count, 3),
            occluders=Occluders.random(settings.occlude, count, rng),
        )

    def to(self, device: torch.device) -> Draws:
        """The same draws on a device."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        occluders = plain.pop("occluders").to(device)
        moved = {name: sent(values, device) for name, values in plain.items()}
        return Draws(**moved, occluders=occluders)


def _uniform(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.tensor(rng.uniform(-1, 1, shape), dtype=torch.float32)


def batch(
    crops: NDArray[np.uint8],
    targets: Targets,
    draws: Draws,
    settings: Input,
    device: torch.device | None = None,
) -> Batch:
    """Cached crops (B, H, W, 3) and their targets as the views that `draws` asks for."""
    device = device or torch.device("cpu")
    # Asked before they move, as a GPU would have to be waited for.
    any_mirrored, any_covered = bool(draws.mirrored.any()), bool(draws.occluders.present.any())
    draws = draws.to(device)
    given = {f.name: torch.from_numpy(getattr(targets, f.name)) for f in fields(targets)}
    plain = {name: sent(values, device) for name, values in given.items()}
    forward = _crop_change(draws, settings.width / settings.height)
    images = _sampled(crops, forward, draws.colour, settings)
    if any_covered:
        images = draws.occluders.over(images)
    turned = _turned(Batch(images=images, **plain), forward, draws)
    return _mirrored(turned, draws.mirrored) if any_mirrored else turned


def images_of(
    crops: NDArray[np.uint8], draws: Draws, settings: Input, device: torch.device
) -> Tensor:
    """(B, 3, H, W) images in 0–1 of cached crops (B, H, W, 3), before any cover or mirroring."""
    draws = draws.to(device)
    forward = _crop_change(draws, settings.width / settings.height)
    return _sampled(crops, forward, draws.colour, settings)


def _crop_change(draws: Draws, aspect: float) -> Tensor:
    """(B, 3, 3) old crop coordinates → new ones, without the mirror."""
    shape = constant((aspect, 1.0), draws.scale.device)
    turn = rotation_z(draws.angle)[:, :2, :2] * shape / shape[:, None]
    matrix = torch.zeros(len(draws.scale), 3, 3, device=draws.scale.device)
    matrix[:, :2, :2] = turn / draws.scale[:, None, None]
    matrix[:, :2, 2] = -(matrix[:, :2, :2] @ draws.shift[..., None])[..., 0]
    matrix[:, 2, 2] = 1
    return matrix


def _sampled(crops: NDArray[np.uint8], forward: Tensor, colour: Tensor, settings: Input) -> Tensor:
    """(B, 3, H, W) images in 0–1 sampled from the cached crops."""
    own = crops if crops.flags.writeable else np.array(crops)  # torch takes no read-only memory
    raw = sent(torch.from_numpy(own), forward.device)
    margin = constant(CropSize.of(settings).margin, raw.device)
    back = _inverse(forward)[:, :2] / margin[:, None]
    shape = [len(raw), 3, settings.height, settings.width]
    grid = functional.affine_grid(back, shape, align_corners=False)
    pixels = raw.permute(0, 3, 1, 2).float() / 255
    images = functional.grid_sample(pixels, grid, align_corners=False)
    return (images * colour[..., None, None]).clamp(0, 1)


def _inverse(matrix: Tensor) -> Tensor:
    """Inverse of (B, 3, 3) that are known to have one, without waiting for a GPU to say so."""
    inverse: Tensor = torch.linalg.inv_ex(matrix).inverse
    return inverse


def _turned(still: Batch, forward: Tensor, draws: Draws) -> Batch:
    """Targets after the crop has moved and turned: the view looks at the new middle, and rolls."""
    middle = _inverse(forward @ still.camera)[..., 2]
    turn = rotation_z(draws.angle) @ turn_to_axis(middle)
    rotations = still.rotations.clone()
    rotations[:, 0] = turn @ still.rotations[:, 0]
    camera = forward @ still.camera @ turn.transpose(1, 2)
    return replace(
        still,
        joints=still.joints @ turn.transpose(1, 2),
        pixels=still.pixels @ forward[:, :2, :2].transpose(1, 2) + forward[:, None, :2, 2],
        rotations=rotations,
        hand_root=turn[:, None] @ still.hand_root,
        camera=camera,
        tangent=still.tangent * (_area(still.camera) / _area(camera)).sqrt(),
    )


def _area(camera: Tensor) -> Tensor:
    """(B,) area in crop coordinates of a small solid angle about the axis; by it distances go."""
    area: Tensor = torch.linalg.det(camera[:, :2, :2] / camera[:, 2:, 2:])
    return area


def _mirrored(plain: Batch, mirrored: Tensor) -> Batch:
    """Rows where `mirrored` as their mirror image: x turns round, left and right change places.

    Expression components are not mirror symmetric, so a mirrored row teaches none.
    """
    flipped = mirror(plain)
    both = {}
    for f in fields(Batch):
        old, new = getattr(plain, f.name), getattr(flipped, f.name)
        both[f.name] = torch.where(mirrored.view(-1, *([1] * (old.ndim - 1))), new, old)
    return Batch(**both)


def mirror(plain: Batch) -> Batch:
    """The mirror image of every row."""
    flip, order = _mirror_on(plain.images.device)
    return replace(
        plain,
        images=plain.images.flip(-1),
        joints=plain.joints[:, order] * flip.diagonal(),
        joints_known=plain.joints_known[:, order],
        pixels=plain.pixels[:, order] * flip.diagonal()[:2],
        pixels_known=plain.pixels_known[:, order],
        rotations=flip @ plain.rotations[:, order] @ flip,
        rotations_known=plain.rotations_known[:, order],
        hand_root=flip @ plain.hand_root.flip(1) @ flip,
        hand_root_known=plain.hand_root_known.flip(1),
        expression_known=torch.zeros_like(plain.expression_known),
        camera=flip @ plain.camera @ flip,
    )


@cache
def _mirror_on(device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.diag(torch.tensor([-1.0, 1.0, 1.0])).to(device), torch.from_numpy(MIRROR).to(
        device
    )
