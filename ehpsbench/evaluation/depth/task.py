"""Predicted depth maps of an entry + the rules of a benchmark → a result."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.errors import InputError
from ehpsbench.evaluation.depth.rules import DepthProtocol
from ehpsbench.evaluation.map_files import MapFolder, read_map, real_numbers
from ehpsbench.evaluation.map_images import MapImages, Truth, check_prediction, true_map
from ehpsbench.evaluation.map_task import NO_PIXEL, MapTask
from ehpsbench.evaluation.numbers import Number
from ehpsbench.evaluation.request import Request
from ehpsbench.evaluation.results import Result

if TYPE_CHECKING:
    from torch import Tensor

    from ehpsbench.metrics.depth import Align
    from ehpsbench.metrics.depth_alignment import Alignment
    from ehpsbench.store import Store

OTHER_UNIT = 100.0  # no metric model is off by as much; millimetres are


def evaluate(store: Store, entry: str, rules: DepthProtocol, request: Request) -> Result:
    """Score an entry's depth maps; see `ehpsbench.evaluation.evaluate`.

    Predictions are a folder of maps (`ehpsbench.evaluation.map_files`), by default
    `<store>/predictions/<entry>/<benchmark>/`; its maps.toml says their scale and whether they
    are depth or disparity. A row of the result is an image.

    Raises:
        InputError: maps are missing, of another size, unit or space, or not finite.
        MissingFiles: a map or folder is not there.
    """
    from ehpsbench.metrics import depth

    task = MapTask.of(store, entry, rules, request, kind="depth", pixels=rules.pixels)
    _check_space(rules, task.folder)
    fits = _fits_of_videos(task.images, task.folder, rules, request)

    def score(image: int, file: Path) -> NDArray[Any]:
        pixels = _pixels(true_map(task.images, image), file, task.folder, rules, request)
        rows = depth.score(
            *pixels,
            alignment=_alignment(rules, task.folder) if fits is None else fits[image],
            clip=rules.clip,
            least_pixels=rules.least_pixels,
        )
        return np.asarray(rows[0].cpu().numpy())

    return task.result(score, depth.COLUMNS, depth.numbers, why=_why)


def _why(name: str, numbers: Mapping[str, Number]) -> str:
    """Why a number is not defined."""
    from ehpsbench.metrics.depth import LOGARITHMIC

    lost = numbers["images_without_log"].value
    if name in LOGARITHMIC and lost > 0:
        return f"predicted depth that is not above 0, in {lost:,.0f} images, has no logarithm"
    return NO_PIXEL


def _check_space(rules: DepthProtocol, folder: MapFolder) -> None:
    if rules.alignment == "midas" and folder.declared.space != "disparity":
        raise InputError(
            f"{rules.name} aligns disparity, but {folder.path} declares depth. If its maps are "
            'disparity, write space = "disparity" into its maps.toml.'
        )


def _alignment(rules: DepthProtocol, folder: MapFolder) -> Align:
    """What fits the pixels (1, n) of one image."""
    from ehpsbench.metrics import depth_alignment as fits

    space = folder.declared.space
    if rules.alignment == "none":
        return lambda said, _: fits.unaligned(1, space, said.device)
    if rules.alignment == "midas":
        return partial(fits.midas, cap=rules.cap or 0.0)
    return partial(fits.median if rules.alignment == "median" else fits.least_squares, space=space)


def _fits_of_videos(
    images: MapImages, folder: MapFolder, rules: DepthProtocol, request: Request
) -> list[Align] | None:
    """The fit of each image's video, from a first pass over all maps."""
    if rules.alignment != "per_sequence":
        return None
    import torch

    from ehpsbench.metrics import depth_alignment as fits

    space = folder.declared.space
    rows = torch.zeros((len(images), fits.MOMENTS), dtype=torch.float64, device=request.device)
    for i, file in enumerate(folder.files):
        if file is not None:
            pixels = _pixels(true_map(images, i), file, folder, rules, request)
            rows[i] = fits.moments(*pixels, space=space)[0]
    videos = [f"{s}/{c}" for s, c in zip(*map(images.column, ("sequence", "camera")), strict=True)]
    _, group = np.unique(np.asarray(videos, str), return_inverse=True)
    found = fits.from_moments(rows, space=space, sequence=torch.from_numpy(group))
    return [partial(_given, found, i) for i in range(len(images))]


def _given(found: Alignment, image: int, said: Tensor, true: Tensor) -> Alignment:
    from ehpsbench.metrics.depth_alignment import Alignment

    one = slice(image, image + 1)
    return Alignment(found.scale[one], found.shift[one], found.space, found.least_disparity)


def _pixels(
    truth: Truth, path: Path, folder: MapFolder, rules: DepthProtocol, request: Request
) -> tuple[Tensor, Tensor]:
    """(1, n) predicted and true values of the pixels that count."""
    import torch

    said = real_numbers(read_map(path), folder.declared.scale, path)
    true = real_numbers(truth.values, truth.scale, truth.path)
    check_prediction(said, truth, path)
    low, high = rules.range
    counts = truth.valid & (true > low) & (true < high)
    if rules.alignment == "none" and folder.declared.space == "depth":
        _check_unit(said[counts], true[counts], path)
    pair = (torch.from_numpy(x[counts][None]).to(request.device) for x in (said, true))
    return next(pair), next(pair)


def _check_unit(said: NDArray[Any], true: NDArray[Any], path: Path) -> None:
    if not len(true):
        return
    ratio = float(np.median(said) / np.median(true))
    if not 1 / OTHER_UNIT < ratio < OTHER_UNIT and ratio > 0:
        raise InputError(
            f"{path}: predicted depth is {ratio:.3g} times the true one. Depth is in metres; for "
            "maps in millimetres write scale = 0.001 into maps.toml. Relative depth needs a "
            "protocol that aligns it."
        )
