"""Heatmaps, boxes and what is cut out of features, against closed forms and plain loops."""

import itertools

import numpy as np
import pytest
import torch

from ehpsbench.training.models.heatmaps import enlarged, features_at, middles, soft_argmax
from ehpsbench.training.models.roi import SAMPLES, BoxNet, HandFeatures, roi_align, square


def slope(sizes, slopes):
    """(1, 1, *sizes) heat that rises by `slopes` a cell along each axis."""
    axes = [s * torch.arange(n, dtype=torch.float64) for n, s in zip(sizes, slopes, strict=True)]
    return sum(torch.meshgrid(*axes, indexing="ij"))[None, None]


@pytest.mark.parametrize(("sizes", "slopes"), [((16, 12), (0.3, -1)), ((16, 4, 3), (0.2, 0, 1))])
def test_the_mean_of_an_even_slope_is_that_of_a_geometric_series(sizes, slopes):
    _, places = soft_argmax(slope(sizes, slopes))
    expected = []
    for count, rise in zip(sizes, slopes, strict=True):
        q = np.exp(rise)  # mean index of q⁰, q¹, … qⁿ⁻¹
        cells = (count - 1) / 2 if rise == 0 else q / (1 - q) - count * q**count / (1 - q**count)
        expected.append((2 * cells + 1) / count - 1)
    np.testing.assert_allclose(places[0, 0].numpy(), expected[::-1], atol=1e-12)


def test_a_sharp_peak_is_at_the_middle_of_its_cell_and_shares_add_up():
    heat = torch.zeros(2, 3, 16, 4, 3)
    heat[:, :, 15, 1, 0] = 100
    shares, places = soft_argmax(heat)
    torch.testing.assert_close(places[1, 2], torch.tensor([-2 / 3, -1 / 4, 15 / 16]))
    torch.testing.assert_close(shares.sum((2, 3, 4)), torch.ones(2, 3))


def test_features_at_the_middle_of_a_cell_are_the_cells():
    features = torch.randn(1, 5, 4, 3)
    x, y = middles(3, features)[2], middles(4, features)[1]
    found = features_at(features, torch.stack([x, y]).view(1, 1, 2))
    torch.testing.assert_close(found[0, 0], features[0, :, 1, 2])


def looked_up(plane, x, y):
    """Bilinear, cell middles at whole numbers, nothing beyond the edge."""
    left, top = int(np.floor(x)), int(np.floor(y))
    total = 0.0
    for column, row in itertools.product((left, left + 1), (top, top + 1)):
        if 0 <= column < plane.shape[1] and 0 <= row < plane.shape[0]:
            total += (1 - abs(x - column)) * (1 - abs(y - row)) * plane[row, column]
    return total


def test_roi_align_is_the_mean_of_bilinear_looks_by_hand():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((2, 3, 7, 5))
    boxes = np.array([[0.1, -0.2, 0.5, 0.4], [-0.8, 0.9, 0.7, 0.3]])  # one reaches beyond
    cells = 4
    found = roi_align(torch.tensor(features), torch.tensor(boxes), cells).numpy()
    for row, channel, i, j in itertools.product(range(2), range(3), range(cells), range(cells)):
        x0, y0, half_x, half_y = boxes[row]
        looks = []
        for a, b in itertools.product(range(SAMPLES), repeat=2):
            down, across = (i + (a + 0.5) / SAMPLES) / cells, (j + (b + 0.5) / SAMPLES) / cells
            x, y = x0 + (2 * across - 1) * half_x, y0 + (2 * down - 1) * half_y
            looks.append(
                looked_up(features[row, channel], (x + 1) / 2 * 5 - 0.5, (y + 1) / 2 * 7 - 0.5)
            )
        np.testing.assert_allclose(found[row, channel, i, j], np.mean(looks), atol=1e-12)


def test_a_square_in_the_picture_is_around_the_longer_side():
    boxes = torch.tensor([[0.1, 0.2, 0.4, 0.1], [0, 0, 0.1, 0.2], [0, 0, -1, 0]])
    found = square(boxes, 0.75, 2.0)
    expected = [[0.1, 0.2, 0.8, 0.6], [0, 0, 0.4 / 0.75, 0.4], [0, 0, 0.04 / 0.75, 0.04]]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_boxes_start_in_the_middle_a_tenth_of_the_crop():
    torch.manual_seed(0)
    found = BoxNet(8 + 32, 16, (4, 3))(torch.randn(2, 8, 4, 3), torch.rand(2, 2, 16, 4, 3))
    torch.testing.assert_close(
        found, torch.tensor([0, 0, 0.1, 0.1]).expand(2, 3, 4), atol=0.02, rtol=0
    )


def test_what_doubles_height_and_width_sees_each_crop_alone():
    torch.manual_seed(0)
    made, x = enlarged([8, 16, 8]), torch.randn(3, 8, 4, 3)
    assert made(x).shape == (3, 8, 16, 12)
    torch.testing.assert_close(made(x)[1:2], made(x[1:2]))


def test_the_mirror_image_swaps_the_features_of_the_hands():
    torch.manual_seed(0)
    made = HandFeatures(8)
    for layer in made.modules():
        if isinstance(layer, torch.nn.ConvTranspose2d):  # so that it treats left and right alike
            layer.weight.data += layer.weight.data.flip(-1)
    features, boxes = (
        torch.randn(2, 8, 4, 3),
        torch.tensor([[0.3, 0.1, 0.4, 0.3], [-0.5, 0, 0.3, 0.2]]),
    )
    boxes = boxes.expand(2, -1, -1)
    mirrored = boxes.flip(1) * torch.tensor([-1.0, 1, 1, 1])
    left, right = made(features, boxes).chunk(2)
    other_left, other_right = made(features.flip(-1), mirrored).chunk(2)
    assert (left - right).abs().max() > 1e-3
    torch.testing.assert_close(other_left, right, atol=1e-5, rtol=0)
    torch.testing.assert_close(other_right, left, atol=1e-5, rtol=0)
