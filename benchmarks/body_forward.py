"""Bodies a second of the forward pass, beside the `smplx` package.

`python benchmarks/body_forward.py`: all ways are timed in one run on the same parameters, in turn,
best of the rounds; the ratios are what to compare between machines.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ehpsbench.body.bodies import open_bodies
from ehpsbench.body.forward import forward
from ehpsbench.body.model import BodyModel

WIDTHS = {"betas": 10, "expression": 10, "global_orient": 3, "body_pose": 63, "transl": 3}


def parameters(count: int) -> dict[str, torch.Tensor]:
    """Random bodies."""
    rng = np.random.default_rng(1)
    return {
        k: torch.tensor(0.3 * rng.standard_normal((count, w))).float() for k, w in WIDTHS.items()
    }


def ways(batch: int) -> dict[str, tuple[int, Callable[[], object]]]:
    """Name → (bodies a call, call)."""
    given, many = parameters(batch), parameters(4096)
    full, small = (open_bodies(size).model("smplx") for size in ("full", "small"))
    found: dict[str, tuple[int, Callable[[], object]]] = {
        "ours, 13,492 vertices": (batch, lambda: forward(full, **given)),
        "ours, 1,504 vertices": (batch, lambda: forward(small, **given)),
        "ours, joints only": (4096, lambda: forward(full, **many, joints_only=True)),
    }
    package = smplx_package(full, batch)
    if package is not None:
        found["smplx package, 13,492 vertices"] = (batch, lambda: package(**given))
    return found


def smplx_package(model: BodyModel, batch: int) -> Callable[..., object] | None:
    """The package on the same arrays, or None if it is not installed."""
    try:
        import smplx
    except ImportError:
        return None
    shapedirs = np.concatenate([model.shapedirs[..., :10], model.expression_dirs], axis=2)
    marks = model.landmarks
    if marks is None:
        return None
    arrays = {
        "v_template": model.v_template, "shapedirs": shapedirs,
        "J_regressor": model.joint_regressor,
        "posedirs": np.zeros((model.num_vertices, 3, 486), "i1"), "weights": model.weights,
        "kintree_table": np.stack([model.parents, np.arange(55)]), "f": model.faces,
        "lmk_faces_idx": marks.faces, "lmk_bary_coords": marks.barycentres,
        "dynamic_lmk_faces_idx": marks.contour_faces, "hands_meanl": np.zeros(45),
        "dynamic_lmk_bary_coords": marks.contour_barycentres, "hands_meanr": np.zeros(45),
        "hands_componentsl": np.eye(45), "hands_componentsr": np.eye(45),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "SMPLX_NEUTRAL.npz"
        np.savez(path, **arrays)
        body = smplx.SMPLX(str(path), use_pca=False, flat_hand_mean=True, batch_size=batch)

    def run(**given: torch.Tensor) -> object:
        with torch.no_grad():
            return body(**given)

    return run


def main() -> None:
    """Time every way in turn, print bodies a second and the ratio to the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    best: dict[str, float] = {}
    calls = ways(args.batch)
    for _ in range(args.rounds + 1):
        for name, (count, call) in calls.items():
            start = time.perf_counter()
            call()
            speed = count / (time.perf_counter() - start)
            best[name] = max(best.get(name, 0.0), speed)
    reference = best.get("smplx package, 13,492 vertices")
    for name, speed in best.items():
        ratio = "" if reference is None else f"   {speed / reference:8.1f} × the package"
        print(f"{name:34} {speed:12,.0f} bodies/s{ratio}")


if __name__ == "__main__":
    main()
