"""Operations of a training step, counted in the network, and of a device, measured and printed."""

from __future__ import annotations

import time
from dataclasses import fields

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ehpsbench.training.models.network import network
from ehpsbench.training.recipe import Recipe

# Dense bf16 with float32 sums, as NVIDIA's data sheets say [FLOP/s]; the first name that fits.
# A V100 has no bf16: its number is that of float16.
DATA_SHEETS = {
    "H200 NVL": 835.5e12,
    "H200": 989.4e12,
    "H100 NVL": 835.5e12,
    "H100 PCIe": 756e12,
    "H100": 989.4e12,
    "A100": 312e12,
    "V100-PCIE": 112e12,
    "V100": 125e12,
}
_COUNTED = 2  # images that go through; some layers do not take one alone


def step_flops(plan: Recipe) -> float:
    """Floating point operations of forward and backward for one crop.

    Matrix products, convolutions and attention are counted as they are run, on tensors without
    content; what is a hundred times less (norms, the body, augmentation, the optimiser) is not.
    """
    with torch.device("meta"):
        made = network(plan)
    counter = FlopCounterMode(display=False)
    # Shapes alone, of a CPU's tensors: layers that ask for their device know that one.
    with FakeTensorMode(allow_non_fake_inputs=True), sdpa_kernel(SDPBackend.MATH), counter:
        made.to_empty(device="cpu")
        said = made(torch.zeros(_COUNTED, 3, plan.input.height, plan.input.width))
        torch.stack([getattr(said, f.name).sum() for f in fields(said)]).sum().backward()
    return counter.get_total_flops() / _COUNTED


def measured_peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of the best of some large matrix products."""
    size, rounds = (8192, 20) if device.type == "cuda" else (1024, 8)
    one = torch.randn(size, size, device=device, dtype=dtype)
    other = torch.randn(size, size, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(rounds):
        wait(device)
        started = time.perf_counter()
        one @ other
        wait(device)
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def printed_peak(device: torch.device) -> tuple[str, float] | None:
    """The data sheet's name and FLOP/s of a GPU; None where it is not in the table."""
    if device.type != "cuda":
        return None
    own = torch.cuda.get_device_name(device)
    return next(((name, peak) for name, peak in DATA_SHEETS.items() if name in own), None)


def wait(device: torch.device) -> None:
    """Until the device has done all that it was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
