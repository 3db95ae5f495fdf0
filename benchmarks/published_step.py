"""A training step as the published code of SMPLer-X and SMPLest-X does it, around our networks.

Written after SMPLer-X 2c23b43 and SMPLest-X 6d0aea7. Per person, in a worker process of a
DataLoader: the whole picture is decoded, warped to 512×384 and made float32; SMPL-X is posed with
its mesh; the labels move with the picture. Then on the device, in float32: nearest-neighbour
shrinking to the network's input, attention written out, SMPL-X posed with its mesh, Adam that is
not fused, nothing compiled. Pictures are decoded by Pillow instead of OpenCV.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.data import DataLoader, Dataset

from ehpsbench.body.forward import forward, forward_matrices
from ehpsbench.body.model import BodyModel
from ehpsbench.training.augment import Batch, Draws, batch
from ehpsbench.training.crops import CropSize, orientations, oriented
from ehpsbench.training.data import Columns, Portion
from ehpsbench.training.losses import losses, total
from ehpsbench.training.models.network import Network
from ehpsbench.training.recipe import Input, Recipe
from ehpsbench.training.targets import Targets

HEIGHT, WIDTH = 512, 384  # px; of the warped picture
POSE = (
    "betas", "expression", "global_orient", "body_pose", "left_hand_pose", "right_hand_pose",
    "jaw_pose", "leye_pose", "reye_pose", "transl",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class People(Dataset[dict[str, Tensor]]):
    """What a worker makes of one person; labels of all lie in memory, as published.

    Attributes:
        root: of the release.
        columns: of the store.
        portion: their targets and views.
        plan: the recipe.
        body: of the labels.
        count: of the samples of a run.
    """

    root: Path
    columns: Columns
    portion: Portion
    plan: Recipe
    body: BodyModel
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng, row = np.random.default_rng([0, index]), index % len(self.portion)
        draws = Draws.random(self.plan.augmentation, 1, rng)
        orientation = int(orientations(self.columns)[row])
        picture = oriented(self.root / str(self.columns["image_path"][row]), orientation)
        given = {k: np.ma.getdata(self.columns[k])[row : row + 1] for k in POSE}
        posed = forward(self.body, **given)
        labels = self._labels(row, draws)
        labels["images"] = torch.from_numpy(self._warped(picture, row, draws))
        return labels | {"posed_joints": posed.joints[0]}

    def _labels(self, row: int, draws: Draws) -> dict[str, Tensor]:
        """The targets as they move with the picture; of the picture here, next to nothing."""
        small = Input(height=32, width=24, margin=1.0)
        size, whole = CropSize.of(small), self.portion.targets
        one = Targets(**{f.name: getattr(whole, f.name)[row : row + 1] for f in fields(Targets)})
        blank = np.zeros((1, size.height, size.width, 3), np.uint8)
        found = batch(blank, one, draws, small)
        return {f.name: getattr(found, f.name)[0] for f in fields(Batch)}

    def _warped(self, picture: Image.Image, row: int, draws: Draws) -> NDArray[np.float32]:
        """(3, 512, 384) in 0–1: one affine warp from the whole picture."""
        where = self.portion.views
        half, centre = where.half[row], where.centre[row]
        cos, sin = float(draws.angle.cos()), float(draws.angle.sin())
        turned = float(draws.scale) * np.array([[cos, sin], [-sin, cos]])
        pixel = 2 * half / (WIDTH, HEIGHT) * (-1 if draws.mirrored else 1, 1)
        matrix = turned * pixel
        middle = centre + draws.shift[0].numpy() * half
        offset = middle - matrix @ np.array([WIDTH / 2, HEIGHT / 2])
        data = np.concatenate([matrix, offset[:, None]], 1).ravel().tolist()
        kind, smooth = Image.Transform.AFFINE, Image.Resampling.BILINEAR
        warped = picture.transform((WIDTH, HEIGHT), kind, data, smooth)
        colour = np.asarray(warped, np.float32) * draws.colour[0].numpy()
        found: NDArray[np.float32] = (colour.clip(0, 255) / 255).transpose(2, 0, 1)
        return np.ascontiguousarray(found)


@dataclass(slots=True)
class PublishedStep:
    """One update.

    Attributes:
        plan: the recipe.
        network: what learns.
        optimiser: of its parameters.
        body: of the predictions.
        device: where.
    """

    plan: Recipe
    network: Network
    optimiser: torch.optim.Optimizer
    body: BodyModel
    device: torch.device

    def __call__(self, labels: dict[str, Tensor]) -> Tensor:
        """The loss of a batch, after an update."""
        size = self.plan.input
        here = {name: values.to(self.device) for name, values in labels.items()}
        images = functional.interpolate(here["images"], (size.height, size.width))
        now = Batch(**{f.name: here[f.name] for f in fields(Batch)} | {"images": images})
        self.optimiser.zero_grad()
        with sdpa_kernel(SDPBackend.MATH):
            said = self.network(images)
            aspect, camera = size.width / size.height, self.plan.model.camera

            def joints(rotations: Tensor, betas: Tensor) -> Tensor:
                posed = forward_matrices(
                    self.body, rotations, betas=betas, expression=said.expression, chunk=len(betas)
                )
                if posed.vertices is None:
                    raise RuntimeError(f"{self.body.name} was posed without its mesh")
                # As published, joints come off the mesh: its gradient is computed with them.
                return posed.joints + 0 * posed.vertices.mean(1, keepdim=True)

            terms = losses(said, now, joints, aspect, camera=camera)
            terms |= self.network.own_losses(said, now, self.network.own_counts(now))
            loss = total(terms, self.plan.loss)
            torch.autograd.backward(loss)
        self.optimiser.step()
        return loss.detach()


def batches(people: People, size: int, workers: int, device: torch.device) -> Iterator[Any]:
    """Batches of a DataLoader as published: default collation, pinned memory on a GPU."""
    loader = DataLoader(
        people, size, num_workers=workers, pin_memory=device.type == "cuda", drop_last=True
    )
    return iter(loader)
