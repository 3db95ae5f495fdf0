"""Rows and batches made up for tests: random poses of the open body in front of a camera."""

from __future__ import annotations

import math
from dataclasses import fields
from functools import partial

import numpy as np
import pytest

from ehpsbench.geometry import box_around, project

WIDTH, BLOCKS, HEADS = 48, 2, 4  # of a small trunk


@pytest.fixture(scope="session")
def people(bodies):
    """Makes columns as the store would hold them; see `_people`."""
    return partial(_people, bodies)


def _people(bodies, count=4, seed=0, source="smplx", gender="neutral"):
    """Columns as the store would hold them, of whole bodies a few metres away."""
    from ehpsbench.body.posed import posed_joints

    rng = np.random.default_rng(seed)
    turn = np.array([np.pi, 0, 0])
    columns = {
        "instance_id": np.array([f"made/train/{i}/0/0/0" for i in range(count)], object),
        "image_id": np.array([f"made/train/{i}/0/0" for i in range(count)], object),
        "dataset": np.array(["made"] * count, object),
        "cluster": np.array([f"clip{i // 2}" for i in range(count)], object),
        "width": np.full(count, 640),
        "height": np.full(count, 480),
        "focal": np.tile([550.0, 560.0], (count, 1)),
        "principal_point": np.tile([318.0, 243.0], (count, 1)),
        "source_model": np.array([source] * count, object),
        "gender": np.array([gender] * count, object),
        "betas": np.pad(rng.standard_normal((count, 10)), ((0, 0), (0, 6))),
        "num_betas": np.full(count, 10),
        "global_orient": turn + 0.3 * rng.standard_normal((count, 3)),
        "body_pose": 0.3 * rng.standard_normal((count, 63)),
        "left_hand_pose": 0.2 * rng.standard_normal((count, 45)),
        "right_hand_pose": 0.2 * rng.standard_normal((count, 45)),
        "jaw_pose": 0.1 * np.abs(rng.standard_normal((count, 3))),
        "leye_pose": np.zeros((count, 3)),
        "reye_pose": np.zeros((count, 3)),
        "expression": rng.standard_normal((count, 10)),
        "transl": np.array([0.0, 0, 4.0]) + rng.uniform(-0.8, 0.8, (count, 3)),
        "bbox": np.zeros((count, 4)),
    }
    valid = ("body", "left_hand", "right_hand", "face", "shape", "camera", "owner")
    columns |= {f"{name}_valid": np.ones(count, bool) for name in valid}
    joints, _ = posed_joints(columns, bodies)
    pixels = project(joints[:, :22], columns["focal"], columns["principal_point"])
    columns["bbox"] = box_around(pixels)
    return columns


def _batch_of(columns, bodies):
    """What a batch of rows teaches, its crops blank."""
    from ehpsbench.training.augment import Draws, batch
    from ehpsbench.training.crops import CropSize
    from ehpsbench.training.recipe import Input
    from ehpsbench.training.targets import targets
    from ehpsbench.training.views import views

    settings = Input(height=64, width=48)
    made = targets(columns, views(columns, 0.75, 1.2), bodies, None)
    size = CropSize.of(settings)
    blank = np.zeros((len(made), size.height, size.width, 3), np.uint8)
    return batch(blank, made, Draws.still(len(made)), settings)


@pytest.fixture(scope="session")
def batch_of():
    """`_batch_of`."""
    return _batch_of


def _guess(count):
    """A wrong prediction whose every part takes a gradient."""
    import torch

    from ehpsbench.training.models.prediction import Prediction, standing
    from ehpsbench.training.rotations import from_six, to_six

    torch.manual_seed(0)
    start = standing().expand(count, -1, -1, -1)
    values = {
        "rotations": from_six(to_six(start[:, :55]) + 0.05 * torch.randn(count, 55, 6)),
        "hand_root": from_six(to_six(start[:, 55:]) + 0.05 * torch.randn(count, 2, 6)),
        "betas": torch.randn(count, 10),
        "expression": torch.randn(count, 10),
        "camera": 0.1 * torch.randn(count, 3),
    }
    return Prediction(**{k: v.clone().requires_grad_() for k, v in values.items()})


@pytest.fixture(scope="session")
def guess():
    """`_guess`."""
    return _guess


def _pull(said, now, bodies, weights=None):
    """Gradients of the whole loss by part of the prediction."""
    from ehpsbench.training.estimate import skeleton
    from ehpsbench.training.losses import losses, total
    from ehpsbench.training.recipe import LossWeights

    terms = losses(said, now, skeleton(bodies), 0.75)
    total(terms, weights or LossWeights(camera=1.0)).backward()
    return {f.name: getattr(said, f.name).grad for f in fields(said)}


@pytest.fixture(scope="session")
def pull():
    """`_pull`."""
    return _pull


def _small_network(kind, height=64, width=48):
    """A small network of that family."""
    from ehpsbench.training.models.network import network
    from ehpsbench.training.recipe import recipe

    plan = recipe("foundation")
    model = {"pretrained": kind, "dim": WIDTH, "depth": BLOCKS, "heads": HEADS, "drop_path": 0.0}
    model |= {"decoder_depth": 1, "decoder_heads": 2, "decoder_head_dim": 8, "head_dim": 8}
    size = {"height": height, "width": width}
    changed = {"input": plan.input.model_copy(update=size)}
    return network(plan.model_copy(update=changed | {"model": plan.model.model_copy(update=model)}))


@pytest.fixture(scope="session")
def small_network():
    """`_small_network`."""
    return _small_network


def _stored_weights(kind, patches=12, patch=16):
    """A state dict as the family's own code names it, of random numbers."""
    import torch

    torch.manual_seed(0)
    tensors = {"patch_embed.proj": (WIDTH, 3, patch, patch), "norm": (WIDTH,)}
    for block in range(BLOCKS):
        for name, shape in {
            "norm1": (WIDTH,),
            "attn.qkv": (3 * WIDTH, WIDTH),
            "attn.proj": (WIDTH, WIDTH),
            "norm2": (WIDTH,),
            "mlp.fc1": (4 * WIDTH, WIDTH),
            "mlp.fc2": (WIDTH, 4 * WIDTH),
        }.items():
            tensors[f"blocks.{block}.{name}"] = shape
    made = {}
    for name, shape in tensors.items():
        spread = math.prod(shape[1:]) ** -0.5
        made[f"{name}.weight"] = spread * torch.randn(shape) + ("norm" in name)
        made[f"{name}.bias"] = 0.1 * torch.randn(shape[0])
    if kind != "dinov3":
        made["pos_embed"] = torch.randn(1, patches + 1, WIDTH)
    if kind != "vitpose":
        made["cls_token"] = torch.randn(1, 1, WIDTH)
    if kind.startswith("dino"):
        for block in range(BLOCKS):
            made |= {f"blocks.{block}.ls{i}.gamma": torch.rand(WIDTH) for i in (1, 2)}
    if kind == "dinov3":
        made["storage_tokens"] = torch.randn(1, 4, WIDTH)
        made["rope_embed.periods"] = torch.tensor([1.0, 4.0, 20.0])
        for block in range(BLOCKS):
            mask = torch.tensor([1.0, 0, 1]).repeat_interleave(WIDTH)
            made[f"blocks.{block}.attn.qkv.bias_mask"] = mask
    return made


@pytest.fixture(scope="session")
def stored_weights():
    """`_stored_weights`."""
    return _stored_weights
