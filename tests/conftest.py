"""What many tests share: the small open body, and a miniature release made once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ehpsbench.body.bodies import BodySet
    from ehpsbench.store import Store


@pytest.fixture(scope="session")
def bodies() -> BodySet:
    """The decimated open body."""
    from ehpsbench.body.bodies import open_bodies

    return open_bodies("small")


@pytest.fixture(scope="session")
def bedlam_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A miniature BEDLAM release with several units; do not write into it."""
    from ehpsbench.samples import write_sample

    root = tmp_path_factory.mktemp("bedlam") / "release"
    write_sample("bedlam", root, people=24, seed=3, images="flat", body="open-small")
    return root


@pytest.fixture(scope="session")
def bedlam_store(bedlam_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store that holds it; do not write into it."""
    from ehpsbench.ingest import ingest
    from ehpsbench.store import Store

    store = Store(tmp_path_factory.mktemp("store"))
    ingest("bedlam", bedlam_release, store)
    return store
