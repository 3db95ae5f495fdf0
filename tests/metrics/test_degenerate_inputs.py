"""What is not finite, has no rate or is no tensor: undefined, or refused, as the cards say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ehpsbench.metrics import (
    acceleration_error,
    jitter,
    mpjpe,
    oks,
    pa_mpjpe,
    pa_pve,
    pck,
    pve,
    silhouette_iou,
)

NAN, INF = torch.nan, torch.inf


@pytest.mark.parametrize("value", [NAN, INF])
def test_a_silhouette_that_is_not_finite_is_refused(value: float) -> None:
    pred, true = torch.tensor([[1.0, value]]), torch.tensor([[1.0, 0.0]])
    for sides, name in (((pred, true), "pred"), ((true, pred), "target")):
        with pytest.raises(ValueError, match=f"{name} holds values that are not finite"):
            silhouette_iou.score(*sides)


def joints(value: float, seen: bool) -> tuple[torch.Tensor, ...]:
    """Two people of two joints; the first joint of the first lies at `value`."""
    target = torch.zeros(2, 2, 2)
    target[0, 0, 0] = value
    visible = torch.ones(2, 2, dtype=torch.bool)
    visible[0, 0] = seen
    return torch.zeros(2, 2, 2), target, visible


@pytest.mark.parametrize("value", [NAN, INF])
def test_a_labelled_joint_that_is_not_finite_is_refused_and_another_says_nothing(
    value: float,
) -> None:
    pred, target, visible = joints(value, seen=True)
    area = torch.ones(2)
    with pytest.raises(ValueError, match="target holds values that are not finite"):
        pck.score(pred, target, visible, torch.ones(2))
    with pytest.raises(ValueError, match="people hold values that are not finite"):
        oks.score(pred, target, visible, area, [0.1, 0.1])
    pred, target, visible = joints(value, seen=False)
    assert pck.score(pred, target, visible, torch.ones(2))[0].tolist() == [0, 1, 0, 1]
    assert oks.score(pred, target, visible, area, [0.1, 0.1]).tolist() == [[1, 1], [1, 1]]
    with pytest.raises(ValueError, match="negative or not finite"):
        oks.score(pred, target, visible, area * value, [0.1, 0.1])


@pytest.mark.parametrize("size", [NAN, INF, 0.0, -1.0])
def test_a_person_whose_size_is_not_known_does_not_count(size: float) -> None:
    pred, target, visible = joints(0.0, seen=True)
    rows = pck.score(pred, target, visible, torch.tensor([size, 1.0]))
    assert rows.tolist() == [[0] * 4, [1] * 4]


@pytest.mark.parametrize("fps", [0, -30.0, NAN, INF])
def test_without_a_frame_rate_motion_is_undefined_in_seconds(fps: float) -> None:
    path = torch.arange(6.0)[:, None, None].expand(6, 2, 3) ** 3
    assert jitter.score(path, fps=fps).isnan().all()
    rates = torch.tensor([30.0, fps, 30.0, 30.0, 30.0, 30.0])
    assert jitter.score(path, fps=rates).isfinite().tolist() == [
        False,
        False,
        True,
        True,
        *[False] * 2,
    ]
    error = acceleration_error.score(path, path * 0)
    assert error.isfinite().sum() == 4
    assert acceleration_error.per_second(error, fps).isnan().all()
    with pytest.raises(ValueError, match=r"fps must be one number or \(6,\)"):
        jitter.score(path, fps=rates[:, None])


@pytest.mark.parametrize("metric", [pve, mpjpe, pa_pve, pa_mpjpe, acceleration_error])
def test_what_is_no_tensor_is_refused_by_its_name(metric: Any) -> None:
    array = np.zeros((2, 5, 3))
    with pytest.raises(ValueError, match=r"pred must be a torch tensor, it is a numpy\.ndarray"):
        metric.score(array, array)
    with pytest.raises(ValueError, match="valid must be a torch tensor, it is a list"):
        metric.score(torch.zeros(2, 5, 3), torch.zeros(2, 5, 3), [1, 1])


def test_no_tensor_is_no_silhouette_keypoint_or_path_either() -> None:
    array, tensor = np.zeros((2, 5, 3)), torch.zeros(2, 5, 2)
    with pytest.raises(ValueError, match="target must be a torch tensor"):
        silhouette_iou.score(tensor, array)
    with pytest.raises(ValueError, match=r"torch\.as_tensor\(pred\) makes one"):
        jitter.score(array, fps=30.0)
    with pytest.raises(ValueError, match="normaliser must be a torch tensor"):
        pck.score(tensor, tensor, tensor[..., 0], [1, 1])
    with pytest.raises(ValueError, match="area must be a torch tensor"):
        oks.score(tensor, tensor, tensor[..., 0], [1, 1], [0.1] * 5)
