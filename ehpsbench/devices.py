"""Where to compute, as users name it."""

from __future__ import annotations

from ehpsbench.errors import InputError


def device_named(name: str) -> str:
    """A device of this machine for PyTorch.

    Args:
        name: `cpu`, `cuda`, `cuda:1` or `auto`: a GPU where there is one.

    Raises:
        InputError: there is no such device here.
    """
    import torch

    seen = torch.cuda.device_count() if torch.cuda.is_available() else 0
    known = ["cpu", *(f"cuda:{i}" for i in range(seen)), *(["cuda"] if seen else [])]
    if name == "auto":
        return "cuda" if seen else "cpu"
    if name not in known:
        raise InputError(
            f"There is no device {name!r} here; expected auto or one of {', '.join(known)}."
        )
    return name
