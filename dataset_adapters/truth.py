"""What a miniature release was made from, so that reading it can be checked to the micrometre."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ehpsbench.atomic import replacing, write_text
from ehpsbench.dataset_adapters.release import SAMPLE_MARKER
from ehpsbench.errors import InputError


@dataclass(frozen=True, slots=True)
class Truth:
    """The people of a miniature release, as the world made them.

    Attributes:
        instance_id: of every person who must be in the store.
        vertices: for each, (V, 3) in the camera frame of the image [m]; empty when not kept.
        pixels: for each, (V, 2) where those vertices are seen in the oriented image [px].
        hands: id → (2, 45) left and right hand, absolute [rad]; NaN where none is labelled.
        keypoints: id → (190, 3) x, y, score [px] as the store must have them, in HumanData's order.
        invalid: ids of the people whom the owners mark invalid.
        broken: id → rule, for the rows planted to be refused.
    """

    instance_id: tuple[str, ...]
    vertices: tuple[NDArray[np.float32], ...] = ()
    pixels: tuple[NDArray[np.float32], ...] = ()
    hands: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    keypoints: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    invalid: frozenset[str] = frozenset()
    broken: Mapping[str, str] = field(default_factory=dict)

    def save(self, root: Path, marker: Mapping[str, Any]) -> None:
        """Write truth.npz and the marker sample.json below `root`.

        Args:
            root: the release.
            marker: must say `dataset`, `body`, `body_set`, `seed` and `settings`.
        """
        folder = (root / SAMPLE_MARKER).parent
        with replacing(folder / "truth.npz") as temporary:
            arrays: dict[str, NDArray[Any]] = {}
            arrays |= {f"vertices_{i}": v for i, v in enumerate(self.vertices)}
            arrays |= {f"pixels_{i}": p for i, p in enumerate(self.pixels)}
            for name, table in (("hands", self.hands), ("keypoints", self.keypoints)):
                arrays[f"{name}_of"] = np.asarray([*table], str)
                arrays[name] = np.asarray([*table.values()], np.float64)
            arrays["instance_id"] = np.asarray(self.instance_id, str)
            arrays["invalid"] = np.asarray(sorted(self.invalid), str)
            arrays["broken"] = np.asarray(sorted(self.broken.items()), str).reshape(-1, 2)
            with temporary.open("wb") as stream:
                np.savez_compressed(stream, allow_pickle=False, **arrays)
        text = json.dumps({"made_by": "ehpsbench", **marker}, indent=1, sort_keys=True)
        write_text(root / SAMPLE_MARKER, text)

    @classmethod
    def load(cls, root: Path) -> Truth:
        """The truth that `save` wrote below `root`."""
        path = (root / SAMPLE_MARKER).parent / "truth.npz"
        if not path.is_file():
            raise InputError(f"{path} is not there: {root} is not a miniature release.")
        with np.load(path, allow_pickle=False) as arrays:
            ids = tuple(arrays["instance_id"].tolist())
            kept = f"vertices_{0}" in arrays
            return cls(
                instance_id=ids,
                vertices=tuple(arrays[f"vertices_{i}"] for i in range(len(ids))) if kept else (),
                pixels=tuple(arrays[f"pixels_{i}"] for i in range(len(ids))) if kept else (),
                hands=dict(zip(arrays["hands_of"].tolist(), arrays["hands"], strict=True)),
                keypoints=dict(
                    zip(arrays["keypoints_of"].tolist(), arrays["keypoints"], strict=True)
                ),
                invalid=frozenset(arrays["invalid"].tolist()),
                broken=dict(arrays["broken"].tolist()),
            )
