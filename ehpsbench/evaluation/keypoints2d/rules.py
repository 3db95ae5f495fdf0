"""The rules of benchmarks on 2D keypoints: average precision of detections, or shares of joints."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ehpsbench.definitions import Definition
from ehpsbench.evaluation.protocol import NumberFacts, Protocol
from ehpsbench.metrics.keypoint_suppression import ScoreMode

Group = Literal["body", "foot", "face", "left_hand", "right_hand", "whole"]
Joints = Literal["coco17", "wholebody133", "hand21"]
NUMBERS = "ap ap50 ap75 ap_medium ap_large ar ar50 ar75 ar_medium ar_large".split()


class Detections(Definition):
    """How detections are ranked and matched to people, for average precision."""

    groups: tuple[Group, ...] = Field(min_length=1, description="parts scored, each by itself")
    area: Literal["annotation", "box * 0.53"] = Field(
        description="of a person, for the tolerance of all joints and the ranges of sizes"
    )
    most: int = Field(default=20, ge=1, description="detections of an image that count, the best")
    scores: ScoreMode = Field(
        default="submitted", description="submitted, or made of it and the joints' as mmpose does"
    )
    sure: float = Field(default=0.2, description="bbox_keypoint: joints above it make the score")
    suppress: Literal["none", "oks"] = Field(
        default="none", description="oks: the worse of two detections that are nearly the same goes"
    )
    same: float = Field(default=0.9, description="OKS above which two detections are the same")
    padding: float = Field(
        default=1.0, gt=0, description="suppression: area = box of the joints, each side × this"
    )


class Shares(Definition):
    """When a predicted joint of a known person is correct, for PCK."""

    normaliser: Literal["box", "torso", "pixel"] = Field(
        description="box: its longer side; torso: left shoulder to right hip; pixel: 1"
    )
    thresholds: tuple[float, ...] = Field(min_length=1, description="× normaliser")
    inclusive: bool = Field(description="a joint exactly at the threshold is correct")
    sure: float = Field(default=0.0, description="labels with a score above it count")
    averaging: Literal["joints", "pooled"] = Field(
        description="primary: mean over joints of the share of each, or the share of all"
    )


class Keypoints2dProtocol(Protocol):
    """How 2D keypoints are scored; either `detections` or `pck` is given."""

    task: Literal["keypoints2d"]
    joints: Joints = Field(description="hand21: either hand, wrist first, as one set of joints")
    truth: Literal["store", "coco"] = Field(
        description="store: the stored keypoints2d; coco: the release's own COCO annotations"
    )
    annotations: str | None = Field(
        default=None, description="the COCO annotation file, below the release's root"
    )
    flags: tuple[str, ...] = Field(
        default=(), description="columns that must be true; others are ignored, not missed"
    )
    detections: Detections | None = None
    pck: Shares | None = None
    better: Literal["higher"] = "higher"

    @model_validator(mode="after")
    def _is_sound(self) -> Keypoints2dProtocol:
        if (self.detections is None) == (self.pck is None):
            raise ValueError("give either [detections] or [pck]")
        if (self.truth == "coco") != (self.annotations is not None):
            raise ValueError("annotations names the file of truth = 'coco', and of no other")
        if self.primary not in self.numbers:
            raise ValueError(f"primary {self.primary!r} is none of the numbers {self.numbers}")
        if self.detections is not None:
            self._check_detections(self.detections)
        elif self.truth == "coco":
            raise ValueError("pck scores the people of the store; truth must be 'store'")
        elif self.pck is not None and self.pck.normaliser == "torso" and self.joints == "hand21":
            raise ValueError("a hand has no torso to be normalised by")
        return self

    def _check_detections(self, rule: Detections) -> None:
        if self.joints == "hand21":
            raise ValueError("detections are scored on coco17 or wholebody133")
        if self.joints == "coco17" and rule.groups != ("body",):
            raise ValueError("of coco17 the only group is body")
        if self.truth == "store" and rule.area == "annotation":
            raise ValueError("the store keeps no areas; take 'box * 0.53', or truth = 'coco'")

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of what comes out."""
        if self.detections is not None:
            return tuple(f"{g}_{n}" for g in self.detections.groups for n in NUMBERS)
        levels = () if self.pck is None else self.pck.thresholds
        return tuple(f"pck_{level:g}" for level in levels)

    def number_facts(self) -> dict[str, NumberFacts]:
        """All are shares, better higher."""
        return dict.fromkeys(self.numbers, NumberFacts("1", "higher"))


RULES = Keypoints2dProtocol
