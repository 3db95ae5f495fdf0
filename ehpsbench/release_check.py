"""Are the files of a release there? Nothing of them is read."""

from __future__ import annotations

from pathlib import Path

from ehpsbench.dataset_adapters import catalogue
from ehpsbench.dataset_adapters.card import ExpectedFile
from ehpsbench.dataset_adapters.release import expected_files, open_release, releases_below
from ehpsbench.errors import MissingFiles


def check(name: str, root: Path, *, layout: str = "owners") -> list[dict[str, str]]:
    """Which of a release's expected files are there; nothing is read.

    Args:
        name: the dataset.
        root: the unpacked release, or a folder that holds exactly one.
        layout: "owners" or "humandata".

    Returns:
        For each pattern of the card: `pattern`, `what`, and `state`: found, missing or optional
        (not there, not needed).

    Raises:
        MissingFiles: no such folder, or it holds several releases.
    """
    card = catalogue.card(name)
    try:
        root = open_release(root, card, layout=layout).root
    except MissingFiles:
        if not root.is_dir() or releases_below(root, expected_files(card, layout)):
            raise
    return [
        {
            "pattern": " or ".join((f.pattern, *f.instead)),
            "what": f.what,
            "state": _file_state(root, f),
        }
        for f in expected_files(card, layout)
    ]


def _file_state(root: Path, file: ExpectedFile) -> str:
    if file.is_in(root):
        return "found"
    return "missing" if file.required else "optional"
