"""How fast the world is drawn: people a second by body and picture size.

python benchmarks/rendering.py [--people 100]
"""

from __future__ import annotations

import argparse
import time

import torch

from ehpsbench.body.bodies import BodySet, open_bodies
from ehpsbench.world.renderer import rendered
from ehpsbench.world.scenes import scenes
from ehpsbench.world.settings import WorldSettings

SIZES = ((120, 160), (180, 320), (480, 640), (720, 1280))


def main() -> None:
    """Print one row per body and size, and what the full body costs against the small one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100)
    count = parser.parse_args().people
    torch.set_num_threads(1)
    print("One thread, CPU time. Drawing: posing, raster, all buffers; placing: pose and place.")
    print(f"{'body':6} {'size':>9} {'crowd':>5} {'place/s':>8} {'draw/s':>7} {'ms/frame':>8}")
    rates: dict[tuple[str, tuple[int, int], int], float] = {}
    for body in ("small", "full"):
        bodies = open_bodies(body)
        for size in SIZES:
            for crowd in (1, 3):
                rates[body, size, crowd] = _row(bodies, body, size, crowd, count)
    for size in SIZES:
        ratio = rates["small", size, 1] / rates["full", size, 1]
        print(f"small : full at {size[1]}×{size[0]}: {ratio:.1f} times as many people a second")


def _row(bodies: BodySet, body: str, size: tuple[int, int], crowd: int, people: int) -> float:
    """People drawn a second [1/s]; prints the row."""
    settings = WorldSettings(size=size, people=(crowd, crowd), background="clutter")
    count = max(3, people // crowd // (1 if size[0] < 400 else 6))
    list(rendered(scenes(settings, 1, 1, bodies), bodies))
    start = time.process_time()
    world = scenes(settings, count, 0, bodies)
    placed = time.process_time()
    for _ in rendered(world, bodies):
        pass
    drawn = time.process_time()
    shown = sum(len(scene.people) for scene in world)
    place, draw = shown / (placed - start), shown / (drawn - placed)
    frame = 1000 * (drawn - placed) / count
    print(f"{body:6} {size[1]:4}×{size[0]:<4} {crowd:5} {place:8.0f} {draw:7.0f} {frame:8.1f}")
    return draw


if __name__ == "__main__":
    main()
