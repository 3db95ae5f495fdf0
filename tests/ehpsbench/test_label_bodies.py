"""Which body models a release must have: those of the units that are there, not of others."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from ehpsbench.body.bodies import open_bodies
from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.release import SAMPLE_MARKER
from ehpsbench.dataset_adapters.sampling import Order
from ehpsbench.errors import MissingBody
from ehpsbench.ingest import ingest
from ehpsbench.store import Store
from ehpsbench.world.settings import WorldSettings


@pytest.fixture(autouse=True)
def _no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EHPSBENCH_BODY_MODELS", raising=False)


def owners(root: Path, name: str, **told: Any) -> Path:
    """A miniature that looks like the owners' release."""
    writer = catalogue.sample(name)
    write = getattr(writer, told.pop("writer", "write"))
    write(Order(root, open_bodies("small"), WorldSettings(), 3, 4, "none"), **told)
    shutil.rmtree((root / SAMPLE_MARKER).parent)
    return root


@pytest.mark.parametrize(
    ("name", "told", "without"),
    [
        ("human36m", {"source": "owners"}, "h36m_mosh"),
        ("insta_variety", {"source": "owners"}, ""),
        ("gta_human", {"writer": "write_first"}, ""),
        ("crowdpose", {}, ""),
        ("lspet", {}, "eft_fit"),
        ("mpii", {"source": "owners"}, ""),
        ("mpii", {"source": "neuralannot smpl"}, ""),
        ("mpi_inf_3dhp", {"source": "recordings"}, ""),
    ],
)
def test_people_whose_places_are_known_without_a_body_need_no_models(
    tmp_path: Path, name: str, told: dict[str, Any], without: str
) -> None:
    root, store = owners(tmp_path / "release", name, **told), Store(tmp_path / "store")
    if without:
        shutil.rmtree(root / without)
    ingest(name, root, store)
    assert store.manifest(name)["body_set"] is None
    assert len(store.instances(name)) > 0


@pytest.mark.parametrize(
    ("name", "told", "roles"),
    [
        ("human36m", {"source": "owners"}, "  smpl/neutral\n"),
        ("human36m", {}, "  smplx/neutral\n"),
        ("gta_human", {}, "  smplx/neutral\n"),
        ("pw3d", {"source": "neuralannot"}, "  smplx/neutral\n"),
        ("mpii", {"source": "eft"}, "  smpl/neutral\n"),
        ("mscoco", {"source": "cliff"}, "  smpl/neutral\n"),
        ("mpi_inf_3dhp", {"source": "spin"}, "  smpl/neutral\n"),
        ("emdb", {}, "  smpl/male\n  smpl/female\n"),
    ],
)
def test_fits_that_are_there_name_the_models_that_they_need(
    tmp_path: Path, name: str, told: dict[str, Any], roles: str
) -> None:
    root = owners(tmp_path / "release", name, **told)
    with pytest.raises(MissingBody, match=f"frame:\n{roles}Give"):
        ingest(name, root, Store(tmp_path / "store"))
