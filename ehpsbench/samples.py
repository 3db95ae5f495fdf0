"""Miniature releases: the owners' layouts, filled with the people of the synthetic world."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.errors import InputError, StoreError

if TYPE_CHECKING:
    from ehpsbench.world.settings import WorldSettings

CHOICES = {
    "images": ("rendered", "flat", "none"),
    "body": ("open", "open-small"),
    "layout": ("owners", "humandata"),
}


def write_sample(
    name: str,
    out: Path,
    *,
    people: int = 24,
    seed: int = 0,
    images: str = "rendered",
    body: str = "open",
    layout: str = "owners",
    split: str | None = None,
    settings: WorldSettings | None = None,
    scale: float = 1.0,
) -> Truth:
    """Write a miniature release of a dataset; `out` appears whole or not at all.

    Args:
        name: the dataset.
        out: folder to make; it must not exist, or be empty.
        people: about how many valid people.
        seed: of the world.
        images: "rendered", "flat" or "none".
        body: "open" or "open-small".
        layout: "owners" or "humandata".
        split: only this split, without special cases and broken rows; None: everything.
        settings: of the world; default: a varied one.
        scale: of the image size, where the layout leaves it free.

    Raises:
        UnknownName: there is no such dataset.
        InputError: `out` holds something, or a choice is not one.
    """
    drawn: Any = images
    for flag, value in {"images": images, "body": body, "layout": layout}.items():
        if value not in CHOICES[flag]:
            allowed = ", ".join(CHOICES[flag])
            raise InputError(f"--{flag} must be one of {allowed}; got {value!r}.")
    if people < 1:
        raise InputError(f"--people must be at least 1, got {people}.")
    out = out.resolve()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not an empty folder; give --out a new one.")
    writer = catalogue.sample(name, layout)

    from ehpsbench.body.bodies import open_bodies
    from ehpsbench.world.settings import WorldSettings

    bodies = open_bodies("small" if body == "open-small" else "full")
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    options = {"dataset": name} if layout == "humandata" else {}
    try:
        unfinished.mkdir(parents=True)
        world = settings or WorldSettings()
        order = Order(unfinished, bodies, world, seed, people, drawn, split, scale)
        truth: Truth = writer.write(order, **options)
        if out.exists():
            out.rmdir()
        unfinished.rename(out)
    except OSError as error:
        raise StoreError(
            f"The sample cannot be written to {out}: {error}. Nothing is left of it; make room, or "
            "give --out a folder that can be made."
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return truth
