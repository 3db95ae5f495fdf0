"""A recipe says exactly how a model is trained; it is read from TOML and its content is hashed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ehpsbench.atomic import digest
from ehpsbench.definitions import Definition, read_definition
from ehpsbench.errors import UnknownName
from ehpsbench.training.models.families import FAMILIES

FOLDER = Path(__file__).parent / "recipes"

Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]


class Input(Definition):
    """The person crop."""

    height: Positive
    width: Positive
    padding: float = Field(default=1.2, ge=1, description="tight box × this, grown to the aspect")
    margin: float = Field(default=1.4, ge=1, description="cached crop / crop, for augmentation")
    store: Literal["jpeg", "raw"] = Field(default="jpeg", description="how cached crops are kept")
    quality: int = Field(
        default=92, ge=1, le=100, description="of JPEG, without chroma subsampling"
    )


class Model(Definition):
    """The network: trunk, decoder and heads."""

    head: Literal["smplest-x", "smpler-x"] = "smplest-x"
    pretrained: Literal["none", "vitpose", "mae", "dinov2", "dinov3"] = Field(
        default="none", description="what the trunk starts from; the file is given to `train`"
    )
    drop_path: float = Field(
        default=0.0, ge=0, lt=1, description="of the last block; linear in depth"
    )
    normalise: Literal["half", "imagenet"] = Field(
        default="half", description="(x − 0.5) / 0.25, or ImageNet's mean and deviation"
    )
    stem: Literal["patch", "conv"] = "patch"
    patch: Positive = 16
    stem_channels: tuple[Positive, ...] = Field(
        default=(),
        description="conv stem: stride 4, then 2 each; patch = 4·2ⁿ",
    )
    dim: Positive
    depth: Positive
    heads: Positive
    mlp_ratio: Positive = 4
    tokens: Literal["grouped", "all"] = Field(
        default="grouped", description="one a group, or all that the published head has"
    )
    token_start: Literal["learnt", "image"] = Field(
        default="learnt", description="what a task token holds before the decoder"
    )
    decoder_depth: int = Field(default=0, ge=0, description="smplest-x; smpler-x has none")
    decoder_heads: Positive = 8
    decoder_head_dim: Positive | None = Field(default=None, description="None: dim / heads")
    decoder_mlp_ratio: Positive | None = Field(default=None, description="None: mlp_ratio")
    decoder_queries: Literal["tokens", "tokens_and_image"] = Field(
        default="tokens", description="tokens alone, or HMR 2.0's decoder over both, as published"
    )
    head_dim: Positive = 128
    camera: Literal["view", "virtual"] = Field(
        default="view", description="2D loss through the crop's own camera, or one of f = 5000 px"
    )

    @model_validator(mode="after")
    def _fits(self) -> Model:
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} is not a multiple of heads, {self.heads}")
        if self.decoder_head_dim is None and self.dim % self.decoder_heads:
            raise ValueError(
                f"dim {self.dim} is not a multiple of decoder_heads, {self.decoder_heads}; "
                "or give decoder_head_dim"
            )
        if self.stem == "conv" and 2 ** (len(self.stem_channels) + 2) != self.patch:
            layers = self.patch.bit_length() - 3
            raise ValueError(f"a conv stem of stride {self.patch} needs {layers} stem_channels")
        return self

    @model_validator(mode="after")
    def _fits_head(self) -> Model:
        if self.head == "smpler-x":
            if self.tokens != "all" or self.decoder_depth or self.token_start != "learnt":
                raise ValueError(
                    'head "smpler-x" has its own tokens and no decoder: set tokens = "all" and '
                    "leave out token_start and decoder_…"
                )
        elif self.decoder_head_dim and self.decoder_queries == "tokens":
            raise ValueError('decoder_head_dim goes with decoder_queries = "tokens_and_image"')
        elif not self.decoder_depth:
            raise ValueError('head "smplest-x" needs a decoder: set decoder_depth to 1 or more')
        return self

    @model_validator(mode="after")
    def _fits_pretrained(self) -> Model:
        """What trained weights were trained with cannot be chosen anew."""
        if self.pretrained == "none":
            return self
        sizes = FAMILIES[self.pretrained].sizes
        if sizes.get(self.dim) != (self.depth, self.heads):
            known = ", ".join(f"{dim}/{depth}/{n}" for dim, (depth, n) in sizes.items())
            raise ValueError(
                f'there are no weights of pretrained = "{self.pretrained}" for dim/depth/heads '
                f"{self.dim}/{self.depth}/{self.heads}; there are for {known}"
            )
        wanted = {"stem": "patch", "mlp_ratio": 4, "normalise": "imagenet"}
        for name, value in wanted.items():
            if getattr(self, name) != value:
                raise ValueError(
                    f'pretrained = "{self.pretrained}" needs {name} = {json.dumps(value)}: '
                    "its weights were trained so"
                )
        return self


class Budget(Definition):
    """How long, in samples seen: the same for every dataset."""

    samples_seen: Positive
    batch: Positive


class Optimiser(Definition):
    """Adam or AdamW with a linear warm-up and a cosine down to `min_lr`, in samples seen."""

    name: Literal["adamw", "adam"] = "adamw"
    lr: float = Field(gt=0)
    min_lr: float = Field(ge=0)
    warmup_samples: int = Field(default=0, ge=0)
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: Weight = 0.0
    clip_norm: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _falls(self) -> Optimiser:
        if self.min_lr > self.lr:
            raise ValueError(f"min_lr {self.min_lr:g} is above lr {self.lr:g}, where it starts")
        return self


class Augmentation(Definition):
    """Random views of a crop; every draw also moves the targets."""

    scale: float = Field(default=0.0, ge=0, lt=1, description="crop size × (1 ± up to this)")
    shift: float = Field(default=0.0, ge=0, le=0.5, description="crop centre, share of its size")
    rotation_deg: float = Field(default=0.0, ge=0, description="deviation, cut at twice this")
    rotation_probability: Share = 0.6
    colour: float = Field(default=0.0, ge=0, lt=1, description="each channel × (1 ± up to this)")
    flip: Share = 0.0
    occlude: Share = Field(default=0.0, description="share of crops that something covers")


class LossWeights(Definition):
    """Weights of the terms in losses.py."""

    pose: Weight = 10.0
    root: Weight = 1.0
    shape: Weight = 1.0
    expression: Weight = 1.0
    joints3d: Weight = 100.0
    parts3d: Weight = 100.0
    joints2d: Weight = 1.0
    hand_root: Weight = 1.0
    camera: Weight = 0.0
    boxes: Weight = Field(default=1.0, description="smpler-x: centre and size of hands and face")
    positions: Weight = Field(default=1.0, description="smpler-x: 2.5D joints in the heatmaps")


class Heldout(Definition):
    """The clusters of the training set that no gradient sees."""

    share: float = Field(default=0.1, gt=0, lt=1)
    limit: Positive = Field(default=200, description="rows scored, evenly spaced")
    points: Positive = Field(default=6, description="points of the learning curve")


class Recipe(Definition):
    """One file of recipes/."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    version: Positive = 1
    about: str
    input: Input
    model: Model
    budget: Budget
    optimiser: Optimiser
    augmentation: Augmentation = Augmentation()
    loss: LossWeights = LossWeights()
    heldout: Heldout = Heldout()

    @model_validator(mode="after")
    def _tiles(self) -> Recipe:
        if self.input.height % self.model.patch or self.input.width % self.model.patch:
            raise ValueError(
                f"input {self.input.height}×{self.input.width} is not a multiple of "
                f"patch {self.model.patch}"
            )
        return self

    @model_validator(mode="after")
    def _lasts(self) -> Recipe:
        if self.optimiser.warmup_samples >= self.budget.samples_seen:
            raise ValueError(
                f"warmup_samples {self.optimiser.warmup_samples} is not below the budget of "
                f"{self.budget.samples_seen} samples"
            )
        return self

    @property
    def hash(self) -> str:
        """SHA-256 of everything that changes what is trained (not of the prose)."""
        return digest(self.model_dump(mode="json", exclude={"about"}))


def names() -> list[str]:
    """The recipes that come with ehpsbench."""
    return sorted(p.stem for p in FOLDER.glob("*.toml"))


def recipe(name_or_path: str | Path) -> Recipe:
    """The recipe of that name, or in that TOML file.

    Raises:
        UnknownName: no recipe is called so.
        InputError: the file is broken, or a field is missing, unknown or out of range.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        if str(name_or_path) not in names():
            raise UnknownName.of("recipe", str(name_or_path), names())
        path = FOLDER / f"{name_or_path}.toml"
    return read_definition(Recipe, path, "recipe")
