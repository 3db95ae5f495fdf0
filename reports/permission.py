"""What of a release a page may show: its licence has the last word, then the caller's wish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ehpsbench.reports.given import Wishes


@dataclass(frozen=True, slots=True)
class Permission:
    """What may be shown of the people of a dataset.

    Attributes:
        images: crops of its images.
        meshes: bodies as meshes.
        why: in words, what is not shown and what would have to be.
    """

    images: bool
    meshes: bool
    why: str


def permission(manifest: Mapping[str, Any], wishes: Wishes) -> Permission:
    """What may be shown of a dataset.

    Images and meshes of a licensed release only where its card allows it and the caller asks for
    it; of miniature releases, which ehpsbench draws itself, always.
    """
    if manifest["miniature"]:
        return Permission(True, True, "")
    if not manifest["redistribute"]:
        return Permission(False, False, "The licence does not let images or meshes be shown.")
    lacking = [
        flag
        for flag, asked in (
            ("--embed-images", wishes.embed_images),
            ("--embed-meshes", wishes.embed_meshes),
        )
        if not asked
    ]
    why = f"Not asked for: {', '.join(lacking)}." if lacking else ""
    return Permission(wishes.embed_images, wishes.embed_meshes, why)
