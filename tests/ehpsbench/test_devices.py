"""Devices as users name them."""

from __future__ import annotations

import pytest
import torch

from ehpsbench.devices import device_named
from ehpsbench.errors import InputError


def test_a_device_that_is_not_there_is_refused_with_those_that_are() -> None:
    assert device_named("cpu") == "cpu"
    assert device_named("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    for name in ("tpu", "cuda:99", "CPU", ""):
        with pytest.raises(InputError, match=f"no device '{name}' here; expected auto or one of"):
            device_named(name)
