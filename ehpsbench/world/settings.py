"""The knobs of a world: what people do, how they are seen, and what is wrong with their labels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ehpsbench.definitions import Definition
from ehpsbench.errors import UnknownName
from ehpsbench.world.hands import GESTURES
from ehpsbench.world.poses import FAMILIES

__all__ = ["WorldSettings"]

Range = tuple[float, float]
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]


class WorldSettings(Definition):
    """One world; angles in degrees, since a person writes this table.

    The distance of a person follows from `fill`, and the camera's height from both, unless
    `distance` is given. Label noise spoils labels only: pictures and truth stay clean.
    Crowds overlap more the smaller `spread` is: six people hide a tenth of one another at 1 and
    almost half at 0.3.
    """

    pose_families: dict[str, Amount] = Field(default_factory=lambda: dict.fromkeys(FAMILIES, 1.0))
    pose_scale: Amount = 1.0
    hands: tuple[str, ...] = tuple(GESTURES)
    hand_scale: Amount = 1.0
    expression_scale: Amount = 1.0
    shape_scale: Amount = 1.0
    num_betas: Annotated[int, Field(ge=1, le=16)] = 10
    kids: Share = 0.0
    subjects: Annotated[int, Field(ge=0)] = 0  # a pool of people who come again; 0: all are new
    templates: bool = False  # personal rest meshes instead of betas
    # Scenes drawn; those after them are the same again, where speed counts and not variety.
    distinct: Annotated[int, Field(ge=1)] | None = Field(default=None, exclude=True)

    people: tuple[int, int] = (1, 1)
    framing: Literal["whole", "upper", "left_hand", "right_hand"] = "whole"
    fill: Range = (0.5, 0.9)  # height of what is framed over the height of the image
    distance: Range | None = None  # m
    spread: Share = 0.6  # 0: people in the middle of the image, 1: anywhere
    min_inside: Share = 0.6  # of the framed joints
    yaw_deg: Range = (-180.0, 180.0)  # 0 faces the camera
    occluders: tuple[int, int] = (0, 0)

    size: tuple[int, int] = (240, 320)  # height, width [px]
    fov_deg: Range = (35.0, 60.0)  # over the height
    pitch_deg: Range = (-5.0, 15.0)  # down is positive
    roll_deg: Range = (-3.0, 3.0)

    label_noise_deg: Amount = 0.0  # every joint angle
    orient_noise_deg: Amount = 0.0
    transl_noise_mm: Amount = 0.0
    shape_noise: Amount = 0.0
    shuffle_labels: bool = False  # everyone gets somebody else's label, at their own place

    background: Literal["flat", "clutter"] = "flat"
    clothing: Literal["colourful", "plain"] = "colourful"

    @field_validator("pose_families")
    @classmethod
    def _families_exist(cls, weights: dict[str, float]) -> dict[str, float]:
        for name in weights:
            if name not in FAMILIES:
                raise UnknownName.of("pose family", name, FAMILIES)
        if not sum(weights.values()) > 0:
            raise ValueError("pose_families needs at least one weight above zero")
        return weights

    @field_validator("hands")
    @classmethod
    def _gestures_exist(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in GESTURES:
                raise UnknownName.of("hand gesture", name, GESTURES)
        if not names:
            raise ValueError("hands needs at least one gesture")
        return names

    @model_validator(mode="after")
    def _ranges_run_upward(self) -> WorldSettings:
        for name in ("people", "fill", "distance", "yaw_deg", "occluders", "fov_deg", "pitch_deg"):
            pair = getattr(self, name)
            if pair is not None and pair[0] > pair[1]:
                raise ValueError(f"{name} = {pair} must run from low to high")
        if self.people[0] < 1 or self.fill[0] <= 0:
            raise ValueError("people must be at least 1 and fill above 0")
        return self
