"""Every adapter on a miniature release with one damaged file: an error of ours, or a read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.samples import write_sample

pytestmark = pytest.mark.fuzz

CASES = [(name, "owners") for name in catalogue.names()] + [("bedlam", "humandata")]
EXAMPLES = int(os.environ.get("EHPSBENCH_FUZZ", "0"))
IN_ALL = 60  # fixed examples, over all adapters
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".mp4"}
PROFILE = settings(
    max_examples=EXAMPLES or max(IN_ALL // len(CASES), 2),
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[*HealthCheck],
)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_a_release_with_a_damaged_file_is_read_or_refused(
    case: tuple[str, str], reader: Any, damaged: Any, changes: Any, tmp_path: Path
) -> None:
    name, layout = case
    root = tmp_path / "release"
    small = {"people": 4, "scale": 0.2, "images": "flat", "body": "open-small"}
    write_sample(name, root, seed=2, layout=layout, **small)
    files = _annotations(root)
    assert reader.ask(kind="release", name=name, layout=layout, path=root) == "read"

    @PROFILE
    @given(st.sampled_from(files), changes, st.integers(0, 11))
    def holds(file: Path, how: list[Any], inside: int) -> None:
        copy = tmp_path / "damaged"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(root, copy, copy_function=os.link)
        target = copy / file
        target.unlink()
        target.write_bytes(damaged((root / file).read_bytes(), how, inside))
        found = reader.ask(kind="release", name=name, layout=layout, path=copy)
        assert not found.startswith("failed"), found

    holds()


def _annotations(root: Path) -> list[Path]:
    """All files but pictures and what the sample says of itself, relative to the root."""
    found = [p.relative_to(root) for p in root.rglob("*") if p.is_file()]
    return sorted(
        p for p in found if p.suffix.lower() not in PICTURES and p.parts[0] != "ehpsbench-sample"
    )
