"""A miniature LSPET: stills of one person, most of them fitted by EFT."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.clips import Clip
from ehpsbench.dataset_adapters.files import save_json
from ehpsbench.dataset_adapters.lspet.adapter import JOINTS
from ehpsbench.dataset_adapters.miniature import Filming, Miniature
from ehpsbench.dataset_adapters.readers.eft_sample import FOCAL, RULES, eft_items
from ehpsbench.dataset_adapters.readers.matlab_sample import save_mat
from ehpsbench.dataset_adapters.sampling import Order, with_sizes
from ehpsbench.dataset_adapters.truth import Truth
from ehpsbench.skeleton.sources import EFT_49, LSP_14

FILMING = Filming(size=(480, 640), video=False, focal=FOCAL, broken=RULES)


def write(order: Order) -> Truth:
    """Write a miniature release; the sizes of images are in the images only, so there are some."""
    order = replace(order, images=with_sizes(order.images))
    mini = Miniature(order, catalogue.card("lspet"), FILMING)
    number, labels = 0, []
    for clip in mini.clips([("train", "train"), ("test", "test")], fewest=2 if mini.whole else 1):
        names = [f"im{number + 1 + i:05d}.png" for i in range(len(clip))]
        number += len(clip)
        fitted = [i for i in range(len(clip)) if not _left_out(mini, clip, i)]
        items = eft_items(clip, names)
        save_json(
            order.root / f"eft_fit/LSPet_{clip.split}_ver10.json",
            {"ver": "1.0", "data": [items[i] for i in fitted]},
        )
        points, owners = clip.keypoints(EFT_49), clip.keypoints(LSP_14)
        labels.append(owners)
        for i, name in enumerate(names):
            mini.picture(f"hr-lspet/{name}", clip, i)
            key = f"{clip.split}/{clip.split}/0/{int(name[2:7])}/0"
            if i in fitted:
                mini.note(key, clip, i, keypoints=(points[i], EFT_49))
            else:
                mini.note(key, clip, i, keypoints=(owners[i], LSP_14), body=False)
    save_mat(order.root / JOINTS, {"joints": np.concatenate(labels).transpose(1, 2, 0)})
    return mini.save()


def _left_out(mini: Miniature, clip: Clip, frame: int) -> bool:
    """Whether EFT has no fit of an image: the first of the training part."""
    return mini.whole and (clip.split, frame) == ("train", 0)
