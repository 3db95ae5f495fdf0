"""A miniature LSPET: stills of one person, fitted by EFT."""

from __future__ import annotations

from dataclasses import replace

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.eft_sample import FOCAL, RULES, eft_items
from ehpsbench.dataset_adapters.sampling import Order, with_sizes
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.skeleton.sources import EFT_49

FILMING = Filming(size=(480, 640), video=False, focal=FOCAL, broken=RULES)


def write(order: Order) -> Truth:
    """Write a miniature release; the sizes of images are in the images only, so there are some."""
    order = replace(order, images=with_sizes(order.images))
    mini = Miniature(order, catalogue.card("lspet"), FILMING)
    number = 0
    for clip in mini.clips([("train", "train"), ("test", "test")]):
        names = [f"im{number + 1 + i:05d}.png" for i in range(len(clip))]
        number += len(clip)
        save_json(
            order.root / f"eft_fit/LSPet_{clip.split}_ver10.json",
            {"ver": "1.0", "data": eft_items(clip, names)},
        )
        points = clip.keypoints(EFT_49)
        for i, name in enumerate(names):
            mini.picture(f"hr-lspet/{name}", clip, i)
            key = f"{clip.split}/{clip.split}/0/{int(name[2:7])}/0"
            mini.note(key, clip, i, keypoints=(points[i], EFT_49))
    return mini.save()
