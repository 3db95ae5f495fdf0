"""How a release was filmed: what a miniature's clips are made from."""

from __future__ import annotations

from dataclasses import dataclass

from ehpsbench.dataset_adapters.clips import RULES

__all__ = ["Filming"]


@dataclass(frozen=True, slots=True)
class Filming:
    """How a release was filmed.

    Attributes:
        size: height and width of the images [px], before the order's scale.
        actors: people in every image, labelled all.
        views: cameras at once; several stand around the stage.
        video: one lens and place for all frames of a clip, and the same actors; else stills.
        moving: the camera of a video has a pose of its own in every frame.
        focal: focal length [px] that all share, at full size; None: any.
        distortion: eight coefficients of OpenCV's rational model; None: a pinhole.
        aligned: the release's world is the camera of the first view (no rigid motion between).
        pictured: False: a world with z up (gravity −z), without cameras and pictures.
        broken: rules that a row each must break, where everything is asked for.
    """

    size: tuple[int, int] = (1080, 1920)
    actors: int = 1
    views: int = 1
    video: bool = True
    moving: bool = False
    focal: float | None = None
    distortion: tuple[float, ...] | None = None
    aligned: bool = False
    pictured: bool = True
    broken: tuple[str, ...] = RULES
