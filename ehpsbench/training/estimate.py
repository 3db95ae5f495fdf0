"""From a network or the mean pose to bodies: in the view, in the camera frame, as meshes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ehpsbench.atomic import replacing
from ehpsbench.errors import InputError
from ehpsbench.geometry import axis_angle
from ehpsbench.training.augment import Draws, images_of
from ehpsbench.training.data import Pictures, batches
from ehpsbench.training.losses import Skeleton
from ehpsbench.training.models.network import Network
from ehpsbench.training.models.prediction import SPAN
from ehpsbench.training.recipe import Input
from ehpsbench.training.views import Views

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet

Floats = NDArray[np.float64]
CHUNK = 64


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bodies of N crops in their views; as `Prediction`, in NumPy."""

    rotations: Floats
    betas: Floats
    expression: Floats
    camera: Floats

    def repeated(self, count: int) -> Estimate:
        """The first body, `count` times."""
        return self.take(np.zeros(count, np.intp))

    def take(self, rows: NDArray[np.intp]) -> Estimate:
        """Some of the bodies."""
        whole = (self.rotations, self.betas, self.expression, self.camera)
        return Estimate(*(values[rows] for values in whole))


def estimate(
    network: Network,
    crops: NDArray[np.uint8] | Pictures,
    settings: Input,
    device: torch.device | None = None,
) -> Estimate:
    """What the network says of cached crops (N, H, W, 3), seen without augmentation."""
    device = device or torch.device("cpu")
    network.eval()
    found = []
    with torch.no_grad():
        for rows in batches(len(crops), CHUNK):
            piece = crops[rows]
            images = images_of(piece, Draws.still(len(piece)), settings, device)
            said = network(images)
            found.append((said.rotations, said.betas, said.expression, said.camera))
    network.train()
    return Estimate(
        *(torch.cat(part).cpu().numpy().astype(np.float64) for part in zip(*found, strict=True))
    )


def joined(pieces: Iterable[Estimate]) -> Estimate:
    """One after the other."""
    every = list(pieces)
    names = [f.name for f in fields(Estimate)]
    return Estimate(*(np.concatenate([getattr(p, name) for p in every]) for name in names))


def save_estimate(path: Path, found: Estimate) -> None:
    """Write bodies in one step."""
    from safetensors.numpy import save_file

    with replacing(path) as temporary:
        save_file({f.name: getattr(found, f.name).copy() for f in fields(Estimate)}, temporary)


def load_estimate(path: Path) -> Estimate:
    """Bodies that `save_estimate` wrote.

    Raises:
        InputError: the file is not there or broken.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return Estimate(**load_file(path))
    except (OSError, SafetensorError, TypeError) as error:
        raise InputError(f"The bodies in {path} cannot be read: {error}. Train again.") from error


def skeleton(bodies: BodySet) -> Skeleton:
    """Rotations and betas → joints of the neutral SMPL-X body, differentiable."""
    from ehpsbench.body.forward import forward_matrices

    body = bodies.model("smplx", "neutral")

    def joints(rotations: Tensor, betas: Tensor) -> Tensor:
        return forward_matrices(body, rotations, betas=betas, joints_only=True).joints

    return joints


def view_joints(found: Estimate, bodies: BodySet) -> Floats:
    """(N, 55, 3) joints with the pelvis at the origin, axes of the view [m]."""
    with torch.no_grad():
        joints = skeleton(bodies)(
            torch.as_tensor(found.rotations, dtype=torch.float32),
            torch.as_tensor(found.betas, dtype=torch.float32),
        ).numpy()
    return np.asarray(joints - joints[:, :1], np.float64)


def view_vertices(found: Estimate, bodies: BodySet) -> Floats:
    """(N, V, 3) neutral SMPL-X meshes with the pelvis at the origin, axes of the view [m]."""
    from ehpsbench.body.forward import forward_matrices

    body = bodies.model("smplx", "neutral")
    pieces = []
    with torch.no_grad():
        for rows in batches(len(found.betas), CHUNK):
            posed = forward_matrices(
                body,
                torch.as_tensor(found.rotations[rows], dtype=torch.float32),
                betas=torch.as_tensor(found.betas[rows], dtype=torch.float32),
                expression=torch.as_tensor(found.expression[rows], dtype=torch.float32),
            )
            vertices = cast(Tensor, posed.vertices)
            pieces.append((vertices - posed.joints[:, :1]).numpy())
    return np.concatenate(pieces).astype(np.float64)


def parameters(found: Estimate, where: Views, bodies: BodySet, aspect: float) -> dict[str, Floats]:
    """SMPL-X parameters in the camera frame of the image, by column name.

    Args:
        found: bodies in their views.
        where: the views of the same rows.
        bodies: whose neutral SMPL-X body they are of.
        aspect: width / height of the crop.

    Returns:
        global_orient, body_pose, left_hand_pose, right_hand_pose, jaw_pose, leye_pose, reye_pose
        [rad], betas, expression, transl [m].
    """
    to_camera = where.rotation.swapaxes(1, 2)
    angles = axis_angle(found.rotations)
    angles[:, 0] = axis_angle(to_camera @ found.rotations[:, 0])
    half = SPAN / 2 * np.exp(found.camera[:, 0])
    x, y = found.camera[:, 1] * half * aspect, found.camera[:, 2] * half
    pelvis = np.stack([x, y, half / where.tangent], 1)
    rest = bodies.model("smplx", "neutral").rest_joints(found.betas)[:, 0]
    return {
        "global_orient": angles[:, 0],
        "body_pose": angles[:, 1:22].reshape(-1, 63),
        "left_hand_pose": angles[:, 25:40].reshape(-1, 45),
        "right_hand_pose": angles[:, 40:55].reshape(-1, 45),
        "jaw_pose": angles[:, 22],
        "leye_pose": angles[:, 23],
        "reye_pose": angles[:, 24],
        "expression": found.expression,
        "betas": found.betas,
        "transl": (to_camera @ pelvis[..., None])[..., 0] - rest,
    }
